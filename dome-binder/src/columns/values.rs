//! What a filter could have been: the values that rows of a view have.

use std::collections::BTreeSet;

use super::facts::Columns;
use super::section::{Section, at};
use crate::query::{Filter, View};

impl<S: Fn(Section) -> Option<Vec<u8>>> Columns<S> {
    /// The values that the facts of a view give a filter to look at.
    #[must_use]
    pub fn values(&self, view: View, filter: Filter) -> Option<BTreeSet<String>> {
        let part = self.part_of(view)?;
        let numbers = match filter {
            Filter::Gate => self.tuples::<2>(Section::Gates)?.into_iter().map(|[gate, _]| gate).collect(),
            Filter::Guard => self.tuples::<3>(Section::Denials)?.into_iter().map(|[_, guard, _]| guard).collect(),
            Filter::PolicyReasonCode if view == View::GuardDenials => {
                self.tuples::<3>(Section::Denials)?.into_iter().map(|[code, ..]| code).collect()
            }
            Filter::PolicyReasonCode => of_part(&part, &self.numbers(Section::Policies)?),
            Filter::Run => of_part(&part, &self.numbers(Section::Runs)?),
            Filter::Since | Filter::Until => BTreeSet::new(),
            Filter::Scope | Filter::TargetKind | Filter::TargetId | Filter::ActionKind | Filter::FailureReasonCode => {
                self.of_failures(filter, &of_part(&part, &self.numbers(Section::Derived)?))?
            }
        };
        numbers.into_iter().map(|number| self.texts.get(number).map(str::to_owned)).collect()
    }

    /// Whether each fact is part of a view.
    fn part_of(&self, view: View) -> Option<Vec<bool>> {
        let some = |section| Some(self.spans(section)?.into_iter().map(|span| !span.is_empty()).collect());
        match view {
            View::RecentFailures => self.failing(),
            View::GateRollup => some(Section::GateStarts),
            View::GuardDenials => some(Section::DenialStarts),
        }
    }

    /// What derived keys say of a task line or a code.
    fn of_failures(&self, filter: Filter, derived: &BTreeSet<u32>) -> Option<BTreeSet<u32>> {
        let (failures, lines) = (self.tuples::<2>(Section::Failures)?, self.tuples::<4>(Section::Lines)?);
        let value = |derived: &u32| {
            let [line, code] = *failures.get(at(*derived))?;
            let [scope, target_kind, target_id, action_kind] = *lines.get(at(line))?;
            Some(match filter {
                Filter::Scope => scope,
                Filter::TargetKind => target_kind,
                Filter::TargetId => target_id,
                Filter::ActionKind => action_kind,
                _ => code,
            })
        };
        derived.iter().map(value).collect()
    }
}

fn of_part(part: &[bool], values: &[u32]) -> BTreeSet<u32> {
    let mut seen: Vec<u32> = part.iter().zip(values).filter(|(part, _)| **part).map(|(_, value)| *value).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.into_iter().collect()
}
