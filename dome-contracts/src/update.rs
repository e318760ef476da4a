//! Moving the pins: a plan that the caller carries out, or a refusal. A move from one version to another takes
//! a migration note.

use std::collections::BTreeSet;

use crate::Folder;
use crate::diff::{ContractDiff, diff};
use crate::lock::{Lock, LockError, Mismatch, verify};
use crate::registry::{ContractRegistry, ContractSet, ContractsError};

/// What an update does: the files to write and to remove, and the lock to write last.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The lock to write.
    pub lock: Lock,
    /// Files of the pinned folder to write, by path.
    pub write: Folder,
    /// Files of the pinned folder to remove.
    pub remove: Vec<String>,
    /// What changes.
    pub diff: ContractDiff,
}

/// Why an update is not made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The version moves, or something breaks, and there is no note.
    #[error("there is no migration note for this move: write docs/migrations/{note}")]
    NoteMissing {
        /// The name of the note.
        note: String,
        /// What changes.
        diff: Box<ContractDiff>,
    },
    /// The note does not name all contracts that break.
    #[error("docs/migrations/{note} does not name {}", .contracts.join(", "))]
    NoteSilent {
        /// The name of the note.
        note: String,
        /// The contracts that it has to name.
        contracts: Vec<String>,
    },
    /// Something breaks, and the version of the contract is the same.
    #[error("a breaking change asks for another version of {}: the registry states the same as before", .contracts.join(", "))]
    VersionUnchanged {
        /// The contracts that break.
        contracts: Vec<String>,
        /// What changes.
        diff: Box<ContractDiff>,
    },
    /// What is pinned is not what the lock says, so it cannot be compared with anything.
    #[error("the pinned folder is not what the lock says ({} mismatches): `dome contracts verify`", .mismatches.len())]
    PinnedChanged {
        /// What does not match.
        mismatches: Vec<Mismatch>,
    },
    /// The new folder cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A contract cannot be read.
    #[error(transparent)]
    Contracts(#[from] ContractsError),
}

/// Where an update comes from and goes to.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is pinned now, if anything: the lock and the folder.
    pub pinned: Option<(&'a Lock, &'a Folder)>,
    /// The folder to pin.
    pub from: &'a Folder,
    /// Where it will lie, relative to the lock.
    pub folder: &'a str,
    /// The repository that owns the contracts; a registry that names its owner is believed.
    pub repository: &'a str,
    /// The commit that the folder is of, where it is known. For the files that are pinned already, that of the lock.
    pub commit: Option<&'a str>,
    /// The migration notes that there are.
    pub notes: &'a Folder,
}

/// Plans an update.
///
/// # Errors
///
/// [`Refusal`].
pub fn plan_update(request: &Request<'_>) -> Result<Update, Refusal> {
    let mut lock = Lock::compute(request.from, request.folder, request.repository, request.commit)?;
    let new = ContractSet::read(request.from)?;
    let Some((old, folder)) = request.pinned else {
        return Ok(plan(lock, &Folder::default(), request.from, ContractDiff::default()));
    };
    lock.history.clone_from(&old.history);
    if lock.history.last() != Some(&lock.source.version) {
        lock.history.push(lock.source.version.clone());
    }
    if lock.artifacts == old.artifacts {
        // The same files: the pinned ones are restored, whatever happened to them.
        lock.source.commit = lock.source.commit.or_else(|| old.source.commit.clone());
        return Ok(plan(lock, folder, request.from, ContractDiff::default()));
    }
    let mismatches = verify(old, folder);
    if !mismatches.is_empty() {
        return Err(Refusal::PinnedChanged { mismatches });
    }
    let before = ContractSet::read(folder)?;
    let diff = diff(&before, &new);
    judge(&lock.source.repository, (&before.registry, &new.registry), &diff, request.notes)?;
    Ok(plan(lock, folder, request.from, diff))
}

/// Refuses a move that breaks a contract under the same version, or that its note does not explain.
fn judge(
    repository: &str,
    (before, after): (&ContractRegistry, &ContractRegistry),
    diff: &ContractDiff,
    notes: &Folder,
) -> Result<(), Refusal> {
    let (from, to) = (before.version(), after.version());
    let version = |registry: &ContractRegistry, name: &str| registry.contracts.get(name).map(|it| it.version.clone());
    let has_moved = |contract: &&str| from != to && version(before, contract) != version(after, contract);
    let breaking = diff.breaking().map(|change| change.contract.as_str()).collect::<BTreeSet<_>>();
    let owned = |contracts: Vec<&str>| contracts.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let (moved, unmoved) = breaking.into_iter().partition::<Vec<_>, _>(has_moved);
    if !unmoved.is_empty() {
        return Err(Refusal::VersionUnchanged { contracts: owned(unmoved), diff: Box::new(diff.clone()) });
    }
    if from == to {
        return Ok(());
    }
    let note = note_name(repository, &from, &to);
    let Some(text) = note_text(notes, &note) else {
        return Err(Refusal::NoteMissing { note, diff: Box::new(diff.clone()) });
    };
    let contracts = owned(moved.into_iter().filter(|contract| !text.contains(*contract)).collect());
    if contracts.is_empty() { Ok(()) } else { Err(Refusal::NoteSilent { note, contracts }) }
}

fn plan(lock: Lock, pinned: &Folder, from: &Folder, diff: ContractDiff) -> Update {
    let write = from.iter().filter(|(path, bytes)| pinned.get(path) != Some(bytes));
    let remove = pinned.paths().filter(|path| from.get(path).is_none());
    Update {
        write: write.map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect(),
        remove: remove.map(str::to_owned).collect(),
        lock,
        diff,
    }
}

/// The name of the note for a move.
///
/// ```
/// assert_eq!(dome_contracts::note_name("xtrlv2", "0.1", "0.2"), "xtrlv2-0.1-to-0.2.md");
/// ```
#[must_use]
pub fn note_name(owner: &str, from: &str, to: &str) -> String {
    let plain = |text: &str| {
        let safe = |letter: char| letter.is_ascii_alphanumeric() || ".-_+".contains(letter);
        text.chars().map(|letter| if safe(letter) { letter } else { '_' }).collect::<String>()
    };
    format!("{}-{}-to-{}.md", plain(owner), plain(from), plain(to))
}

/// The notes that the history of a lock requires and that are missing or empty.
#[must_use]
pub fn missing_notes(lock: &Lock, notes: &Folder) -> Vec<String> {
    let moves = lock.history.iter().zip(lock.history.iter().skip(1));
    let names = moves.map(|(from, to)| note_name(&lock.source.repository, from, to));
    names.filter(|name| note_text(notes, name).is_none()).collect()
}

fn note_text(notes: &Folder, name: &str) -> Option<String> {
    let bytes = notes.get(name).filter(|bytes| !bytes.trim_ascii().is_empty())?;
    Some(String::from_utf8_lossy(bytes).into_owned())
}
