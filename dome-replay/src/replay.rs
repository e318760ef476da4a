//! A replay from a library: sources or records in, the directory of a result or its rows out.

use std::collections::BTreeMap;
use std::path::PathBuf;

use dome_binder::{Conflict, Record};
use dome_core::{QuarantineRow, Timestamp};

use crate::conflicts;
use crate::door::Redacted;
use crate::engine::{Engine, Spec};
use crate::error::Result;
use crate::input::LineSource;
use crate::result::{Closed, Destination, Manifest, ManifestInputs, ResultFile, Sink, check_destination};
use crate::spill::Scratch;
use crate::summary::Summary;
use crate::watch::Watch;

/// Lines that were read before are taken in by so many at once.
const BATCH: usize = 1_024;

/// What is replayed.
pub enum Input<'i> {
    /// Lines of envelopes.
    Sources(&'i [LineSource]),
    /// Records that were read before, each of a line of its own, in any order.
    Records(Box<Records<'i>>),
}

/// Hands out the rows of the quarantine of lines that settling ruled out.
pub type RuledOutRows<'i> =
    Box<dyn FnOnce(&[Conflict], &mut dyn FnMut(QuarantineRow) -> Result<()>) -> Result<()> + 'i>;

/// A line that was read before.
#[derive(Debug)]
pub enum ReadLine {
    /// An envelope.
    Envelope(Box<Record>),
    /// None.
    Quarantined(Box<QuarantineRow>),
}

/// Lines that were read before.
pub struct Records<'i> {
    /// All that are not blank, in any order.
    pub lines: Box<dyn Iterator<Item = Result<ReadLine>> + 'i>,
    /// How many are blank.
    pub blank: u64,
    /// What masked secrets in them, if something did.
    pub redacted: Option<Redacted>,
    /// Gives the rows of the quarantine of lines that settling rules out.
    pub ruled_out: RuledOutRows<'i>,
}

/// Where a result is written.
#[derive(Clone, Debug)]
pub struct Destined {
    /// The directory of the result.
    pub out: PathBuf,
    /// Whether another result that stands there is replaced.
    pub force: bool,
}

/// A result that stands.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its manifest.
    pub manifest: Manifest,
    /// Whether the same result stood there already.
    pub unchanged: bool,
    /// What the replay came to.
    pub summary: Summary,
}

/// The rows of a result.
#[derive(Clone, Debug)]
pub struct ReplayedRows {
    /// Its manifest.
    pub manifest: Manifest,
    /// The bytes of each file.
    pub files: BTreeMap<ResultFile, Vec<u8>>,
    /// What the replay came to.
    pub summary: Summary,
}

/// Replays lines or records into the directory of a result, whole or not at all (M-120).
///
/// `as_of` is the instant that staleness is measured at, by default the last fact's ordered time.
///
/// # Errors
///
/// When an input cannot be read, or the result not be written: then nothing is left behind.
pub fn replay_into(
    to: &Destined,
    spec: Spec<'_>,
    as_of: Option<Timestamp>,
    input: Input<'_>,
    watch: &dyn Watch,
) -> Result<Written> {
    check_destination(&to.out)?;
    let mut engine = Engine::new(spec, Scratch::above(&to.out));
    let ruled_out = take_in(&mut engine, input, watch)?;
    let destination = Destination::beside(&to.out)?;
    let sink = Sink::folder(destination.path(), spec.limits.early_bytes)?;
    let (manifest, _, summary) = derive(engine, ruled_out, spec, as_of, &sink)?;
    destination.write_manifest(&manifest)?;
    let unchanged = destination.take_place(&to.out, to.force, &manifest)?;
    Ok(Written { manifest, unchanged, summary })
}

