//! Stores in temporary folders, and what they come to.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use dome_binder::{Record, Replay, Rules, replay};
use dome_core::{QuarantineRow, RawLine, Reader, Source, lines};
use dome_replay::{Masking, ReadLine, Watch};
use dome_store::{Ingest, Ingested, Log, Opening, Result, Stop, StoreLimits, StoreSettings, ingest};
use tempfile::TempDir;

use crate::LogHistory;

/// Segments and states of a few lines, so that a store has many.
pub(crate) fn small() -> StoreLimits {
    StoreLimits {
        segment_bytes: 6 << 10,
        state_bytes: 2 << 10,
        batch_lines: 3,
        batch_age: Duration::ZERO,
        ..StoreLimits::default()
    }
}

pub(crate) fn opening(limits: StoreLimits) -> Opening {
    Opening { limits, wait: Duration::ZERO }
}

pub(crate) fn pinned() -> Rules {
    dome_replay::load_rules(None, dome_replay::CodeSources::default(), None).unwrap()
}

pub(crate) fn as_made(before: Option<&Rules>) -> Result<Rules> {
    Ok(before.cloned().unwrap_or_else(pinned))
}

/// Keeps what is noted.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Vec<String>>);

impl Notes {
    pub(crate) fn all(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

impl Watch for Notes {
    fn note(&self, note: &str) {
        self.0.lock().unwrap().push(note.to_owned());
    }
}

/// An empty folder, in memory where the system has such a place: laws sync thousands of small files. What a disk does is
/// for the tests of the command.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// A folder for inputs and a place for a store.
pub(crate) struct Bench {
    pub(crate) root: TempDir,
    pub(crate) input: PathBuf,
    pub(crate) store: PathBuf,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let root = folder();
        let [input, store] = ["in", "store"].map(|name| root.path().join(name));
        fs::create_dir(&input).unwrap();
        Self { root, input, store }
    }

    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.input.join(name), bytes).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn ingest(&self, limits: StoreLimits) -> Ingested {
        take_in(&self.input, &self.store, limits).unwrap()
    }
}

/// Takes in what stands in a folder now.
pub(crate) fn take_in(folder: &Path, store: &Path, limits: StoreLimits) -> Result<Ingested> {
    take_in_telling(folder, store, limits, &())
}

pub(crate) fn take_in_telling(folder: &Path, store: &Path, limits: StoreLimits, watch: &dyn Watch) -> Result<Ingested> {
    let mut inputs: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    let what = Ingest {
        inputs: &inputs,
        follow: false,
        masking: Masking::load(None).unwrap(),
        not_after: Some("off"),
        rules: &as_made,
        opening: opening(limits),
    };
    ingest(store, what, &Stop::never(), &mut |_| Ok(()), watch)
}

/// What a store comes to by its log alone, without an index.
pub(crate) struct Replayed {
    pub(crate) replay: Replay,
    pub(crate) quarantined: Vec<QuarantineRow>,
    pub(crate) lines: (u64, u64),
}

impl Replayed {
    pub(crate) fn of(store: &Path) -> Self {
        let log = Log::open(store).unwrap();
        let history = LogHistory::read(&log).unwrap();
        assert_eq!(history.damage(), &[]);
        let (mut records, mut quarantined) = (Vec::new(), Vec::new());
        for line in history.lines() {
            match line.unwrap() {
                ReadLine::Envelope(record) => records.push(record),
                ReadLine::Quarantined(row) => quarantined.push(*row),
            }
        }
        let replay = replay(records, &StoreSettings::rules(&log.manifest().settings).unwrap(), None);
        let mut ruled_out = |row| {
            quarantined.push(row);
            Ok(())
        };
        history.ruled_out(&replay.ledger.conflicts, &mut ruled_out).unwrap();
        quarantined.sort_by_key(|row| (row.source.name.clone(), row.source.line, row.offset));
        let lines = (history.sources.values().map(|source| source.lines).sum(), history.blank());
        Self { replay, quarantined, lines }
    }
}

/// What a store comes to, to the last member.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) facts: String,
    pub(crate) capsules: String,
    pub(crate) quarantine: Vec<String>,
    pub(crate) lines: (u64, u64),
}

impl Outcome {
    pub(crate) fn of(store: &Path) -> Self {
        let derived = Replayed::of(store);
        let rows = derived.quarantined.iter().map(|row| serde_json::to_string(row).unwrap());
        Self {
            facts: format!("{:?}", derived.replay.ledger),
            capsules: format!("{:?}", derived.replay.derived),
            quarantine: rows.collect(),
            lines: derived.lines,
        }
    }

    /// Of files, read without a store.
    pub(crate) fn of_files(folder: &Path) -> Self {
        let mut names: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        let (mut records, mut quarantine, mut counted, mut reader) = (Vec::new(), Vec::new(), (0, 0), Reader::new());
        let mut places = std::collections::BTreeMap::new();
        for path in names {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let bytes = fs::read(&path).unwrap();
            for line in lines(&bytes, 1, 0) {
                counted.0 += 1;
                if line.is_blank() {
                    counted.1 += 1;
                    continue;
                }
                let source = Source { line: line.number, name: name.as_str().into() };
                match reader.read(line.bytes) {
                    Ok(envelope) => {
                        places.insert(source.clone(), (line.offset, line.bytes.to_vec()));
                        records.push(Box::new(Record::new(envelope, source)));
                    }
                    Err(why) => quarantine.push(RawLine::of(line.bytes).row(line.offset, source, why)),
                }
            }
        }
        let replay = replay(records, &pinned(), None);
        for conflict in &replay.ledger.conflicts {
            let (offset, bytes) = &places[&conflict.source];
            quarantine.push(RawLine::of(bytes).row(*offset, conflict.source.clone(), conflict.rejection.clone()));
        }
        quarantine.sort_by_key(|row| (row.source.name.clone(), row.source.line, row.offset));
        Self {
            facts: format!("{:?}", replay.ledger),
            capsules: format!("{:?}", replay.derived),
            quarantine: quarantine.iter().map(|row| serde_json::to_string(row).unwrap()).collect(),
            lines: counted,
        }
    }
}

/// Copies a folder and all below it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), &place).unwrap();
        }
    }
}

/// All files below a folder, by name, but for locks and what is derived.
pub(crate) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if ![
                "index.sqlite",
                "index.sqlite-wal",
                "index.sqlite-shm",
                "index.key",
                "index.lock",
                "writer.lock",
            ]
            .iter()
            .any(|name| path.ends_with(name))
            {
                found.push((path.strip_prefix(folder).unwrap().display().to_string(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The segments of a store, oldest first.
pub(crate) fn segments(store: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(store.join("log")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// One outcome, in a run of its own; `second` is its time.
pub(crate) fn line(run: &str, second: u64) -> String {
    serde_json::json!({
        "envelope_version": "1", "event_id": "e", "sequence": 1, "run_id": run, "task_id": "t", "group_id": "g",
        "ts": format!("2026-01-01T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60),
        "signal": "failure", "wrapper_policy": "strict",
        "task_spec": {"scope": "task", "target": {"kind": "module", "id": "m"}, "action": {"kind": "fix"},
            "failure_reason_code": "A"},
        "evidence": [{"path": "log.txt"}],
    })
    .to_string()
}

/// So many lines with their ends, from a number on.
pub(crate) fn text(name: &str, numbers: std::ops::Range<u64>) -> String {
    numbers.map(|number| line(&format!("{name}-{number}"), number) + "\n").collect()
}
