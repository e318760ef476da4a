//! The directory itself: made beside its place, then put there in one step (M-120).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use dome_core::{Sha256Hash, canonical};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use tempfile::TempDir;

use crate::artifacts::manifest::Manifest;
use dome_replay::input;

/// What stands at the place of a result.
enum Standing {
    Nothing,
    /// An empty directory, which a result may fill.
    Empty,
    /// A directory with a manifest.
    Result,
    /// Anything else: never touched.
    Other,
}

fn standing(out: &Path) -> anyhow::Result<Standing> {
    let entries = match fs::read_dir(out) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Standing::Nothing),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(Standing::Other),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", out.display())),
    };
    Ok(if out.join("manifest.json").is_file() {
        Standing::Result
    } else if entries.count() == 0 {
        Standing::Empty
    } else {
        Standing::Other
    })
}

/// Refuses, before any work is done, a place that a result could never take.
///
/// # Errors
///
/// When something that is not a result stands there.
pub(crate) fn check_destination(out: &Path) -> anyhow::Result<()> {
    if matches!(standing(out)?, Standing::Other) {
        bail!("`{}` holds something that is not a dome result; choose another --out, or remove it", out.display());
    }
    Ok(())
}

/// A directory beside the place of a result; gone again unless it takes that place.
pub(super) struct Destination {
    folder: TempDir,
    parent: PathBuf,
}

impl Destination {
    pub(super) fn beside(out: &Path) -> anyhow::Result<Self> {
        let parent = match out.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        fs::create_dir_all(&parent).with_context(|| format!("cannot make `{}`", parent.display()))?;
        let folder = tempfile::Builder::new()
            .prefix(".dome-")
            .tempdir_in(&parent)
            .with_context(|| format!("cannot write beside `{}`", out.display()))?;
        Ok(Self { folder, parent })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts the directory in its place; says whether the same result stood there already.
    pub(super) fn take_place(self, out: &Path, force: bool, manifest: &Manifest) -> anyhow::Result<bool> {
        match standing(out)? {
            Standing::Nothing | Standing::Empty => self.move_to(out)?,
            Standing::Result if holds(out, manifest)? => return Ok(true),
            Standing::Result if force => self.swap_with(out)?,
            Standing::Result => {
                bail!("`{}` holds another result; pass --force to replace it, or choose another --out", out.display())
            }
            Standing::Other => bail!("`{}` holds something that is not a dome result", out.display()),
        }
        let synced = File::open(&self.parent).and_then(|parent| parent.sync_all());
        synced.with_context(|| format!("cannot write `{}`", self.parent.display()))?;
        Ok(false)
    }

    fn move_to(&self, out: &Path) -> anyhow::Result<()> {
        make_readable(self.path())?;
        fs::rename(self.path(), out).with_context(|| format!("cannot write `{}`", out.display()))
    }

    /// Changes places with the result that stands there, in one step; the old one is then removed
    /// with the temporary directory that it became.
    fn swap_with(&self, out: &Path) -> anyhow::Result<()> {
        make_readable(self.path())?;
        let swapped = renameat_with(CWD, self.path(), CWD, out, RenameFlags::EXCHANGE);
        swapped.map_err(io::Error::from).with_context(|| format!("cannot replace `{}`", out.display()))
    }
}

/// Temporary directories are private; a result is as open as any directory the user makes.
fn make_readable(folder: &Path) -> anyhow::Result<()> {
    let open = fs::metadata(folder.join("views")).map(|views| views.permissions());
    let opened = open.and_then(|open| fs::set_permissions(folder, open));
    opened.with_context(|| format!("cannot write `{}`", folder.display()))
}

/// Whether the directory holds exactly the files that the manifest names, byte for byte.
fn holds(out: &Path, manifest: &Manifest) -> anyhow::Result<bool> {
    let mut bytes = canonical::to_vec(manifest)?;
    bytes.push(b'\n');
    let mut expected: BTreeMap<String, Sha256Hash> =
        manifest.files.iter().map(|(name, entry)| (name.clone(), entry.sha256)).collect();
    expected.insert("manifest.json".to_owned(), Sha256Hash::of(&bytes));
    for (name, sha256) in expected {
        match File::open(out.join(name)).and_then(input::sha256) {
            Ok(found) if found == sha256 => {}
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", out.display())),
        }
    }
    Ok(true)
}
