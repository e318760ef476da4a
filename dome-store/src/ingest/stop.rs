//! Finishing the batch, then ending: when a signal asks to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use dome_replay::error::{Context, Result};

/// Whether somebody asked to end. Whoever ingests keeps its batch, then ends.
///
/// ```
/// let stop = dome_store::Stop::never();
/// assert!(!stop.is_asked());
/// stop.ask();
/// assert!(stop.is_asked());
/// ```
#[derive(Clone, Debug)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Listens for SIGTERM and SIGINT, for as long as the process lives. A second one ends it at once.
    ///
    /// # Errors
    ///
    /// When the system refuses to tell of signals.
    pub fn on_signals() -> Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            let registered = flag::register_conditional_default(signal, Arc::clone(&asked))
                .and_then(|_| flag::register(signal, Arc::clone(&asked)));
            registered.context(|| "cannot listen for signals")?;
        }
        Ok(Self(asked))
    }

    /// Nobody asks, but for [`Stop::ask`].
    #[must_use]
    pub fn never() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    /// Asks to end.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked to end.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
