//! Which facts filters select.

use dome_core::{Scope, TargetId, TargetKind, Timestamp};

use super::facts::Columns;
use super::section::{Section, at};
use crate::ledger::Position;
use crate::query::Filters;

/// The facts that a view of an answer is made of, in total order.
pub(super) struct Selected {
    /// Those in the span of time.
    span: std::ops::Range<Position>,
    /// Of all facts.
    pub(super) derived: Vec<u32>,
    pub(super) runs: Vec<u32>,
    /// Of all derived keys.
    failures: Vec<bool>,
    run: Option<u32>,
}

impl Selected {
    /// The positions, in total order.
    pub(super) fn positions(&self) -> impl DoubleEndedIterator<Item = Position> {
        let derived = self.derived.get(self.span.clone()).unwrap_or_default();
        let runs = self.runs.get(self.span.clone()).unwrap_or_default();
        let meets = |(derived, run): (&u32, &u32)| {
            self.failures.get(at(*derived)) == Some(&true) && self.run.is_none_or(|wanted| wanted == *run)
        };
        let facts = derived.iter().zip(runs);
        self.span.clone().zip(facts).filter(move |(_, fact)| meets(*fact)).map(|(position, _)| position)
    }
}

impl<S: Fn(Section) -> Option<Vec<u8>>> Columns<S> {
    /// What [`Filters::select`] selects.
    pub(super) fn selected(&self, filters: &Filters) -> Option<Selected> {
        let (derived, runs) = (self.numbers(Section::Derived)?, self.numbers(Section::Runs)?);
        // A value that the dictionary does not have has no fact.
        let run = filters.run.as_ref().map(|run| self.texts.number(run.as_str()).unwrap_or(u32::MAX));
        Some(Selected {
            span: self.span(filters, derived.len())?,
            failures: self.failures(filters)?,
            derived,
            runs,
            run,
        })
    }

    fn span(&self, filters: &Filters, facts: usize) -> Option<std::ops::Range<Position>> {
        if filters.since.is_none() && filters.until.is_none() {
            return Some(0..facts);
        }
        let times = self.times()?;
        let before = |ts: Timestamp| times.partition_point(|time| *time < ts.to_unix());
        Some(filters.since.map_or(0, before)..filters.until.map_or(times.len(), before))
    }

    /// Which derived keys are of a task line and a code that filters ask for.
    fn failures(&self, filters: &Filters) -> Option<Vec<bool>> {
        let wanted = [
            filters.scope.map(Scope::as_str),
            filters.target_kind.as_ref().map(TargetKind::as_str),
            filters.target_id.as_ref().map(TargetId::as_str),
            filters.action_kind.as_ref().map(dome_core::ActionKind::as_str),
        ];
        let number = |text: Option<&str>| text.map(|text| self.texts.number(text).unwrap_or(u32::MAX));
        let (wanted, code) =
            (wanted.map(number), number(filters.failure_reason_code.as_ref().map(|code| code.as_str())));
        let lines: Vec<bool> = self
            .tuples::<4>(Section::Lines)?
            .iter()
            .map(|line| line.iter().zip(wanted).all(|(part, wanted)| wanted.is_none_or(|wanted| wanted == *part)))
            .collect();
        let failure = |[line, its_code]: &[u32; 2]| {
            let of_line = *lines.get(at(*line))?;
            Some(of_line && code.is_none_or(|code| code == *its_code))
        };
        self.tuples::<2>(Section::Failures)?.iter().map(failure).collect()
    }

    /// The failing facts that filters select, the latest first (M-110): what
    /// `mv_recent_failures_by_taskspec` is made of.
    #[must_use]
    pub fn recent_failures(&self, filters: &Filters) -> Option<Vec<Position>> {
        let (selected, failing, times) = (self.selected(filters)?, self.failing()?, self.times()?);
        let policies = match &filters.policy_reason_code {
            Some(code) => {
                Some((self.texts.number(code.as_str()).unwrap_or(u32::MAX), self.numbers(Section::Policies)?))
            }
            None => None,
        };
        let named = |position: &Position| {
            policies.as_ref().is_none_or(|(code, policies)| policies.get(*position) == Some(code))
        };
        let failing = selected.positions().filter(|position| failing.get(*position) == Some(&true)).filter(named);
        let mut positions: Vec<Position> = failing.collect();
        // Stable: facts of one instant keep their total order.
        positions.sort_by(|a, b| times.get(*b).cmp(&times.get(*a)));
        Some(positions)
    }
}
