//! A second implementation of the model, version 2: sections 2 and 5 to 12, from its text alone, and its golden files.
//!
//! It is as plain and slow as can be: JSON values in, JSON values out, every question answered by
//! looking through all facts again. It shares with the crates only SHA-256 over JCS bytes and the
//! message templates (M-53). It takes every line that it is given for a valid one.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod assemble;
mod concepts;
mod envelope;
mod examples;
mod fold;
mod golden;
mod remedies;
mod reruns;
mod vectors;

#[path = "../laws/reference/settle.rs"]
#[expect(clippy::duplicate_mod, reason = "both versions say it in the same words, of facts of their own")]
mod settle;
#[path = "../laws/reference/time.rs"]
#[expect(clippy::duplicate_mod, reason = "both versions say it in the same words, of facts of their own")]
mod time;
#[path = "../laws/reference/views.rs"]
#[expect(clippy::duplicate_mod, reason = "both versions say it in the same words, of facts of their own")]
mod views;

use envelope::{Fact, Mode};
use serde_json::Value;

/// A valid line and where it stood.
#[derive(Clone, Debug)]
struct Input {
    value: Value,
    source: (String, u64),
}

/// What a history comes to, as the artifacts have it.
#[derive(Debug)]
struct Outcome {
    facts: Vec<Value>,
    capsules: Vec<Value>,
    concepts: Vec<Value>,
    recent: Vec<Value>,
    rollup: Vec<Value>,
    denials: Vec<Value>,
    /// Source and code of each envelope that a fact rules out.
    conflicts: Vec<((String, u64), &'static str)>,
    counts: Value,
}

/// What a replay goes by: the policy document, the reason-code table, mode and `as_of`.
struct Rules<'r> {
    policy: Value,
    codes: Value,
    mode: Mode,
    as_of: Option<&'r str>,
}

impl Rules<'_> {
    fn number(&self, threshold: &str) -> i128 {
        i128::from(self.policy[threshold].as_u64().unwrap())
    }
}

fn replay(inputs: &[Input], rules: &Rules<'_>) -> Outcome {
    let (mut facts, conflicts, mut counts) = settle::settle(inputs);
    fold::bind(&mut facts, rules);
    let states = fold::fold(&facts, rules);
    let as_of = rules.as_of.map(time::nanoseconds).or(facts.last().map(|fact| fact.ordered));
    let (capsules, concepts) = assemble::assemble(&facts, &states, rules, as_of.unwrap_or_default(), &mut counts);
    Outcome {
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
