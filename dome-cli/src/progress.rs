//! A progress bar on stderr, when that is a terminal and the work takes over a second.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that takes less shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// Bytes done so far.
pub(crate) struct Progress {
    bar: ProgressBar,
    start: Instant,
}

impl Progress {
    pub(crate) fn new(what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {bytes} ({bytes_per_sec})") {
            bar.set_style(style);
        }
        Self { bar, start: Instant::now() }
    }

    /// More bytes are done. The target hides itself where stderr is no terminal.
    pub(crate) fn add(&self, bytes: u64) {
        if self.bar.is_hidden() && self.start.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(bytes);
    }

    /// The work is done: the bar goes, and leaves no trace.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
