//! The directory itself: made beside its place, then put there in one step (M-120).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use dome_core::{Sha256Hash, escaped_path};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use tempfile::TempDir;

use super::file::{MANIFEST, VIEWS};
use super::manifest::Manifest;
use crate::error::{Context, Error, Result};

enum AtDestination {
    Nothing,
    Empty,
    /// A directory with a manifest.
    Result,
    /// Anything else: never touched.
    Other,
}

fn standing(out: &Path) -> Result<AtDestination> {
    let entries = match fs::read_dir(out) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(AtDestination::Nothing),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(AtDestination::Other),
        Err(error) => return Err(error).context(|| format!("cannot read `{}`", escaped_path(out))),
    };
    Ok(if out.join(MANIFEST).is_file() {
        AtDestination::Result
    } else if entries.count() == 0 {
        AtDestination::Empty
    } else {
        AtDestination::Other
    })
}

/// Refuses, before any work is done, a place that a result could never take.
///
/// # Errors
///
/// When something that is not a result stands there.
pub fn check_destination(out: &Path) -> Result<()> {
    if matches!(standing(out)?, AtDestination::Other) {
        return Err(Error::failed(format!(
            "`{}` holds something that is not a dome result; choose another --out, or remove it",
            escaped_path(out)
        )));
    }
    Ok(())
}

/// A directory beside the place of a result; gone again unless it takes that place.
pub(crate) struct Destination {
    folder: TempDir,
    parent: PathBuf,
}

impl Destination {
    pub(crate) fn beside(out: &Path) -> Result<Self> {
        let parent = match out.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        fs::create_dir_all(&parent).context(|| format!("cannot make `{}`", escaped_path(&parent)))?;
        let folder = tempfile::Builder::new()
            .prefix(".dome-")
            .tempdir_in(&parent)
            .context(|| format!("cannot write beside `{}`", escaped_path(out)))?;
        Ok(Self { folder, parent })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the manifest, and sees to it that all names are on the disk.
    pub(crate) fn write_manifest(&self, manifest: &Manifest) -> Result<()> {
        let path = self.path().join(MANIFEST);
        let written = File::create_new(&path).and_then(|mut file| {
            file.write_all(&manifest.to_bytes())?;
            file.sync_all()
        });
        written.context(|| format!("cannot write `{}`", escaped_path(&path)))?;
        for path in [self.path().join(VIEWS), self.path().to_owned()] {
            let synced = File::open(&path).and_then(|folder| folder.sync_all());
            synced.context(|| format!("cannot write `{}`", escaped_path(&path)))?;
        }
        Ok(())
    }

    /// Puts the directory in its place; says whether the same result stood there already.
    pub(crate) fn take_place(self, out: &Path, force: bool, manifest: &Manifest) -> Result<bool> {
        match standing(out)? {
            AtDestination::Nothing | AtDestination::Empty => self.move_to(out)?,
            AtDestination::Result if holds(out, manifest)? => return Ok(true),
            AtDestination::Result if force => self.swap_with(out)?,
            AtDestination::Result => {
                return Err(Error::failed(format!(
                    "`{}` holds another result; pass --force to replace it, or choose another --out",
                    escaped_path(out)
                )));
            }
            AtDestination::Other => {
                return Err(Error::failed(format!(
                    "`{}` holds something that is not a dome result",
                    escaped_path(out)
                )));
            }
        }
        let synced = File::open(&self.parent).and_then(|parent| parent.sync_all());
        synced.context(|| format!("cannot write `{}`", escaped_path(&self.parent)))?;
        Ok(false)
    }

    fn move_to(&self, out: &Path) -> Result<()> {
        make_readable(self.path())?;
        fs::rename(self.path(), out).context(|| format!("cannot write `{}`", escaped_path(out)))
    }

    /// In one step; the old result is then removed with the temporary directory that it became.
    fn swap_with(&self, out: &Path) -> Result<()> {
        make_readable(self.path())?;
        let swapped = renameat_with(CWD, self.path(), CWD, out, RenameFlags::EXCHANGE);
        swapped.map_err(io::Error::from).context(|| format!("cannot replace `{}`", escaped_path(out)))
    }
}

/// Temporary directories are private; a result is as open as any directory the user makes.
fn make_readable(folder: &Path) -> Result<()> {
    let open = fs::metadata(folder.join(VIEWS)).map(|views| views.permissions());
    let opened = open.and_then(|open| fs::set_permissions(folder, open));
    opened.context(|| format!("cannot write `{}`", escaped_path(folder)))
}

/// Whether the directory holds exactly the files that the manifest names, byte for byte.
fn holds(out: &Path, manifest: &Manifest) -> Result<bool> {
    let bytes = manifest.to_bytes();
    let mut expected: BTreeMap<String, Sha256Hash> =
        manifest.files.iter().map(|(name, entry)| (name.clone(), entry.sha256)).collect();
    expected.insert(MANIFEST.to_owned(), Sha256Hash::of(&bytes));
    for (name, sha256) in expected {
        match File::open(out.join(name)).and_then(Sha256Hash::of_reader) {
            Ok(found) if found == sha256 => {}
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error).context(|| format!("cannot read `{}`", escaped_path(out))),
        }
    }
    Ok(true)
}
