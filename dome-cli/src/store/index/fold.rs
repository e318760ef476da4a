//! Folding task lines on: from where they stopped, or from their first fact where something changed
//! before their end.

use std::collections::{BTreeMap, BTreeSet};

use dome_binder::{CapsuleState, Fact, LaneState, Latency, LineFact, LineState, Rules, RunSets, Step};
use dome_core::{Lane, RunId, Sha256Hash};
use rusqlite::{OptionalExtension, Transaction, params};

use super::apply::{Changes, stored_or_noted};
use super::{holds, order, rewind, unseen};
use crate::store::log::{Place, Segments};

/// What folding leaves for M-84.
#[derive(Default)]
pub(super) struct Touched {
    /// Capsules that are new, are gone, or were first minted at another fact: all that applied them.
    pub(super) capsules: BTreeSet<Sha256Hash>,
    /// Capsules and runs in which a fact applied them.
    pub(super) applied: BTreeSet<(Sha256Hash, i64)>,
}

/// Folds every line that changed.
pub(super) fn fold(
    tx: &Transaction<'_>,
    mut changes: Changes,
    rules: &Rules,
    segments: &mut Segments,
) -> anyhow::Result<Touched> {
    let mut touched = Touched::default();
    for (line, mut facts) in std::mem::take(&mut changes.appended) {
        facts.sort_by_cached_key(|(_, fact)| order::of(fact));
        let last: Option<Vec<u8>> =
            tx.prepare_cached("SELECT last_order FROM lines WHERE id = ?1")?.query_row([line], |row| row.get(0))?;
        let Some(first) = facts.first().map(|(_, fact)| order::of(fact)) else { continue };
        if changes.refold.contains(&line) {
            continue;
        }
        if last.is_none_or(|last| last < first) {
            go_on(tx, line, &facts, rules, &mut touched)?;
        } else if let Some(order) = rewind::rewind(tx, line, &first, rules, &mut touched)? {
            let facts = facts_of(tx, line, Some(&order), segments)?;
            go_on(tx, line, &facts, rules, &mut touched)?;
        } else {
            changes.refold.insert(line);
        }
    }
    for line in changes.refold {
        again(tx, line, &changes.rebuilt, rules, segments, &mut touched)?;
    }
    Ok(touched)
}

/// Folds facts that stand behind all others of their line.
fn go_on(
    tx: &Transaction<'_>,
    line: i64,
    facts: &[(u64, Fact)],
    rules: &Rules,
    touched: &mut Touched,
) -> anyhow::Result<()> {
    let latency: String =
        tx.prepare_cached("SELECT latency FROM lines WHERE id = ?1")?.query_row([line], |row| row.get(0))?;
    let latency: Latency = if latency.is_empty() { Latency::default() } else { serde_json::from_str(&latency)? };
    let mut lanes: BTreeMap<Option<Lane>, LaneState> = BTreeMap::new();
    let mut keys: BTreeSet<Sha256Hash> = BTreeSet::new();
    for (_, fact) in facts {
        keys.insert(fact.keys.derived);
        if !lanes.contains_key(&fact.lane)
            && let Some(state) = lane(tx, line, fact.lane.as_ref())?
        {
            keys.extend(state.open());
            lanes.insert(fact.lane.clone(), state);
        }
    }
    let mut capsules = BTreeMap::new();
    for key in keys {
        let state: Option<String> = tx
            .prepare_cached("SELECT state FROM capsule_states WHERE derived_key = ?1")?
            .query_row([key.as_bytes()], |row| row.get(0))
            .optional()?;
        if let Some(state) = state {
            capsules.insert(key, serde_json::from_str(&state)?);
        }
    }
    let state = LineState::from_parts((latency, lanes, capsules));
    push(tx, line, state, facts, rules, touched)?;
    rewind::keep(tx, line, facts.len())
}

/// How the index writes a lane: no lane is a lane of its own, and no identifier is empty.
fn lane_name(lane: Option<&Lane>) -> &str {
    lane.map_or("", Lane::as_str)
}

fn lane(tx: &Transaction<'_>, line: i64, lane: Option<&Lane>) -> anyhow::Result<Option<LaneState>> {
    let state: Option<String> = tx
        .prepare_cached("SELECT state FROM lanes WHERE line = ?1 AND lane = ?2")?
        .query_row(params![line, lane_name(lane)], |row| row.get(0))
        .optional()?;
    Ok(state.map(|state| serde_json::from_str(&state)).transpose()?)
}

