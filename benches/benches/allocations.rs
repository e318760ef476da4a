//! How many allocations each stage makes per envelope: `cargo bench -p dome-benches --bench allocations`.

use std::hint::black_box;

use allocation_counter::{AllocationInfo, measure};
use dome_benches::pipeline::Views;
use dome_benches::{SEED, count, pipeline, synthetic};
use dome_binder::{Recorder, order};
use dome_core::{CodeTableError, Envelope, Fingerprint, Keyer, Reader, Source, lines, message_template};

fn main() -> Result<(), CodeTableError> {
    let count = count().min(20_000);
    let bytes = synthetic(count, SEED);
    let mut reader = Reader::new();
    let mut envelopes: Vec<Envelope> = Vec::with_capacity(count);
    let _warm = lines(&bytes, 1, 0).map(|line| reader.read(line.bytes).is_ok()).count();
    let line_bytes: Vec<&[u8]> =
        lines(&bytes, 1, 0).map(|line| line.bytes).filter(|line| reader.read(line).is_ok()).collect();
    println!("{:<34}{:>12}{:>12}", "stage", "allocations", "bytes");
    let row = |stage: &str, info: AllocationInfo| {
        let [times, bytes] = [info.count_total, info.bytes_total].map(|sum| sum * 10 / count.max(1) as u64);
        println!("{stage:<34}{:>10}.{}{:>10}.{}", times / 10, times % 10, bytes / 10, bytes % 10);
    };
    row("read + validate", measure(|| envelopes.extend(line_bytes.iter().filter_map(|line| reader.read(line).ok()))));
    let mut out = Vec::with_capacity(1 << 16);
    let canonical = measure(|| {
        for envelope in &envelopes {
            out.clear();
            envelope.write_canonical(&mut out);
        }
    });
    row("canonicalise", canonical);
    let messages = || envelopes.iter().filter_map(|envelope| envelope.message.as_deref());
    row(
        "  normalise the message",
        measure(|| messages().for_each(|message| drop(black_box(message_template(message))))),
    );
    let fingerprint = || {
        envelopes.iter().for_each(|envelope| {
            black_box(Fingerprint::of(envelope).hash());
        })
    };
    row("fingerprint and its hash", measure(fingerprint));
    let mut keyer = Keyer::default();
    let keyed = |keyer: &mut Keyer| envelopes.iter().for_each(|envelope| drop(black_box(keyer.key(envelope))));
    row("digest and keys, first time", measure(|| keyed(&mut keyer)));
    row("digest and keys, seen before", measure(|| keyed(&mut keyer)));
    let (mut records, mut recorder) = (Vec::with_capacity(count), Recorder::default());
    let source = || Source { line: 1, name: "synthetic.jsonl".into() };
    row(
        "record (all of these)",
        measure(|| records.extend(envelopes.drain(..).map(|envelope| recorder.record(envelope, source())))),
    );
    drop((records, envelopes));
    let rules = pipeline::rules()?;
    let (records, rejected) = pipeline::records(&bytes);
    let (mut ledger, mut replay, mut views, mut rows) = (None, None, None, Vec::new());
    row("group + settle + order", measure(|| ledger = Some(order(pipeline::settled(records, &rules)))));
    row("fold + assemble", measure(|| replay = ledger.take().map(|ledger| pipeline::derived(ledger, &rules))));
    row("views", measure(|| views = replay.as_ref().map(Views::of)));
    if let (Some(replay), Some(views)) = (&replay, &views) {
        let capacity = bytes.len() * 2;
        row("rows", measure(|| rows = pipeline::rows(replay, views, &rejected, &rules, capacity)));
    }
    drop(rows);
    row("whole replay", measure(|| drop(black_box(pipeline::replay(&bytes, &rules)))));
    Ok(())
}
