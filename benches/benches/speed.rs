//! How long each stage takes per envelope, beside its ceiling: `cargo bench -p dome-benches`.
//!
//! `-- envelope` or `-- replay` behind it measures one half.

use std::hint::black_box;
use std::time::Duration;

use dome_benches::ceiling::{self, Hashed};
use dome_benches::pipeline::{self, Outcome, STAGES};
use dome_benches::stopwatch::{best, best_of_fresh};
use dome_benches::{SEED, count, synthetic};
use dome_binder::{Recorder, Rules};
use dome_core::{CodeTableError, Envelope, Fingerprint, Keyer, Keys, Reader, Source, lines, message_template};

/// Rounds of which the best counts.
const ROUNDS: usize = 5;
/// Envelopes that the stages of one envelope are measured on.
const SAMPLE: usize = 20_000;

fn main() -> Result<(), CodeTableError> {
    let count = count();
    let bytes = synthetic(count, SEED);
    let lines: Vec<&[u8]> = lines(&bytes, 1, 0).map(|line| line.bytes).collect();
    println!(
        "{count} synthetic lines, {} bytes each, one thread; ns of CPU an envelope, best of {ROUNDS}\n",
        bytes.len() / count.max(1)
    );
    println!("{:<34}{:>9}   {:<30}{:>9}{:>9}", "stage", "ns", "ceiling", "ns", "ratio");
    let sample = lines.get(..SAMPLE).unwrap_or(&lines);
    let half = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    if half.as_deref() != Some("replay") {
        one_envelope(&Table { envelopes: sample.len() }, sample);
    }
    if half.as_deref() != Some("envelope") {
        whole_replay(&Table { envelopes: count }, &pipeline::rules()?, &bytes, &lines);
    }
    Ok(())
}

struct Table {
    envelopes: usize,
}

impl Table {
    fn nanoseconds(&self, time: Duration) -> u128 {
        time.as_nanos() / self.envelopes.max(1) as u128
    }

    fn row(&self, stage: &str, taken: Duration, ceiling: &str, least: Duration) {
        let (taken, least) = (self.nanoseconds(taken), self.nanoseconds(least));
        let hundredths = taken * 100 / least.max(1);
        println!("{stage:<34}{taken:>9}   {ceiling:<30}{least:>9}{:>6}.{:02}", hundredths / 100, hundredths % 100);
    }

    fn bare(&self, stage: &str, taken: Duration) {
        println!("{stage:<34}{:>9}", self.nanoseconds(taken));
    }
}

fn read(lines: &[&[u8]]) -> Vec<Envelope> {
    let mut reader = Reader::new();
    lines.iter().filter_map(|line| reader.read(line).ok()).collect()
}

/// The stages that look at one envelope at a time.
fn one_envelope(table: &Table, lines: &[&[u8]]) {
    let envelopes = read(lines);
    let hashed: Vec<Hashed> = envelopes.iter().map(Hashed::of).collect();
    let parse = best(ROUNDS, || ceiling::parse(lines));
    let hash = |lengths: &dyn Fn(&Hashed) -> Vec<usize>| {
        let lengths: Vec<usize> = hashed.iter().flat_map(lengths).collect();
        best(ROUNDS, || ceiling::hash(lengths.iter().copied()))
    };
    let [digests, fingerprints] = [hash(&|of| vec![of.digest]), hash(&|of| vec![of.fingerprint])];
    let all = digests + fingerprints + hash(&|of| of.keys.to_vec());

    let mut reader = Reader::new();
    let taken = best(ROUNDS, || lines.iter().filter(|line| black_box(reader.read(line)).is_ok()).count());
    table.row("read + validate", taken, "borrowed parse", parse);
    let mut rows = Vec::new();
    envelopes.iter().for_each(|envelope| {
        envelope.write_canonical(&mut rows);
        rows.push(b'\n');
    });
    let copy = best(ROUNDS, || ceiling::write(&rows));
    let mut out = Vec::with_capacity(1 << 16);
    let taken = best(ROUNDS, || {
        for envelope in &envelopes {
            out.clear();
            envelope.write_canonical(&mut out);
            black_box(&out);
        }
    });
    table.row("canonicalise", taken, "copy of the bytes", copy);
    let messages: Vec<&str> = envelopes.iter().filter_map(|envelope| envelope.message.as_deref()).collect();
    let taken =
        best(ROUNDS, || messages.iter().map(|message| black_box(message_template(message)).len()).sum::<usize>());
    table.bare("  normalise the message", taken);
    let taken = best(ROUNDS, || {
        envelopes.iter().for_each(|envelope| {
            black_box(Fingerprint::of(envelope).hash());
        })
    });
    table.row("fingerprint and its hash", taken, "SHA-256 of its bytes", fingerprints);
    keyed(table, &envelopes, all);
    whole_envelope(table, lines, parse + all);
}

