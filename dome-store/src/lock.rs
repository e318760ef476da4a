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
        if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(error).with_context(|| format!("cannot lock `{}`", path.display()));
            }
            let mut pid = String::new();
            let _unknown = file.read_to_string(&mut pid);
            let pid = pid.lines().next().filter(|pid| !pid.is_empty()).unwrap_or("unknown");
            anyhow::bail!(
                "`{}` is being written to by process {pid}; wait for it to end, or stop it (`kill {pid}`: it finishes \
                 its batch), then try again. Reading needs no lock",
                store.display()
            );
        }
        // It is written over, so that nobody finds it empty, and a full disk has room for it.
        let pid = format!("{}\n", std::process::id());
        let noted = file.seek(SeekFrom::Start(0)).and_then(|_| {
            file.write_all(pid.as_bytes())?;
            file.set_len(pid.len() as u64)
        });
        noted.with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(Self { _file: file })
    }
}
