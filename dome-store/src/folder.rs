//! A folder of a store, and the files in it that dome names.
//!
//! Names inside a store are names that dome makes. Each is opened relative to its open folder, so that no part of a
//! path can lead elsewhere: no link is followed, nothing but a regular file is opened, and no opening waits for one.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dome_core::escaped_path;
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use dome_replay::error::{Context, Error, Invariant, Result};

#[derive(Clone, Debug)]
pub(crate) struct StoreFolder {
    file: Arc<OwnedFd>,
    /// For messages only.
    path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileFound {
    kind: FileType,
    pub(crate) length: u64,
}

impl FileFound {
    pub(crate) fn is_file(self) -> bool {
        self.kind == FileType::RegularFile
    }
}

const SAFE: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC).union(OFlags::NOCTTY);

impl StoreFolder {
    /// Opens the folder of a store, where the caller says that it is: links in that path are the caller's own.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self { file: Arc::new(file), path: path.to_owned() })
    }

    pub(crate) fn sub(&self, name: &str) -> Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&*self.file, name, flags, Mode::empty()) {
            Ok(file) => Ok(Some(Self { file: Arc::new(file), path: self.path.join(name) })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => {
                Err(Error::invalid(format!("`{}` is no folder, or a link to one; a store has none", self.named(name))))
            }
            Err(error) => self.tried("open", name, Err(error)),
        }
    }

    pub(crate) fn make_sub(&self, name: &str) -> Result<Self> {
        if let Some(found) = self.sub(name)? {
            return Ok(found);
        }
        match rustix::fs::mkdirat(&*self.file, name, Mode::from_raw_mode(0o777)) {
            Err(Errno::EXIST) => {}
            made => self.tried("make", name, made)?,
        }
        self.sync()?;
        self.sub(name)?.ok_or_else(|| Error::failed(format!("`{}` was removed while it was made", self.named(name))))
    }

    pub(crate) fn read(&self, name: &str) -> Result<Option<File>> {
        match self.open_file(name, OFlags::RDONLY, Mode::empty()) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.refused("read", name, error)),
        }
    }

    /// All bytes of a file, up to a limit; `None` where there is none.
    pub(crate) fn bytes(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>> {
        let Some(file) = self.read(name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(most.saturating_add(1))
            .read_to_end(&mut bytes)
            .context(|| format!("cannot read `{}`", self.named(name)))?;
        if bytes.len() as u64 > most {
            return Err(Error::invalid(format!("`{}` is longer than {most} bytes", self.named(name))));
        }
        Ok(Some(bytes))
    }

    /// Opens a file for writing that no other name leads to; `None` where there is none.
    pub(crate) fn write(&self, name: &str) -> Result<Option<File>> {
        match self.open_file(name, OFlags::RDWR, Mode::empty()) {
            Ok(file) => self.unshared(name, file).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.refused("open", name, error)),
        }
    }

    pub(crate) fn write_or_create(&self, name: &str, mode: Mode) -> Result<File> {
        let opened = self.open_file(name, OFlags::RDWR | OFlags::CREATE, mode);
        let file = opened.map_err(|error| self.refused("write", name, error))?;
        self.unshared(name, file)
    }

    /// Makes a file; fails where one stands.
    pub(crate) fn create(&self, name: &str) -> Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let made = self.open_file(name, flags, Mode::from_raw_mode(0o666));
        made.map_err(|error| self.refused("make", name, error))
    }

    fn open_file(&self, name: &str, flags: OFlags, mode: Mode) -> io::Result<File> {
        let file = File::from(rustix::fs::openat(&*self.file, name, flags | SAFE, mode)?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
        }
        Ok(file)
    }

    fn tried<T>(&self, what: &str, name: &str, result: rustix::io::Result<T>) -> Result<T> {
        result.map_err(io::Error::from).context(|| format!("cannot {what} `{}`", self.named(name)))
    }

    fn refused(&self, what: &str, name: &str, error: io::Error) -> Error {
        let link = error.raw_os_error() == Some(Errno::LOOP.raw_os_error());
        // Opening a FIFO for writing, and a socket at all, fails with this.
        let device = error.raw_os_error() == Some(Errno::NXIO.raw_os_error());
        if link || device || error.kind() == io::ErrorKind::InvalidInput {
            let named = self.named(name);
            return Error::invalid(format!("`{named}` is a link or no regular file; dome makes none such in a store"));
        }
        Error::caused(format!("cannot {what} `{}`", self.named(name)), error)
    }

    /// A file that another folder holds as well would change there, too.
    fn unshared(&self, name: &str, file: File) -> Result<File> {
        use std::os::unix::fs::MetadataExt;
        let named = self.named(name);
        let links = file.metadata().context(|| format!("cannot read `{named}`"))?.nlink();
        if links > 1 {
            return Err(Error::invalid(format!(
                "`{named}` has {links} names (hard links): another store would change with this one. Copy the store \
                 without links (`cp -r`) and write to the copy"
            )));
        }
        Ok(file)
    }

    /// What a name leads to, without following it; `None` where nothing stands.
    pub(crate) fn find(&self, name: &str) -> Result<Option<FileFound>> {
        match rustix::fs::statat(&*self.file, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(Some(FileFound {
                kind: FileType::from_raw_mode(found.st_mode),
                length: u64::try_from(found.st_size).invariant("no file has a negative length")?,
            })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => self.tried("look at", name, Err(error)),
        }
    }

    /// The names in it that are UTF-8, in order. No name that dome makes is anything else.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let failed = || format!("cannot read `{}`", escaped_path(&self.path));
        let mut names = Vec::new();
        for entry in Dir::read_from(&*self.file).map_err(io::Error::from).context(failed)? {
            let entry = entry.map_err(io::Error::from).context(failed)?;
            if let Ok(name) = entry.file_name().to_str()
                && !matches!(name, "." | "..")
            {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Takes a name away. What it led to is not touched.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        match rustix::fs::unlinkat(&*self.file, name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            removed => self.tried("remove", name, removed),
        }
    }

    /// Gives what stands under a name another one, in this folder or another, in one step.
    pub(crate) fn rename(&self, from: &str, to: &Self, name: &str) -> Result<()> {
        let renamed = rustix::fs::renameat(&*self.file, from, &*to.file, name).map_err(io::Error::from);
        renamed.context(|| format!("cannot move `{}` to `{}`", self.named(from), to.named(name)))
    }

    /// Sees to it that the names in it are on the disk.
    pub(crate) fn sync(&self) -> Result<()> {
        rustix::fs::fsync(&*self.file)
            .map_err(io::Error::from)
            .context(|| format!("cannot sync `{}`", escaped_path(&self.path)))
    }

    /// Puts bytes in the place of a file, whole or not at all: written under another name, synced, renamed.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let next = format!("{name}.next");
        // What a killed writer left goes; a link that somebody planted goes as well, and what it leads to stays.
        self.remove(&next)?;
        let mut file = self.create(&next)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        let written = written.context(|| format!("cannot write `{}`", self.named(&next)));
        let placed = written.and_then(|()| self.rename(&next, self, name));
        if placed.is_err() {
            let _written_again_later = self.remove(&next);
        }
        placed?;
        self.sync()
    }

    /// The mode of a file that nobody may open but who may write to this folder.
    pub(crate) fn writers_only(&self) -> Result<Mode> {
        let found = rustix::fs::fstat(&*self.file).map_err(io::Error::from);
        let mode = found.context(|| format!("cannot look at `{}`", escaped_path(&self.path)))?.st_mode;
        let bits = [0o200, 0o020, 0o002]
            .into_iter()
            .filter(|bit| mode & bit != 0)
            .fold(0, |mode, bit| mode | bit | (bit << 1));
        Ok(Mode::from_raw_mode(bits | 0o600))
    }

    pub(crate) fn named(&self, name: &str) -> String {
        escaped_path(&self.path.join(OsStr::from_bytes(name.as_bytes())))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
