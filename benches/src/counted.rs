//! The hot functions, each with its input made ready, for a counter of instructions.
//!
//! Nothing here looks at a clock, so that it runs under `valgrind`, and nothing is counted but what
//! [`counted_by_callgrind`] calls: input is made and results are dropped outside of it.

use std::hint::black_box;

use dome_binder::{Recorder, Replay, Rules, order};
use dome_core::{CodeTableError, Envelope, Fingerprint, Keyer, Keys, Reader, Source, lines, message_template};

use crate::ceiling::{self, Hashed};
use crate::pipeline::{self, Views};

/// A function that is counted.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// Its name, one word.
    pub name: &'static str,
    /// What it does, as tables print it.
    pub title: &'static str,
    run: fn(&[u8], &Rules),
}

/// All that is counted; the last one is no function of the project but what SHA-256 of the same bytes takes.
pub const STAGES: [Stage; 14] = [
    Stage { name: "read", title: "read + validate", run: read },
    Stage { name: "canonicalise", title: "canonicalise", run: canonicalise },
    Stage { name: "template", title: "normalise the message", run: template },
    Stage { name: "fingerprint", title: "fingerprint and its hash", run: fingerprint },
    Stage { name: "keys", title: "digest and keys", run: keys },
    Stage { name: "record", title: "record (all but reading)", run: record },
    Stage { name: "envelope", title: "one of many, validated and keyed", run: envelope },
    Stage { name: "alone", title: "one envelope, by itself", run: alone },
    Stage { name: "settle", title: "group + settle + order", run: settle },
    Stage { name: "fold", title: "fold + assemble", run: fold },
    Stage { name: "views", title: "views", run: views },
    Stage { name: "rows", title: "rows", run: rows },
    Stage { name: "replay", title: "whole replay", run: replay },
    Stage { name: HASHING, title: "SHA-256 of what an envelope hashes", run: sha256 },
];

/// The name of the stage that does nothing but hash.
pub const HASHING: &str = "sha256";

/// The one function whose calls are counted: `callgrind` is told to by its name.
#[inline(never)]
pub fn counted_by_callgrind(work: &mut dyn FnMut()) {
    work();
}

impl Stage {
    /// The stage with a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        STAGES.into_iter().find(|stage| stage.name == name)
    }

    /// Makes the input ready and does the work once.
    ///
    /// # Errors
    ///
    /// When the table of reason codes that is compiled in is none.
    pub fn run(self, bytes: &[u8]) -> Result<(), CodeTableError> {
        (self.run)(bytes, &pipeline::rules()?);
        Ok(())
    }
}

/// Counts `work`; what it gives is dropped afterwards.
fn count<T>(work: impl FnOnce() -> T) {
    let (mut work, mut result) = (Some(work), None);
    counted_by_callgrind(&mut || result = work.take().map(|work| black_box(work())));
    drop(result);
}

fn of_lines(bytes: &[u8]) -> Vec<&[u8]> {
    lines(bytes, 1, 0).map(|line| line.bytes).collect()
}

/// The envelopes of the lines that are sound, and a reader that has grown to its size.
fn envelopes(lines: &[&[u8]]) -> (Vec<Envelope>, Reader) {
    let mut reader = Reader::new();
    (lines.iter().filter_map(|line| reader.read(line).ok()).collect(), reader)
}

fn read(bytes: &[u8], _: &Rules) {
    let lines = of_lines(bytes);
    let (_, mut reader) = envelopes(&lines);
    count(|| lines.iter().filter(|line| black_box(reader.read(line)).is_ok()).count());
}

fn canonicalise(bytes: &[u8], _: &Rules) {
    let (envelopes, _) = envelopes(&of_lines(bytes));
    let mut out = Vec::with_capacity(1 << 16);
    count(|| {
        for envelope in &envelopes {
            out.clear();
            envelope.write_canonical(&mut out);
            black_box(&out);
        }
    });
}

fn template(bytes: &[u8], _: &Rules) {
    let (envelopes, _) = envelopes(&of_lines(bytes));
    let messages: Vec<&str> = envelopes.iter().filter_map(|envelope| envelope.message.as_deref()).collect();
    count(|| messages.iter().map(|message| black_box(message_template(message)).len()).sum::<usize>());
}

fn fingerprint(bytes: &[u8], _: &Rules) {
    let (envelopes, _) = envelopes(&of_lines(bytes));
    count(|| {
        envelopes.iter().for_each(|envelope| {
            black_box(Fingerprint::of(envelope).hash());
        });
    });
}

fn keys(bytes: &[u8], _: &Rules) {
    let (envelopes, _) = envelopes(&of_lines(bytes));
    let mut keyer = Keyer::default();
    count(|| envelopes.iter().for_each(|envelope| drop(black_box(keyer.key(envelope)))));
}

fn record(bytes: &[u8], _: &Rules) {
    let (envelopes, _) = envelopes(&of_lines(bytes));
    let mut recorder = Recorder::default();
    let source = || Source { line: 1, name: "synthetic.jsonl".into() };
    let mut records = Vec::with_capacity(envelopes.len());
    count(|| records.extend(envelopes.into_iter().map(|envelope| recorder.record(envelope, source()))));
}

fn envelope(bytes: &[u8], _: &Rules) {
    let lines = of_lines(bytes);
    let (_, mut reader) = envelopes(&lines);
    let mut keyer = Keyer::default();
    count(|| {
        for envelope in lines.iter().filter_map(|line| reader.read(line).ok()) {
            black_box(keyer.key(&envelope));
        }
    });
}

fn alone(bytes: &[u8], _: &Rules) {
    let lines = of_lines(bytes);
    let (_, mut reader) = envelopes(&lines);
    count(|| {
        for envelope in lines.iter().filter_map(|line| reader.read(line).ok()) {
            black_box(Keys::of(&envelope));
        }
    });
}

fn settle(bytes: &[u8], rules: &Rules) {
    let (records, _) = pipeline::records(bytes);
    count(|| order(pipeline::settled(records, rules)));
}

fn fold(bytes: &[u8], rules: &Rules) {
    let (records, _) = pipeline::records(bytes);
    let ledger = order(pipeline::settled(records, rules));
    count(|| pipeline::derived(ledger, rules));
}

fn replayed(bytes: &[u8], rules: &Rules) -> Replay {
    let (records, _) = pipeline::records(bytes);
    pipeline::derived(order(pipeline::settled(records, rules)), rules)
}

fn views(bytes: &[u8], rules: &Rules) {
    let replay = replayed(bytes, rules);
    count(|| Views::of(&replay));
}

fn rows(bytes: &[u8], rules: &Rules) {
    let (_, rejected) = pipeline::records(bytes);
    let replay = replayed(bytes, rules);
    let views = Views::of(&replay);
    count(|| pipeline::rows(&replay, &views, &rejected, rules, bytes.len() * 2));
}

fn replay(bytes: &[u8], rules: &Rules) {
    count(|| pipeline::stages(bytes, rules, &mut |_| ()));
}

fn sha256(bytes: &[u8], _: &Rules) {
    let (envelopes, _) = envelopes(&of_lines(bytes));
    let of = |hashed: Hashed| [hashed.digest, hashed.fingerprint].into_iter().chain(hashed.keys);
    let lengths: Vec<usize> = envelopes.iter().map(Hashed::of).flat_map(of).collect();
    count(|| ceiling::hash(lengths.iter().copied()));
}
