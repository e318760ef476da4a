//! The fold of one task line over its facts in total order (section 9).
//!
//! Lines do not see each other: each may be folded apart, on any thread or machine, and the parts
//! put together by [`crate::assemble`] (L-4).

mod effect;
mod executions;
mod gates;
pub(crate) mod guards;
mod key;
mod line;
mod numbers;
mod passed;
mod proof;
mod state;
mod trials;

pub use effect::{Effect, Happened};
pub use line::{LineState, Step};
pub use proof::proof;
pub use state::{CapsuleStanding, CapsuleState, FactRef, FailureCounts, RowFigures, StandingIn, Support};
pub use trials::{Remedies, RemedyState, RunIn, RunSets, Trials};
pub(crate) use trials::{TrialCounts, UnitedTrials};

use dome_core::{CodeTable, Sha256Hash, WrapperPolicy};
use serde::{Deserialize, Serialize};

use crate::ledger::LineFacts;
use crate::policy::Policy;
use crate::settle::FactOrder;
use crate::trigger::Triggers;

/// What a replay goes by, besides its facts.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The thresholds (M-94).
    pub policy: Policy,
    /// The reason codes and their classes (M-97).
    pub codes: CodeTable,
    /// The mode that overrides what facts declare (M-70).
    pub mode: Option<WrapperPolicy>,
    /// The pinned contracts that the codes begin with; `None` where the table is the caller's own. Nothing is derived by
    /// it: a manifest names it.
    pub contracts: Option<PinnedContracts>,
}

/// Which contracts of another repository are gone by, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PinnedContracts {
    /// The commit of the repository, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// SHA-256 over the files but examples: a line `path sha256` for each, sorted.
    pub digest: Sha256Hash,
    /// SHA-256 of the lock's canonical bytes; absent of those that are compiled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock_digest: Option<Sha256Hash>,
    /// The repository that owns them.
    pub owner: String,
    /// The version that the owner gave them.
    pub version: String,
}

impl Rules {
    /// The mode that a fact is bound under: the override, else its own policy (M-70).
    #[must_use]
    pub fn mode_of(&self, declared: WrapperPolicy) -> WrapperPolicy {
        self.mode.unwrap_or(declared)
    }
}

/// How a fact was bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// Whether it minted (M-70).
    pub minted: bool,
    /// The triggers that fired, whatever the mode (M-71).
    pub triggers: Triggers,
}

/// What a task line says of all its capsules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineFigures {
    /// Facts that are failing or succeeding (M-75).
    pub execution_count: u64,
    /// Whether some guard is at *no* in the lane of the line's last fact (M-96).
    pub guard_denied: bool,
}

/// A fact that applied a capsule, with what M-84 asks of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its place in the total order.
    pub order: FactOrder,
    /// The derived key that it applied.
    pub capsule: Sha256Hash,
    /// Whether it resolved or contradicted that capsule, or joined its reruns, and so was counted already.
    pub spoke_already: bool,
    /// Concept keys of the capsules that it resolved.
    pub resolved: Vec<Sha256Hash>,
    /// Its concept key, if it is a failure of its capsule.
    pub failed: Option<Sha256Hash>,
    /// Whether it was denied, and did not fail.
    pub denied: bool,
}

/// The result of folding one task line.
#[derive(Clone, Debug, Default)]
pub struct FoldedLine {
    /// How each of its facts was bound, in their order.
    pub bound: Vec<Bound>,
    /// Its capsules, before anything that other lines say (M-84) is added; by derived key.
    pub capsules: Vec<Box<CapsuleState>>,
    /// Facts of this line that applied a capsule, of this or another line (M-84).
    pub applied: Vec<Applied>,
    /// What the line says of all of them.
    pub figures: LineFigures,
}

/// Folds one task line (section 9, M-96).
#[must_use]
pub fn fold(line: &LineFacts<'_>, rules: &Rules) -> FoldedLine {
    let mut state = LineState::default();
    let mut folded = FoldedLine { bound: Vec::with_capacity(line.facts.len()), ..FoldedLine::default() };
    for line_fact in &line.facts {
        let Step { bound, applied, .. } = state.push(line_fact, rules);
        folded.applied.extend(applied);
        folded.bound.push(bound);
    }
    folded.figures = state.figures();
    folded.capsules = state.into_capsules(rules);
    folded
}

#[cfg(test)]
mod tests {
    use dome_arbitrary::steps::assert_linear;
    use dome_core::{CodeTable, Source};

    use super::*;
    use crate::ledger::Ledger;
    use crate::record::Record;

    /// One outcome of a task line: whether it failed, what tells its failure from others, its gates and its revision.
    struct Outcome {
        fails: bool,
        kind: usize,
        gates: String,
        revision: Option<String>,
    }

    fn gates(status: &str, ids: &[String]) -> String {
        let gate = |id: &String| format!("{{\"gate_id\":\"{id}\",\"status\":\"{status}\"}}");
        ids.iter().map(gate).collect::<Vec<_>>().join(",")
    }

    fn failure(kind: usize, failed: &[String]) -> Outcome {
        Outcome { fails: true, kind, gates: gates("FAIL", failed), revision: None }
    }

