//! What a batch costs when much was ingested before: `cargo bench -p dome-cli --bench ingest`.
//!
//! Synthetic envelopes, as they happen, go through the command in batches of 1,000, each waited for;
//! then the last tenth of the batches is held against the first. The ceiling, measured in the same
//! run, is the disk: the same bytes appended and synced batch by batch.
//!
//! `DOME_BENCH_COUNT` sets how many envelopes are taken, 200,000 without it.
#![expect(clippy::expect_used, reason = "a benchmark that cannot go on ends")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dome_benches::{History, SEED, count};

const BATCH: usize = 1_000;

fn main() {
    let count = count();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let history = History::in_order(count, SEED);
    let mut lines = history.lines();
    let mut batches = std::iter::from_fn(|| {
        let batch: Vec<u8> = lines.by_ref().take(BATCH).flatten().collect();
        (!batch.is_empty()).then_some(batch)
    });
    let store = folder.path().join("store");
    let mut ingest = start(&store);
    let mut stdin = ingest.stdin.take().expect("stdin");
    let mut said = BufReader::new(ingest.stdout.take().expect("stdout")).lines();
    let mut bare = File::create(folder.path().join("bare.jsonl")).expect("a file");
    let (mut taken, mut least, mut bytes): (Vec<Duration>, Vec<Duration>, usize) = (Vec::new(), Vec::new(), 0);
    for batch in batches.by_ref() {
        bytes += batch.len();
        let begun = Instant::now();
        bare.write_all(&batch).and_then(|()| bare.sync_data()).expect("the disk takes it");
        least.push(begun.elapsed());
        let begun = Instant::now();
        stdin.write_all(&batch).expect("ingest listens");
        said.next().expect("ingest answers").expect("a line");
        taken.push(begun.elapsed());
    }
    let peak = peak_memory(&ingest);
    drop(stdin);
    assert!(ingest.wait().expect("ingest ends").success());
    report(&taken, &least, count, bytes, peak, size(&store));
}

fn start(store: &std::path::Path) -> Child {
    let mut dome = Command::new(env!("CARGO_BIN_EXE_dome"));
    dome.args(["ingest", "-", "--follow", "--format", "json", "--batch-ms", "60000", "--not-after", "off"]);
    dome.arg("--batch-lines").arg(BATCH.to_string()).arg("--store").arg(store);
    dome.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("dome starts")
}

/// The peak of resident memory, in bytes.
fn peak_memory(ingest: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", ingest.id())).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).unwrap_or_default() * 1_024
}

fn size(folder: &std::path::Path) -> u64 {
    let files = walkdir::WalkDir::new(folder).into_iter().flatten();
    files.filter_map(|entry| entry.metadata().ok()).filter(fs::Metadata::is_file).map(|found| found.len()).sum()
}

fn report(taken: &[Duration], least: &[Duration], count: usize, bytes: usize, peak: u64, store: u64) {
    let tenth = (taken.len() / 10).max(1);
    let mean = |times: &[Duration]| times.iter().sum::<Duration>().as_micros() / times.len().max(1) as u128;
    let ends = |times: &[Duration]| {
        let first = times.get(..tenth).unwrap_or(times);
        let last = times.get(times.len() - tenth..).unwrap_or(times);
        [mean(first), mean(last), mean(times)]
    };
    let [first, last, all] = ends(taken);
    let [bare_first, bare_last, bare] = ends(least);
    let ratio = |a: u128, b: u128| format!("{}.{:02}", a / b.max(1), a * 100 / b.max(1) % 100);
    println!("{count} lines, {bytes} bytes, {} batches of {BATCH}; microseconds a batch\n", taken.len());
    println!("{:<26}{:>10}{:>16}{:>8}", "", "ingest", "write + sync", "ratio");
    println!("{:<26}{first:>10}{bare_first:>16}{:>8}", format!("first {tenth} batches"), ratio(first, bare_first));
    println!("{:<26}{last:>10}{bare_last:>16}{:>8}", format!("last {tenth} batches"), ratio(last, bare_last));
    println!("{:<26}{all:>10}{bare:>16}{:>8}", "all", ratio(all, bare));
    println!("\nlast against first: {} (goal: at most 1.50)", ratio(last, first));
    println!("envelopes a second: {}", count as u128 * 1_000_000 / (all * taken.len() as u128).max(1));
    println!("peak memory: {} MiB; the store: {} MiB for {} MiB of input", peak >> 20, store >> 20, bytes >> 20);
}
