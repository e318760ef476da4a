//! `dome store verify`: the log is read again, everything is derived again, and the index is held
//! against it.

use std::cmp::Ordering;
use std::path::Path;

use dome_binder::{Rules, append_row, views};
use dome_core::canonical;
use schemars::JsonSchema;
use serde::Serialize;

use super::history::History;
use super::index::{FactRow, Index, VIEWS};
use super::log::{Damage, Segments};
use super::settings::StoreSettings;
use crate::exit::Exit;
use crate::output::{Output, grouped};
use crate::replay::{self, Steps};

/// Differences that are shown.
const SHOWN: usize = 10;

/// Something that the index holds otherwise than the log says.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StoreDifference")]
struct Difference {
    expected: String,
    found: String,
    /// Which row, from 1.
    row: usize,
    what: String,
}

/// What verifying came to, its members in canonical order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StoreVerification")]
pub(crate) struct Report {
    /// Whether the index was held against the log; not where the log has lost what the index holds.
    compared: bool,
    damage: Vec<Damage>,
    difference_count: usize,
    differences: Vec<Difference>,
    entries: u64,
    facts: usize,
    format_version: &'static str,
    segments: usize,
    store: String,
}

/// How damage is told.
pub(crate) fn told(damage: &Damage) -> String {
    let Damage { length, positions: (first, last), segment, start, what } = damage;
    let entries = match last.cmp(first) {
        Ordering::Less => "no entry".to_owned(),
        Ordering::Equal => format!("entry {first}"),
        Ordering::Greater => format!("entries {first} to {last}"),
    };
    format!("`log/{segment}`, byte {start}, {length} bytes, {entries}: {what}")
}

/// Runs the verb.
pub(crate) fn run(store: &Path, threads: usize, output: &mut Output) -> anyhow::Result<Exit> {
    let (index, log) = Index::read(store)?;
    let rules = StoreSettings::rules(&log.manifest.settings)?;
    // The index may be a batch behind: only what it has can be held against it.
    let log = log.until(index.applied()?);
    let history = History::read(&log)?;
    let mut report = Report {
        compared: true,
        damage: Vec::new(),
        difference_count: 0,
        differences: Vec::new(),
        entries: history.entries,
        facts: 0,
        format_version: "1",
        segments: log.manifest.segments.len(),
        store: store.display().to_string(),
    };
    let sealed = log.sealed_damage(&history.damage)?;
    report.damage = [history.damage.as_slice(), &sealed].concat();
    // An index that holds what the log has lost is more than the log comes to: no difference says
    // anything then. One that was derived without it is.
    let lost = |damage: &&Damage| damage.positions.0 <= damage.positions.1;
    let lost: Vec<(u64, u64)> = history.damage.iter().filter(lost).map(|damage| damage.positions).collect();
    let known = index.known_damage()?.into_iter().filter(|(first, last)| first <= last);
    report.compared = known.eq(lost);
    if report.compared {
        report.compare(history, &index, &rules, threads, store)?;
    }
    report.print(output)
}

impl Report {
    fn compare(
        &mut self,
        mut history: History,
        index: &Index,
        rules: &Rules,
        threads: usize,
        store: &Path,
    ) -> anyhow::Result<()> {
        let (result, _) = replay::derive(history.take_records(), rules, threads, None, &mut Steps::default());
        self.facts = result.ledger.facts.len();
        let expected = result.ledger.facts.iter().zip(&result.bound).map(|(fact, bound)| FactRow::of(fact, bound));
        let mut rows = Rows::new("fact", expected.map(|row| Ok(canonical::to_vec(&row)?)), self);
        index.facts(|row| rows.found(&canonical::to_vec(&row)?))?;
        rows.end()?;
        let expected = result.derived.capsules.iter().map(|capsule| Ok(canonical::to_vec(capsule)?));
        let mut rows = Rows::new("capsule", expected, self);
        index.capsules(rules, result.as_of, |capsule| rows.found(&canonical::to_vec(&capsule)?))?;
        rows.end()?;
        let expected = result.derived.capsules.iter().map(|capsule| {
            let verdict = (capsule.derived_key.to_string(), capsule.verdict, &capsule.holds);
            Ok(serde_json::to_vec(&verdict)?)
        });
        let mut rows = Rows::new("verdict", expected, self);
        index.verdicts(|row| rows.found(row.as_bytes()))?;
        rows.end()?;
        let facts = &result.ledger.facts;
        let [recent, gates, denials] = VIEWS;
        self.view(recent, &views::recent_failures(facts).collect::<Vec<_>>(), index)?;
        self.view(gates, &views::gate_rollup(facts), index)?;
        self.view(denials, &views::guard_denials(facts), index)?;
        let quarantine = history.quarantine(&result.ledger.conflicts, &mut Segments::of(store))?;
        let place = |name: &str, line: u64| Ok(format!("{name}:{line}").into_bytes());
        let expected = quarantine.iter().map(|row| place(&row.source.name, row.source.line));
        let mut rows = Rows::new("quarantined line", expected, self);
        for row in index.quarantine()? {
            rows.found(&place(&row.source, row.line)?)?;
        }
        rows.end()?;
        let duplicates = result.ledger.counts.duplicates;
        let mut count =
            Rows::new("count of duplicates", std::iter::once(Ok(duplicates.to_string().into_bytes())), self);
        count.found(index.count("SELECT count(*) FROM records WHERE outcome = 1")?.to_string().as_bytes())
    }

