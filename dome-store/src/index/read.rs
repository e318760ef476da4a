//! Reading rows of an index back; each is held to its seal.

use dome_binder::{Applied, Fact, FinishedCapsule, FoldedCapsule, Record, RowReader, Rules, finish};
use dome_core::{Sha256Hash, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::batch::{EntryBytes, Standing};
use super::error::{Fits, Result};
use super::rows::{Judged, Tallies, TaskFact, TaskRow, json, order, read_applied, read_key};
use super::seal::{Seals, Table};

/// What is said of the whole index under a name.
pub(super) fn meta(db: &Connection, seals: Seals, name: &str) -> Result<Option<String>> {
    let mut select = db.prepare_cached("SELECT value, seal FROM meta WHERE name = ?1")?;
    let found: Option<(String, Vec<u8>)> = select.query_row([name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((value, seal)) = found else { return Ok(None) };
    seals.check(Table::Meta, name.as_bytes(), value.as_bytes(), &seal)?;
    Ok(Some(value))
}

pub(super) fn set_meta(db: &Connection, seals: Seals, name: &str, value: &str) -> Result<()> {
    let seal = seals.of(Table::Meta, name.as_bytes(), value.as_bytes());
    db.prepare_cached("INSERT OR REPLACE INTO meta (name, value, seal) VALUES (?1, ?2, ?3)")?
        .execute(params![name, value, seal])?;
    Ok(())
}

/// What is counted of the whole history.
pub(super) fn tallies(db: &Connection, seals: Seals) -> Result<Tallies> {
    meta(db, seals, "tallies")?.map_or_else(|| Ok(Tallies::default()), |text| json(text.as_bytes()))
}

/// Up to where an index was derived.
pub(super) fn standing(db: &Connection, seals: Seals) -> Result<Standing> {
    json(meta(db, seals, "standing")?.fits("it does not say up to where it was derived")?.as_bytes())
}

/// The record of an entry.
pub(super) fn record(db: &Connection, seals: Seals, reader: &mut RowReader, id: u64) -> Result<Box<Record>> {
    let mut select = db.prepare_cached("SELECT row, seal FROM entries WHERE id = ?1")?;
    let mut rows = select.query([id])?;
    let row = rows.next()?.fits("an entry is missing")?;
    let bytes = row.get_ref(0)?.as_blob()?;
    seals.check(Table::Entries, &id.to_le_bytes(), bytes, row.get_ref(1)?.as_blob()?)?;
    Ok(Box::new(reader.read(bytes).ok().fits("an entry has another form")?))
}

/// Where the bytes of an entry stand.
pub(super) fn entry_bytes(db: &Connection, id: u64) -> Result<EntryBytes> {
    let mut select = db.prepare_cached("SELECT segment, start, length FROM entries WHERE id = ?1")?;
    let found =
        select.query_row([id], |row| Ok(EntryBytes { segment: row.get(0)?, start: row.get(1)?, length: row.get(2)? }));
    found.optional()?.fits("an entry is missing")
}

/// A task line by its number.
pub(super) fn task_row(db: &Connection, seals: Seals, reader: &mut RowReader, id: i64) -> Result<TaskRow> {
    let mut select = db.prepare_cached("SELECT row, seal FROM lines WHERE id = ?1")?;
    let mut rows = select.query([id])?;
    let row = rows.next()?.fits("a task line is missing")?;
    let bytes = row.get_ref(0)?.as_blob()?;
    seals.check(Table::Lines, &id.to_le_bytes(), bytes, row.get_ref(1)?.as_blob()?)?;
    TaskRow::read(reader, bytes)
}

/// The number of a task line, if some fact is of it.
pub(super) fn line_id(db: &Connection, key: Sha256Hash) -> Result<Option<i64>> {
    let mut select = db.prepare_cached("SELECT id FROM lines WHERE key = ?1")?;
    Ok(select.query_row([key.as_bytes()], |row| row.get(0)).optional()?)
}

/// A fact of a task line.
pub(super) fn fact(db: &Connection, seals: Seals, reader: &mut RowReader, fact: &TaskFact) -> Result<Fact> {
    let record = record(db, seals, reader, fact.id)?;
    Ok(Fact { record, ordered_ts: fact.ordered_ts, place: fact.place })
}

/// A capsule as its line folded it; `None` where no fact mints the key.
pub(super) fn folded(
    db: &Connection,
    seals: Seals,
    reader: &mut RowReader,
    key: Sha256Hash,
) -> Result<Option<FoldedCapsule>> {
    let mut select = db.prepare_cached("SELECT key, row, seal FROM keys WHERE key = ?1")?;
    let mut rows = select.query([key.as_bytes()])?;
    rows.next()?.map_or(Ok(None), |row| folded_of(row, seals, reader))
}

/// As [`folded`], of a row with key, row and seal.
fn folded_of(row: &Row<'_>, seals: Seals, reader: &mut RowReader) -> Result<Option<FoldedCapsule>> {
    let (key, bytes, seal) = (row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?, row.get_ref(2)?.as_blob()?);
    seals.check(Table::Keys, key, bytes, seal)?;
    read_key(reader, bytes)
}

/// All facts that applied a key.
pub(super) fn applied(db: &Connection, seals: Seals, reader: &mut RowReader, key: Sha256Hash) -> Result<Vec<Applied>> {
    let mut select = db.prepare_cached("SELECT row, seal FROM applied WHERE key = ?1")?;
    let mut rows = select.query([key.as_bytes()])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(0)?.as_blob()?;
        seals.check(Table::Applied, key.as_bytes(), bytes, row.get_ref(1)?.as_blob()?)?;
        all.extend(read_applied(reader, bytes)?);
    }
    Ok(all)
}

/// The lines with a fact that applied a key.
pub(super) fn lines_applying(db: &Connection, key: Sha256Hash) -> Result<Vec<i64>> {
    let mut select = db.prepare_cached("SELECT line FROM applied WHERE key = ?1")?;
    let rows = select.query_map([key.as_bytes()], |row| row.get(0))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// What the applications of a key came to, if there were any.
pub(super) fn judged(db: &Connection, seals: Seals, reader: &mut RowReader, key: Sha256Hash) -> Result<Option<Judged>> {
    let mut select = db.prepare_cached("SELECT row, seal FROM judged WHERE key = ?1")?;
    let mut rows = select.query([key.as_bytes()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let bytes = row.get_ref(0)?.as_blob()?;
    seals.check(Table::Judged, key.as_bytes(), bytes, row.get_ref(1)?.as_blob()?)?;
    Judged::read(reader, bytes).map(Some)
}

/// Which capsules are meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Capsules {
    /// Those of a task line.
    OfLine(i64),
    /// Those with a concept key.
    OfConcept(Sha256Hash),
    /// Those with a fingerprint.
    WithFingerprint(Sha256Hash),
    /// All.
    All,
}

/// Hands out finished capsules, by derived key; what holds them back is told as of an instant (M-92).
pub(super) fn capsules(
    db: &Connection,
    seals: Seals,
    reader: &mut RowReader,
    (rules, as_of): (&Rules, Option<Timestamp>),
    which: Capsules,
    mut take: impl FnMut(FinishedCapsule) -> Result<()>,
) -> Result<()> {
    let of = |condition: &str| format!("SELECT key, row, seal FROM keys WHERE {condition} ORDER BY key");
    let mut select = match which {
        Capsules::OfLine(_) => db.prepare_cached(&of("line = ?1"))?,
        Capsules::OfConcept(_) => db.prepare_cached(&of("concept = ?1"))?,
        Capsules::WithFingerprint(_) => db.prepare_cached(&of("fingerprint = ?1"))?,
        Capsules::All => db.prepare_cached(&of("true"))?,
    };
    let mut rows = match which {
        Capsules::OfLine(line) => select.query([line])?,
        Capsules::OfConcept(key) | Capsules::WithFingerprint(key) => select.query(params![key.as_bytes()])?,
        Capsules::All => select.query([])?,
    };
    let mut found = 0;
    while let Some(row) = rows.next()? {
        found += 1;
        let Some(FoldedCapsule { state, guard_denied }) = folded_of(row, seals, reader)? else { continue };
        let counts = judged(db, seals, reader, state.keys.derived)?.unwrap_or_default().counts;
        let capsule = finish(&state, counts, guard_denied, rules, as_of);
        take(FinishedCapsule { state, capsule })?;
    }
    // Rows that are gone are missed where something sealed says how many there are.
    let expected = match which {
        Capsules::OfLine(line) => Some(task_row(db, seals, reader, line)?.keys),
        Capsules::All => Some(tallies(db, seals)?.keys),
        Capsules::OfConcept(_) | Capsules::WithFingerprint(_) => None,
    };
    expected.is_none_or(|expected| expected == found).then_some(()).fits("a capsule is missing")
}

/// The finished capsules with a concept key.
pub(super) fn members(
    db: &Connection,
    seals: Seals,
    reader: &mut RowReader,
    rules: &Rules,
    key: Sha256Hash,
    as_of: Option<Timestamp>,
) -> Result<Vec<FinishedCapsule>> {
    let mut members = Vec::new();
    capsules(db, seals, reader, (rules, as_of), Capsules::OfConcept(key), |capsule| {
        members.push(capsule);
        Ok(())
    })?;
    Ok(members)
}

/// The ordered time of the last fact (M-92).
pub(super) fn last_ts(db: &Connection) -> Result<Option<Timestamp>> {
    let mut select = db.prepare_cached("SELECT place FROM facts ORDER BY place DESC LIMIT 1")?;
    let place: Option<Vec<u8>> = select.query_row([], |row| row.get(0)).optional()?;
    place.map(|place| Ok(order(&place)?.ts)).transpose()
}

/// A word by its number.
pub(super) fn word(db: &Connection, id: i64) -> Result<String> {
    let mut select = db.prepare_cached("SELECT text FROM words WHERE id = ?1")?;
    select.query_row([id], |row| row.get(0)).optional()?.fits("a word is missing")
}

/// The number of a word, if it is known.
pub(super) fn word_id(db: &Connection, text: &str) -> Result<Option<i64>> {
    let mut select = db.prepare_cached("SELECT id FROM words WHERE text = ?1")?;
    Ok(select.query_row([text], |row| row.get(0)).optional()?)
}
