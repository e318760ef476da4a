//! What facts are found by: their names, their place in the total order, and the kind of a denial.

use std::collections::{BTreeMap, HashMap};

use dome_binder::query::View;
use dome_binder::views::denial_pairs;
use dome_binder::{DenialKind, Fact, Record};
use dome_core::{EventId, Sha256Hash};
use rusqlite::{Connection, OptionalExtension, params};

use super::Derivation;
use crate::index::error::{Fits, Result};
use crate::index::read::{place_name, start};
use crate::index::sealed::SealedTable;

/// Names of new facts, to be written in the order of their tables.
#[derive(Default)]
pub(super) struct NewNames {
    digests: Vec<(Sha256Hash, u64)>,
    outcomes: Vec<([u8; 8], u64)>,
    events: Vec<(EventId, u64)>,
    places: Vec<([u8; 16], u64)>,
    /// Rows of the total order: place, row, flags and code.
    facts: Vec<(Vec<u8>, Vec<u8>, u8, String)>,
    gone: Vec<Vec<u8>>,
}

/// The first fact of a kind of denials: its place in the total order, and its line.
type First = Option<(Vec<u8>, Sha256Hash)>;

/// Which facts are the first with a policy code of their kind of work (M-71), which no task line can know (L-4).
#[derive(Default)]
pub(super) struct Kinds {
    before: HashMap<String, First>,
    /// The first of each from here on, as far as it was asked for.
    now: HashMap<String, First>,
}

pub(in crate::index) fn flags(fact: &Record) -> u8 {
    let bit = |view, is: bool| if is { flag(view) } else { 0 };
    bit(View::RecentFailures, fact.is_failing())
        | bit(View::GateRollup, !fact.gates.is_empty())
        | bit(View::GuardDenials, !denial_pairs(fact).is_empty())
}

pub(in crate::index) const fn flag(view: View) -> u8 {
    match view {
        View::RecentFailures => 1,
        View::GateRollup => 2,
        View::GuardDenials => 4,
    }
}

impl Derivation<'_> {
    pub(super) fn add_names(&mut self, id: u64, fact: &Fact) -> Result<()> {
        let (place, line) = (fact.order().to_bytes(), fact.keys.line);
        if let Some(kind) = kind_of(fact)? {
            self.touch_kind(&kind)?;
            let mut insert = self.rows.db.prepare_cached("INSERT OR REPLACE INTO kinds VALUES (?1, ?2, ?3)")?;
            insert.execute(params![kind, place, line.as_bytes()])?;
        }
        let policy = fact.policy_reason_code().map_or("", |code| code.as_str());
        let row = [&id.to_le_bytes(), line.as_bytes().as_slice(), policy.as_bytes()].concat();
        let names = &mut self.names;
        names.digests.push((fact.keys.digest, id));
        names.outcomes.push((start(&fact.keys.idempotency), id));
        names.events.push((fact.event_id.clone(), id));
        names.places.push((place_name(&fact.source.name, fact.source.line), id));
        names.facts.push((place, row, flags(fact), fact.keys.failure_reason_code.as_str().to_owned()));
        Ok(())
    }

    pub(super) fn remove_names(&mut self, id: u64, fact: &Fact) -> Result<()> {
        let place = fact.order().to_bytes();
        if let Some(kind) = kind_of(fact)? {
            self.touch_kind(&kind)?;
            let mut delete = self.rows.db.prepare_cached("DELETE FROM kinds WHERE kind = ?1 AND place = ?2")?;
            delete.execute(params![kind, place])?;
        }
        for (table, name) in [
            ("digests", fact.keys.digest.as_bytes().as_slice()),
            ("outcomes", &start(&fact.keys.idempotency)),
            ("events", fact.event_id.as_str().as_bytes()),
            ("places", &place_name(&fact.source.name, fact.source.line)),
        ] {
            let sql = format!("DELETE FROM {table} WHERE name = ?1 AND id = ?2");
            self.rows.db.prepare_cached(&sql)?.execute(params![name, id])?;
        }
        self.rows.delete(SealedTable::Facts, &place)?;
        self.names.gone.push(place);
        Ok(())
    }

    /// Writes the names of new facts, each table from its front to its end.
    pub(super) fn write_names(&mut self) -> Result<()> {
        let NewNames { digests, outcomes, events, places, mut facts, gone } = std::mem::take(&mut self.names);
        let db = &self.rows.db;
        write(db, "digests", digests, |digest| digest.as_bytes())?;
        write(db, "outcomes", outcomes, |start| start)?;
        write(db, "events", events, |event| event.as_str().as_bytes())?;
        write(db, "places", places, |place| place)?;
        facts.sort_unstable();
        for (place, row, flags, code) in &facts {
            self.rows.put(SealedTable::Facts, &[place, row, flags, code])?;
        }
        let added: Vec<Vec<u8>> = facts.into_iter().map(|(place, ..)| place).collect();
        change_spans(db, &added, &gone)
    }

    fn touch_kind(&mut self, kind: &str) -> Result<()> {
        if !self.kinds.before.contains_key(kind) {
            let first = first_of(&self.rows.db, kind)?;
            self.kinds.before.insert(kind.to_owned(), first);
        }
        Ok(())
    }

    /// Marks the lines of facts that are the first of their kind now, and of those that no longer are.
    pub(super) fn mark_unseen(&mut self) -> Result<()> {
        for (kind, before) in std::mem::take(&mut self.kinds.before) {
            let now = first_of(&self.rows.db, &kind)?;
            if now != before {
                for (_, line) in now.iter().chain(&before) {
                    self.lines.entry(*line).or_default();
                }
            }
            self.kinds.now.insert(kind, now);
        }
        Ok(())
    }

    /// Whether a fact is the first denial of its kind.
    pub(super) fn is_unseen(&mut self, fact: &Fact) -> Result<bool> {
        let Some(kind) = kind_of(fact)? else { return Ok(false) };
        if !self.kinds.now.contains_key(&kind) {
            let first = first_of(&self.rows.db, &kind)?;
            self.kinds.now.insert(kind.clone(), first);
        }
        let first = self.kinds.now.get(&kind).and_then(Option::as_ref);
        Ok(first.is_some_and(|(place, _)| *place == fact.order().to_bytes()))
    }
}

