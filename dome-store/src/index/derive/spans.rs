//! How many facts stand in each stretch of the total order: the rank of a fact is a sum over few rows.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::index::error::Result;

/// Facts of a stretch when it is cut; it holds up to twice as many.
const FACTS: u64 = 64;

/// Counts facts that came and went.
pub(super) fn change(db: &Connection, added: &[&[u8]], gone: &[Vec<u8>]) -> Result<()> {
    if added.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let mut firsts = all(db)?;
    if firsts.is_empty() {
        // Everything from the least place on.
        db.execute("INSERT INTO spans (first, facts) VALUES (x'', 0)", [])?;
        firsts.push((Vec::new(), 0));
    }
    let mut changed: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
    let span = |place: &[u8]| firsts.partition_point(|(first, _)| first.as_slice() <= place).saturating_sub(1);
    for place in added {
        changed.entry(span(place)).or_default().0 += 1;
    }
    for place in gone {
        changed.entry(span(place)).or_default().1 += 1;
    }
    for (number, (plus, minus)) in changed {
        let Some((first, facts)) = firsts.get(number) else { continue };
        let now = (facts + plus).saturating_sub(minus);
        if now == 0 && number > 0 {
            db.prepare_cached("DELETE FROM spans WHERE first = ?1")?.execute([first])?;
        } else if now > 2 * FACTS {
            cut(db, first, firsts.get(number + 1).map(|(next, _)| next.as_slice()))?;
        } else {
            db.prepare_cached("UPDATE spans SET facts = ?2 WHERE first = ?1")?.execute(params![first, now])?;
        }
    }
    Ok(())
}

/// Cuts a stretch into stretches of [`FACTS`].
fn cut(db: &Connection, first: &[u8], next: Option<&[u8]>) -> Result<()> {
    db.prepare_cached("DELETE FROM spans WHERE first = ?1")?.execute([first])?;
    let mut select =
        db.prepare_cached("SELECT place FROM facts WHERE place >= ?1 AND (?2 IS NULL OR place < ?2) ORDER BY place")?;
    let mut insert = db.prepare_cached("INSERT INTO spans (first, facts) VALUES (?1, ?2)")?;
    let mut rows = select.query(params![first, next])?;
    let (mut start, mut facts) = (first.to_vec(), 0);
    while let Some(row) = rows.next()? {
        if facts == FACTS {
            insert.execute(params![start, facts])?;
            (start, facts) = (row.get(0)?, 0);
        }
        facts += 1;
    }
    insert.execute(params![start, facts])?;
    Ok(())
}

fn all(db: &Connection) -> Result<Vec<(Vec<u8>, u64)>> {
    let mut select = db.prepare_cached("SELECT first, facts FROM spans ORDER BY first")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// Ranks of places of the total order, counted from 0.
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
        Ok(Self { starts: all(db)?.into_iter().map(start).collect() })
    }

    pub(in crate::index) fn rank(&self, db: &Connection, place: &[u8]) -> Result<u64> {
        let span = self.starts.partition_point(|(first, _)| first.as_slice() <= place).saturating_sub(1);
        let Some((first, before)) = self.starts.get(span) else { return Ok(0) };
        let mut count = db.prepare_cached("SELECT count(*) FROM facts WHERE place >= ?1 AND place < ?2")?;
        let within: u64 = count.query_row(params![first, place], |row| row.get(0))?;
        Ok(before + within)
    }
}
