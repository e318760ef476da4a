//! One writer at a time: a lock that the kernel lets go of when its holder ends, however it ends.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use dome_core::escaped_path;
use dome_replay::error::{Context, Error, Result};
use rustix::fs::{FlockOperation, fchmod, flock};
use rustix::io::Errno;

use crate::folder::StoreFolder;

pub(crate) const NAME: &str = "writer.lock";
/// The lock of whoever derives the index, which a reader may do while somebody else writes to the log.
pub(crate) const INDEX: &str = "index.lock";
/// How often a lock that is waited for is tried.
const AGAIN: Duration = Duration::from_millis(20);
const PID_BYTES: u64 = 20;

#[derive(Debug)]
pub(crate) struct WriterLock {
    _file: File,
}

impl WriterLock {
    pub(crate) fn take(store: &StoreFolder, name: &str, wait: Duration) -> Result<Self> {
        let begun = Instant::now();
        loop {
            if let Some(lock) = Self::try_take(store, name)? {
                return Ok(lock);
            }
            let left = wait.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Err(held(store, wait));
            }
            std::thread::sleep(left.min(AGAIN));
        }
    }

    pub(crate) fn try_take(store: &StoreFolder, name: &str) -> Result<Option<Self>> {
        let failed = || format!("cannot lock `{}`", store.named(name));
        // Whoever can open a file can hold its lock, so nobody may who may not write to the store.
        let mode = store.writers_only()?;
        let mut file = store.write_or_create(name, mode)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(std::io::Error::from(error)).context(failed),
        }
        // Another file may have taken the name before the lock was held.
        let named = store.read(name)?.map(|file| file.metadata()).transpose().context(failed)?;
        let held = file.metadata().context(failed)?;
        if named.map(|named| (named.dev(), named.ino())) != Some((held.dev(), held.ino())) {
            return Ok(None);
        }
        if held.mode() & 0o777 != mode.as_raw_mode() & 0o777 {
            // It is so where it belongs to another writer, who has seen to it.
            let _not_ours = fchmod(&file, mode);
        }
        // It is written over, so that nobody finds it empty, and a full disk has room for it.
        let pid = format!("{}\n", std::process::id());
        let noted = file.seek(SeekFrom::Start(0)).and_then(|_| {
            file.write_all(pid.as_bytes())?;
            file.set_len(pid.len() as u64)
        });
        noted.context(|| format!("cannot write `{}`", store.named(name)))?;
        Ok(Some(Self { _file: file }))
    }
}

/// What is said of a lock that somebody else holds. Its pid is a hint: the holder wrote it, and nothing proves it.
fn held(store: &StoreFolder, wait: Duration) -> Error {
    let mut text = String::new();
    let read = store.read(NAME).ok().flatten().map(|file| file.take(PID_BYTES).read_to_string(&mut text));
    let pid = text.lines().next().and_then(|pid| pid.parse::<u32>().ok()).filter(|_| matches!(read, Some(Ok(_))));
    let by = pid.map_or_else(String::new, |pid| format!(" (its lock names process {pid})"));
    let waited = if wait.is_zero() { String::new() } else { format!(" after {} s", wait.as_secs_f32()) };
    let shown = escaped_path(store.path());
    Error::failed(format!(
        "`{shown}` is still being written to{waited} by another writer{by}. `--wait SECONDS` waits for it, a reporter \
         that may not wait puts a file into `{}`; reading needs no lock",
        store.named(crate::inbox::FOLDER)
    ))
}
