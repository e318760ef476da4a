//! Everything that was ingested, read again from the log: what a replay would have read.

use std::collections::{BTreeMap, BTreeSet};

use dome_binder::{Conflict, Record, Recorder};
use dome_core::redact::RedactionCounts;
use dome_core::{QuarantineRow, Timestamp};
use dome_replay::error::{Error, Result};
use dome_replay::{Admitted, Door, ReadLine, Redacted, RuledOutLines};

use crate::log::{Checkpoint, Damage, Entry, Log, LogItem, SessionTerms};

/// What a log holds. Its lines are not held: they are read from the log each time that they are asked for.
pub struct LogHistory<'l> {
    log: &'l Log,
    /// Positions of rejected lines that were read again, and of lines that never were lines.
    retried: BTreeSet<u64>,
    withdrawn: BTreeSet<u64>,
    pub(crate) sources: BTreeMap<String, Checkpoint>,
    redactions: RedactionCounts,
    session: Option<SessionTerms>,
    damage: Vec<Damage>,
}

impl<'l> LogHistory<'l> {
    /// Reads what entries of a log say about others.
    ///
    /// # Errors
    ///
    /// When a segment cannot be opened. What is damaged inside one is listed, and the rest is read.
    pub fn read(log: &'l Log) -> Result<Self> {
        let (retried, withdrawn, sources) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        let (redactions, session, damage) = (RedactionCounts::default(), None, Vec::new());
        let mut history = Self { log, retried, withdrawn, sources, redactions, session, damage };
        for found in log.scan(1) {
            match found? {
                LogItem::Damage(damage) => history.damage.push(damage),
                LogItem::Entry { entry: Entry::Source(checkpoint), .. } => {
                    history.redactions += checkpoint.redactions.clone().into_iter().collect::<RedactionCounts>();
                    history.sources.insert(checkpoint.name.clone(), checkpoint);
                }
                LogItem::Entry { entry: Entry::Session(session), .. } => history.session = Some(session),
                LogItem::Entry { entry: Entry::Retried { of }, .. } => drop(history.retried.insert(of)),
                LogItem::Entry { entry: Entry::Withdrawn { of }, .. } => drop(history.withdrawn.insert(of)),
                LogItem::Entry { entry: Entry::Line(_) | Entry::Rejected(_) | Entry::State(_), .. } => {}
            }
        }
        // The masks of lines that have no end yet.
        for unfinished in history.sources.values().filter_map(|source| source.unfinished.as_ref()) {
            history.redactions += unfinished.redactions.clone().into_iter().collect::<RedactionCounts>();
        }
        Ok(history)
    }

    /// The instant that records may not pass, as the last session recorded it (M-32).
    #[must_use]
    pub fn not_after(&self) -> Option<Timestamp> {
        self.session.as_ref().and_then(|session| session.not_after)
    }

    /// What cannot be read of the log.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Blank lines of all sources.
    #[must_use]
    pub fn blank(&self) -> u64 {
        self.sources.values().map(|source| source.blank).sum()
    }

    /// What masking says of it, for a manifest.
    ///
    /// # Errors
    ///
    /// When the recorded rules are not what this version of dome reads.
    pub fn redacted(&self) -> Result<Option<Redacted>> {
        let rules = self.session.as_ref().and_then(|session| session.redaction.as_ref());
        rules.map(|rules| Redacted::recorded(rules, self.redactions.clone())).transpose()
    }

    /// All lines that are not blank, as they are read now.
    pub fn lines(&self) -> impl Iterator<Item = Result<ReadLine>> + '_ {
        let (mut door, mut recorder) = (Door::for_masked(None), Recorder::default());
        let mut late = Door::for_masked(self.not_after());
        let mut line = move |position: u64, entry: Entry| match entry {
            Entry::Line(line) => match door.admit(&line.line(), &line.source.name) {
                Admitted::Blank => None,
                Admitted::Envelope(envelope, _) => {
                    Some(ReadLine::Envelope(Box::new(recorder.record(*envelope, line.source))))
                }
                Admitted::Quarantined(row, _) => Some(ReadLine::Quarantined(row)),
            },
            Entry::Rejected(rejected) => {
                let retried = self.retried.contains(&position).then(|| rejected.envelope(&mut door)).flatten();
                Some(match retried {
                    Some(envelope) => ReadLine::Envelope(Box::new(recorder.record(envelope, rejected.row.source))),
                    None => ReadLine::Quarantined(Box::new(rejected.row_by(&mut late))),
                })
            }
            Entry::Session(_)
            | Entry::Source(_)
            | Entry::Retried { .. }
            | Entry::Withdrawn { .. }
            | Entry::State(_) => None,
        };
        self.log.scan(1).filter_map(move |found| match found {
            Ok(LogItem::Entry { position, .. }) if self.withdrawn.contains(&position) => None,
            Ok(LogItem::Entry { position, entry, .. }) => line(position, entry).map(Ok),
            Ok(LogItem::Damage(_)) => None,
            Err(error) => Some(Err(error)),
        })
    }

    /// The envelopes, as records.
    pub fn records(&self) -> impl Iterator<Item = Result<Box<Record>>> + '_ {
        self.lines().filter_map(|line| match line {
            Ok(ReadLine::Envelope(record)) => Some(Ok(record)),
            Ok(ReadLine::Quarantined(_)) => None,
            Err(error) => Some(Err(error)),
        })
    }

    /// Hands out the rows of the quarantine of lines that settling ruled out.
    ///
    /// # Errors
    ///
    /// When the log cannot be read again, and those of `take`.
    pub fn ruled_out(&self, conflicts: &[Conflict], take: &mut dyn FnMut(QuarantineRow) -> Result<()>) -> Result<()> {
        let (mut wanted, mut door) = (RuledOutLines::new(conflicts), Door::for_masked(None));
        if wanted.left().is_none() {
            return Ok(());
        }
        for found in self.log.scan(1) {
            let LogItem::Entry { position, entry, .. } = found? else { continue };
            if self.withdrawn.contains(&position) {
                continue;
            }
            let row = match &entry {
                Entry::Line(line) => wanted.row(&line.line(), &line.source.name, &mut door),
                Entry::Rejected(rejected) if self.retried.contains(&position) => {
                    let whole = rejected.bytes();
                    whole.and_then(|whole| wanted.row(&rejected.line(&whole), &rejected.row.source.name, &mut door))
                }
                _ => None,
            };
            row.map_or(Ok(()), &mut *take)?;
        }
        match wanted.left() {
            None => Ok(()),
            Some(_) => Err(Error::failed("the log changed while it was read")),
        }
    }
}
