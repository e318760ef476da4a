//! What the gate costs: the same run plain, observed, and observed and enforced.

use std::time::Instant;

use super::session::{FULL, Mode, Session};
use super::surroundings::Surroundings;
use crate::output::note;

/// Runs the first fixture over and over, and tells the median of each way on stderr.
pub(super) fn measure(session: &Session<'_>, runs: u32) -> anyhow::Result<()> {
    let Some(fixture) = session.tool.manifest.fixtures.first() else { return Ok(()) };
    let around = Surroundings::plain(session.folder());
    let bare = Mode { observed: false, enforced: false };
    let kept = Mode { observed: false, enforced: true };
    let watched = Mode { observed: true, enforced: false };
    let ways = [("neither", bare), ("enforced", kept), ("observed", watched), ("observed and enforced", FULL)];
    let mut times = vec![Vec::new(); ways.len()];
    // Round by round, so that a slow moment of the machine hits all ways alike.
    for _ in 0..runs {
        for ((_, mode), times) in ways.iter().zip(&mut times) {
            let start = Instant::now();
            session.run_in(&fixture.config, &fixture.input, &around, *mode)?;
            times.push(start.elapsed().as_micros());
        }
    }
    for ((name, _), mut times) in ways.into_iter().zip(times) {
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        note(&format!("{name:<22} {:>4}.{:01} ms a run, median of {runs}", median / 1_000, median % 1_000 / 100));
    }
    Ok(())
}
