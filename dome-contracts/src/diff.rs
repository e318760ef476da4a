//! Two versions of a folder of contracts, compared contract by contract.

use std::collections::BTreeMap;

use schema_compat::json;
use serde_json::{Value, json as object};

use crate::compat::{Bump, CodeRegistry, Dialect, Direction, Finding, Rule, SchemaError, Verdict, compat};
use crate::lock::REGISTRY;
use crate::{Folder, digest};

/// A change of one contract.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The contract or table, as the registry names it.
    pub contract: String,
    /// What was found.
    pub finding: Finding,
}

/// Everything that changed between two folders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    /// Changes of contracts, gravest first.
    pub changes: Vec<Change>,
    /// Files that are new, gone, different or written differently, by path.
    pub files: BTreeMap<String, FileChange>,
}

/// How a file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileChange {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its value is another.
    Changed,
    /// Only its bytes are others.
    Reformatted,
}

impl FileChange {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Reformatted => "reformatted",
        }
    }
}

impl Diff {
    /// Changes after which an instance that was accepted may be refused. What is unknown is one.
    pub fn breaking(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| {
            change.finding.direction != Direction::Forward && change.finding.verdict != Verdict::Compatible
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
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.breaking().map(|change| change.finding.verdict);
        verdicts.max().unwrap_or(Verdict::Compatible)
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
        let files = self.files.iter().map(|(path, change)| (path.clone(), object!(change.name())));
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
pub fn diff(old: &Folder, new: &Folder) -> Result<Diff, SchemaError> {
    let mut diff = Diff { changes: Vec::new(), files: files(old, new) };
    let (before, after) = (listed(old, "contracts", "schema"), listed(new, "contracts", "schema"));
    for (contract, path) in &before {
        match after.get(contract) {
            None => diff.push(contract, whole(Rule::ContractRemoved, path, Verdict::Incompatible, Bump::Major)),
            Some(now) => {
                let old = old.schema(path, Dialect::Draft07)?;
                let new = new.schema(now, Dialect::Draft07)?;
                if old == new {
                    continue;
                }
                let report = compat(&old, &new, Direction::Full)?;
                report.findings.into_iter().for_each(|finding| diff.push(contract, finding));
            }
        }
    }
    for (contract, path) in after.iter().filter(|(contract, _)| !before.contains_key(*contract)) {
        new.schema(path, Dialect::Draft07)?;
        diff.push(contract, whole(Rule::ContractAdded, path, Verdict::Compatible, Bump::Minor));
    }
    tables(old, new, &mut diff);
    let order = |change: &Change| (std::cmp::Reverse(change.finding.verdict), std::cmp::Reverse(change.finding.bump));
    diff.changes.sort_by_key(order);
    Ok(diff)
}

impl Diff {
    /// Adds a change; one that was found in a shared file already is not told again.
    fn push(&mut self, contract: &str, finding: Finding) {
        let again = self.changes.iter().any(|known| {
            let known = &known.finding;
            known.rule == finding.rule
                && known.direction == finding.direction
                && known.old == finding.old
                && known.new == finding.new
                && !known.new.is_empty()
        });
        if !again {
            let contract = contract.to_owned();
            self.changes.push(Change { contract, finding });
        }
    }
}

fn whole(rule: Rule, path: &str, verdict: Verdict, bump: Bump) -> Finding {
    let (old, new) = if rule == Rule::ContractRemoved { (path, "") } else { ("", path) };
    Finding {
        rule,
        verdict,
        direction: Direction::Backward,
        old: old.to_owned(),
        new: new.to_owned(),
        message: format!("`{path}` was {}", if rule == Rule::ContractRemoved { "removed" } else { "added" }),
        bump,
        witness: None,
    }
}

/// The files that a list of the registry names: name to path.
fn listed(folder: &Folder, list: &str, member: &str) -> BTreeMap<String, String> {
    let registry = folder.get(REGISTRY).and_then(|bytes| json::parse(bytes).ok());
    let entries =
        registry.as_ref().and_then(|registry| registry.get(list)).and_then(Value::as_array).into_iter().flatten();
    let named = entries.filter_map(|entry| {
        let text = |name: &str| entry.get(name)?.as_str().map(str::to_owned);
        Some((text("name")?, text(member)?))
    });
    named.collect()
}

/// Tables of codes are data: they are compared as such.
fn tables(old: &Folder, new: &Folder, diff: &mut Diff) {
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
                let before = digest::canonical_sha256(bytes);
                let same = before.is_some() && before == digest::canonical_sha256(now);
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
