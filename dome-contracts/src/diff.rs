//! Two versions of a folder of contracts, compared contract by contract.

use std::collections::BTreeMap;

use serde_json::{Value, json as object};

use crate::Folder;
use crate::compat::{Bump, Compatibility, ContractFinding, ContractRule, Direction, compat};
use crate::folder::canonical_sha256;
use crate::registry::ContractSet;

/// A change of one contract.
#[derive(Clone, Debug, PartialEq)]
pub struct ContractChange {
    /// The contract, as the registry names it.
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

/// Compares two folders of contracts.
#[must_use]
pub fn diff(old: &ContractSet<'_>, new: &ContractSet<'_>) -> ContractDiff {
    let mut diff = ContractDiff { changes: Vec::new(), files: files(old.folder, new.folder) };
    for (contract, before) in &old.schemas {
        match new.schemas.get(contract) {
            None => diff.push(contract, whole(ContractRule::ContractRemoved, old, contract)),
            Some(now) if before == now => {}
            Some(now) => {
                let report = compat(before, now, Direction::Full);
                report.findings.into_iter().for_each(|finding| diff.push(contract, finding));
            }
        }
    }
    for contract in new.schemas.keys().filter(|contract| !old.schemas.contains_key(*contract)) {
        diff.push(contract, whole(ContractRule::ContractAdded, new, contract));
    }
    diff.compare_codes(old, new);
    let order =
        |change: &ContractChange| (std::cmp::Reverse(change.finding.verdict), std::cmp::Reverse(change.finding.bump));
    diff.changes.sort_by_key(order);
    diff
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

    /// A table of codes is data: it is compared as such.
    fn compare_codes(&mut self, old: &ContractSet<'_>, new: &ContractSet<'_>) {
        let (Some((name, file, before)), Some((.., now))) = (old.table(), new.table()) else { return };
        for mut finding in before.changes(now) {
            finding.old = format!("{file}#{}", finding.old);
            finding.new = format!("{file}#{}", finding.new);
            self.push(name, finding);
        }
    }
}

fn whole(rule: ContractRule, contracts: &ContractSet<'_>, contract: &str) -> ContractFinding {
    let path = contracts.registry.contracts.get(contract).map_or("", |entry| entry.schema.as_str());
    let place = path.to_owned();
    let (verdict, bump, done, old, new) = match rule {
        ContractRule::ContractRemoved => (Compatibility::Incompatible, Bump::Major, "removed", place, String::new()),
        _ => (Compatibility::Compatible, Bump::Minor, "added", String::new(), place),
    };
    let message = format!("`{path}` was {done}");
    ContractFinding { rule, verdict, direction: Direction::Backward, old, new, message, bump, witness: None }
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
