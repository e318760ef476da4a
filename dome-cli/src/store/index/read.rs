//! Reading the index back, in the rows of the model.

use std::collections::BTreeMap;

use dome_binder::{AppliedCounts, Bound, Capsule, CapsuleState, Fact, Rules, finish};
use dome_core::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Row};
use serde_json::{Map, Value};

use super::Index;
use crate::store::log::Checkpoint;

/// The views of the model, by name.
pub(crate) const VIEWS: [&str; 3] = [
    "mv_recent_failures_by_taskspec",
    "mv_gate_rollup_by_failure_reason_code",
    "mv_guard_denials_by_policy_reason_code",
];

/// A fact as the index keeps it, its members in canonical order.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct FactRow {
    pub(crate) derived_key: String,
    pub(crate) digest: String,
    pub(crate) idempotency_key: String,
    pub(crate) line_key: String,
    pub(crate) minted: bool,
    pub(crate) ordered_ts: String,
    pub(crate) source: String,
    pub(crate) source_line: u64,
    pub(crate) triggers: String,
}

/// A line of the quarantine: where its bytes are in the log, and why it is there.
pub(crate) struct Turned {
    pub(crate) position: u64,
    pub(crate) place: crate::store::log::Place,
    pub(crate) source: String,
    pub(crate) line: u64,
    /// The codes of its problems; a conflict's whole problem where one run's facts ruled it out.
    pub(crate) codes: Vec<String>,
    pub(crate) conflict: Option<dome_core::Problem>,
}

/// A source, how far it was read, and how much of it was bad.
pub(crate) struct SourceRow {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) rejected: u64,
    /// Whether more is known to stand in it, so that it holds the watermark back.
    pub(crate) open: bool,
}

impl FactRow {
    /// The row of a fact, as a replay binds it.
    pub(crate) fn of(fact: &Fact, bound: &Bound) -> Self {
        let triggers: Vec<&str> = bound.triggers.iter().map(|trigger| trigger.as_str()).collect();
        Self {
            derived_key: fact.keys.derived.to_string(),
            digest: fact.keys.digest.to_string(),
            idempotency_key: fact.keys.idempotency.to_string(),
            line_key: fact.keys.line.to_string(),
            minted: bound.minted,
            ordered_ts: fact.ordered_ts.to_string(),
            source: fact.source.name.to_string(),
            source_line: fact.source.line,
            triggers: serde_json::to_string(&triggers).unwrap_or_default(),
        }
    }
}

impl Index {
    /// The ordered time of the last fact (M-92).
    pub(crate) fn last_ts(&self) -> anyhow::Result<Option<Timestamp>> {
        super::watermark::last_ts(&self.db)
    }

    /// The instant up to which the derived state is complete, as far as the sources were read.
    pub(crate) fn watermark(&self) -> anyhow::Result<Option<Timestamp>> {
        let text = self.meta("watermark")?.filter(|text| !text.is_empty());
        Ok(text.map(|text| text.parse()).transpose()?)
    }

    /// How far a source was read that has this name, or had it before other content took it.
    pub(crate) fn checkpoints_of(&self, name: &str) -> anyhow::Result<Vec<Checkpoint>> {
        let mut select = self.db.prepare_cached(
            "SELECT checkpoint FROM sources WHERE name = ?1 OR name > ?1 || '#' AND name < ?1 || '$' ORDER BY name",
        )?;
        let rows = select.query_map([name], |row| row.get::<_, String>(0))?;
        rows.map(|row| Ok(serde_json::from_str(&row?)?)).collect()
    }

