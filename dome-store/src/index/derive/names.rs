//! What facts are called: everything that a fact is found by, written sorted.

use dome_binder::query::View;
use dome_binder::views::denial_pairs;
use dome_binder::{DenialKind, Fact, FactOrder, Record};
use dome_core::{EventId, Sha256Hash, Source, Timestamp};
use rusqlite::params;

use super::Derivation;
use crate::index::error::Result;

/// What a fact is found by.
pub(super) struct FactNames {
    pub(super) digest: Sha256Hash,
    pub(super) line: i64,
    pub(super) line_key: Sha256Hash,
    pub(super) order: FactOrder,
    idempotency: Sha256Hash,
    event: EventId,
    source: Source,
    kind: Option<String>,
    failing: bool,
}

impl FactNames {
    pub(super) fn of(record: &Record, ordered_ts: Timestamp, place: u64, line: i64) -> Result<Self> {
        let kind = DenialKind::of(record).map(|kind| serde_json::to_string(&kind)).transpose()?;
        Ok(Self {
            digest: record.keys.digest,
            line,
            line_key: record.keys.line,
            order: FactOrder { ts: ordered_ts, run_id: record.run_id.clone(), place },
            idempotency: record.keys.idempotency,
            event: record.event_id.clone(),
            source: record.source.clone(),
            kind,
            failing: record.is_failing(),
        })
    }
}

/// A row of the total order: its place, then what selects it.
type Placed = (Vec<u8>, u64, i64, i64, Option<i64>, u8);

/// Names of facts that are new, to be written in the order of their tables.
#[derive(Default)]
pub(super) struct Names {
    digests: Vec<(Sha256Hash, u64)>,
    outcomes: Vec<(Sha256Hash, u64)>,
    events: Vec<(EventId, u64)>,
    places: Vec<(i64, u64, u64)>,
    facts: Vec<Placed>,
    /// Places of the total order that no fact has any more.
    gone: Vec<Vec<u8>>,
}

/// The start of a hash that a name is found by; who finds it looks at the whole.
pub(in crate::index) fn start(hash: &Sha256Hash) -> &[u8] {
    hash.as_bytes().first_chunk::<8>().map_or(&[], |start| start)
}

/// Which views a fact is in, as bits.
pub(in crate::index) fn flags(fact: &Record) -> u8 {
    let bit = |view, is: bool| if is { flag(view) } else { 0 };
    bit(View::RecentFailures, fact.is_failing())
        | bit(View::GateRollup, !fact.gates.is_empty())
        | bit(View::GuardDenials, !denial_pairs(fact).is_empty())
}

/// The bit of a view.
pub(in crate::index) const fn flag(view: View) -> u8 {
    match view {
        View::RecentFailures => 1,
        View::GateRollup => 2,
        View::GuardDenials => 4,
    }
}

impl Derivation<'_> {
    /// Notes what a new fact is called.
    pub(super) fn add_names(&mut self, id: u64, fact: &Fact, named: FactNames) -> Result<()> {
        let place = named.order.to_bytes();
        if let Some(kind) = named.kind {
            self.add_kind(kind, &place, named.line)?;
        }
        self.tallies.failing += u64::from(named.failing);
        let code = self.word(fact.keys.failure_reason_code.as_str())?;
        let policy = fact.policy_reason_code().map(|code| self.word(code.as_str())).transpose()?;
        let source = self.word(&named.source.name)?;
        let names = &mut self.names;
        names.digests.push((named.digest, id));
        names.outcomes.push((named.idempotency, id));
        names.events.push((named.event, id));
        names.places.push((source, named.source.line, id));
        names.facts.push((place, id, named.line, code, policy, flags(fact)));
        Ok(())
    }

    /// Takes back what a fact was called.
    pub(super) fn remove_names(&mut self, id: u64, named: &FactNames) -> Result<()> {
        let place = named.order.to_bytes();
        if let Some(kind) = &named.kind {
            self.remove_kind(kind.clone(), &place)?;
        }
        self.tallies.failing -= u64::from(named.failing);
        let source = self.word(&named.source.name)?;
        let tx = self.tx;
        tx.prepare_cached("DELETE FROM digests WHERE digest = ?1 AND id = ?2")?
            .execute(params![named.digest.as_bytes(), id])?;
        tx.prepare_cached("DELETE FROM outcomes WHERE key = ?1 AND id = ?2")?
            .execute(params![start(&named.idempotency), id])?;
        tx.prepare_cached("DELETE FROM events WHERE event = ?1 AND id = ?2")?
            .execute(params![named.event.as_str(), id])?;
        tx.prepare_cached("DELETE FROM places WHERE source = ?1 AND line = ?2 AND id = ?3")?.execute(params![
            source,
            named.source.line,
            id
        ])?;
        tx.prepare_cached("DELETE FROM facts WHERE place = ?1 AND id = ?2")?.execute(params![place, id])?;
        self.names.gone.push(place);
        Ok(())
    }

    /// Writes the names of new facts, each table from its front to its end.
    pub(super) fn write_names(&mut self) -> Result<()> {
        let mut names = std::mem::take(&mut self.names);
        let tx = self.tx;
        names.digests.sort_unstable();
        let mut insert = tx.prepare_cached("INSERT INTO digests (digest, id) VALUES (?1, ?2)")?;
        for (digest, id) in names.digests {
            insert.execute(params![digest.as_bytes(), id])?;
        }
        names.outcomes.sort_unstable();
        let mut insert = tx.prepare_cached("INSERT INTO outcomes (key, id) VALUES (?1, ?2)")?;
        for (key, id) in names.outcomes {
            insert.execute(params![start(&key), id])?;
        }
        names.events.sort_unstable();
        let mut insert = tx.prepare_cached("INSERT INTO events (event, id) VALUES (?1, ?2)")?;
        for (event, id) in names.events {
            insert.execute(params![event.as_str(), id])?;
        }
        names.places.sort_unstable();
        let mut insert = tx.prepare_cached("INSERT INTO places (source, line, id) VALUES (?1, ?2, ?3)")?;
        for (source, line, id) in names.places {
            insert.execute(params![source, line, id])?;
        }
        names.facts.sort_unstable();
        let mut insert = tx.prepare_cached(
            "INSERT INTO facts (place, id, line, code, policy, flags, seal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for (place, id, line, code, policy, flags) in &names.facts {
            let seal = self.seals.of_fact(place, *id, *line, *code, *policy, *flags);
            insert.execute(params![place, id, line, code, policy, flags, seal])?;
        }
        let added: Vec<&[u8]> = names.facts.iter().map(|(place, ..)| place.as_slice()).collect();
        super::spans::change(tx, &added, &names.gone)
    }
}
