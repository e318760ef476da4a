//! The two views that count facts, counted from columns (M-110).

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use dome_core::{FailureReasonCode, GateId, Timestamp};

use super::facts::Columns;
use super::section::{Section, at};
use crate::ledger::Position;
use crate::query::{Filters, Question, Row, View};
use crate::views::{GateRollup, GuardDenial};

/// Rows that count facts, in the order of their view.
#[derive(Clone, Debug)]
pub struct Tally(Vec<Counted>);

/// A row with what it is named by.
#[derive(Clone, Debug)]
enum Counted {
    Gate {
        code: FailureReasonCode,
        gate: GateId,
        counts: Counts,
        times: (Timestamp, Timestamp),
    },
    Denial {
        code: String,
        guard: String,
        beside: BTreeSet<FailureReasonCode>,
        counts: Counts,
        times: (Timestamp, Timestamp),
    },
}

/// FAIL, PASS and SKIP; or denials and STOPs. Then runs.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    by: [u64; 3],
    runs: u64,
}

impl Tally {
    /// The rows.
    #[must_use]
    pub fn rows(&self) -> Vec<Row<'_>> {
        self.0.iter().map(Counted::row).collect()
    }
}

impl Counted {
    fn row(&self) -> Row<'_> {
        match self {
            Self::Gate { code, gate, counts: Counts { by: [fail_count, pass_count, skip_count], runs }, times } => {
                Row::GateRollup(GateRollup {
                    fail_count: *fail_count,
                    failure_reason_code: Cow::Borrowed(code),
                    first_ts: times.0,
                    gate_id: Cow::Borrowed(gate),
                    last_ts: times.1,
                    pass_count: *pass_count,
                    run_count: *runs,
                    skip_count: *skip_count,
                })
            }
            Self::Denial { code, guard, beside, counts: Counts { by: [denial_count, stop_count, _], runs }, times } => {
                Row::GuardDenial(GuardDenial {
                    denial_count: *denial_count,
                    failure_reason_codes: beside.iter().map(Cow::Borrowed).collect(),
                    first_ts: times.0,
                    guard_id: guard.into(),
                    last_ts: times.1,
                    policy_reason_code: code.into(),
                    run_count: *runs,
                    stop_count: *stop_count,
                })
            }
        }
    }

    /// What its view is sorted by.
    fn order(&self) -> (Reverse<u64>, &str, &str) {
        let most = |counts: &Counts| Reverse(counts.by.first().copied().unwrap_or_default());
        match self {
            Self::Gate { code, gate, counts, .. } => (most(counts), code.as_str(), gate.as_str()),
            Self::Denial { code, guard, counts, .. } => (most(counts), code, guard),
        }
    }
}

/// Sums by two texts, as facts are counted in total order.
#[derive(Default)]
struct Sums {
    slots: BTreeMap<(u32, u32), usize>,
    sums: Vec<Sum>,
    /// Each slot with each of its runs.
    runs: Vec<(usize, u32)>,
    /// Each slot with each code beside it.
    beside: BTreeSet<(usize, u32)>,
}

struct Sum {
    by: [u64; 3],
    first: Position,
    last: Position,
}

impl Sums {
    fn count(&mut self, pair: (u32, u32), position: Position, run: u32) -> Option<(usize, &mut [u64; 3])> {
        let next = self.sums.len();
        let slot = *self.slots.entry(pair).or_insert(next);
        if slot == next {
            self.sums.push(Sum { by: [0; 3], first: position, last: position });
        }
        self.runs.push((slot, run));
        let sum = self.sums.get_mut(slot)?;
        sum.last = position;
        Some((slot, &mut sum.by))
    }

    /// How many runs each slot has.
    fn runs(&mut self) -> Vec<u64> {
        self.runs.sort_unstable();
        self.runs.dedup();
        let mut counts = vec![0; self.sums.len()];
        for (slot, _) in &self.runs {
            if let Some(count) = counts.get_mut(*slot) {
                *count += 1;
            }
        }
        counts
    }
}

