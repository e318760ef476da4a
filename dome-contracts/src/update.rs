//! Moving the pins: a plan that the caller carries out, or a refusal.

use crate::Folder;
use crate::compat::SchemaError;
use crate::diff::{Diff, diff};
use crate::lock::{Lock, LockError, Mismatch, verify};
use crate::migration::{has_text, note_name, unnamed};

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
    pub diff: Diff,
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
        diff: Box<Diff>,
    },
    /// The note does not speak of all contracts that break.
    #[error("docs/migrations/{note} does not name {}", .contracts.join(", "))]
    NoteSilent {
        /// The name of the note.
        note: String,
        /// The contracts that it has to name.
        contracts: Vec<String>,
    },
    /// Something breaks, and the version is the same.
    #[error("a breaking change asks for another version, and this is `{version}` still")]
    VersionUnchanged {
        /// The version.
        version: String,
        /// What changes.
        diff: Box<Diff>,
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
    /// A contract is no schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
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
    /// The commit that it is of, where it is known.
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
    let mut lock = Lock::compute(request.from, request.folder, request.commit)?;
    let Some((old, folder)) = request.pinned else {
        return Ok(plan(lock, &Folder::default(), request.from, Diff::default()));
    };
    lock.history.clone_from(&old.history);
    if lock.history.last() != Some(&lock.source.version) {
        lock.history.push(lock.source.version.clone());
    }
    if lock.artifacts == old.artifacts {
        // The same files: whatever became of the pinned ones, they are put back.
        return Ok(plan(lock, folder, request.from, Diff::default()));
    }
    let mismatches = verify(old, folder);
    if !mismatches.is_empty() {
        return Err(Refusal::PinnedChanged { mismatches });
    }
    let diff = diff(folder, request.from)?;
    judge(old, &lock, &diff, request.notes)?;
    Ok(plan(lock, folder, request.from, diff))
}

fn judge(old: &Lock, new: &Lock, diff: &Diff, notes: &Folder) -> Result<(), Refusal> {
    let mut contracts = diff.breaking().map(|change| change.contract.as_str()).collect::<Vec<_>>();
    contracts.sort_unstable();
    contracts.dedup();
    if old.source.version == new.source.version {
        if contracts.is_empty() {
            return Ok(());
        }
        let version = new.source.version.clone();
        let diff = Box::new(diff.clone());
        return Err(Refusal::VersionUnchanged { version, diff });
    }
    let note = note_name(&new.source.repository, &old.source.version, &new.source.version);
    if !has_text(notes, &note) {
        let diff = Box::new(diff.clone());
        return Err(Refusal::NoteMissing { note, diff });
    }
    let contracts = unnamed(notes.get(&note).unwrap_or_default(), contracts.into_iter());
    if contracts.is_empty() {
        return Ok(());
    }
    Err(Refusal::NoteSilent { note, contracts })
}

fn plan(lock: Lock, pinned: &Folder, from: &Folder, diff: Diff) -> Update {
    let write = from.iter().filter(|(path, bytes)| pinned.get(path) != Some(bytes));
    let remove = pinned.paths().filter(|path| from.get(path).is_none());
    Update {
        write: write.map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect(),
        remove: remove.map(str::to_owned).collect(),
        lock,
        diff,
    }
}
