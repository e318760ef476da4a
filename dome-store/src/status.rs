//! `dome store status`: what is in a store, and how good its sources are.

use std::path::Path;

use dome_core::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::index::{Index, SourceRow};
use super::log::Log;
use super::settings::StoreSettings;
use crate::exit::Exit;
use crate::failing::{self, Clock, Failing};
use crate::output::{Output, grouped};

/// A source, its members in canonical order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StoreSource")]
struct Source {
    /// Bad lines, conflicts among them, in a million that are not blank.
    bad_ppm: u64,
    blank: u64,
    lines: u64,
    name: String,
    offset: u64,
    /// Whether more is known to stand in it: then it holds the watermark back.
    open: bool,
    rejected: u64,
    /// Whether its last line had no end.
    unfinished: bool,
}

/// The state of a store, its members in canonical order.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StoreStatus")]
pub(crate) struct Status {
    /// Entries of the log that the index does not hold yet.
    behind: u64,
    bytes: u64,
    capsules: u64,
    conflicts: u64,
    damaged: u64,
    duplicates: u64,
    entries: u64,
    facts: u64,
    format_version: &'static str,
    /// What keeps failing, what resolved it, and whether that is known to hold: the worst five.
    keeps_failing: Vec<Failing>,
    quarantined: u64,
    runs: u64,
    segments: usize,
    sources: Vec<Source>,
    store: String,
    /// The instant up to which the derived state is complete, as far as the sources were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    watermark: Option<Timestamp>,
}

/// Runs the verb.
pub(crate) fn run(store: &Path, output: &mut Output) -> anyhow::Result<Exit> {
    let (index, log) = Index::read(store)?;
    let status = Status::of(store, &log, &index)?;
    if output.is_json() {
        output.object(&status)?;
    } else {
        status.print(output)?;
    }
    output.flush()?;
    Ok(if status.damaged > 0 { Exit::Unreproduced } else { Exit::Done })
}

impl Source {
    fn of(SourceRow { checkpoint, rejected, open }: SourceRow) -> Self {
        let content = checkpoint.lines - checkpoint.blank;
        Self {
            bad_ppm: (rejected * 1_000_000).checked_div(content).unwrap_or_default(),
            blank: checkpoint.blank,
            lines: checkpoint.lines,
            name: checkpoint.name,
            offset: checkpoint.offset,
            open,
            rejected,
            unfinished: checkpoint.unfinished.is_some(),
        }
    }

    fn row(&self) -> String {
        let per_cent = format!("{}.{:02} %", self.bad_ppm / 10_000, self.bad_ppm % 10_000 / 100);
        let end = match (self.open, self.unfinished) {
            (true, true) => "  (its last line has no end yet)",
            (true, false) => "  (not read to its end)",
            (false, _) => "",
        };
        format!("{:>12}  {:>10}  {:>9}  {}{end}", grouped(self.lines), grouped(self.rejected), per_cent, self.name)
    }
}

/// What the end of a replay of the same lines says.
fn keeps_failing(log: &Log, index: &Index) -> anyhow::Result<Vec<Failing>> {
    let rules = StoreSettings::rules(&log.manifest.settings)?;
    let as_of = index.last_ts()?;
    let clock = Clock { as_of, window_s: rules.policy.contradiction_window_s };
    let capsules = index.failing_most(&rules, as_of, failing::SHOWN_FAILURES)?;
    Ok(failing::keeps_failing(&capsules, clock))
}

impl Status {
    fn of(store: &Path, log: &Log, index: &Index) -> anyhow::Result<Self> {
        let outcome = |outcome: u8| index.count(&format!("SELECT count(*) FROM records WHERE outcome = {outcome}"));
        let rejected = index.count("SELECT count(*) FROM rejected WHERE state = 'quarantined'")?;
        let conflicts = outcome(2)?;
        Ok(Self {
            behind: (log.end() - 1).saturating_sub(index.applied()?),
            bytes: log.manifest.segments.iter().map(|segment| segment.length).sum(),
            capsules: index.count("SELECT count(*) FROM capsule_states")?,
            conflicts,
            damaged: (index.known_damage()?.len() as u64).max(log.short() as u64),
            duplicates: outcome(1)?,
            entries: log.end() - 1,
            facts: outcome(0)?,
            format_version: "1",
            keeps_failing: keeps_failing(log, index)?,
            quarantined: rejected + conflicts,
            runs: index.count("SELECT count(*) FROM runs WHERE facts > 0")?,
            segments: log.manifest.segments.len(),
            sources: index.sources()?.into_iter().map(Source::of).collect(),
            store: store.display().to_string(),
            watermark: index.watermark()?,
        })
    }

    fn print(&self, output: &mut Output) -> anyhow::Result<()> {
        let rows = [
            (self.facts, format!("facts in {} runs", grouped(self.runs))),
            (self.duplicates, "duplicates".to_owned()),
            (self.quarantined, format!("quarantined, {} of them conflicts", grouped(self.conflicts))),
            (self.capsules, "capsules".to_owned()),
            (self.entries, format!("entries, {} bytes in {} segments", grouped(self.bytes), self.segments)),
        ];
        for (count, what) in rows {
            output.line(&format!("{:>12}  {what}", grouped(count)))?;
        }
        output.line("\n       lines    rejected       rate  source")?;
        self.sources.iter().try_for_each(|source| output.line(&source.row()))?;
        failing::print(&self.keeps_failing, output)?;
        if let Some(watermark) = self.watermark {
            output.line(&format!("\ncomplete up to {watermark}, as far as the sources were read"))?;
        }
        if self.behind > 0 {
            output.line(&format!("the index is {} entries behind the log", grouped(self.behind)))?;
        }
        if self.damaged > 0 {
            output.line(&format!("{} damaged places: `dome store verify` names them", grouped(self.damaged)))?;
        }
        Ok(())
    }
}
