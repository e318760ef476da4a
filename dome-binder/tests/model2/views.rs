//! Section 12: the three views.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Fact;
use super::envelope::hash;
use super::fold::denies;

pub(super) fn recent(facts: &[Fact]) -> Vec<Value> {
    let mut failing: Vec<&Fact> = facts.iter().filter(|fact| fact.failing()).collect();
    failing.sort_by(|a, b| {
        let tie = |fact: &Fact| (fact.text("run_id").to_owned(), fact.place);
        b.ordered.cmp(&a.ordered).then(tie(a).cmp(&tie(b)))
    });
    failing.into_iter().map(recent_row).collect()
}

fn recent_row(fact: &Fact) -> Value {
    let [scope, target_kind, target_id, action_kind] = fact.line();
    let mut row = json!({
        "action_kind": action_kind, "derived_key": fact.key, "digest": fact.digest, "event_id": fact.text("event_id"),
        "failure_reason_code": fact.code(), "fingerprint_hash": hash(&fact.fingerprint),
        "group_id": fact.text("group_id"), "run_id": fact.text("run_id"), "scope": scope, "sequence": fact.sequence(),
        "target_id": target_id, "target_kind": target_kind, "task_id": fact.text("task_id"), "ts": fact.ordered_ts(),
    });
    if let Some(code) = fact.policy_code() {
        row["policy_reason_code"] = code.into();
    }
    row
}

/// Groups facts by pairs of texts: the pairs in order, each with its facts.
fn grouped(facts: &[Fact], pairs: impl Fn(&Fact) -> Vec<(String, String)>) -> Vec<((String, String), Vec<&Fact>)> {
    let all: BTreeSet<(String, String)> = facts.iter().flat_map(&pairs).collect();
    let with = |pair: &(String, String)| facts.iter().filter(|fact| pairs(fact).contains(pair)).collect();
    all.into_iter().map(|pair| (pair.clone(), with(&pair))).collect()
}

fn runs(facts: &[&Fact]) -> usize {
    facts.iter().map(|fact| fact.text("run_id")).collect::<BTreeSet<_>>().len()
}

pub(super) fn rollup(facts: &[Fact]) -> Vec<Value> {
    let pairs = |fact: &Fact| {
        let gates =
            fact.gates().iter().map(|gate| (fact.code().to_owned(), gate["gate_id"].as_str().unwrap().to_owned()));
        gates.collect()
    };
    let mut rows: Vec<Value> = Vec::new();
    for ((code, gate), with) in grouped(facts, pairs) {
        let count = |status: &str| with.iter().filter(|fact| fact.has_gate(&gate.as_str().into(), status)).count();
        rows.push(json!({
            "fail_count": count("FAIL"), "failure_reason_code": code, "first_ts": with[0].ordered_ts(), "gate_id": gate,
            "last_ts": with[with.len() - 1].ordered_ts(), "pass_count": count("PASS"), "run_count": runs(&with),
            "skip_count": count("SKIP"),
        }));
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row["fail_count"].as_u64()));
    rows
}

/// The codes that one guard evaluation of a fact denied with; none when it did not deny.
fn eval_codes(fact: &Fact, eval: &Value) -> Vec<String> {
    let listed: Vec<String> =
        eval["reason_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    match (denies(eval), listed.is_empty()) {
        (false, _) => Vec::new(),
        (true, false) => listed,
        (true, true) => vec![fact.policy_code().unwrap_or_default().to_owned()],
    }
}

fn denial_pairs(fact: &Fact) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for eval in fact.guard_evals() {
        let guard = eval["guard_id"].as_str().unwrap();
        pairs.extend(eval_codes(fact, eval).into_iter().map(|code| (code, guard.to_owned())));
    }
    if let Some(code) = fact.policy_code()
        && pairs.iter().all(|(paired, _)| paired != code)
    {
        pairs.push((code.to_owned(), String::new()));
    }
    pairs
}

pub(super) fn denials(facts: &[Fact]) -> Vec<Value> {
    let mut rows: Vec<Value> = Vec::new();
    for ((code, guard), with) in grouped(facts, denial_pairs) {
        let stopped = |fact: &&&Fact| {
            let of_guard = |eval: &&Value| eval["guard_id"] == guard.as_str();
            fact.guard_evals().iter().filter(of_guard).any(|eval| eval["decision"] == "STOP")
        };
        let codes: BTreeSet<&str> = with.iter().map(|fact| fact.code()).collect();
        rows.push(json!({
            "denial_count": with.len(), "failure_reason_codes": codes, "first_ts": with[0].ordered_ts(),
            "guard_id": guard, "last_ts": with[with.len() - 1].ordered_ts(), "policy_reason_code": code,
            "run_count": runs(&with), "stop_count": with.iter().filter(stopped).count(),
        }));
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row["denial_count"].as_u64()));
    rows
}
