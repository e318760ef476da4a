//! `mv_recent_failures_by_taskspec` (M-110): each file's rows are sorted while its facts are there, and
//! the files are merged.

use std::cmp::Reverse;

use anyhow::Context;
use dome_binder::views::RecentFailure;
use dome_binder::{Fact, append_row};
use dome_core::Timestamp;

use super::merge::{Merge, fewer};
use super::row::{append_text, take, text};
use super::scratch::{RowFile, Scratch};
use crate::artifacts::{Folder, RECENT_FAILURES};

/// A row's place in the view: the latest first, those of one instant by run and place.
type Key = (Reverse<Timestamp>, Box<str>, u64);

/// Puts the failing ones of some facts aside, in the order of the view. `facts` are in total order.
pub(super) fn put_aside(facts: &[Fact], scratch: &Scratch) -> anyhow::Result<RowFile> {
    let mut failing: Vec<&Fact> = facts.iter().filter(|fact| fact.is_failing()).collect();
    failing.sort_by_key(|fact| Reverse(fact.ordered_ts));
    let (mut sorted, mut framed) = (scratch.rows()?, Vec::new());
    for fact in failing {
        framed.clear();
        let (seconds, nanoseconds) = fact.ordered_ts.to_unix();
        framed.extend_from_slice(&seconds.to_le_bytes());
        framed.extend_from_slice(&nanoseconds.to_le_bytes());
        framed.extend_from_slice(&fact.place.to_le_bytes());
        append_text(fact.run_id.as_str(), &mut framed);
        append_row(&RecentFailure::of(fact), &mut framed);
        sorted.push(&framed)?;
    }
    sorted.finish()
}

/// Writes the view.
pub(super) fn write(sorted: Vec<RowFile>, scratch: &Scratch, folder: &mut Folder) -> anyhow::Result<()> {
    let sorted = fewer(sorted, scratch, key)?;
    let (mut merge, mut rows) = (Merge::new(&sorted, key)?, folder.open(RECENT_FAILURES)?);
    while let Some(framed) = merge.next()? {
        rows.push(cut(framed)?.1)?;
    }
    folder.close(RECENT_FAILURES, rows)
}

fn key(framed: &[u8]) -> anyhow::Result<Key> {
    cut(framed).map(|(key, _)| key)
}

fn cut(framed: &[u8]) -> anyhow::Result<(Key, &[u8])> {
    let parted = |mut rest| {
        let rest = &mut rest;
        let (seconds, nanoseconds) = (i64::from_le_bytes(take(rest)?), u32::from_le_bytes(take(rest)?));
        let instant = Timestamp::from_unix(seconds, nanoseconds).ok()?;
        let place = u64::from_le_bytes(take(rest)?);
        Some(((Reverse(instant), text(rest)?.into(), place), *rest))
    };
    parted(framed).context("a temporary file is not what was written to it")
}
