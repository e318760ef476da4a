//! Settling runs (M-41): most envelopes stand behind all others of their run, or are there already;
//! where one does neither, its run is settled again as a whole.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use dome_binder::{Conflict, Fact, Record, group_by_run, settle as settle_run};
use dome_core::{EventId, RunId, Sha256Hash, Source, Timestamp};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::apply::{Arrival, Changes, stored_or_noted};
use super::{order, rollup, unseen};
use crate::store::log::{Place, Segments};

/// What a record came to, as the index writes it.
const FACT: i64 = 0;
const DUPLICATE: i64 = 1;
const CONFLICT: i64 = 2;

/// What the index knows of a run: the key of the last envelope that M-41 took, and what it left.
struct Run {
    id: i64,
    last: Option<(u64, Timestamp, EventId, Sha256Hash)>,
    ordered_ts: Option<Timestamp>,
    facts: u64,
}

/// Settles what has arrived, and what is left of runs from which a line was withdrawn.
pub(super) fn settle(
    tx: &Transaction<'_>,
    arrivals: Vec<Arrival>,
    withdrawn: &[u64],
    segments: &mut Segments,
    changes: &mut Changes,
) -> anyhow::Result<()> {
    let mut runs: BTreeMap<RunId, Vec<Arrival>> = BTreeMap::new();
    for arrival in arrivals {
        runs.entry(arrival.record.run_id.clone()).or_default().push(arrival);
    }
    let mut shrunk = BTreeSet::new();
    for position in withdrawn {
        tx.execute("UPDATE rejected SET state = 'withdrawn' WHERE position = ?1", [position])?;
        let run_id: Option<String> = tx
            .query_row("SELECT run_id FROM records JOIN runs ON runs.id = run WHERE position = ?1", [position], |row| {
                row.get(0)
            })
            .optional()?;
        shrunk.extend(run_id.map(RunId::new).transpose()?);
    }
    for run_id in &shrunk {
        runs.entry(run_id.clone()).or_default();
    }
    for (run_id, mut arrivals) in runs {
        let run = find_run(tx, &run_id)?;
        let key = |record: &Record| (record.sequence, record.ts, record.event_id.clone(), record.keys.digest);
        arrivals.sort_by_cached_key(|arrival| key(&arrival.record));
        match follow(tx, &run, &arrivals)? {
            Some(outcomes) if !shrunk.contains(&run_id) => append(tx, run, arrivals, &outcomes, changes)?,
            _ => again(tx, &run, arrivals, withdrawn, segments, changes)?,
        }
    }
    Ok(())
}

fn find_run(tx: &Transaction<'_>, run_id: &RunId) -> anyhow::Result<Run> {
    let mut select = tx.prepare_cached(
        "SELECT id, last_sequence, last_ts, last_event, last_digest, latest_ts, facts FROM runs WHERE run_id = ?1",
    )?;
    let found = select.query_row([run_id.as_str()], |row| {
        let texts: [String; 3] = [row.get(2)?, row.get(3)?, row.get(5)?];
        Ok((row.get(0)?, row.get(1)?, texts, row.get::<_, [u8; 32]>(4)?, row.get(6)?))
    });
    let Some((id, sequence, [last_ts, event, ordered_ts], digest, facts)) = found.optional()? else {
        tx.prepare_cached(
            "INSERT INTO runs (run_id, last_sequence, last_ts, last_event, last_digest, latest_ts, latest_at, facts)
             VALUES (?1, 0, '', '', x'', '', x'', 0)",
        )?
        .execute([run_id.as_str()])?;
        return Ok(Run { id: tx.last_insert_rowid(), last: None, ordered_ts: None, facts: 0 });
    };
    let last = (sequence, last_ts.parse()?, EventId::new(event)?, Sha256Hash::from_bytes(digest));
    Ok(Run { id, last: Some(last), ordered_ts: Some(ordered_ts.parse()?), facts })
}

/// Where each arrival follows all of its run, or repeats a fact of it, whether it is a fact; `None`
/// when the run must be settled again.
fn follow(tx: &Transaction<'_>, run: &Run, arrivals: &[Arrival]) -> anyhow::Result<Option<Vec<bool>>> {
    let mut events: BTreeSet<&EventId> = BTreeSet::new();
    let mut outcomes: BTreeSet<Sha256Hash> = BTreeSet::new();
    let (mut digests, mut are_facts) = (BTreeSet::new(), Vec::with_capacity(arrivals.len()));
    let mut same = tx.prepare_cached("SELECT outcome FROM records WHERE run = ?1 AND digest = ?2 AND outcome <> 1")?;
    let mut taken = tx.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM records WHERE run = ?1 AND event_id = ?2 AND outcome = 0)
             OR EXISTS (SELECT 1 FROM records WHERE run = ?1 AND idempotency_key = ?3 AND outcome = 0)",
    )?;
    for Arrival { record, .. } in arrivals {
        let digest = record.keys.digest;
        let known: Option<i64> = if run.last.is_some() {
            same.query_row(params![run.id, digest.as_bytes()], |row| row.get(0)).optional()?
        } else {
            None
        };
        if known == Some(FACT) || digests.contains(&digest) {
            are_facts.push(false);
            continue;
        }
        let follows = run.last.as_ref().is_none_or(|(sequence, ts, event, last)| {
            (record.sequence, record.ts, &record.event_id, digest) > (*sequence, *ts, event, *last)
        });
        let event_id = record.event_id.as_str();
        let conflicts = events.contains(&record.event_id)
            || outcomes.contains(&record.keys.idempotency)
            || run.last.is_some()
                && taken.query_row(params![run.id, event_id, record.keys.idempotency.as_bytes()], |row| row.get(0))?;
        if known.is_some() || !follows || conflicts {
            return Ok(None);
        }
        events.insert(&record.event_id);
        outcomes.insert(record.keys.idempotency);
        digests.insert(digest);
        are_facts.push(true);
    }
    Ok(Some(are_facts))
}