    fn success(passed: &[String]) -> Outcome {
        Outcome { fails: false, kind: 0, gates: gates("PASS", passed), revision: None }
    }

    impl Outcome {
        fn at(self, revision: &str) -> Self {
            Self { revision: Some(revision.to_owned()), ..self }
        }

        fn record(&self, number: usize) -> Option<Box<Record>> {
            let (signal, code) = if self.fails { ("failure", "TESTS_FAILED") } else { ("success", "NONE") };
            let Self { kind, gates, .. } = self;
            let subject = self
                .revision
                .as_ref()
                .map_or_else(String::new, |revision| format!("\"subject\":{{\"revision\":\"{revision}\"}},"));
            let ts = format!("2026-02-15T{:02}:{:02}:{:02}Z", number / 3_600, number / 60 % 60, number % 60);
            let line = format!(
                "{{\"envelope_version\":\"1\",\"event_id\":\"e\",\"sequence\":1,\"run_id\":\"r{number}\",\"task_id\":\"t\",\
                \"group_id\":\"g\",\"ts\":\"{ts}\",\"signal\":\"{signal}\",\"wrapper_policy\":\"strict\",\"task_spec\":\
                {{\"scope\":\"task\",\"target\":{{\"kind\":\"repo\",\"id\":\"a\"}},\"action\":{{\"kind\":\"fix\"}},\
                \"failure_reason_code\":\"{code}\"}},\"gates\":[{gates}],{subject}\"message\":\"x{kind}\",\
                \"evidence\":[{{\"path\":\"a\"}}]}}"
            );
            let envelope = dome_core::read(line.as_bytes()).ok()?;
            Some(Box::new(Record::new(envelope, Source { line: 1, name: "a".into() })))
        }
    }

    fn folded(outcomes: Vec<Outcome>) {
        let rules = Rules { policy: Policy::default(), codes: CodeTable::default(), mode: None, contracts: None };
        let numbered = outcomes.iter().enumerate();
        let records: Vec<_> = numbered.filter_map(|(number, outcome)| outcome.record(number)).collect();
        let ledger = Ledger::of(records, &rules.codes);
        assert_eq!(ledger.facts.len(), outcomes.len(), "every line is sound");
        ledger.lines().iter().for_each(|line| drop(fold(line, &rules)));
    }

    /// However many keys are open, and however many successes come that have nothing for most of them.
    #[test]
    fn twice_the_history_takes_twice_the_steps() {
        type History = fn(usize) -> Vec<Outcome>;
        fn own(number: usize) -> Vec<String> {
            vec![format!("g{number}")]
        }
        fn other(number: usize) -> Vec<String> {
            vec![format!("h{number}")]
        }
        fn two(number: usize) -> Vec<String> {
            vec!["all".to_owned(), format!("g{number}")]
        }
        /// As many failures of as many gates as there are successes.
        fn history(size: usize, failed: fn(usize) -> Outcome, passed: fn(usize) -> Outcome) -> Vec<Outcome> {
            (0..size).map(failed).chain((0..size).map(passed)).collect()
        }
        let histories: [(&str, History); 11] = [
            ("gates that nothing passes", |size| history(size, |at| failure(0, &own(at)), |at| success(&other(at)))),
            ("a gate that passes alone", |size| {
                history(size, |at| failure(0, &two(at)), |_| success(&["all".to_owned()]))
            }),
            ("keys of one gate", |size| history(size, |at| failure(at, &own(0)), |at| success(&other(at)))),
            ("one subject", |size| history(size, |at| failure(0, &own(at)).at("c"), |at| success(&other(at)).at("c"))),
            ("as many subjects", |size| {
                let at_own = |outcome: Outcome, at: usize| outcome.at(&format!("c{at}"));
                let fails = (0..size).map(|at| at_own(failure(0, &own(at)), at));
                fails.chain((0..size).map(|at| at_own(success(&other(at)), at))).collect()
            }),
            ("each passed by its own success", |size| history(size, |at| failure(0, &own(at)), |at| success(&own(at)))),
            ("successes first", |size| {
                (0..size).map(|at| success(&other(at))).chain((0..size).map(|at| failure(0, &own(at)))).collect()
            }),
            ("successes at one subject first", |size| {
                let passes = (0..size).map(|at| success(&other(at)).at("c"));
                passes.chain((0..size).map(|at| failure(0, &own(at)).at("c"))).collect()
            }),
            ("successes without gates first", |size| {
                (0..size).map(|_| success(&[])).chain((0..size).map(|at| failure(0, &own(at)))).collect()
            }),
            ("a key for each success, then successes without gates", |size| {
                let of_own = (0..size).flat_map(|at| [failure(0, &own(at)), success(&own(at))]);
                let ungated = (0..size).map(|_| success(&[]).at("c"));
                of_own.chain(ungated).chain((0..size).map(|at| failure(1, &own(at)))).collect()
            }),
            ("one key, with gates and without", |size| {
                (0..size)
                    .flat_map(|at| [failure(0, &own(0)), success(&[&own(0)[..], &other(at)].concat()), success(&[])])
                    .collect()
            }),
        ];
        for (what, history) in histories {
            assert_linear(what, 200, |size| folded(history(size)));
        }
    }
}