impl<S: Fn(Section) -> Option<Vec<u8>>> Columns<S> {
    /// Every row of an answer whose view counts facts; `None` for the view of failing facts too.
    #[must_use]
    pub fn tally(&self, question: &Question) -> Option<Tally> {
        let mut rows = match question.view() {
            View::RecentFailures => return None,
            View::GateRollup => self.gates(question.filters())?,
            View::GuardDenials => self.denials(question.filters())?,
        };
        rows.sort_by(|a, b| a.order().cmp(&b.order()));
        Some(Tally(rows))
    }

    fn gates(&self, filters: &Filters) -> Option<Vec<Counted>> {
        let (spans, gates) = (self.spans(Section::GateStarts)?, self.tuples::<2>(Section::Gates)?);
        let (selected, failures) = (self.selected(filters)?, self.tuples::<2>(Section::Failures)?);
        let gate = filters.gate.as_ref().map(|gate| self.texts.number(gate.as_str()).unwrap_or(u32::MAX));
        let mut sums = Sums::default();
        for position in selected.positions() {
            let listed = gates.get(spans.get(position)?.clone())?;
            let [_, code] = *failures.get(at(*selected.derived.get(position)?))?;
            let run = *selected.runs.get(position)?;
            for [id, status] in listed.iter().filter(|[id, _]| gate.is_none_or(|wanted| wanted == *id)) {
                let (_, by) = sums.count((code, *id), position, run)?;
                *by.get_mut(at(*status))? += 1;
            }
        }
        self.counted(sums, |(code, gate), counts, times, _| {
            Some(Counted::Gate {
                code: self.texts.get(code)?.parse().ok()?,
                gate: self.texts.get(gate)?.parse().ok()?,
                counts,
                times,
            })
        })
    }

    fn denials(&self, filters: &Filters) -> Option<Vec<Counted>> {
        let (spans, denials) = (self.spans(Section::DenialStarts)?, self.tuples::<3>(Section::Denials)?);
        let (selected, failures) = (self.selected(filters)?, self.tuples::<2>(Section::Failures)?);
        let number = |text: Option<&str>| text.map(|text| self.texts.number(text).unwrap_or(u32::MAX));
        let code = number(filters.policy_reason_code.as_ref().map(|code| code.as_str()));
        let guard = number(filters.guard.as_ref().map(|guard| guard.as_str()));
        let met = |pair: &&[u32; 3]| {
            let [its_code, its_guard, _] = *pair;
            code.is_none_or(|wanted| wanted == *its_code) && guard.is_none_or(|wanted| wanted == *its_guard)
        };
        let mut sums = Sums::default();
        for position in selected.positions() {
            let listed = denials.get(spans.get(position)?.clone())?;
            let [_, failure] = *failures.get(at(*selected.derived.get(position)?))?;
            let run = *selected.runs.get(position)?;
            for [code, guard, stop] in listed.iter().filter(met) {
                let (slot, [denied, stopped, _]) = sums.count((*code, *guard), position, run)?;
                *denied += 1;
                *stopped += u64::from(*stop);
                sums.beside.insert((slot, failure));
            }
        }
        self.counted(sums, |(code, guard), counts, times, beside| {
            let [code, guard] = [self.texts.get(code)?.to_owned(), self.texts.get(guard)?.to_owned()];
            Some(Counted::Denial { code, guard, beside, counts, times })
        })
    }

    /// The rows of sums, in no order yet.
    fn counted(
        &self,
        mut sums: Sums,
        row: impl Fn((u32, u32), Counts, (Timestamp, Timestamp), BTreeSet<FailureReasonCode>) -> Option<Counted>,
    ) -> Option<Vec<Counted>> {
        let (runs, times) = (sums.runs(), self.times()?);
        let time = |position: Position| {
            let (seconds, nanoseconds) = times.get(position)?;
            Timestamp::from_unix(*seconds, *nanoseconds).ok()
        };
        let rows = sums.slots.iter().map(|(pair, slot)| {
            let sum = sums.sums.get(*slot)?;
            let counts = Counts { by: sum.by, runs: *runs.get(*slot)? };
            let beside = sums.beside.range((*slot, 0)..=(*slot, u32::MAX));
            let beside = beside.map(|(_, code)| self.texts.get(*code)?.parse().ok()).collect::<Option<_>>()?;
            row(*pair, counts, (time(sum.first)?, time(sum.last)?), beside)
        });
        rows.collect()
    }
}