/// Adds arrivals behind what the run has.
fn append(
    tx: &Transaction<'_>,
    mut run: Run,
    arrivals: Vec<Arrival>,
    are_facts: &[bool],
    changes: &mut Changes,
) -> anyhow::Result<()> {
    for (Arrival { position, place, record }, is_fact) in arrivals.into_iter().zip(are_facts) {
        let line = line_of(tx, &record)?;
        if !is_fact {
            insert(
                tx,
                &Settled { position, place, run: run.id, line, record: &record, outcome: DUPLICATE, fact: None },
            )?;
            seen_earlier(tx, run.id, &record)?;
            continue;
        }
        let ordered_ts = run.ordered_ts.map_or(record.ts, |before| before.max(record.ts));
        run.last = Some((record.sequence, record.ts, record.event_id.clone(), record.keys.digest));
        run.ordered_ts = Some(ordered_ts);
        let fact = Fact { record, ordered_ts, place: run.facts };
        run.facts += 1;
        insert(tx, &Settled { position, place, run: run.id, line, record: &fact, outcome: FACT, fact: Some(&fact) })?;
        unseen::add(tx, &fact, position, changes)?;
        rollup::add(tx, run.id, &fact)?;
        changes.appended.entry(line).or_default().push((position, fact));
    }
    save_run(tx, &run)
}

/// A repeat may stand before the fact that it repeats: the lineage is the first of them (M-43).
fn seen_earlier(tx: &Transaction<'_>, run: i64, record: &Record) -> anyhow::Result<()> {
    let Source { name, line } = &record.source;
    tx.prepare_cached(
        "UPDATE records SET source = ?3, source_line = ?4
         WHERE run = ?1 AND digest = ?2 AND outcome = 0 AND (source, source_line) > (?3, ?4)",
    )?
    .execute(params![run, record.keys.digest.as_bytes(), name.as_str(), line])?;
    Ok(())
}

fn save_run(tx: &Transaction<'_>, run: &Run) -> anyhow::Result<()> {
    let (Some((sequence, ts, event, digest)), Some(ordered_ts)) = (&run.last, run.ordered_ts) else {
        tx.execute("DELETE FROM runs WHERE id = ?1", [run.id])?;
        return Ok(());
    };
    tx.prepare_cached(
        "UPDATE runs SET last_sequence = ?2, last_ts = ?3, last_event = ?4, last_digest = ?5, latest_ts = ?6,
            latest_at = ?7, facts = ?8 WHERE id = ?1",
    )?
    .execute(params![
        run.id,
        sequence,
        ts.to_string(),
        event.as_str(),
        digest.as_bytes(),
        ordered_ts.to_string(),
        order::at(ordered_ts),
        run.facts
    ])?;
    Ok(())
}

/// Settles a run again, with everything that it has and what has arrived.
fn again(
    tx: &Transaction<'_>,
    run: &Run,
    arrivals: Vec<Arrival>,
    withdrawn: &[u64],
    segments: &mut Segments,
    changes: &mut Changes,
) -> anyhow::Result<()> {
    let mut places: BTreeMap<Source, (u64, Place)> = BTreeMap::new();
    let mut records: Vec<Box<Record>> = Vec::new();
    for (position, place) in known(tx, run.id)? {
        if withdrawn.contains(&position) {
            continue;
        }
        let Some(record) = stored_or_noted(tx, segments, place, position)? else { continue };
        places.insert(record.source.clone(), (position, place));
        records.push(record);
    }
    for Arrival { position, place, record } in arrivals {
        places.insert(record.source.clone(), (position, place));
        records.push(record);
    }
    let copies: Vec<(Source, Box<Record>)> =
        records.iter().map(|record| (record.source.clone(), record.clone())).collect();
    clear(tx, run.id, changes)?;
    let last = records.iter().max_by_key(|record| (record.sequence, record.ts, &record.event_id, record.keys.digest));
    let last = last.map(|last| (last.sequence, last.ts, last.event_id.clone(), last.keys.digest));
    let settled = group_by_run(records).into_iter().next().map(settle_run).unwrap_or_default();
    let facts: BTreeMap<&Source, &Fact> = settled.facts.iter().map(|fact| (&fact.source, fact)).collect();
    let conflicts: BTreeMap<&Source, &Conflict> =
        settled.conflicts.iter().map(|conflict| (&conflict.source, conflict)).collect();
    for (source, record) in &copies {
        let (position, place) = *places.get(source).context("a record has its place in the log")?;
        let line = line_of(tx, record)?;
        let (fact, conflict) = (facts.get(source).copied(), conflicts.get(source));
        let outcome = if fact.is_some() {
            FACT
        } else if conflict.is_some() {
            CONFLICT
        } else {
            DUPLICATE
        };
        insert(tx, &Settled { position, place, run: run.id, line, record, outcome, fact })?;
        if let Some(conflict) = conflict {
            let problem = serde_json::to_string(&conflict.problem)?;
            tx.execute("UPDATE records SET problem = ?2 WHERE position = ?1", params![position, problem])?;
        }
        if let Some(fact) = fact {
            unseen::add(tx, fact, position, changes)?;
            rollup::add(tx, run.id, fact)?;
            changes.refold.insert(line);
        }
    }
    let ordered_ts = settled.facts.last().map(|fact| fact.ordered_ts);
    save_run(tx, &Run { id: run.id, last, ordered_ts, facts: settled.facts.len() as u64 })
}

