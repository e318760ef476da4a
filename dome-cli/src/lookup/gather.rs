//! Everything that an index is made of, read once.

use std::collections::BTreeMap;

use anyhow::Context;
use dome_binder::{Ledger, append_row};

use super::About;
use super::origin::{Origin, Place};
use super::rows::{LEAD, RowPlace};
use crate::result::{FACTS, ResultDir};
use crate::store::Snapshot;

/// The section of the rows of a store's quarantine, as JSON Lines.
pub(super) const QUARANTINE: &str = "quarantine";

/// What was read.
pub(super) struct Gathered {
    pub(super) about: About,
    pub(super) ledger: Ledger,
    pub(super) places: Vec<u8>,
    pub(super) quarantine: Vec<u8>,
}

pub(super) fn gather(origin: &Origin) -> anyhow::Result<Gathered> {
    match origin.place() {
        Place::Result(result) => of_result(result),
        Place::Store(store) => of_store(Snapshot::read_with_places(store)?),
    }
}

fn of_result(result: &ResultDir) -> anyhow::Result<Gathered> {
    let (blank, duplicates) = result.unlisted();
    let about = About { as_of: result.as_of(), blank, duplicates, snapshot: result.manifest().snapshot_digest };
    let (mut places, mut start) = (Vec::new(), 0);
    for line in result.file(FACTS)?.split_inclusive(|byte| *byte == b'\n') {
        let length = line.len() as u64;
        RowPlace { segment: 0, start, length, position: 0 }.write(&mut places);
        start += length;
    }
    // The rows of the quarantine stand in a file of their own, which is read when it is asked for.
    Ok(Gathered { about, ledger: result.ledger()?, places, quarantine: Vec::new() })
}

fn of_store((snapshot, found): (Snapshot, BTreeMap<dome_core::Source, RowPlace>)) -> anyhow::Result<Gathered> {
    let ledger = snapshot.replay.ledger;
    let about = About {
        as_of: snapshot.replay.as_of,
        blank: snapshot.blank,
        duplicates: ledger.counts.duplicates,
        snapshot: snapshot.digest,
    };
    let (mut places, mut quarantine) = (Vec::with_capacity(ledger.facts.len() * LEAD), Vec::new());
    for fact in &ledger.facts {
        found.get(&fact.source).context("every fact has its place in the log")?.write(&mut places);
    }
    snapshot.quarantine.iter().for_each(|row| append_row(row, &mut quarantine));
    Ok(Gathered { about, ledger, places, quarantine })
}
