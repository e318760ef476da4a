//! One writer at a time: a lock that the kernel lets go of when its holder ends, however it ends.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};

/// Its name in the store.
const NAME: &str = "writer.lock";

/// Held by the writer of a store.
pub(crate) struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock.
    ///
    /// # Errors
    ///
    /// When another process writes to the store; it is named.
    pub(crate) fn take(store: &Path) -> anyhow::Result<Self> {
        let path = store.join(NAME);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.with_context(|| format!("cannot write to the store `{}`", store.display()))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut pid = String::new();
            let _unknown = file.read_to_string(&mut pid);
            let pid = if pid.trim().is_empty() { "unknown".to_owned() } else { pid.trim().to_owned() };
            anyhow::bail!(
                "`{}` is being written to by process {pid}; wait for it to end, or stop it (`kill {pid}`: it finishes \
                 its batch), then try again. Reading needs no lock",
                store.display()
            );
        }
        let noted = file.set_len(0).and_then(|()| {
            file.seek(SeekFrom::Start(0))?;
            writeln!(file, "{}", std::process::id())
        });
        noted.with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(Self { _file: file })
    }
}
