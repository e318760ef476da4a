//! Input that reaches every corner of a store, and what must be true of a store that was fed with it.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::harness::{Ended, Place, golden};

/// Lines up to this instant are admitted, by ingest and by the replay that it is held against.
pub(crate) const NOT_AFTER: &str = "2026-12-31T00:00:00Z";

/// Numbers that look random and are the same in each run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// One of `0..sides`.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// How often a test is repeated: as asked for in the environment, else `default`.
pub(crate) fn times(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |times| times.parse().unwrap())
}

/// The golden lines (conflicts, duplicates, late clocks, bad lines) in `copies` sets of runs, and a
/// line with a secret; out of order.
pub(crate) fn lines(copies: usize, seed: u64) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(golden("input/a.jsonl")).unwrap();
    let mut lines = vec![secret()];
    for copy in 0..copies {
        let runs = format!("\"run_id\": \"{copy}/");
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            lines.push(match str::from_utf8(line) {
                Ok(text) => text.replace("\"run_id\": \"", &runs).into_bytes(),
                Err(_) => line.to_owned(),
            });
        }
    }
    let mut dice = Dice::new(seed);
    for place in (1..lines.len()).rev() {
        lines.swap(place, usize::try_from(dice.roll(place as u64 + 1)).unwrap());
    }
    lines
}

fn secret() -> Vec<u8> {
    let mut line: Value = serde_json::from_slice(dome_core::EXAMPLE_LINE).unwrap();
    let message = format!("push failed for https://ci:{}@example.org/a.git", "hunter2hunter2");
    line.as_object_mut().unwrap().insert("message".into(), message.into());
    serde_json::to_vec(&line).unwrap()
}

/// Lines as a file; the last one has no end.
pub(crate) fn joined(lines: &[Vec<u8>]) -> Vec<u8> {
    lines.join(b"\n".as_slice())
}

/// Writes the lines to three files in `in`, one of them compressed.
pub(crate) fn spread(place: &Place, lines: &[Vec<u8>]) {
    let third = lines.len() / 3;
    place.file("in/a.jsonl", joined(&lines[..third]));
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&joined(&lines[third..2 * third])).unwrap();
    place.file("in/b/c.jsonl.gz", gz.finish().unwrap());
    place.file("in/d.jsonl", joined(&lines[2 * third..]));
}

/// The command that feeds `in` to a store.
pub(crate) fn ingest_args<'a>(store: &'a str, batch_lines: &'a str) -> Vec<&'a str> {
    vec!["ingest", "in", "--store", store, "--batch-lines", batch_lines, "--not-after", NOT_AFTER]
}

/// Feeds all of `in` to a store.
pub(crate) fn ingest(place: &Place, store: &str) -> Ended {
    let ended = place.dome(&ingest_args(store, "50"), b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended
}

/// Starts a command that nobody waits for.
pub(crate) fn start(place: &Place, args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dome"));
    command.args(args).current_dir(place.path("")).env("NO_COLOR", "1").stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends a signal.
pub(crate) fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

pub(crate) fn verify(place: &Place, store: &str) -> Ended {
    place.dome(&["store", "verify", "--store", store], b"")
}

#[track_caller]
pub(crate) fn is_sound(place: &Place, store: &str) {
    let ended = verify(place, store);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
}

/// What `dome store status` says.
pub(crate) fn status(place: &Place, store: &str) -> (i32, Value) {
    let ended = place.dome(&["store", "status", "--store", store, "--format", "json"], b"");
    assert!(ended.stdout.starts_with('{'), "{}", ended.stderr);
    (ended.code, serde_json::from_str(&ended.stdout).unwrap())
}

/// Makes the replay that exports are held against.
pub(crate) fn replay(place: &Place, input: &str, out: &str) {
    let args = ["replay", input, "--out", out, "--redact", "built-in", "--not-after", NOT_AFTER];
    let ended = place.dome(&args, b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

/// An export is, byte for byte, the replay `replayed`.
#[track_caller]
pub(crate) fn exports_as(place: &Place, store: &str, replayed: &str) {
    let out = format!("{store}-exported");
    let ended = place.dome(&["store", "export", "--store", store, "--out", &out, "--force"], b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let (found, expected) = (place.files(&out), place.files(replayed));
    for (name, bytes) in &expected {
        assert!(found.get(name) == Some(bytes), "{name} differs");
    }
    assert_eq!(found.len(), expected.len());
}
