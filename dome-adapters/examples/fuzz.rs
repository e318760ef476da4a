//! Damages the files of a folder and converts them, for as long as it is told to:
//!
//! ```text
//! cargo run --release -p dome-adapters --example fuzz -- FORMAT SECONDS CORPUS_DIR [SEED]
//! ```
//!
//! The same seed gives the same damage. Seconds are of processor time. It ends with 1 at the first
//! panic or the first file that takes longer than a second a megabyte, and leaves that file beside
//! it as `fuzz-FORMAT-SEED`.
#![expect(clippy::disallowed_methods, reason = "it is the one who looks at files")]
#![expect(clippy::indexing_slicing, reason = "places are rolled inside of what there is")]

#[path = "../tests/support/mutate.rs"]
mod mutate;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use dome_adapters::{ConvertOptions, Format, Head, ToolFile, convert};
use mutate::{Dice, damaged};
use rustix::time::{ClockId, clock_gettime};

/// What any file may take, however small.
const LEAST: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let parsed = match arguments.as_slice() {
        [format, seconds, corpus, seed @ ..] => format
            .parse::<Format>()
            .ok()
            .zip(seconds.parse::<u64>().ok())
            .map(|(format, seconds)| (format, seconds, corpus, seed.first().and_then(|seed| seed.parse().ok()))),
        _ => None,
    };
    let Some((format, seconds, corpus, seed)) = parsed else {
        eprintln!("usage: fuzz FORMAT SECONDS CORPUS_DIR [SEED]");
        return ExitCode::from(2);
    };
    let samples = samples(Path::new(corpus));
    if samples.is_empty() {
        eprintln!("no files below {corpus}");
        return ExitCode::from(2);
    }
    fuzz(format, Duration::from_secs(seconds), &samples, seed.unwrap_or(1))
}

fn fuzz(format: Format, time: Duration, samples: &[Vec<u8>], first: u64) -> ExitCode {
    let (began, mut seed, mut bytes_in, mut envelopes) = (cpu_time(), first, 0, 0);
    let mut slowest = Duration::ZERO;
    while cpu_time() - began < time {
        let mut dice = Dice::new(seed);
        let [sample, other] = [(); 2].map(|()| &samples[dice.roll(samples.len())]);
        let bytes = damaged(sample, other, &mut dice);
        let start = cpu_time();
        let Ok(found) = std::panic::catch_unwind(|| one(format, &bytes)) else {
            return failed(format, seed, &bytes, "panicked");
        };
        let took = cpu_time() - start;
        let megabytes = u32::try_from(bytes.len() / 1_000_000).unwrap_or(u32::MAX);
        if took > LEAST + Duration::from_secs(1) * megabytes.saturating_add(1) {
            return failed(format, seed, &bytes, &format!("took {took:?}"));
        }
        slowest = slowest.max(took);
        (seed, bytes_in, envelopes) = (seed + 1, bytes_in + bytes.len(), envelopes + found);
    }
    println!("{format}: {} files, {bytes_in} bytes, {envelopes} envelopes, slowest {slowest:?}", seed - first);
    ExitCode::SUCCESS
}

/// What this thread had of the processor: a machine that stands still is no slow file.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

/// Converts one file; every envelope has to be one.
fn one(format: Format, bytes: &[u8]) -> usize {
    let options = ConvertOptions {
        run_id: "r".parse().ok(),
        ts: "2026-01-01T00:00:00Z".parse().ok(),
        zone: "Z".parse().ok(),
        ..ConvertOptions::default()
    };
    let done = convert(format, &[ToolFile { name: "fuzzed", bytes }], &options);
    for envelope in &done.envelopes {
        assert_eq!(dome_core::read(&envelope.to_canonical()).as_ref(), Ok(envelope));
    }
    let _formats = Format::of(&Head::of(bytes)).count();
    done.envelopes.len()
}

fn failed(format: Format, seed: u64, bytes: &[u8], what: &str) -> ExitCode {
    let path = PathBuf::from(format!("fuzz-{format}-{seed}"));
    let kept = std::fs::write(&path, bytes);
    eprintln!("{format}: seed {seed} {what}; kept as {} ({kept:?})", path.display());
    ExitCode::FAILURE
}

/// Every file below a folder.
fn samples(folder: &Path) -> Vec<Vec<u8>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => found.extend(std::fs::read(&path).map(|bytes| (path, bytes))),
            }
        }
    }
    found.sort();
    found.into_iter().map(|(_, bytes)| bytes).collect()
}
