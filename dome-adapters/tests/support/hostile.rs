//! What every room is held to, and files at hand.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dome_adapters::{Conversion, Format, Head, Input, Options, convert};
use dome_core::Envelope;

/// Named bytes, as a folder would hold them.
pub(crate) type Folder = Vec<(String, Vec<u8>)>;

pub(crate) fn format(name: &str) -> Format {
    name.parse().unwrap()
}

/// One file of this text.
pub(crate) fn one(text: impl Into<Vec<u8>>) -> Folder {
    vec![("in.json".to_owned(), text.into())]
}

/// A run and a time for what has none.
pub(crate) fn given() -> Options {
    Options {
        run_id: Some("run-1".parse().unwrap()),
        ts: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        zone: Some("Z".parse().unwrap()),
        ..Options::default()
    }
}

pub(crate) fn run(name: &str, folder: &Folder, options: &Options) -> Conversion {
    let inputs: Vec<_> = folder.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    let done = convert(format(name), &inputs, options);
    sound(format(name), &done);
    done
}

/// Every line is valid and stays as it is, no two of a run conflict (M-41), sequences go on without
/// gap or repeat, every record is accounted for, every code is in the table, and failure and policy
/// do not mix.
pub(crate) fn sound(format: Format, done: &Conversion) {
    let mut runs: BTreeMap<&str, Vec<&Envelope>> = BTreeMap::new();
    for envelope in &done.envelopes {
        assert_eq!(dome_core::read(&envelope.to_canonical()).as_ref(), Ok(envelope));
        let code = &envelope.task_spec.failure_reason_code;
        assert!(code.is_none() || done.codes.contains_key(code.as_str()), "{code}");
        assert!(envelope.signal.as_str() != "denial" || code.is_none(), "a denial with {code}");
        runs.entry(envelope.run_id.as_str()).or_default().push(envelope);
    }
    for (run, envelopes) in runs {
        let events: BTreeSet<_> = envelopes.iter().map(|envelope| envelope.event_id.as_str()).collect();
        let groups: BTreeSet<_> = envelopes.iter().map(|one| (one.task_id.as_str(), one.group_id.as_str())).collect();
        assert_eq!((events.len(), groups.len()), (envelopes.len(), envelopes.len()), "{format} {run}");
        assert!(envelopes.iter().map(|envelope| envelope.sequence).eq(1..=envelopes.len() as u64), "{run}");
    }
    let spent = done.envelopes.len() as u64 + done.counts.repeated + done.counts.left_out;
    assert_eq!(done.counts.records, spent);
}

pub(crate) fn codes(findings: &[dome_adapters::Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// How many envelopes there are of each signal, failure code and policy code.
pub(crate) fn tally(done: &Conversion) -> BTreeMap<String, usize> {
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

/// The files below a folder of the real data, by name, where it is at hand.
pub(crate) fn real(folder: &str) -> Option<Folder> {
    let Some(root) = std::env::var_os("DOME_REAL_DATA") else {
        eprintln!("skipped: DOME_REAL_DATA is not set");
        return None;
    };
    let mut files = Vec::new();
    walk(&Path::new(&root).join(folder), "", &mut files);
    files.sort();
    Some(files)
}

fn walk(folder: &Path, prefix: &str, files: &mut Folder) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            walk(&entry.path(), &format!("{name}/"), files);
        } else {
            files.push((name, std::fs::read(entry.path()).unwrap()));
        }
    }
}

/// Files that are none of the format: each is refused, with a place or a reason, and none of them
/// keeps `sound_file` from being converted.
pub(crate) fn refuses_what_is_not_its_own(name: &str, sound_file: &[u8]) {
    let alone = run(name, &one(sound_file), &given()).envelopes.len();
    assert!(alone > 0, "{name}: the sound file gives no envelope");
    let cut = &sound_file[..sound_file.len() * 2 / 3];
    let hostile: [&[u8]; 11] = [
        b"",
        b"\n\n",
        b"{",
        b"null",
        b"[1, \"two\", null]",
        b"{\"a\": {\"b\": [1.5, -1e400]}}",
        b"\xff\xfe\x00garbage\x80",
        b"<testsuite/>",
        b"{\"x\": \"\\ud800\"}",
        &b"[".repeat(100_000),
        cut,
    ];
    for bytes in hostile {
        let folder = vec![("bad.json".to_owned(), bytes.to_vec()), ("good.json".to_owned(), sound_file.to_vec())];
        // Each file is a run: a part of the other holds the same ids.
        let done = run(name, &folder, &Options { run_id: Some("{name}".parse().unwrap()), ..given() });
        let of_bad = done.problems.iter().chain(&done.notes).filter(|finding| finding.input == "bad.json").count();
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
        assert!(of_bad > 0, "{name}: nothing is said of {shown}");
        assert!(done.envelopes.len() >= alone, "{name}: {shown}");
    }
}

/// Whatever bytes come, nothing panics, and what comes out is sound.
pub(crate) fn survives(name: &str, seed: &[u8]) {
    let step = (seed.len() / 150).max(1);
    for place in (0..seed.len()).step_by(step) {
        for byte in [b'"', b'}', b'0', 0xff] {
            let mut bytes = seed.to_vec();
            bytes[place] = byte;
            run(name, &one(bytes), &given());
        }
        run(name, &one(&seed[..place]), &given());
    }
}