/// Replays lines or records into rows.
///
/// ```
/// use dome_replay::{CodeSources, Input, Limits, Masking, Records, ResultFile, Spec, load_rules, replay_rows};
/// use dome_binder::Record;
/// let (rules, masking) = (load_rules(None, CodeSources::default(), None)?, Masking::off());
/// let spec = Spec {
///     rules: &rules, binder: Default::default(), not_after: None, masking: &masking, threads: 1,
///     limits: Limits::within(64 << 20),
/// };
/// let envelope = dome_core::read(dome_core::EXAMPLE_LINE).unwrap();
/// let record = Record::new(envelope, dome_core::Source { line: 1, name: "a.jsonl".into() });
/// let input = Input::Records(Box::new(Records::of(vec![Box::new(record)])));
/// let replayed = replay_rows(spec, None, input, &())?;
/// assert_eq!(replayed.summary.totals.facts, 1);
/// assert!(replayed.files[&ResultFile::Capsules].ends_with(b"}\n"));
/// # Ok::<(), dome_replay::Error>(())
/// ```
///
/// # Errors
///
/// When an input cannot be read, or a temporary file not be written.
pub fn replay_rows(
    spec: Spec<'_>,
    as_of: Option<Timestamp>,
    input: Input<'_>,
    watch: &dyn Watch,
) -> Result<ReplayedRows> {
    let mut engine = Engine::new(spec, Scratch::of_system());
    let ruled_out = take_in(&mut engine, input, watch)?;
    let (manifest, closed, summary) = derive(engine, ruled_out, spec, as_of, &Sink::Memory)?;
    let files = closed.into_iter().map(|(file, closed)| (file, closed.bytes)).collect();
    Ok(ReplayedRows { manifest, files, summary })
}

impl<'i> Records<'i> {
    /// Records of which settling rules out none.
    #[must_use]
    pub fn of(records: Vec<Box<Record>>) -> Self {
        Self {
            lines: Box::new(records.into_iter().map(|record| Ok(ReadLine::Envelope(record)))),
            blank: 0,
            redacted: None,
            ruled_out: Box::new(|_, _| Ok(())),
        }
    }
}

/// Where the lines are that settling rules out, and what masked secrets in those that were read before.
enum RuledOut<'i> {
    Sources(&'i [LineSource]),
    Given(Option<Redacted>, RuledOutRows<'i>),
}

fn take_in<'i>(engine: &mut Engine<'_>, input: Input<'i>, watch: &dyn Watch) -> Result<RuledOut<'i>> {
    match input {
        Input::Sources(sources) => {
            engine.read(sources, watch)?;
            Ok(RuledOut::Sources(sources))
        }
        Input::Records(given) => {
            let Records { mut lines, blank, redacted, ruled_out } = *given;
            loop {
                let (mut records, mut rejected) = (Vec::new(), Vec::new());
                for line in lines.by_ref().take(BATCH) {
                    match line? {
                        ReadLine::Envelope(record) => records.push(Ok(record)),
                        ReadLine::Quarantined(row) => rejected.push(row),
                    }
                }
                if records.is_empty() && rejected.is_empty() {
                    break;
                }
                engine.add(records)?;
                rejected.iter().try_for_each(|row| engine.reject(row))?;
            }
            engine.add_blank(blank);
            Ok(RuledOut::Given(redacted, ruled_out))
        }
    }
}

fn derive(
    engine: Engine<'_>,
    ruled_out: RuledOut<'_>,
    spec: Spec<'_>,
    as_of: Option<Timestamp>,
    sink: &Sink,
) -> Result<(Manifest, BTreeMap<ResultFile, Closed>, Summary)> {
    let mut redacted = None;
    let (files, mut summary) = engine.finish(as_of, sink, |conflicts, take| match ruled_out {
        RuledOut::Sources(sources) => conflicts::reread(conflicts, sources, spec.masking, take),
        RuledOut::Given(before, rows) => {
            redacted = before;
            rows(conflicts, take)
        }
    })?;
    summary.redacted = summary.redacted.or(redacted);
    let closed = Sink::close(files)?;
    let beside = ManifestInputs {
        binder: spec.binder,
        not_after: spec.not_after,
        lines: summary.lines.lines,
        blank: summary.lines.blank,
        duplicates: summary.totals.runs.duplicates,
        quarantined: summary.rejected.lines,
        redacted: summary.redacted.clone(),
    };
    let entries = closed.iter().map(|(file, closed)| (file.name().to_owned(), closed.entry.clone())).collect();
    let manifest = Manifest::computed(spec.rules, &summary.totals, beside, entries)?;
    Ok((manifest, closed, summary))
}
