//! One batch: entries in, and everything that follows from them.

use std::collections::{BTreeMap, BTreeSet};

use dome_binder::{Record, Recorder, Rules};
use dome_core::{Reader, Source, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

use super::{applied, fold, note_damage, set_meta, settle, unseen, watermark};
use crate::store::log::{Admitted, Checkpoint, Damage, Entry, Place, Rejected, Segments, segment_name};

/// An envelope that was admitted.
pub(crate) struct Arrival {
    pub(crate) position: u64,
    pub(crate) place: Place,
    pub(crate) record: Box<Record>,
}

/// A rejected line.
struct Turned {
    position: u64,
    place: Place,
    source: Source,
    codes: String,
}

/// What a batch of entries says, sorted by what it changes.
#[derive(Default)]
pub(crate) struct Batch {
    arrivals: Vec<Arrival>,
    rejected: Vec<Turned>,
    checkpoints: Vec<Checkpoint>,
    sessions: Vec<(u64, String)>,
    retried: Vec<u64>,
    withdrawn: Vec<u64>,
    damage: Vec<Damage>,
    /// The position of the last entry.
    pub(crate) applied: u64,
    recorder: Recorder,
}

impl Batch {
    pub(crate) fn len(&self) -> usize {
        self.arrivals.len() + self.rejected.len()
    }

    /// Adds an entry as the log holds it.
    pub(crate) fn entry(&mut self, position: u64, place: Place, entry: Entry) {
        self.applied = position;
        match entry {
            Entry::Line(admitted) => match record(&admitted, &mut self.recorder) {
                Some(record) => self.arrivals.push(Arrival { position, place, record }),
                None => self.damage(unreadable(position, place)),
            },
            Entry::Rejected(rejected) => self.rejected(position, place, &rejected),
            Entry::Source(checkpoint) => self.checkpoints.push(checkpoint),
            Entry::Session(session) => {
                self.sessions.push((position, serde_json::to_string(&session).unwrap_or_default()));
            }
            Entry::Retried { of } => self.retried.push(of),
            Entry::Withdrawn { of } => self.withdrawn.push(of),
        }
    }

    /// Adds an envelope that was read already.
    pub(crate) fn arrival(&mut self, arrival: Arrival) {
        self.applied = arrival.position;
        self.arrivals.push(arrival);
    }

    fn rejected(&mut self, position: u64, place: Place, rejected: &Rejected) {
        let mut codes: Vec<&str> = rejected.row.problems.iter().map(|problem| problem.code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        let codes = serde_json::to_string(&codes).unwrap_or_default();
        self.rejected.push(Turned { position, place, source: rejected.row.source.clone(), codes });
    }

    pub(crate) fn damage(&mut self, damage: Damage) {
        self.applied = damage.positions.1;
        self.damage.push(damage);
    }
}

fn unreadable(position: u64, place: Place) -> Damage {
    let what = "its line is no envelope to this version of dome";
    Damage {
        length: place.length,
        positions: (position, position),
        segment: segment_name(place.segment),
        start: place.start,
        what,
    }
}

/// The record of an admitted line; `None` when this version does not admit it.
pub(super) fn record(admitted: &Admitted, recorder: &mut Recorder) -> Option<Box<Record>> {
    let envelope = Reader::new().read(admitted.raw.as_bytes()).ok()?;
    Some(Box::new(recorder.record(envelope, admitted.source.clone())))
}

/// What a batch leaves to fold.
#[derive(Default)]
pub(super) struct Changes {
    /// Facts that were added behind all others of their run, by line.
    pub(super) appended: BTreeMap<i64, Vec<(u64, dome_binder::Fact)>>,
    /// Lines that must be folded from their first fact.
    pub(super) refold: BTreeSet<i64>,
    /// Runs that were settled again.
    pub(super) rebuilt: BTreeSet<i64>,
    /// Kinds of work with other denials than before (M-71).
    pub(super) denial_kinds: BTreeSet<String>,
}

/// Takes a batch in.
pub(super) fn apply(
    tx: &Transaction<'_>,
    mut batch: Batch,
    rules: &Rules,
    segments: &mut Segments,
) -> anyhow::Result<()> {
    batch.damage.iter().try_for_each(|damage| note_damage(tx, damage))?;
    for (position, terms) in &batch.sessions {
        tx.execute("INSERT OR REPLACE INTO sessions (position, terms) VALUES (?1, ?2)", params![position, terms])?;
    }
    for turned in &batch.rejected {
        turn_away(tx, turned)?;
    }
    for of in std::mem::take(&mut batch.retried) {
        batch.arrivals.extend(retried(tx, of, segments)?);
    }
    // What comes and goes in one batch, as when the index is derived again, never was there.
    batch.arrivals.retain(|arrival| !batch.withdrawn.contains(&arrival.position));
    let mut last_ts: BTreeMap<String, Timestamp> = BTreeMap::new();
    for arrival in &batch.arrivals {
        let latest = last_ts.entry(arrival.record.source.name.to_string()).or_insert(arrival.record.ts);
        *latest = arrival.record.ts.max(*latest);
    }
    let mut changes = Changes::default();
    settle::settle(tx, batch.arrivals, &batch.withdrawn, segments, &mut changes)?;
    unseen::update(tx, &mut changes)?;
    let touched = fold::fold(tx, changes, rules, segments)?;
    applied::update(tx, touched, rules)?;
    batch.checkpoints.iter().try_for_each(|checkpoint| watermark::note_source(tx, checkpoint))?;
    last_ts.iter().try_for_each(|(name, ts)| watermark::note_time(tx, name, *ts))?;
    watermark::note(tx, rules)?;
    set_meta(tx, "applied", &batch.applied.to_string())
}

fn turn_away(tx: &Transaction<'_>, turned: &Turned) -> anyhow::Result<()> {
    let mut statement = tx.prepare_cached(
        "INSERT OR REPLACE INTO rejected (position, segment, start, length, source, line, codes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let Turned { position, place, source, codes } = turned;
    statement.execute(params![
        position,
        place.segment,
        place.start,
        place.length,
        source.name.as_str(),
        source.line,
        codes
    ])?;
    Ok(())
}

/// A rejected line that reads well now: it arrives where it stood.
fn retried(tx: &Transaction<'_>, of: u64, segments: &mut Segments) -> anyhow::Result<Option<Arrival>> {
    let place = tx
        .query_row("SELECT segment, start, length FROM rejected WHERE position = ?1", [of], |row| {
            Ok(Place { segment: row.get(0)?, start: row.get(1)?, length: row.get(2)? })
        })
        .optional()?;
    let Some(place) = place else { return Ok(None) };
    tx.execute("UPDATE rejected SET state = 'retried' WHERE position = ?1", [of])?;
    let Some(record) = stored(segments, place, of)? else {
        note_damage(tx, &unreadable(of, place))?;
        return Ok(None);
    };
    Ok(Some(Arrival { position: of, place, record }))
}

/// The record of an entry of the log, whether it was admitted at first or later.
pub(super) fn stored(segments: &mut Segments, place: Place, position: u64) -> anyhow::Result<Option<Box<Record>>> {
    let mut recorder = Recorder::default();
    Ok(match segments.read(place, position)? {
        Some(Entry::Line(admitted)) => record(&admitted, &mut recorder),
        Some(Entry::Rejected(rejected)) => rejected.bytes().and_then(|bytes| {
            let (raw, row) = (String::from_utf8(bytes).ok()?, &rejected.row);
            record(&Admitted { offset: row.offset, raw, source: row.source.clone() }, &mut recorder)
        }),
        _ => None,
    })
}

/// The record of an entry; where it cannot be read any more, that is noted, and the rest goes on.
pub(super) fn stored_or_noted(
    tx: &Transaction<'_>,
    segments: &mut Segments,
    place: Place,
    position: u64,
) -> anyhow::Result<Option<Box<Record>>> {
    let record = stored(segments, place, position)?;
    if record.is_none() {
        let what = "its bytes are not those that its hash is over";
        note_damage(tx, &Damage { what, ..unreadable(position, place) })?;
    }
    Ok(record)
}
