//! A second implementation of the model: sections 2 and 5 to 12, from its text alone, and its golden files.
//!
//! It is as plain and slow as can be: JSON values in, JSON values out, every question answered by
//! looking through all facts again. It shares with the crates only SHA-256 over JCS bytes and the
//! message templates (M-53). It takes every line that it is given for a valid one.

mod assemble;
mod concepts;
mod envelope;
mod examples;
mod fold;
mod golden;
mod remedies;
mod reruns;
mod settle;
mod time;
mod vectors;
mod views;

pub(crate) use envelope::{Fact, Mode};
pub(crate) use time::nanoseconds;

use serde_json::Value;

/// A valid line and where it stood.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) value: Value,
    pub(crate) source: (String, u64),
}

/// What a history comes to, as the artifacts have it.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) facts: Vec<Value>,
    pub(crate) lineage: Vec<Value>,
    pub(crate) capsules: Vec<Value>,
    pub(crate) concepts: Vec<Value>,
    pub(crate) recent: Vec<Value>,
    pub(crate) rollup: Vec<Value>,
    pub(crate) denials: Vec<Value>,
    /// Source and first code of each envelope that is ruled out.
    pub(crate) conflicts: Vec<((String, u64), &'static str)>,
    pub(crate) counts: Value,
}

/// What a replay goes by: the policy document, the reason-code table, mode and `as_of`.
pub(crate) struct Rules<'r> {
    pub(crate) policy: Value,
    pub(crate) codes: Value,
    pub(crate) mode: Mode,
    pub(crate) as_of: Option<&'r str>,
}

impl Rules<'_> {
    fn number(&self, threshold: &str) -> i128 {
        i128::from(self.policy[threshold].as_u64().unwrap())
    }
}

pub(crate) fn replay(inputs: &[Input], rules: &Rules<'_>) -> Outcome {
    let (mut facts, conflicts, mut counts) = settle::settle(inputs, &rules.codes);
    fold::bind(&mut facts, rules);
    let states = fold::fold(&facts, rules);
    let as_of = rules.as_of.map(nanoseconds).or(facts.last().map(|fact| fact.ordered));
    let (capsules, concepts) = assemble::assemble(&facts, &states, rules, as_of.unwrap_or_default(), &mut counts);
    Outcome {
        lineage: facts.iter().map(Fact::lineage).collect(),
        recent: views::recent(&facts),
        rollup: views::rollup(&facts),
        denials: views::denials(&facts),
        facts: facts.iter().map(|fact| fact.row(rules)).collect(),
        capsules,
        concepts,
        conflicts,
        counts: Value::Object(counts),
    }
}
