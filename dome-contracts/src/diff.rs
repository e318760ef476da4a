//! Two versions of a folder of contracts, compared contract by contract.

use std::collections::BTreeMap;

use schema_compat::json;
use serde_json::{Value, json as object};

use crate::Folder;
use crate::compat::{
    Bump, CodeRegistry, Compatibility, ContractFinding, ContractRule, Dialect, Direction, SchemaError, compat,
};
use crate::folder::canonical_sha256;

/// A change of one contract.
#[derive(Clone, Debug, PartialEq)]
pub struct ContractChange {
    /// The contract or table, as the registry names it.
    pub contract: String,
    /// What was found.
    pub finding: ContractFinding,
}

/// Everything that changed between two folders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContractDiff {
    /// Changes of contracts, gravest first.
    pub changes: Vec<ContractChange>,
    /// Files that are new, gone, different or written differently, by path.
    pub files: BTreeMap<String, FileChange>,
}

dome_core::choice! {
    /// How a file changed.
    FileChange {
        /// It is new.
        Added = "added",
        /// It is gone.
        Removed = "removed",
        /// Its value changed.
        Changed = "changed",
        /// Only its bytes changed.
        Reformatted = "reformatted",
    }
}

impl ContractDiff {
    /// Changes after which an instance that was accepted may be refused. What is unknown is one.
    pub fn breaking(&self) -> impl Iterator<Item = &ContractChange> {
        self.changes.iter().filter(|change| {
            change.finding.direction != Direction::Forward && change.finding.verdict != Compatibility::Compatible
        })
    }

    /// The version step that the changes ask for: none if nothing changed.
    #[must_use]
    pub fn bump(&self) -> Option<Bump> {
        let asked = self.changes.iter().map(|change| change.finding.bump).max();
        asked.or_else(|| (!self.files.is_empty()).then_some(Bump::Patch))
    }

    /// The gravest verdict over all contracts, for new readers of old data.
    #[must_use]
    pub fn verdict(&self) -> Compatibility {
        let verdicts = self.breaking().map(|change| change.finding.verdict);
        verdicts.max().unwrap_or(Compatibility::Compatible)
    }

    /// The difference as one JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let changes = self.changes.iter().map(|change| {
            let mut object = change.finding.to_json();
            if let Some(members) = object.as_object_mut() {
                members.insert("contract".to_owned(), object!(change.contract));
            }
            object
        });
        let files = self.files.iter().map(|(path, change)| (path.clone(), object!(change)));
        object!({
            "bump": self.bump(),
            "changes": changes.collect::<Vec<_>>(),
            "files": files.collect::<serde_json::Map<_, _>>(),
            "format_version": "1",
            "verdict": self.verdict(),
        })
    }
}

/// Compares two folders of contracts. Each has a `registry.json` that names its contracts.
///
/// # Errors
///
/// [`SchemaError`] with file and place, where a contract is no schema.
pub fn diff(old: &Folder, new: &Folder) -> Result<ContractDiff, SchemaError> {
    let mut diff = ContractDiff { changes: Vec::new(), files: files(old, new) };
    let (before, after) = (listed(old, "contracts", "schema"), listed(new, "contracts", "schema"));
    for (contract, path) in &before {
        match after.get(contract) {
            None => diff.push(contract, whole(ContractRule::ContractRemoved, path)),
            Some(now) => {
                let old = old.schema(path, Dialect::Draft07)?;
                let new = new.schema(now, Dialect::Draft07)?;
                if old == new {
                    continue;
                }
                let report = compat(&old, &new, Direction::Full);
                report.findings.into_iter().for_each(|finding| diff.push(contract, finding));
            }
        }
    }
    for (contract, path) in after.iter().filter(|(contract, _)| !before.contains_key(*contract)) {
        new.schema(path, Dialect::Draft07)?;
        diff.push(contract, whole(ContractRule::ContractAdded, path));
    }
    tables(old, new, &mut diff);
    let order =
        |change: &ContractChange| (std::cmp::Reverse(change.finding.verdict), std::cmp::Reverse(change.finding.bump));
    diff.changes.sort_by_key(order);
    Ok(diff)
}

impl ContractDiff {
    /// Adds a change, unless it was found in a shared file before.
    fn push(&mut self, contract: &str, finding: ContractFinding) {
        let key =
            |finding: &ContractFinding| (finding.rule, finding.direction, finding.old.clone(), finding.new.clone());
        let again = !finding.new.is_empty() && self.changes.iter().any(|known| key(&known.finding) == key(&finding));
        if !again {
            self.changes.push(ContractChange { contract: contract.to_owned(), finding });
        }
    }
}

fn whole(rule: ContractRule, path: &str) -> ContractFinding {
    let place = path.to_owned();
    let (verdict, bump, done, old, new) = match rule {
        ContractRule::ContractRemoved => (Compatibility::Incompatible, Bump::Major, "removed", place, String::new()),
        _ => (Compatibility::Compatible, Bump::Minor, "added", String::new(), place),
    };
    let message = format!("`{path}` was {done}");
    ContractFinding { rule, verdict, direction: Direction::Backward, old, new, message, bump, witness: None }
}

/// The files that a list of the registry names: name to path.
fn listed(folder: &Folder, list: &str, member: &str) -> BTreeMap<String, String> {
    let registry = folder.registry();
    let list = registry.as_ref().and_then(|registry| registry.get(list)).and_then(Value::as_array);
    let entries = list.into_iter().flatten();
    let named = entries.filter_map(|entry| {
        let text = |name: &str| entry.get(name)?.as_str().map(str::to_owned);
        Some((text("name")?, text(member)?))
    });
    named.collect()
}

/// Tables of codes are data: they are compared as such.
fn tables(old: &Folder, new: &Folder, diff: &mut ContractDiff) {
    let after = listed(new, "tables", "path");
    for (name, path) in listed(old, "tables", "path") {
        let read = |folder: &Folder, path: &str| CodeRegistry::read(&json::parse(folder.get(path)?).ok()?);
        let now = after.get(&name).and_then(|now| read(new, now));
        if let (Some(before), Some(now)) = (read(old, &path), now) {
            for mut finding in before.changes(&now) {
                finding.old = format!("{path}#{}", finding.old);
                finding.new = format!("{path}#{}", finding.new);
                diff.push(&name, finding);
            }
        }
    }
}

fn files(old: &Folder, new: &Folder) -> BTreeMap<String, FileChange> {
    let mut found = BTreeMap::new();
    for (path, bytes) in old.iter() {
        let change = match new.get(path) {
            None => FileChange::Removed,
            Some(now) if now == bytes => continue,
            Some(now) => {
                let before = canonical_sha256(bytes);
                let same = before.is_some() && before == canonical_sha256(now);
                if same { FileChange::Reformatted } else { FileChange::Changed }
            }
        };
        found.insert(path.to_owned(), change);
    }
    for path in new.paths().filter(|path| old.get(path).is_none()) {
        found.insert(path.to_owned(), FileChange::Added);
    }
    found
}