    /// Whether a line is kept that was too far ahead of the clock.
    pub(crate) fn has_late_lines(&self) -> anyhow::Result<bool> {
        let some = "SELECT EXISTS (SELECT 1 FROM rejected
                    WHERE state = 'quarantined' AND codes LIKE '%\"timestamp_future\"%')";
        Ok(self.db.query_row(some, [], |row| row.get(0))?)
    }

    /// The facts in total order.
    pub(crate) fn facts(&self, mut take: impl FnMut(FactRow) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut select = self.db.prepare(
            "SELECT derived_key, digest, idempotency_key, line_key, minted, ordered_ts, source, source_line, triggers
             FROM facts ORDER BY at, run_id, place",
        )?;
        let rows = select.query_map([], |row| {
            Ok(FactRow {
                derived_key: row.get(0)?,
                digest: row.get(1)?,
                idempotency_key: row.get(2)?,
                line_key: row.get(3)?,
                minted: row.get(4)?,
                ordered_ts: row.get(5)?,
                source: row.get(6)?,
                source_line: row.get(7)?,
                triggers: row.get(8)?,
            })
        })?;
        for row in rows {
            take(row?)?;
        }
        Ok(())
    }

    /// The capsules by derived key, as M-90 finishes them.
    pub(crate) fn capsules(
        &self,
        rules: &Rules,
        as_of: Option<Timestamp>,
        mut take: impl FnMut(Capsule) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut select = self.db.prepare(
            "SELECT state, confirmed_count, refuted_count, blocked_count, guard_denied
             FROM capsule_states JOIN lines ON lines.id = line ORDER BY derived_key",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            take(finished(row, rules, as_of)?)?;
        }
        Ok(())
    }

    /// The capsules that failed most, more than once: then the latest, then by key.
    pub(crate) fn failing_most(
        &self,
        rules: &Rules,
        as_of: Option<Timestamp>,
        most: usize,
    ) -> anyhow::Result<Vec<Capsule>> {
        let mut select = self.db.prepare(
            "SELECT state, confirmed_count, refuted_count, blocked_count, guard_denied
             FROM capsule_states JOIN lines ON lines.id = line WHERE failure_count > 1
             ORDER BY failure_count DESC, last_seen_s DESC, last_seen_ns DESC, derived_key LIMIT ?1",
        )?;
        let mut capsules = Vec::new();
        let mut rows = select.query([most as u64])?;
        while let Some(row) = rows.next()? {
            capsules.push(finished(row, rules, as_of)?);
        }
        Ok(capsules)
    }

    /// Key, verdict and holds of each capsule by key, as SQL adds them up: one JSON array a capsule.
    pub(crate) fn verdicts(&self, mut take: impl FnMut(String) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let mut select = self
            .db
            .prepare("SELECT json_array(derived_key, verdict, json(holds)) FROM capsules ORDER BY derived_key")?;
        let rows = select.query_map([], |row| row.get(0))?;
        for row in rows {
            take(row?)?;
        }
        Ok(())
    }

    /// The rows of a view, as objects.
    pub(crate) fn view(&self, name: &str, mut take: impl FnMut(Value) -> anyhow::Result<()>) -> anyhow::Result<()> {
        anyhow::ensure!(VIEWS.contains(&name), "no view is called `{name}`");
        let mut select = self.db.prepare(&format!("SELECT * FROM {name}"))?;
        let names: Vec<String> = select.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            take(object(row, &names)?)?;
        }
        Ok(())
    }

    /// All sources, by name.
    pub(crate) fn sources(&self) -> anyhow::Result<Vec<SourceRow>> {
        let mut rejected: BTreeMap<String, u64> = BTreeMap::new();
        let mut select = self.db.prepare(
            "SELECT source, sum(bad) FROM (
                SELECT source, 1 AS bad FROM rejected WHERE state = 'quarantined'
                UNION ALL SELECT source, 1 FROM records WHERE outcome = 2) GROUP BY source",
        )?;
        for row in select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
            let (source, count): (String, u64) = row?;
            rejected.insert(source, count);
        }
        let mut select = self.db.prepare("SELECT checkpoint, open FROM sources ORDER BY name")?;
        let rows = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        let mut sources = Vec::new();
        for row in rows {
            let (checkpoint, open) = row?;
            let checkpoint: Checkpoint = serde_json::from_str(&checkpoint)?;
            let rejected = rejected.get(&checkpoint.name).copied().unwrap_or_default();
            sources.push(SourceRow { checkpoint, rejected, open });
        }
        Ok(sources)
    }

    /// The terms of the last session.
    pub(crate) fn session(&self) -> anyhow::Result<Option<crate::store::log::Session>> {
        let mut select = self.db.prepare("SELECT terms FROM sessions ORDER BY position DESC LIMIT 1")?;
        let terms: Option<String> = select.query_row([], |row| row.get(0)).optional()?;
        Ok(terms.map(|terms| serde_json::from_str(&terms)).transpose()?)
    }

    /// The quarantine: rejected lines and conflicts, by source, then line.
    pub(crate) fn quarantine(&self) -> anyhow::Result<Vec<Turned>> {
        let mut select = self.db.prepare(
            "SELECT position, segment, start, length, source, line, codes, NULL AS problem FROM rejected
             WHERE state = 'quarantined'
             UNION ALL
             SELECT position, segment, start, length, source, source_line, '[]', problem FROM records WHERE outcome = 2
             ORDER BY source, line, position",
        )?;
        let rows = select.query_map([], |row| {
            let place = crate::store::log::Place { segment: row.get(1)?, start: row.get(2)?, length: row.get(3)? };
            let texts: (String, Option<String>) = (row.get(6)?, row.get(7)?);
            Ok((row.get(0)?, place, row.get(4)?, row.get(5)?, texts))
        })?;
        let mut turned = Vec::new();
        for row in rows {
            let (position, place, source, line, (codes, problem)) = row?;
            let conflict: Option<dome_core::Problem> = problem.map(|text| serde_json::from_str(&text)).transpose()?;
            let mut codes: Vec<String> = serde_json::from_str(&codes)?;
            codes.extend(conflict.iter().map(|problem| problem.code.to_string()));
            turned.push(Turned { position, place, source, line, codes, conflict });
        }
        Ok(turned)
    }

    /// A number that one statement gives.
    pub(crate) fn count(&self, statement: &str) -> anyhow::Result<u64> {
        Ok(self.db.query_row(statement, [], |row| row.get(0))?)
    }
}

/// A capsule from its state, its three counts of M-84 and what M-96 says.
fn finished(row: &Row<'_>, rules: &Rules, as_of: Option<Timestamp>) -> anyhow::Result<Capsule> {
    let counts = AppliedCounts { confirmed_count: row.get(1)?, refuted_count: row.get(2)?, blocked_count: row.get(3)? };
    let state: CapsuleState = serde_json::from_str(&row.get::<_, String>(0)?)?;
    Ok(finish(&state, counts, row.get(4)?, rules, as_of))
}

/// A row as the object that the model describes: absent where SQL has `NULL`.
fn object(row: &Row<'_>, names: &[String]) -> anyhow::Result<Value> {
    let mut object = Map::new();
    for (place, name) in names.iter().enumerate() {
        let value = match row.get_ref(place)? {
            ValueRef::Null => continue,
            ValueRef::Integer(number) => Value::from(number),
            ValueRef::Text(text) if name == "failure_reason_codes" => serde_json::from_slice(text)?,
            ValueRef::Text(text) => Value::from(str::from_utf8(text)?),
            ValueRef::Real(_) | ValueRef::Blob(_) => anyhow::bail!("`{name}` has no such value"),
        };
        object.insert(name.clone(), value);
    }
    Ok(Value::Object(object))
}
