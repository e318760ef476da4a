//! Contracts as they lie on the disk: a lock, and the folder that it pins.

use dome_core::escaped_path;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use dome_contracts::{Folder, Lock, verify};
use dome_replay::Contracts;
use walkdir::WalkDir;

use crate::exit::invalid;
use crate::whole;

const FILE_BYTES_MAX: u64 = 16 << 20;

/// A lock and what it pins: a file that is not what the lock says is no contract.
fn verified(path: &Path) -> Result<(Lock, Folder)> {
    let lock = parsed(path, &file(path)?)?;
    let folder = folder_or_empty(&whole::folder(path).join(&lock.folder))?;
    let mismatches: Vec<String> = verify(&lock, &folder).iter().map(|found| format!("\n{found}")).collect();
    if !mismatches.is_empty() {
        return Err(invalid(format!(
            "what `{}` pins is not as it was pinned:{}",
            escaped_path(path),
            mismatches.concat()
        )));
    }
    Ok((lock, folder))
}

/// The contracts that a folder holds; `path` is what the user called it.
pub(crate) fn read<'f>(path: &Path, folder: &'f Folder) -> Result<dome_contracts::ContractSet<'f>> {
    dome_contracts::ContractSet::read(folder).map_err(|why| invalid(format!("`{}`:\n  {why}", escaped_path(path))))
}

/// That a document is an instance of a contract of a lock.
pub(crate) fn fits(lock: &Path, contract: &str, path: &Path, document: &[u8]) -> Result<()> {
    let (pinned, folder) = verified(lock)?;
    let of = format!("{} {}", pinned.source.repository, pinned.source.version);
    let contracts = read(lock, &folder)?;
    let schema =
        contracts.schemas.get(contract).ok_or_else(|| invalid(format!("{of} has no contract `{contract}`")))?;
    let value = serde_json::from_slice(document).map_err(|why| invalid(format!("`{}`: {why}", escaped_path(path))))?;
    let problems: Vec<String> = schema.problems(&value).map(|problem| format!("\n  {problem}")).collect();
    match problems.is_empty() {
        true => Ok(()),
        false => Err(invalid(format!("`{}` is no `{contract}` of {of}:{}", escaped_path(path), problems.concat()))),
    }
}

/// The contracts of a lock.
pub(crate) fn pinned(path: &Path) -> Result<Contracts> {
    let (lock, folder) = verified(path)?;
    let mut contracts = Contracts::of(&lock.source.repository, &lock.source.version, folder.iter())?;
    contracts.pinned.commit = lock.source.commit.clone();
    contracts.pinned.lock_digest = Some(lock.digest().parse().context("a lock has a digest")?);
    Ok(contracts)
}

pub(crate) fn parsed(path: &Path, bytes: &[u8]) -> Result<Lock> {
    Lock::parse(bytes).map_err(|why| invalid(format!("`{}`: {why}", escaped_path(path))))
}

/// All files of a folder. A link is refused: what it leads to is not what was pinned.
pub(crate) fn folder(root: &Path) -> Result<Folder> {
    let mut found = Folder::default();
    if root.is_file() {
        return Err(invalid(format!("`{}` is no folder", escaped_path(root))));
    }
    for entry in WalkDir::new(root) {
        let entry = entry.with_context(|| format!("cannot read the folder `{}`", escaped_path(root)))?;
        let (path, kind) = (entry.path(), entry.file_type());
        if kind.is_dir() {
            continue;
        }
        if !kind.is_file() {
            return Err(invalid(format!("`{}` is neither a file nor a folder", escaped_path(path))));
        }
        let inside = path.strip_prefix(root)?.to_str();
        let inside = inside.with_context(|| format!("the name of `{}` is not UTF-8", escaped_path(path)))?;
        found.insert(inside, file(path)?);
    }
    Ok(found)
}

pub(crate) fn file(path: &Path) -> Result<Vec<u8>> {
    let failed = || format!("cannot read `{}`", escaped_path(path));
    if fs::metadata(path).with_context(failed)?.len() > FILE_BYTES_MAX {
        return Err(invalid(format!("`{}` is larger than {FILE_BYTES_MAX} bytes", escaped_path(path))));
    }
    fs::read(path).with_context(failed)
}

pub(crate) fn folder_or_empty(root: &Path) -> Result<Folder> {
    if root.exists() { folder(root) } else { Ok(Folder::default()) }
}
