//! Folders and files, read whole and written whole.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use dome_contracts::Folder;

const FILE_BYTES_MAX: u64 = 16 << 20;
const DEPTH_MAX: u32 = 16;

/// All files of a folder. A link is refused: what it leads to is not what was pinned.
pub(super) fn folder(root: &Path) -> Result<Folder> {
    let mut found = Folder::default();
    walk(root, "", &mut found, 0)?;
    Ok(found)
}

/// All files of a folder, or none if there is no such folder.
pub(super) fn folder_or_empty(root: &Path) -> Result<Folder> {
    if root.exists() { folder(root) } else { Ok(Folder::default()) }
}

fn walk(root: &Path, prefix: &str, found: &mut Folder, depth: u32) -> Result<()> {
    if depth > DEPTH_MAX {
        bail!("`{}` is nested deeper than {DEPTH_MAX} folders", root.display());
    }
    let entries = fs::read_dir(root).with_context(|| format!("cannot read the folder `{}`", root.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read the folder `{}`", root.display()))?;
        let path = entry.path();
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            bail!("the name of `{}` is not UTF-8", path.display());
        };
        let inner = format!("{prefix}{name}");
        let kind = entry.file_type().with_context(|| format!("cannot look at `{}`", path.display()))?;
        if kind.is_dir() {
            walk(&path, &format!("{inner}/"), found, depth + 1)?;
        } else if kind.is_file() {
            found.insert(inner, file(&path)?);
        } else {
            bail!("`{}` is neither a file nor a folder", path.display());
        }
    }
    Ok(())
}

/// A file.
pub(super) fn file(path: &Path) -> Result<Vec<u8>> {
    let size = fs::metadata(path).with_context(|| format!("cannot read `{}`", path.display()))?.len();
    if size > FILE_BYTES_MAX {
        bail!("`{}` is larger than {FILE_BYTES_MAX} bytes", path.display());
    }
    fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// Writes a file beside its place and moves it there, so that it is never half written.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let parent = directory(path);
    fs::create_dir_all(&parent).with_context(|| format!("cannot make the folder `{}`", parent.display()))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let beside = parent.join(format!(".{name}.new"));
    let write = || -> std::io::Result<()> {
        let mut file = fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}

/// Removes a file.
pub(super) fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).with_context(|| format!("cannot remove `{}`", path.display()))
}

/// The folder that a file lies in.
pub(super) fn directory(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}
