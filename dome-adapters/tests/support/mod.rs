//! What every conversion holds, whatever the format, and what tests of several formats share.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

pub(crate) mod hostile;
pub(crate) mod mutate;
mod real;
pub(crate) mod terminal_bench;

use std::collections::{BTreeMap, BTreeSet};

use dome_adapters::{Conversion, ConvertOptions, Finding, Format, Head, ToolFile, convert};
use dome_core::{Envelope, Signal};

pub(crate) use real::{files, real, real_files};

/// Named bytes, as a folder would hold them.
pub(crate) type Folder = Vec<(String, Vec<u8>)>;

pub(crate) fn format(name: &str) -> Format {
    name.parse().unwrap()
}

/// One file of this text.
pub(crate) fn file(text: impl Into<Vec<u8>>) -> Folder {
    vec![("in.json".to_owned(), text.into())]
}

/// All that a format may ask for: one run for all files.
pub(crate) fn given() -> ConvertOptions {
    ConvertOptions {
        run_id: Some("run-1".parse().unwrap()),
        ts: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        zone: Some("Z".parse().unwrap()),
        ..ConvertOptions::default()
    }
}

/// All that a format may ask for: each file is a run.
pub(crate) fn options() -> ConvertOptions {
    ConvertOptions { run_id: Some("run/{name}".parse().unwrap()), ..given() }
}

pub(crate) fn one(name: &str, file: &str, bytes: &[u8]) -> Conversion {
    many(name, &[(file, bytes)], &options())
}

pub(crate) fn run(name: &str, folder: &Folder, options: &ConvertOptions) -> Conversion {
    let files: Vec<_> = folder.iter().map(|(file, bytes)| (file.as_str(), bytes.as_slice())).collect();
    many(name, &files, options)
}

pub(crate) fn many(name: &str, files: &[(&str, &[u8])], options: &ConvertOptions) -> Conversion {
    let inputs: Vec<_> = files.iter().map(|(name, bytes)| ToolFile { name, bytes }).collect();
    let done = convert(format(name), &inputs, options);
    sound(&done);
    done
}

/// Every line is valid and stays as it is, no two of a run conflict (M-41), the envelopes of a run
/// stand together, sequences have neither gap nor repeat (M-44), every record is accounted for,
/// every code is in the table, and failure and policy do not mix.
fn sound(done: &Conversion) {
    let mut runs = BTreeSet::new();
    for envelope in &done.envelopes {
        assert_eq!(dome_core::read(&envelope.to_canonical()).as_ref(), Ok(envelope));
        let code = &envelope.task_spec.failure_reason_code;
        assert!(code.is_none() || done.codes.contains_key(code.as_str()), "{code}");
        assert!(envelope.signal != Signal::Denial || code.is_none(), "a denial with {code}");
    }
    for run in done.envelopes.chunk_by(|a, b| a.run_id == b.run_id) {
        let events: BTreeSet<_> = run.iter().map(|envelope| envelope.event_id.as_str()).collect();
        let outcomes: BTreeSet<_> = run.iter().map(|one| (one.task_id.as_str(), one.group_id.as_str())).collect();
        assert_eq!((events.len(), outcomes.len()), (run.len(), run.len()), "{}", run[0].run_id);
        assert!(run.iter().map(|envelope| envelope.sequence).eq(1..=run.len() as u64), "{}", run[0].run_id);
        assert!(runs.insert(&run[0].run_id), "{} comes twice", run[0].run_id);
    }
    let spent = done.envelopes.len() as u64 + done.counts.repeated + done.counts.left_out;
    assert_eq!(done.counts.records, spent);
}

pub(crate) fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

pub(crate) fn shown(done: &Conversion) -> String {
    done.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// One line an outcome: signal, code, target, and what else tells it apart.
pub(crate) fn outcomes(done: &Conversion) -> String {
    done.envelopes.iter().map(outcome).collect::<Vec<_>>().join("\n")
}

fn outcome(envelope: &Envelope) -> String {
    let mut line = format!("{} {}", envelope.signal, envelope.task_spec.target.id);
    if envelope.signal == Signal::Failure {
        line.push_str(&format!(" {}", envelope.task_spec.failure_reason_code));
    }
    if let Some(attempt) = envelope.attempts {
        line.push_str(&format!(" attempt {attempt}"));
    }
    if let Some(duration) = envelope.duration_ms {
        line.push_str(&format!(" {duration} ms"));
    }
    if let Some(message) = &envelope.message {
        line.push_str(&format!(" `{}`", message.lines().next().unwrap_or_default()));
    }
    line
}

/// How many envelopes there are of each signal, failure code and policy code.
fn tally(done: &Conversion) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for envelope in &done.envelopes {
        let policy = envelope.policy_reason_code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
        let key = format!("{} {}{policy}", envelope.signal.as_str(), envelope.task_spec.failure_reason_code);
        *counts.entry(key).or_default() += 1;
    }
    counts
}

/// The tally as lines.
pub(crate) fn tallied(done: &Conversion) -> String {
    tally(done).iter().map(|(key, count)| format!("{count} {key}")).collect::<Vec<_>>().join("\n")
}

/// The formats that take a file for one of their own.
pub(crate) fn taken(bytes: &[u8]) -> Vec<&'static str> {
    Format::of(&Head::of(bytes)).map(Format::name).collect()
}
