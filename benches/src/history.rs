//! The synthetic history: runs of events, some lines twice, some junk, all in one shuffled file.

use crate::event::{Event, Plan, junk};
use crate::random::Random;

/// A history that can be written line by line, each a pure function of seed and place.
#[derive(Clone, Debug)]
pub struct History {
    plan: Plan,
    /// The lines in the order of the file.
    lines: Vec<Line>,
}

#[derive(Clone, Copy, Debug)]
enum Line {
    /// The event with this number.
    Event(u32),
    /// The junk with this number.
    Junk(u32),
}

/// Lines in a thousand that repeat an event, byte for byte.
const DUPLICATES_PER_MILLE: usize = 20;
/// How many events later a repeat comes at most.
const LATE_EVENTS: u64 = 5_000;
/// The stream of random numbers that places repeats and junk in order.
const IN_ORDER: u64 = 11;
/// Lines in a thousand that are no envelope.
const JUNK_PER_MILLE: usize = 5;

/// How many envelopes a benchmark takes: `DOME_BENCH_COUNT`, else 200,000.
///
/// # Panics
///
/// When the variable is not a number.
#[must_use]
pub fn count() -> usize {
    std::env::var("DOME_BENCH_COUNT").map_or(200_000, |count| count.parse().expect("DOME_BENCH_COUNT is a number"))
}

/// A number as another type that has room for it: a history has fewer than 2^32 lines.
pub(crate) fn narrow<F, T: TryFrom<F, Error: std::fmt::Debug>>(number: F) -> T {
    number.try_into().expect("a number of a history fits")
}

impl History {
    /// The history of `count` lines that a seed gives, shuffled.
    #[must_use]
    pub fn new(count: usize, seed: u64) -> Self {
        let mut random = Random::of(&[seed, 1]);
        let junk = count * JUNK_PER_MILLE / 1_000;
        let duplicates = count * DUPLICATES_PER_MILLE / 1_000;
        let events = count - junk - duplicates;
        let again: Vec<u64> = (0..duplicates).map(|_| random.below(events as u64)).collect();
        let mut lines: Vec<Line> = (0..events)
            .map(|event| Line::Event(narrow(event)))
            .chain(again.into_iter().map(|event| Line::Event(narrow(event))))
            .chain((0..junk).map(|number| Line::Junk(narrow(number))))
            .collect();
        for last in (1..lines.len()).rev() {
            let other = narrow(random.below(last as u64 + 1));
            lines.swap(last, other);
        }
        Self { plan: Plan::new(events, seed), lines }
    }

    /// As many lines of the same events, as they happened: in order, with repeats and junk spread over them.
    #[must_use]
    pub fn in_order(count: usize, seed: u64) -> Self {
        let mut random = Random::of(&[seed, IN_ORDER]);
        let junk = count * JUNK_PER_MILLE / 1_000;
        let duplicates = count * DUPLICATES_PER_MILLE / 1_000;
        let events = count - junk - duplicates;
        let mut placed: Vec<(u64, Line)> =
            (0..events).map(|event| (event as u64, Line::Event(narrow(event)))).collect();
        for _ in 0..duplicates {
            let event = random.below(events as u64);
            // A repeat comes some time after what it repeats.
            let place = event + random.below(LATE_EVENTS);
            placed.push((place, Line::Event(narrow(event))));
        }
        placed.extend((0..junk).map(|number| (random.below(events as u64), Line::Junk(narrow(number)))));
        placed.sort_by_key(|(place, _)| *place);
        let lines = placed.into_iter().map(|(_, line)| line).collect();
        Self { plan: Plan::new(events, seed), lines }
    }

    /// The lines, each with its line feed, in the order of the file.
    pub fn lines(&self) -> impl Iterator<Item = Vec<u8>> {
        self.lines.iter().map(|line| {
            let mut bytes = match line {
                Line::Event(number) => Event::new(&self.plan, *number).to_line(),
                Line::Junk(number) => junk(&self.plan, *number),
            };
            bytes.push(b'\n');
            bytes
        })
    }
}

/// `count` synthetic lines: envelopes of about 860 bytes, 2 % of them twice, 0.5 % junk, shuffled.
///
/// ```
/// let lines = dome_benches::synthetic(1_000, 7);
/// let sound = dome_core::lines(&lines, 1, 0).filter(|line| dome_core::read(line.bytes).is_ok());
/// assert_eq!(sound.count(), 995);
/// ```
#[must_use]
pub fn synthetic(count: usize, seed: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(count * 900);
    History::new(count, seed).lines().for_each(|line| bytes.extend_from_slice(&line));
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use dome_core::{Sha256Hash, Signal};

    use super::synthetic;

    fn envelopes(bytes: &[u8]) -> Vec<dome_core::Envelope> {
        let mut reader = dome_core::Reader::new();
        dome_core::lines(bytes, 1, 0).filter_map(|line| reader.read(line.bytes).ok()).collect()
    }

    #[test]
    fn the_bytes_are_the_same_everywhere() {
        let hash = Sha256Hash::of(&synthetic(2_000, 7)).to_string();
        assert_eq!(hash, "38f4cfda5cbd20a74c186e02c48b71bd155aeefaca874a69beb6e674015786c5");
        assert_ne!(hash, Sha256Hash::of(&synthetic(2_000, 8)).to_string());
    }

    #[test]
    fn the_history_has_the_size_and_shape_that_figures_are_quoted_for() {
        let bytes = synthetic(10_000, 7);
        assert!((840..880).contains(&(bytes.len() / 10_000)), "{} bytes per line", bytes.len() / 10_000);
        assert_eq!(dome_core::lines(&bytes, 1, 0).count(), 10_000);
        let envelopes = envelopes(&bytes);
        assert_eq!(envelopes.len(), 9_950, "0.5 % are junk");
        let digests: BTreeSet<_> = envelopes.iter().map(dome_core::Envelope::digest).collect();
        assert_eq!(digests.len(), 9_750, "2 % stand twice");
        let some = |what: &str, found: usize, least: usize| assert!(found >= least, "{what}: {found}");
        let having = |has: fn(&dome_core::Envelope) -> bool| envelopes.iter().filter(|envelope| has(envelope)).count();
        some("failures", having(|envelope| envelope.signal == Signal::Failure), 4_000);
        some("successes", having(|envelope| envelope.signal == Signal::Success), 3_000);
        some("denials", having(|envelope| envelope.signal == Signal::Denial), 200);
        some("remedies", having(|envelope| envelope.remedy.is_some()), 1_000);
        some("lanes", having(|envelope| envelope.lane.is_some()), 5_000);
        some("guards", having(|envelope| !envelope.guard_evals.is_empty()), 1_000);
        some("applied", having(|envelope| envelope.applied_capsule.is_some()), 200);
        some("messages", having(|envelope| envelope.message.is_some()), 5_000);
        let lines: BTreeSet<_> = envelopes.iter().map(|envelope| envelope.task_spec.line()).collect();
        some("task lines", lines.len(), 100);
    }
}