/// All keys of an envelope, and its record.
fn keyed(table: &Table, envelopes: &[Envelope], all: Duration) {
    let taken = best(ROUNDS, || {
        envelopes.iter().for_each(|envelope| {
            black_box(Keys::of(envelope));
        })
    });
    table.row("digest and keys, each by itself", taken, "SHA-256 of all of these", all);
    // Every round starts with nothing remembered, as a replay does.
    let taken = best_of_fresh(ROUNDS, Keyer::default, |mut keyer| {
        envelopes.iter().for_each(|envelope| drop(black_box(keyer.key(envelope))));
        keyer
    });
    table.row("digest and keys, one after another", taken, "SHA-256 of all of these", all);
    let source = Source { line: 1, name: "synthetic.jsonl".into() };
    let fresh = || (envelopes.to_vec(), Recorder::default());
    let taken = best_of_fresh(ROUNDS, fresh, |(envelopes, mut recorder)| {
        let record = |envelope| recorder.record(envelope, source.clone());
        let records: Vec<_> = envelopes.into_iter().map(record).collect();
        (records, recorder)
    });
    table.row("record (all of these)", taken, "SHA-256 of all of these", all);
}

/// From a line to all keys of its envelope.
fn whole_envelope(table: &Table, lines: &[&[u8]], least: Duration) {
    let mut reader = Reader::new();
    let taken = best(ROUNDS, || {
        for envelope in lines.iter().filter_map(|line| reader.read(line).ok()) {
            black_box(Keys::of(&envelope));
        }
    });
    table.row("one envelope, whole, by itself", taken, "parse + SHA-256", least);
    let taken = best_of_fresh(ROUNDS, Keyer::default, |mut keyer| {
        for envelope in lines.iter().filter_map(|line| reader.read(line).ok()) {
            black_box(keyer.key(&envelope));
        }
        keyer
    });
    table.row("one of many, whole (goal: 4000)", taken, "parse + SHA-256", least);
}

/// The whole replay, from the bytes of all lines to the bytes of all rows.
fn whole_replay(table: &Table, rules: &Rules, bytes: &[u8], lines: &[&[u8]]) {
    let Outcome { mut rows, facts, capsules, mut laps } = pipeline::replay(bytes, rules);
    let mut total = laps.total();
    for _ in 1..ROUNDS {
        let outcome = pipeline::replay(bytes, rules);
        total = total.min(outcome.laps.total());
        laps.keep_best(&outcome.laps);
        rows = outcome.rows;
    }
    println!("\nthe whole history: {facts} facts, {capsules} capsules, {} bytes of rows", rows.len());
    let parse = best(ROUNDS, || ceiling::parse(lines));
    let mut reader = Reader::new();
    let hashed = lines.iter().filter_map(|line| reader.read(line).ok()).map(|envelope| Hashed::of(&envelope));
    let lengths: Vec<usize> = hashed.flat_map(|of| [of.digest, of.fingerprint].into_iter().chain(of.keys)).collect();
    let hash = best(ROUNDS, || ceiling::hash(lengths.iter().copied()));
    let write = best(ROUNDS, || ceiling::write(&rows));
    for stage in STAGES {
        let taken = laps.of(stage);
        match stage {
            "read + record" => table.row(stage, taken, "parse + SHA-256", parse + hash),
            "rows" => table.row(stage, taken, "copy of the bytes", write),
            _ => table.bare(stage, taken),
        }
    }
    table.row("whole replay", total, "parse + SHA-256", parse + hash);
    table.row("whole replay (goal: 2.50)", total, "parse + SHA-256 + write", parse + hash + write);
}