fn kind_of(fact: &Fact) -> Result<Option<String>> {
    Ok(DenialKind::of(fact).map(|kind| serde_json::to_string(&kind)).transpose()?)
}

fn first_of(db: &Connection, kind: &str) -> Result<First> {
    let mut select = db.prepare_cached("SELECT place, line FROM kinds WHERE kind = ?1 ORDER BY place LIMIT 1")?;
    let first = select.query_row([kind], |row| Ok((row.get(0)?, Sha256Hash::from_bytes(row.get(1)?))));
    Ok(first.optional()?)
}

fn write<N: Ord>(db: &Connection, table: &str, mut names: Vec<(N, u64)>, bytes: fn(&N) -> &[u8]) -> Result<()> {
    names.sort_unstable();
    let mut insert = db.prepare_cached(&format!("INSERT INTO {table} (name, id) VALUES (?1, ?2)"))?;
    for (name, id) in &names {
        insert.execute(params![bytes(name), id])?;
    }
    Ok(())
}

/// Facts of a stretch of the total order when it is cut; it holds up to twice as many.
const SPAN_FACTS: u64 = 64;

/// Where each stretch of the total order starts, and how many facts it has.
fn spans(db: &Connection) -> Result<Vec<(Vec<u8>, u64)>> {
    let mut select = db.prepare_cached("SELECT first, facts FROM spans ORDER BY first")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn change_spans(db: &Connection, added: &[Vec<u8>], gone: &[Vec<u8>]) -> Result<()> {
    let mut spans = spans(db)?;
    if spans.is_empty() {
        // Everything from the least place on.
        spans.push((Vec::new(), 0));
    }
    let mut changed: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
    let span = |place: &Vec<u8>| spans.partition_point(|(first, _)| first <= place).saturating_sub(1);
    added.iter().for_each(|place| changed.entry(span(place)).or_default().0 += 1);
    gone.iter().for_each(|place| changed.entry(span(place)).or_default().1 += 1);
    for (number, (plus, minus)) in changed {
        let (first, facts) = spans.get(number).fits("a stretch of the total order is missing")?;
        let now = (facts + plus).checked_sub(minus).fits("a stretch of the total order lacks facts")?;
        db.prepare_cached("DELETE FROM spans WHERE first = ?1")?.execute([first])?;
        if now > 2 * SPAN_FACTS {
            cut(db, first, spans.get(number + 1).map(|(next, _)| next))?;
        } else if now > 0 || number == 0 {
            db.prepare_cached("INSERT INTO spans (first, facts) VALUES (?1, ?2)")?.execute(params![first, now])?;
        }
    }
    Ok(())
}

fn cut(db: &Connection, first: &[u8], next: Option<&Vec<u8>>) -> Result<()> {
    let mut select =
        db.prepare_cached("SELECT key FROM facts WHERE key >= ?1 AND (?2 IS NULL OR key < ?2) ORDER BY key")?;
    let mut insert = db.prepare_cached("INSERT INTO spans (first, facts) VALUES (?1, ?2)")?;
    let mut rows = select.query(params![first, next])?;
    let (mut start, mut facts) = (first.to_vec(), 0);
    while let Some(row) = rows.next()? {
        if facts == SPAN_FACTS {
            insert.execute(params![start, facts])?;
            (start, facts) = (row.get(0)?, 0);
        }
        facts += 1;
    }
    insert.execute(params![start, facts])?;
    Ok(())
}

/// Ranks of places of the total order, counted from 0: each is a sum over few rows.
pub(in crate::index) struct Ranks {
    /// Where each stretch starts, and how many facts stand before it.
    starts: Vec<(Vec<u8>, u64)>,
}

impl Ranks {
    pub(in crate::index) fn of(db: &Connection) -> Result<Self> {
        let mut before = 0;
        let start = |(first, facts)| {
            before += facts;
            (first, before - facts)
        };
        Ok(Self { starts: spans(db)?.into_iter().map(start).collect() })
    }

    pub(in crate::index) fn rank(&self, db: &Connection, place: &[u8]) -> Result<u64> {
        let span = self.starts.partition_point(|(first, _)| first.as_slice() <= place).saturating_sub(1);
        let (first, before) = self.starts.get(span).fits("a stretch of the total order is missing")?;
        let mut count = db.prepare_cached("SELECT count(*) FROM facts WHERE key >= ?1 AND key < ?2")?;
        let within: u64 = count.query_row(params![first, place], |row| row.get(0))?;
        Ok(before + within)
    }
}
