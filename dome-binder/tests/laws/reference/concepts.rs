//! M-95: the same failure, whatever the target and scope.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::assemble::{Held, code_members, distinct, holds, pending, verdict};
use super::fold::{State, States};
use super::remedies::{Trials, eight_best};
use super::reruns::Reruns;
use super::{Fact, Rules};

const SUMS: [&str; 10] = [
    "support_count",
    "failure_count",
    "intermittent_count",
    "resolved_count",
    "held_count",
    "given_up_count",
    "confirmed_count",
    "contradiction_count",
    "recurrence_count",
    "refuted_count",
];

/// A capsule of kind `failure` with what it was made of.
type Member<'m> = (&'m Value, &'m State);

/// The remedies of all capsules together: each run once, whatever number of targets it hit.
fn united(members: &[Member<'_>], facts: &[Fact]) -> Vec<Value> {
    let (mut trials, mut reruns) = (Trials::default(), Reruns::default());
    let mut waiting: BTreeMap<String, u64> = BTreeMap::new();
    for (_, state) in members {
        trials.unite(&state.trials);
        reruns.unite(&state.reruns);
        for (identity, count) in pending(state, facts) {
            *waiting.entry(identity).or_default() += count;
        }
    }
    eight_best(&trials, &reruns, &waiting, facts)
}

fn concept(members: &[Member<'_>], facts: &[Fact], rules: &Rules<'_>, as_of: i128) -> Value {
    let any = members[0].0;
    let places = || members.iter().flat_map(|(_, state)| &state.minting);
    let (first, last) = (&facts[*places().min().unwrap()], &facts[*places().max().unwrap()]);
    let remedies = united(members, facts);
    let mut keys: Vec<&str> = members.iter().map(|(row, _)| row["derived_key"].as_str().unwrap()).collect();
    keys.sort_unstable();
    let mut row = json!({
        "blocked_count": members.iter().filter(|(row, _)| row["verdict"] == "blocked").count(),
        "capsule_count": members.len(), "capsules": keys,
        "confidence_ppm": remedies.first().map_or(json!(0), |best| best["confidence_ppm"].clone()),
        "first_seen_ts": first.ordered_ts(), "last_seen_ts": last.ordered_ts(), "remedies": remedies,
        "run_count": distinct(places().map(|place| facts[*place].text("run_id"))),
        "target_count": distinct(members.iter().map(|(row, _)| row["target_id"].as_str().unwrap())),
    });
    for name in ["action_kind", "concept_key", "failure_reason_code", "fingerprint", "fingerprint_hash", "target_kind"]
    {
        row[name] = any[name].clone();
    }
    for name in SUMS {
        row[name] = members.iter().map(|(row, _)| row[name].as_u64().unwrap()).sum::<u64>().into();
    }
    code_members(&mut row, first.code(), "failure", rules);
    let holds = holds(&row, &Held::Concept, last.ordered, rules, as_of);
    row["verdict"] = verdict(&holds).into();
    row["holds"] = holds.into();
    row
}

pub(super) fn concepts(
    capsules: &[Value],
    states: &States,
    facts: &[Fact],
    rules: &Rules<'_>,
    as_of: i128,
) -> Vec<Value> {
    let mut grouped: BTreeMap<&str, Vec<Member<'_>>> = BTreeMap::new();
    for (row, state) in capsules.iter().zip(states.values()).filter(|(row, _)| row["kind"] == "failure") {
        grouped.entry(row["concept_key"].as_str().unwrap()).or_default().push((row, state));
    }
    let listed = |row: &Value| {
        let number = |name: &str| i128::from(row[name].as_u64().unwrap());
        number("support_count") >= rules.number("concept_min_support")
            && number("target_count") >= rules.number("concept_min_targets")
    };
    grouped.values().map(|members| concept(members, facts, rules, as_of)).filter(listed).collect()
}
