//! Values near one that nothing has.

use std::collections::BTreeSet;

use super::{Filter, Question, View, policy_code};
use crate::settle::Fact;
use crate::views::denial_pairs;

/// How many near values are named at most.
pub const SUGGESTIONS: usize = 3;
/// Characters of a value that are compared: names that differ only behind them are near anyway.
const COMPARED_CHARS: usize = 128;

/// A filter whose value no row of its view has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// The filter.
    pub filter: Filter,
    /// Its value.
    pub value: String,
    /// Values near it that rows have, the nearest first, [`SUGGESTIONS`] at most.
    pub near: Vec<String>,
}

/// The values nearest to `value`, the nearest first, then in the order of their bytes: those few
/// edits away, then those that hold it, in upper or lower case.
///
/// ```
/// use dome_binder::query::nearest;
/// let known = ["TESTS_FAILED", "TIMEOUT", "AGENT.TIMEOUT"];
/// assert_eq!(nearest("TEST_FAILED", known), ["TESTS_FAILED"]);
/// assert_eq!(nearest("timeout", known), ["TIMEOUT", "AGENT.TIMEOUT"]);
/// ```
#[must_use]
pub fn nearest<'k>(value: &str, known: impl IntoIterator<Item = &'k str>) -> Vec<String> {
    let folded = |text: &str| text.chars().take(COMPARED_CHARS).collect::<String>().to_ascii_lowercase();
    let wanted = folded(value);
    let length = wanted.chars().count();
    let most = (length / 3).max(1);
    let mut near: BTreeSet<(usize, &str)> = BTreeSet::new();
    for text in known {
        let other = folded(text);
        let farther = other.chars().count().abs_diff(length);
        let distance = if farther > most { usize::MAX } else { strsim::damerau_levenshtein(&wanted, &other) };
        if distance <= most {
            near.insert((distance, text));
        } else if length > 1 && other.contains(&wanted) {
            near.insert((COMPARED_CHARS + farther, text));
        }
        if near.len() > SUGGESTIONS {
            near.pop_last();
        }
    }
    near.into_iter().map(|(_, text)| text.to_owned()).collect()
}

/// The filters of a question whose value no row of the whole view has, each with near values. Ask
/// when an answer is empty.
#[must_use]
pub fn unmatched(question: &Question, facts: &[Fact]) -> Vec<Unmatched> {
    let known = |filter| facts.iter().flat_map(|fact| values(question.view(), filter, fact)).collect();
    unmatched_among(question, known)
}

/// As [`unmatched`], where `known` says which values the rows of the whole view have.
#[must_use]
pub fn unmatched_among<T: AsRef<str> + Ord>(
    question: &Question,
    known: impl Fn(Filter) -> BTreeSet<T>,
) -> Vec<Unmatched> {
    let given = question.filters().given().into_iter();
    given
        .filter(|(filter, _)| !matches!(filter, Filter::Since | Filter::Until))
        .filter_map(|(filter, value)| {
            let known = known(filter);
            let known: BTreeSet<&str> = known.iter().map(AsRef::as_ref).collect();
            let unknown = !known.contains(value.as_str());
            unknown.then(|| Unmatched { near: nearest(&value, known), filter, value })
        })
        .collect()
}

fn values(view: View, filter: Filter, fact: &Fact) -> Vec<&str> {
    let part = match view {
        View::RecentFailures => fact.is_failing(),
        View::GateRollup => !fact.gates.is_empty(),
        View::GuardDenials => !denial_pairs(fact).is_empty(),
    };
    if !part {
        return Vec::new();
    }
    let line = &fact.keys.task_line;
    match filter {
        Filter::Scope => vec![line.scope.as_str()],
        Filter::TargetKind => vec![line.target_kind.as_str()],
        Filter::TargetId => vec![line.target_id.as_str()],
        Filter::ActionKind => vec![line.action_kind.as_str()],
        Filter::FailureReasonCode => vec![fact.keys.failure_reason_code.as_str()],
        Filter::Run => vec![fact.run_id.as_str()],
        Filter::Gate => fact.gates.iter().map(|gate| gate.gate_id.as_str()).collect(),
        Filter::Guard => denial_pairs(fact).into_keys().map(|(_, guard)| guard).collect(),
        Filter::PolicyReasonCode if view == View::GuardDenials => {
            denial_pairs(fact).into_keys().map(|(code, _)| code).collect()
        }
        Filter::PolicyReasonCode => vec![policy_code(fact)],
        Filter::Since | Filter::Until => Vec::new(),
    }
}