/// Folds a line from its first fact.
fn again(
    tx: &Transaction<'_>,
    line: i64,
    rebuilt: &BTreeSet<i64>,
    rules: &Rules,
    segments: &mut Segments,
    touched: &mut Touched,
) -> anyhow::Result<()> {
    rewind::forget(tx, line)?;
    let facts = facts_of(tx, line, None, segments)?;
    let mut runs = tx.prepare_cached("SELECT DISTINCT run FROM records WHERE line = ?1 AND outcome = 0")?;
    let runs = runs.query_map([line], |row| row.get(0))?.collect::<Result<BTreeSet<i64>, _>>()?;
    for run in runs.union(rebuilt) {
        tx.prepare_cached("DELETE FROM minted_runs WHERE run = ?1 AND line = ?2")?.execute([run, &line])?;
        tx.prepare_cached("DELETE FROM resolved_runs WHERE run = ?1 AND line = ?2")?.execute([run, &line])?;
    }
    tx.prepare_cached("DELETE FROM lanes WHERE line = ?1")?.execute([line])?;
    let mut applied = tx.prepare_cached("SELECT DISTINCT capsule, run FROM applied WHERE line = ?1")?;
    for row in applied.query_map([line], |row| Ok((row.get::<_, [u8; 32]>(0)?, row.get(1)?)))? {
        let (capsule, run) = row?;
        touched.applied.insert((Sha256Hash::from_bytes(capsule), run));
    }
    tx.prepare_cached("DELETE FROM applied WHERE line = ?1")?.execute([line])?;
    let mut keys = tx.prepare_cached("SELECT derived_key FROM capsule_states WHERE line = ?1")?;
    let before = keys.query_map([line], |row| row.get(0))?.collect::<Result<BTreeSet<[u8; 32]>, _>>()?;
    let minted = push(tx, line, LineState::default(), &facts, rules, touched)?;
    for gone in before.into_iter().map(Sha256Hash::from_bytes).filter(|key| !minted.contains(key)) {
        take_out(tx, gone, touched)?;
    }
    if facts.is_empty() {
        tx.prepare_cached("UPDATE lines SET last_order = NULL, latency = '', guard_denied = 0 WHERE id = ?1")?
            .execute([line])?;
    }
    Ok(())
}

/// The facts of a line in total order, from the log; those after one, if it is given.
fn facts_of(
    tx: &Transaction<'_>,
    line: i64,
    after: Option<&[u8]>,
    segments: &mut Segments,
) -> anyhow::Result<Vec<(u64, Fact)>> {
    let mut select = tx.prepare_cached(
        "SELECT position, segment, start, length, ordered_ts, place FROM records
         WHERE line = ?1 AND outcome = 0 AND at >= ?2",
    )?;
    let at = after.and_then(|order| order.get(..order::AT_BYTES)).unwrap_or_default();
    let rows = select.query_map(params![line, at], |row| {
        let place = Place { segment: row.get(1)?, start: row.get(2)?, length: row.get(3)? };
        Ok((row.get::<_, u64>(0)?, place, row.get::<_, String>(4)?, row.get::<_, u64>(5)?))
    })?;
    let mut facts = Vec::new();
    for row in rows {
        let (position, entry, ordered_ts, place) = row?;
        if let Some(record) = stored_or_noted(tx, segments, entry, position)? {
            facts.push((position, Fact { record, ordered_ts: ordered_ts.parse()?, place }));
        }
    }
    facts.retain(|(_, fact)| after.is_none_or(|after| order::of(fact).as_slice() > after));
    facts.sort_by_cached_key(|(_, fact)| order::of(fact));
    Ok(facts)
}

/// Folds facts onto a state, and keeps what comes out; the keys of the capsules that were minted.
fn push(
    tx: &Transaction<'_>,
    line: i64,
    mut state: LineState,
    facts: &[(u64, Fact)],
    rules: &Rules,
    touched: &mut Touched,
) -> anyhow::Result<BTreeSet<Sha256Hash>> {
    let mut runs = StoredRuns { tx, line, ids: BTreeMap::new(), order: Vec::new(), failed: None };
    let (mut changed, mut minted) = (BTreeSet::new(), BTreeSet::new());
    for (position, fact) in facts {
        let unseen_denial = unseen::is_first(tx, fact, *position)?;
        runs.order = order::of(fact);
        let line_fact = LineFact { position: usize::try_from(*position)?, fact, unseen_denial };
        let Step { bound, applied, effects } = state.push(&line_fact, rules, &mut runs);
        changed.extend(effects.iter().map(dome_binder::Effect::key));
        minted.extend(bound.minted.then_some(fact.keys.derived));
        tx.prepare_cached("UPDATE records SET minted = ?2, triggers = ?3 WHERE position = ?1")?.execute(params![
            position,
            bound.minted,
            serde_json::to_string(&bound.triggers)?
        ])?;
        if let Some(applied) = applied {
            let run = runs.id(&fact.run_id)?;
            touched.applied.insert((applied.capsule, run));
            tx.prepare_cached("INSERT OR REPLACE INTO applied VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
                applied.capsule.as_bytes(),
                run,
                order::of(fact),
                line,
                serde_json::to_string(&applied)?
            ])?;
        }
    }
    if let Some(error) = runs.failed {
        return Err(error);
    }
    let guard_denied = state.guard_denied();
    let (latency, lanes, capsules) = state.into_parts();
    for (lane, state) in &lanes {
        tx.prepare_cached("INSERT OR REPLACE INTO lanes VALUES (?1, ?2, ?3)")?.execute(params![
            line,
            lane_name(lane.as_ref()),
            serde_json::to_string(state)?
        ])?;
    }
    let orders: BTreeMap<u64, Vec<u8>> = facts.iter().map(|(position, fact)| (*position, order::of(fact))).collect();
    for (key, capsule) in capsules.iter().filter(|(key, _)| changed.contains(*key)) {
        let first = orders.get(&(capsule.support.first.position as u64));
        save(tx, line, capsule, first)?;
        holds::write(tx, capsule, rules)?;
        touched.capsules.extend(first.map(|_| *key));
    }
    if let Some((_, last)) = facts.last() {
        tx.prepare_cached("UPDATE lines SET latency = ?2, last_order = ?3, guard_denied = ?4 WHERE id = ?1")?
            .execute(params![line, serde_json::to_string(&latency)?, order::of(last), guard_denied])?;
    }
    Ok(minted)
}

