//! Which facts are the first with a policy code of their kind of work (M-71): the one thing that a
//! task line cannot know by itself (L-4).

use dome_binder::{Fact, Record};
use rusqlite::{OptionalExtension, Transaction, params};

use super::apply::Changes;
use super::order;

/// What an `unseen_denial` is the first of: scope, target kind, action kind and policy code; none of
/// them holds the separator.
fn kind(record: &Record) -> Option<String> {
    let code = record.policy_reason_code()?;
    let line = &record.keys.task_line;
    Some(format!("{}/{}/{}/{code}", line.scope, line.target_kind, line.action_kind))
}

/// Adds a fact to those of its kind.
pub(super) fn add(tx: &Transaction<'_>, fact: &Fact, position: u64, changes: &mut Changes) -> anyhow::Result<()> {
    let Some(kind) = kind(fact) else { return Ok(()) };
    tx.prepare_cached("INSERT OR REPLACE INTO denial_facts (kind, fact_order, position) VALUES (?1, ?2, ?3)")?
        .execute(params![kind, order::of(fact), position])?;
    changes.denial_kinds.insert(kind);
    Ok(())
}

/// Takes the facts of a run out. It is called while their rows still stand.
pub(super) fn remove_run(tx: &Transaction<'_>, run: i64, changes: &mut Changes) -> anyhow::Result<()> {
    let mut select = tx.prepare_cached(
        "SELECT scope || '/' || target_kind || '/' || action_kind || '/' || policy_reason_code, at, run_id, place
         FROM records JOIN runs ON runs.id = run JOIN lines ON lines.id = line
         WHERE run = ?1 AND outcome = 0 AND policy_reason_code IS NOT NULL",
    )?;
    let rows = select.query_map([run], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, String>(2)?, row.get::<_, u64>(3)?))
    })?;
    for row in rows {
        let (kind, mut fact_order, run_id, place) = row?;
        order::within(&mut fact_order, &run_id, place);
        tx.prepare_cached("DELETE FROM denial_facts WHERE kind = ?1 AND fact_order = ?2")?
            .execute(params![kind, fact_order])?;
        changes.denial_kinds.insert(kind);
    }
    Ok(())
}

/// Finds the first of each kind that changed; where it is another one than before, the lines of both
/// are folded again.
pub(super) fn update(tx: &Transaction<'_>, changes: &mut Changes) -> anyhow::Result<()> {
    for kind in std::mem::take(&mut changes.denial_kinds) {
        let first: Option<u64> = tx
            .prepare_cached("SELECT position FROM denial_facts WHERE kind = ?1 ORDER BY fact_order LIMIT 1")?
            .query_row([&kind], |row| row.get(0))
            .optional()?;
        let before: Option<u64> = tx
            .prepare_cached("SELECT position FROM unseen_denials WHERE kind = ?1")?
            .query_row([&kind], |row| row.get(0))
            .optional()?;
        if first == before {
            continue;
        }
        for position in [first, before].into_iter().flatten() {
            let line: Option<i64> = tx
                .prepare_cached("SELECT line FROM records WHERE position = ?1 AND outcome = 0")?
                .query_row([position], |row| row.get(0))
                .optional()?;
            let is_new = |line: &i64| {
                changes.appended.get(line).is_some_and(|facts| facts.iter().any(|(new, _)| *new == position))
            };
            let changed = line.filter(|line| !is_new(line));
            changes.refold.extend(changed);
        }
        match first {
            Some(first) => tx
                .prepare_cached("INSERT OR REPLACE INTO unseen_denials (kind, position) VALUES (?1, ?2)")?
                .execute(params![kind, first])?,
            None => tx.execute("DELETE FROM unseen_denials WHERE kind = ?1", [&kind])?,
        };
    }
    Ok(())
}

/// Whether a fact is the first of its kind.
pub(super) fn is_first(tx: &Transaction<'_>, fact: &Fact, position: u64) -> anyhow::Result<bool> {
    let Some(kind) = kind(fact) else { return Ok(false) };
    let mut select = tx.prepare_cached("SELECT position FROM unseen_denials WHERE kind = ?1")?;
    Ok(select.query_row([kind], |row| row.get(0)).optional()? == Some(position))
}
