//! What every conversion holds, whatever the format.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::disallowed_methods, reason = "tests read what the crate is given")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dome_adapters::{Conversion, Format, Input, Options, convert};
use dome_core::{Envelope, Signal};

pub(crate) fn format(name: &str) -> Format {
    name.parse().unwrap()
}

/// All that a format may ask for.
pub(crate) fn options() -> Options {
    Options {
        run_id: Some("run/{name}".parse().unwrap()),
        ts: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        zone: Some("Z".parse().unwrap()),
        ..Options::default()
    }
}

pub(crate) fn one(name: &str, file: &str, bytes: &[u8]) -> Conversion {
    many(name, &[(file, bytes)], &options())
}

pub(crate) fn many(name: &str, files: &[(&str, &[u8])], options: &Options) -> Conversion {
    let inputs: Vec<_> = files.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    let done = convert(format(name), &inputs, options);
    sound(&done);
    done
}

/// Every line is valid and stays as it is, no two of a run conflict (M-41), sequences have neither
/// gap nor repeat (M-44), every record is accounted for, and every code is known.
pub(crate) fn sound(done: &Conversion) {
    let mut events = BTreeSet::new();
    let mut outcomes = BTreeSet::new();
    for envelope in &done.envelopes {
        assert_eq!(dome_core::read(&envelope.to_canonical()).as_ref(), Ok(envelope));
        assert!(events.insert((&envelope.run_id, &envelope.event_id)), "{}", envelope.event_id);
        assert!(outcomes.insert((&envelope.run_id, &envelope.task_id, &envelope.group_id)), "{}", envelope.event_id);
        let code = envelope.task_spec.failure_reason_code.as_str();
        assert!(code == "NONE" || done.codes.contains_key(code), "{code}");
    }
    for run in done.envelopes.chunk_by(|a, b| a.run_id == b.run_id) {
        assert!(run.iter().map(|envelope| envelope.sequence).eq(1..=run.len() as u64));
    }
    let spent = done.envelopes.len() as u64 + done.counts.repeated + done.counts.left_out;
    assert_eq!(done.counts.records, spent);
}

pub(crate) fn codes(done: &Conversion) -> Vec<String> {
    done.problems.iter().map(|problem| problem.code.to_string()).collect()
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

/// The folder of real files, where there is one.
pub(crate) fn real() -> Option<PathBuf> {
    let root = std::env::var_os("DOME_REAL_DATA").map(PathBuf::from);
    if root.is_none() {
        eprintln!("skipped: DOME_REAL_DATA is not set");
    }
    root
}

/// Every file below, with its path from there, in order.
pub(crate) fn files(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
