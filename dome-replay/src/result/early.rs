//! Large files on their way to the disk while they are written: who waits at their end waits for less.

use std::fs::File;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// Asks the disk for what was written so far, beside who writes it.
pub(crate) struct EarlySync {
    /// Bytes between two syncs, at least; a file of fewer is only synced at its end.
    every: usize,
    /// Bytes since the disk was asked last.
    waiting: usize,
    helper: Option<Helper>,
}

struct Helper {
    ask: SyncSender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl EarlySync {
    pub(super) const fn new(every: usize) -> Self {
        Self { every, waiting: 0, helper: None }
    }

    /// So many bytes more were given to the system.
    pub(super) fn wrote(&mut self, file: &File, bytes: usize) {
        self.waiting += bytes;
        if self.waiting >= self.every {
            if self.helper.is_none() {
                self.helper = Helper::start(file);
            }
            self.ask();
        }
    }

    /// Asks for what was written since, if the file is large.
    pub(super) fn ask(&mut self) {
        self.waiting = 0;
        if let Some(helper) = &self.helper {
            // One that is still at work, or has failed, is asked no more: `end` has the error.
            let _asked = helper.ask.try_send(());
        }
    }

    /// Waits for what was begun. What was written since is not on the disk yet.
    ///
    /// # Errors
    ///
    /// When the disk could not take something. The system says so once, so this is the only place to hear it.
    pub(super) fn end(self) -> io::Result<()> {
        let Some(Helper { ask, thread }) = self.helper else { return Ok(()) };
        drop(ask);
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Helper {
    /// One with a thread of its own; none where the system has no more to give, since all that is lost is time.
    fn start(file: &File) -> Option<Self> {
        let file = file.try_clone().ok()?;
        let (ask, asked) = sync_channel(1);
        let sync = move |asked: Receiver<()>| asked.iter().try_for_each(|()| file.sync_data());
        let thread = thread::Builder::new().spawn(move || sync(asked)).ok()?;
        Some(Self { ask, thread })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_is_synced_while_it_is_written() -> io::Result<()> {
        let mut file = tempfile::tempfile()?;
        let mut early = EarlySync::new(64);
        for _ in 0..100 {
            file.write_all(&[b'x'; 50])?;
            early.wrote(&file, 50);
        }
        assert!(early.helper.is_some());
        early.end()
    }

    #[test]
    fn what_the_disk_refuses_is_heard_at_the_end() -> io::Result<()> {
        // One end of a pipe cannot be synced.
        let (_reader, writer) = io::pipe()?;
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        let mut early = EarlySync::new(64);
        early.wrote(&file, 64);
        assert_eq!(early.end().map_err(|error| error.kind()), Err(io::ErrorKind::InvalidInput));
        Ok(())
    }
}
