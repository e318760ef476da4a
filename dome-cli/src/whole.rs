//! A path that was given to write to. What is a regular file there, or nothing, is replaced as a
//! whole; through a device or a FIFO it is written; a symbolic link leads to what it names.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use dome_core::escaped_path;
use tempfile::NamedTempFile;

/// Links that are followed before it counts as a circle, as Linux does.
const MOST_LINKS: usize = 40;

pub(crate) enum WholeFile {
    /// To what is no regular file, as they come.
    Through(File),
    /// To a file beside the one that it takes the place of.
    Beside { file: NamedTempFile, path: PathBuf },
}

impl WholeFile {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let before = match fs::metadata(path) {
            Ok(found) if !found.is_file() => return File::options().write(true).open(path).map(Self::Through),
            found => found.ok(),
        };
        let path = led_to(path)?;
        let parent = folder(&path);
        fs::create_dir_all(parent)?;
        // As open as any file that the user makes, or as the one before it.
        let open = Permissions::from_mode(0o666);
        let file = tempfile::Builder::new().prefix(".dome-").permissions(open).tempfile_in(parent)?;
        if let Some(before) = before {
            file.as_file().set_permissions(before.permissions())?;
        }
        Ok(Self::Beside { file, path })
    }

    pub(crate) fn keep(self) -> io::Result<()> {
        match self {
            Self::Through(mut file) => file.flush(),
            Self::Beside { file, path } => {
                file.as_file().sync_all()?;
                file.persist(path)?;
                Ok(())
            }
        }
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Through(file) => file.write(bytes),
            Self::Beside { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a small file, whole or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let written = WholeFile::open(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.keep()
    });
    written.with_context(|| format!("cannot write `{}`", escaped_path(path)))
}

/// Whether two paths name one file, which may not be there yet.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        let path = led_to(path).unwrap_or_else(|_| path.to_owned());
        let folder = folder(&path);
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        path.file_name().map_or(folder.clone(), |name| folder.join(name))
    };
    place(one) == place(other)
}

pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Where symbolic links lead from a path, be something there or not.
fn led_to(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => path = folder(&path).join(fs::read_link(&path)?),
            _ => return Ok(path),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}