/// Takes a capsule out, with what was counted for it: should it come back, all of that is counted again.
pub(super) fn take_out(tx: &Transaction<'_>, capsule: Sha256Hash, touched: &mut Touched) -> anyhow::Result<()> {
    tx.prepare_cached("DELETE FROM capsule_states WHERE derived_key = ?1")?.execute([capsule.as_bytes()])?;
    tx.prepare_cached("DELETE FROM applied_outcomes WHERE capsule = ?1")?.execute([capsule.as_bytes()])?;
    touched.capsules.insert(capsule);
    Ok(())
}

/// Keeps a capsule; `first` is the order of its first minting fact, where that is new.
pub(super) fn save(
    tx: &Transaction<'_>,
    line: i64,
    capsule: &CapsuleState,
    first: Option<&Vec<u8>>,
) -> anyhow::Result<()> {
    let support = &capsule.support;
    tx.prepare_cached(
        "INSERT INTO capsule_states (derived_key, line, concept_key, fingerprint_hash, failure_reason_code, first_order,
            support_count, failure_count, denial_count, resolved_count, contradiction_count, recurrence_count, run_count,
            first_seen_ts, last_seen_ts, state)
         VALUES (?1, ?2, ?3, ?4, ?5, coalesce(?6, x''), ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
         ON CONFLICT (derived_key) DO UPDATE SET first_order = coalesce(?6, first_order), support_count = ?7,
            failure_count = ?8, denial_count = ?9, resolved_count = ?10, contradiction_count = ?11,
            recurrence_count = ?12, run_count = ?13, first_seen_ts = ?14, last_seen_ts = ?15, state = ?16",
    )?
    .execute(params![
        capsule.keys.derived.as_bytes(),
        line,
        capsule.keys.concept.as_bytes(),
        capsule.keys.fingerprint_hash.as_bytes(),
        capsule.failure_reason_code.as_str(),
        first,
        support.support_count,
        capsule.failure_count,
        support.denial_count,
        capsule.resolved_count,
        capsule.contradiction_count,
        capsule.recurrence_count,
        support.run_count,
        support.first.ts.to_string(),
        support.last.ts.to_string(),
        serde_json::to_string(capsule)?
    ])?;
    Ok(())
}

/// The sets of runs, in the index.
struct StoredRuns<'t, 'c> {
    tx: &'t Transaction<'c>,
    line: i64,
    ids: BTreeMap<RunId, i64>,
    /// The order of the fact that is being folded.
    order: Vec<u8>,
    /// The first error, told when the fold is over.
    failed: Option<anyhow::Error>,
}

impl StoredRuns<'_, '_> {
    fn id(&mut self, run: &RunId) -> anyhow::Result<i64> {
        if let Some(id) = self.ids.get(run) {
            return Ok(*id);
        }
        let mut select = self.tx.prepare_cached("SELECT id FROM runs WHERE run_id = ?1")?;
        let id = select.query_row([run.as_str()], |row| row.get(0))?;
        self.ids.insert(run.clone(), id);
        Ok(id)
    }

    fn joined(&mut self, capsule: Sha256Hash, remedy: Option<Sha256Hash>, run: &RunId) -> anyhow::Result<bool> {
        let run = self.id(run)?;
        let added = match remedy {
            None => self
                .tx
                .prepare_cached("INSERT OR IGNORE INTO minted_runs VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![run, self.line, capsule.as_bytes(), self.order])?,
            Some(remedy) => self
                .tx
                .prepare_cached("INSERT OR IGNORE INTO resolved_runs VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![run, self.line, capsule.as_bytes(), remedy.as_bytes(), self.order])?,
        };
        Ok(added > 0)
    }

    fn told(&mut self, joined: anyhow::Result<bool>) -> bool {
        joined.unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            false
        })
    }
}

impl<'l> RunSets<'l> for StoredRuns<'_, '_> {
    fn joins(&mut self, capsule: Sha256Hash, run: &'l RunId) -> bool {
        let joined = self.joined(capsule, None, run);
        self.told(joined)
    }

    fn resolves(&mut self, capsule: Sha256Hash, remedy: Sha256Hash, run: &'l RunId) -> bool {
        let joined = self.joined(capsule, Some(remedy), run);
        self.told(joined)
    }
}
