//! What pytest's own JUnit reports leave of tests that were run again (pytest-rerunfailures and its like).

use std::collections::VecDeque;

use crate::finding::{FindingCode, quote};
use crate::out::Out;
use crate::report::{TestCase, TestOutcome};

/// pytest writes each attempt as a case, and one that was tried again as passed, whatever it did: it has no word for
/// that. Names are unique, so a case that passed waits for one of its name behind it.
#[derive(Debug, Default)]
pub(super) struct PytestCases {
    /// With their targets, in the order of the report.
    waiting: VecDeque<(String, TestCase)>,
}

/// The next attempt follows at once, or, with several workers, behind what the others ended in the meantime.
const WAITING: usize = 200;

impl PytestCases {
    pub(super) fn take(&mut self, mut case: TestCase, out: &mut Out<'_>) {
        let target = case.target();
        let same = self.waiting.iter_mut().rev().find(|(known, _)| *known == target);
        if let Some((_, before)) = same.filter(|(_, before)| before.outcome == TestOutcome::Passed) {
            let attempt = before.record.attempts.unwrap_or(1);
            (before.outcome, before.record.attempts) = (TestOutcome::Skipped, Some(attempt));
            before.record.label("outcome", Some("rerun"));
            case.record.attempts = Some(attempt.saturating_add(1));
            let name = quote(&target);
            let message = format!("an attempt at {name} that was followed by another: how it ended is not said");
            out.note(FindingCode::AttemptsLost, &before.record.place, message);
        }
        self.waiting.push_back((target, case));
        if self.waiting.len() > WAITING {
            self.waiting.pop_front().into_iter().for_each(|(_, case)| out.test(case));
        }
    }

    /// Nothing more comes.
    pub(super) fn release(&mut self, out: &mut Out<'_>) {
        self.waiting.drain(..).for_each(|(_, case)| out.test(case));
    }
}