/// The entries of a run.
fn known(tx: &Transaction<'_>, run: i64) -> anyhow::Result<Vec<(u64, Place)>> {
    let mut select = tx.prepare_cached("SELECT position, segment, start, length FROM records WHERE run = ?1")?;
    let place =
        |row: &Row<'_>| Ok((row.get(0)?, Place { segment: row.get(1)?, start: row.get(2)?, length: row.get(3)? }));
    Ok(select.query_map([run], place)?.collect::<Result<_, _>>()?)
}

/// Takes everything of a run out; the lines that its facts stood on must be folded again.
fn clear(tx: &Transaction<'_>, run: i64, changes: &mut Changes) -> anyhow::Result<()> {
    let mut lines = tx.prepare_cached("SELECT DISTINCT line FROM records WHERE run = ?1 AND outcome = 0")?;
    let lines = lines.query_map([run], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
    for line in lines {
        changes.appended.remove(&line);
        changes.refold.insert(line);
    }
    changes.rebuilt.insert(run);
    unseen::remove_run(tx, run, changes)?;
    for table in ["records", "gate_runs", "denial_runs", "minted_runs", "resolved_runs"] {
        tx.execute(&format!("DELETE FROM {table} WHERE run = ?1"), [run])?;
    }
    Ok(())
}

/// A record as it was settled.
struct Settled<'s> {
    position: u64,
    place: Place,
    run: i64,
    line: i64,
    record: &'s Record,
    outcome: i64,
    fact: Option<&'s Fact>,
}

fn insert(tx: &Transaction<'_>, settled: &Settled<'_>) -> anyhow::Result<()> {
    let Settled { position, place, run, line, record, outcome, fact } = settled;
    let keys = &record.keys;
    let mut insert = tx.prepare_cached(
        "INSERT OR REPLACE INTO records (position, segment, start, length, source, source_line, run, line, outcome,
            digest, idempotency_key, derived_key, fingerprint_hash, event_id, task_id, group_id, sequence, signal,
            failure_reason_code, policy_reason_code, failing, ordered_ts, at, place)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
            ?23, ?24)",
    )?;
    insert.execute(params![
        position,
        place.segment,
        place.start,
        place.length,
        fact.map_or(record.source.name.as_str(), |fact| fact.source.name.as_str()),
        record.source.line,
        run,
        line,
        outcome,
        keys.digest.as_bytes(),
        keys.idempotency.as_bytes(),
        keys.derived.as_bytes(),
        keys.fingerprint_hash.as_bytes(),
        record.event_id.as_str(),
        record.task_id.as_str(),
        record.group_id.as_str(),
        record.sequence,
        record.signal.as_str(),
        record.keys.failure_reason_code.as_str(),
        record.policy_reason_code().map(|code| code.as_str()),
        record.is_failing(),
        fact.map(|fact| fact.ordered_ts.to_string()),
        fact.map(|fact| order::at(fact.ordered_ts)),
        fact.map(|fact| fact.place),
    ])?;
    Ok(())
}

/// The row of a record's task line, made where there is none yet.
fn line_of(tx: &Transaction<'_>, record: &Record) -> anyhow::Result<i64> {
    let key = record.keys.line.as_bytes();
    let mut select = tx.prepare_cached("SELECT id FROM lines WHERE line_key = ?1")?;
    if let Some(id) = select.query_row([key], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    let line = &record.keys.task_line;
    tx.prepare_cached(
        "INSERT INTO lines (line_key, scope, target_kind, target_id, action_kind, latency, guard_denied)
         VALUES (?1, ?2, ?3, ?4, ?5, '', 0)",
    )?
    .execute(params![
        key,
        line.scope.as_str(),
        line.target_kind.as_str(),
        line.target_id.as_str(),
        line.action_kind.as_str()
    ])?;
    Ok(tx.last_insert_rowid())
}