    fn view<T: Serialize>(&mut self, name: &str, expected: &[T], index: &Index) -> anyhow::Result<()> {
        let bytes = |row: &T| {
            let mut bytes = Vec::new();
            append_row(row, &mut bytes);
            bytes.pop();
            Ok(bytes)
        };
        let mut rows = Rows::new(name, expected.iter().map(bytes), self);
        index.view(name, |row| rows.found(&canonical::to_vec(&row)?))?;
        rows.end()
    }

    fn differs(&mut self, what: &str, row: usize, expected: Option<&[u8]>, found: Option<&[u8]>) {
        self.difference_count += 1;
        if self.differences.len() < SHOWN {
            let text = |bytes: Option<&[u8]>| bytes.map_or("nothing".into(), String::from_utf8_lossy).into_owned();
            let (expected, found) = (text(expected), text(found));
            self.differences.push(Difference { expected, found, row, what: what.to_owned() });
        }
    }

    fn print(&self, output: &mut Output) -> anyhow::Result<Exit> {
        if output.is_json() {
            output.object(self)?;
        } else {
            for damage in &self.damage {
                output.line(&format!("damaged: {}", told(damage)))?;
            }
            for Difference { expected, found, row, what } in &self.differences {
                output.line(&format!("{what} {row}:\n  expected {expected}\n  found    {found}"))?;
            }
            let [entries, facts] = [self.entries, self.facts as u64].map(grouped);
            let derived = if self.compared { format!(", {facts} facts derived again") } else { String::new() };
            output.line(&format!("{entries} entries in {} segments{derived}", self.segments))?;
            output.line(&match (self.damage.len(), self.difference_count) {
                (damage, _) if !self.compared => format!(
                    "{damage} damaged places; the index was derived before that and still holds what is lost, so \
                     the two are not compared. `dome store rebuild --store {}` derives it from what is left",
                    self.store
                ),
                (0, 0) => "the log is whole, and the index is what it comes to".to_owned(),
                (damage, differences) => format!("{damage} damaged places, {differences} differences"),
            })?;
        }
        output.flush()?;
        let sound = self.damage.is_empty() && self.difference_count == 0;
        Ok(if sound { Exit::Done } else { Exit::Unreproduced })
    }
}

/// Rows that are held against each other, one by one.
struct Rows<'r, I> {
    what: String,
    expected: I,
    row: usize,
    report: &'r mut Report,
}

impl<'r, I: Iterator<Item = anyhow::Result<Vec<u8>>>> Rows<'r, I> {
    fn new(what: &str, expected: I, report: &'r mut Report) -> Self {
        Self { what: what.to_owned(), expected, row: 0, report }
    }

    fn found(&mut self, found: &[u8]) -> anyhow::Result<()> {
        self.row += 1;
        let expected = self.expected.next().transpose()?;
        if expected.as_deref() != Some(found) {
            self.report.differs(&self.what, self.row, expected.as_deref(), Some(found));
        }
        Ok(())
    }

    fn end(&mut self) -> anyhow::Result<()> {
        while let Some(expected) = self.expected.next().transpose()? {
            self.row += 1;
            self.report.differs(&self.what, self.row, Some(&expected), None);
        }
        Ok(())
    }
}
