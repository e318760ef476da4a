//! What a question costs on a large result: `cargo bench -p dome-cli --bench query`.
//!
//! A synthetic history is replayed, then asked through the command: once to derive the index, then every
//! question five times, of which the best counts. The ceiling, measured in the same run, is reading
//! `facts.jsonl` once, which is the least that a question without an index could take.
//!
//! `DOME_BENCH_COUNT` sets how many envelopes are taken, 200,000 without it.
#![expect(clippy::expect_used, reason = "a benchmark that cannot go on ends")]

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use dome_benches::{History, SEED, count};

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let input = folder.path().join("in.jsonl");
    let mut file = BufWriter::new(File::create(&input).expect("a file"));
    History::new(count(), SEED).lines().for_each(|line| file.write_all(&line).expect("the disk takes it"));
    file.flush().expect("the disk takes it");
    dome(folder.path(), &["replay", "in.jsonl", "--out", "r"]);
    let facts = folder.path().join("r/facts.jsonl");
    let row = first_row(&facts);
    let read = best(|| read(&facts));
    println!("{:<58}{:>10}  of reading the facts once", "", "ms");
    println!("{:<58}{:>10}", "reading facts.jsonl once", read.as_millis());
    let once = timed(|| dome(folder.path(), &["query", "gate-rollup", "--from", "r"]));
    line("the first question, which derives the index", once, read);
    for question in [
        vec!["query", "recent-failures"],
        vec!["query", "recent-failures", "--failure-reason-code", "TESTS_FAILED", "--limit", "200"],
        vec!["query", "gate-rollup"],
        vec!["query", "gate-rollup", "--scope", "task"],
        vec!["query", "guard-denials"],
        vec!["explain", &row.derived_key],
        vec!["explain", &row.line_key],
        vec!["explain", &row.digest],
    ] {
        let words = [&question[..], &["--from", "r"]].concat();
        line(&shown(&question), best(|| dome(folder.path(), &words)), read);
    }
    line("--version", best(|| dome(folder.path(), &["--version"])), read);
}

#[derive(serde::Deserialize)]
struct Row {
    derived_key: String,
    digest: String,
    line_key: String,
}

fn first_row(facts: &Path) -> Row {
    let bytes = std::fs::read(facts).expect("facts");
    let row = bytes.split(|byte| *byte == b'\n').next().expect("a row");
    serde_json::from_slice(row).expect("a row of facts")
}

fn shown(question: &[&str]) -> String {
    question
        .iter()
        .map(|word| if word.len() == 64 { word.get(..12).unwrap_or(word) } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}

fn line(what: &str, took: Duration, read: Duration) {
    let ratio = took.as_micros() * 100 / read.as_micros().max(1);
    println!("{what:<58}{:>10}  {}.{:02}", took.as_millis(), ratio / 100, ratio % 100);
}

fn dome(folder: &Path, words: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_dome")).args(words).current_dir(folder).output().expect("dome runs");
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn read(path: &Path) {
    let (mut file, mut buffer) = (File::open(path).expect("facts"), vec![0; 1 << 20]);
    while file.read(&mut buffer).expect("facts") > 0 {}
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn best(work: impl Fn()) -> Duration {
    (0..5).map(|_| timed(&work)).min().unwrap_or_default()
}
