//! M-84 and section 10: applied capsules, confidence, eligibility, concepts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::envelope::hash;
use super::fold::{RemedyUse, State, denies, passes};
use super::{Fact, Rules};

/// M-91, as it is written.
pub(super) fn confidence(f: u64, a: u64) -> u64 {
    let (f, a) = (i128::from(f), i128::from(a));
    let n = f + a;
    if n == 0 {
        return 0;
    }
    let q = (38_416 * 38_416 * n + 4 * 38_416 * 10_000 * f * a) * 100_000_000 / n;
    let mut root = q.isqrt();
    while root * root > q {
        root -= 1;
    }
    (((20_000 * f + 38_416) * 10_000 - root).max(0) * 100 / (2 * (10_000 * n + 38_416))) as u64
}

#[derive(Clone, Copy, Default)]
struct Applied {
    confirmed: u64,
    refuted: u64,
    blocked: u64,
}

/// M-84, and the two counts of M-44 that go with it.
fn applied(
    facts: &[Fact],
    states: &BTreeMap<String, State>,
    counts: &mut Map<String, Value>,
) -> BTreeMap<String, Applied> {
    let mut sums: BTreeMap<String, Applied> = BTreeMap::new();
    let mut counted: BTreeSet<(String, String)> = BTreeSet::new();
    let (mut unknown, mut too_early) = (0, 0);
    for (place, fact) in facts.iter().enumerate() {
        let Some(key) = fact.envelope.get("applied_capsule").map(|key| key.as_str().unwrap().to_owned()) else {
            continue;
        };
        let Some(state) = states.get(&key) else {
            unknown += 1;
            continue;
        };
        if state.minting[0] >= place {
            too_early += 1;
            continue;
        }
        let run_and_key = (fact.text("run_id").to_owned(), key.clone());
        if state.spoken.contains(&place) || counted.contains(&run_and_key) {
            continue;
        }
        let fingerprint = &facts[state.minting[0]].fingerprint;
        let failed = fingerprint["failed_gates"].as_array().unwrap();
        let sum = sums.entry(key).or_default();
        if fact.succeeding() && passes(fact, fingerprint) {
            sum.confirmed += 1;
        } else if fact.failing()
            && (fact.gates().is_empty() || failed.is_empty() || failed.iter().any(|gate| fact.has_gate(gate, "FAIL")))
        {
            sum.refuted += 1;
        } else if !fact.failing() && fact.text("signal") == "denial" {
            sum.blocked += 1;
        } else {
            continue;
        }
        counted.insert(run_and_key);
    }
    counts.insert("applied_unknown".to_owned(), unknown.into());
    counts.insert("applied_too_early".to_owned(), too_early.into());
    sums
}

/// M-96: whether some guard is at *no* in the lane of the line's last fact.
fn guard_denied(facts: &[Fact], line: [&str; 4]) -> bool {
    let on_line: Vec<&Fact> = facts.iter().filter(|fact| fact.line() == line).collect();
    let last_lane = on_line[on_line.len() - 1].lane();
    let mut at_no: BTreeSet<&str> = BTreeSet::new();
    for fact in on_line.into_iter().filter(|fact| fact.lane() == last_lane) {
        if fact.succeeding() {
            at_no.clear();
        }
        for eval in fact.guard_evals() {
            let guard = eval["guard_id"].as_str().unwrap();
            if denies(eval) {
                at_no.insert(guard);
            } else if eval.get("decision").is_some_and(|decision| decision == "ALLOW") {
                at_no.remove(guard);
            }
        }
        if fact.text("signal") == "denial" && !fact.guard_evals().iter().any(denies) {
            at_no.insert("");
        }
    }
    !at_no.is_empty()
}

fn eight_best(remedies: &BTreeMap<String, RemedyUse>, facts: &[Fact]) -> Value {
    let mut rows: Vec<(u64, &RemedyUse, &String)> = Vec::new();
    for (identity, used) in remedies {
        rows.push((confidence(used.count, used.contradicted), used, identity));
    }
    rows.sort_by(|(ca, a, ia), (cb, b, ib)| {
        let last = |used: &RemedyUse| facts[used.last].ordered;
        cb.cmp(ca).then(b.count.cmp(&a.count)).then(last(b).cmp(&last(a))).then(ia.cmp(ib))
    });
    let row = |(confidence, used, identity): &(u64, &RemedyUse, &String)| {
        json!({
            "confidence_ppm": confidence, "contradicted_count": used.contradicted, "count": used.count,
            "identity": identity, "last_fact": facts[used.last].digest, "last_ts": facts[used.last].ordered_ts(),
            "remedy": used.remedy,
        })
    };
    rows.iter().take(8).map(row).collect()
}

/// The members that a reason code and the table give (M-90).
fn code_members(row: &mut Value, code: &str, kind: &str, rules: &Rules<'_>) {
    let class = rules.codes["codes"].get(code).map(|entry| entry["class"].clone());
    row["reason_code_known"] = (class.is_some() || (code == "NONE" && kind != "failure")).into();
    if let Some(class) = class {
        row["restart_mode"] = rules.codes["restart_mode_by_class"][class.as_str().unwrap()].clone();
        row["class"] = class;
    }
}

/// M-92: what holds a capsule back.
fn holds(
    row: &Value,
    f: u64,
    a: u64,
    last_seen: i128,
    denied: bool,
    rules: &Rules<'_>,
    as_of: i128,
) -> Vec<&'static str> {
    let number = |name: &str| i128::from(row[name].as_u64().unwrap());
    let best = row["remedies"].get(0).map(|remedy| i128::from(remedy["confidence_ppm"].as_u64().unwrap()));
    let least = rules.number("min_confidence_ppm");
    let ratio = if f + a > 0 { i128::from(a) * 1_000_000 / i128::from(f + a) } else { 0 };
    let mut holds = Vec::new();
    let mut hold = |holds_back: bool, name: &'static str| {
        if holds_back {
            holds.push(name);
        }
    };
    hold(number("support_count") < rules.number("min_support"), "low_support");
    hold(number("run_count") < rules.number("min_run_count"), "low_run_count");
    hold(number("resolved_count") == 0, "no_resolution");
    hold(best.is_none(), "no_remedy");
    hold(best.is_some_and(|best| best < least), "unproven_remedy");
    hold(number("confidence_ppm") < least, "low_confidence");
    hold(f + a > 0 && ratio > rules.number("max_contradiction_ppm"), "contradicted");
    hold(as_of - last_seen > rules.number("max_staleness_s") * 1_000_000_000, "stale");
    hold(row.get("class").is_some_and(|class| class == "stop"), "stop_class");
    hold(row["reason_code_known"] == false, "unknown_reason_code");
    hold(denied, "guard_denied");
    holds
}

fn verdict(holds: &[&str]) -> &'static str {
    let blocking = ["stop_class", "unknown_reason_code", "guard_denied"];
    match holds {
        [] => "prescriptive",
        holds if holds.iter().any(|hold| blocking.contains(hold)) => "blocked",
        _ => "advisory",
    }
}

fn tally<'t>(names: impl Iterator<Item = &'t str>) -> Value {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    names.for_each(|name| *counts.entry(name).or_default() += 1);
    json!(counts)
}

fn distinct<'t>(values: impl Iterator<Item = &'t str>) -> usize {
    values.collect::<BTreeSet<_>>().len()
}

fn capsule(key: &str, state: &State, applied: Applied, facts: &[Fact], rules: &Rules<'_>, as_of: i128) -> Value {
    let minting: Vec<&Fact> = state.minting.iter().map(|place| &facts[*place]).collect();
    let (first, last) = (minting[0], minting[minting.len() - 1]);
    let [scope, target_kind, target_id, action_kind] = first.line();
    let kind = match (state.failures, state.denials) {
        (1.., _) => "failure",
        (0, 1..) => "denial",
        _ => "pattern",
    };
    let (f, a) = (state.resolutions + applied.confirmed, state.contradictions + applied.refuted);
    let mut row = json!({
        "action_kind": action_kind, "blocked_count": applied.blocked, "concept_key": first.concept_key(),
        "confidence_ppm": confidence(f, a), "confirmed_count": applied.confirmed,
        "contradiction_count": state.contradictions, "denial_count": state.denials, "derived_key": key,
        "failure_count": state.failures, "failure_reason_code": first.code(), "fingerprint": first.fingerprint,
        "fingerprint_hash": hash(&first.fingerprint), "first_fact": first.digest, "first_seen_ts": first.ordered_ts(),
        "kind": kind, "last_fact": last.digest, "last_seen_ts": last.ordered_ts(), "line_key": first.line_key(),
        "policy_reason_codes": tally(minting.iter().filter_map(|fact| fact.policy_code())),
        "recurrence_count": state.recurrences, "refuted_count": applied.refuted,
        "remedies": eight_best(&state.remedies, facts), "resolved_count": state.resolutions,
        "run_count": distinct(minting.iter().map(|fact| fact.text("run_id"))), "scope": scope,
        "support_count": minting.len(), "target_id": target_id, "target_kind": target_kind,
        "triggers": tally(minting.iter().flat_map(|fact| fact.triggers.iter().copied())),
    });
    if let Some(place) = state.last_resolved {
        row["last_resolved_fact"] = facts[place].digest.clone().into();
        row["last_resolved_ts"] = facts[place].ordered_ts().into();
    }
    code_members(&mut row, first.code(), kind, rules);
    let holds = holds(&row, f, a, last.ordered, guard_denied(facts, first.line()), rules, as_of);
    row["verdict"] = verdict(&holds).into();
    row["holds"] = holds.into();
    row
}

/// M-95, for the capsules of one concept key.
fn concept(members: &[(&Value, &State)], facts: &[Fact], rules: &Rules<'_>, as_of: i128) -> Value {
    let any = members[0].0;
    let sum = |name: &str| members.iter().map(|(row, _)| row[name].as_u64().unwrap()).sum::<u64>();
    let places = || members.iter().flat_map(|(_, state)| &state.minting);
    let (first, last) = (&facts[*places().min().unwrap()], &facts[*places().max().unwrap()]);
    let mut remedies: BTreeMap<String, RemedyUse> = BTreeMap::new();
    for (identity, used) in members.iter().flat_map(|(_, state)| &state.remedies) {
        let Some(total) = remedies.get_mut(identity) else {
            remedies.insert(identity.clone(), used.clone());
            continue;
        };
        total.count += used.count;
        total.contradicted += used.contradicted;
        if used.last > total.last {
            (total.last, total.remedy) = (used.last, used.remedy.clone());
        }
    }
    let mut keys: Vec<&str> = members.iter().map(|(row, _)| row["derived_key"].as_str().unwrap()).collect();
    keys.sort_unstable();
    let mut row = json!({
        "action_kind": any["action_kind"], "capsule_count": members.len(), "capsules": keys,
        "blocked_count": members.iter().filter(|(row, _)| row["verdict"] == "blocked").count(),
        "concept_key": any["concept_key"],
        "confidence_ppm": confidence(
            sum("resolved_count") + sum("confirmed_count"), sum("contradiction_count") + sum("refuted_count")
        ),
        "expired": as_of - last.ordered > rules.number("max_staleness_s") * 1_000_000_000,
        "failure_reason_code": any["failure_reason_code"], "fingerprint": any["fingerprint"],
        "fingerprint_hash": any["fingerprint_hash"], "first_seen_ts": first.ordered_ts(),
        "last_seen_ts": last.ordered_ts(), "remedies": eight_best(&remedies, facts),
        "target_count": distinct(members.iter().map(|(row, _)| row["target_id"].as_str().unwrap())),
        "target_kind": any["target_kind"],
    });
    for name in [
        "support_count",
        "failure_count",
        "resolved_count",
        "confirmed_count",
        "contradiction_count",
        "recurrence_count",
        "refuted_count",
    ] {
        row[name] = sum(name).into();
    }
    code_members(&mut row, any["failure_reason_code"].as_str().unwrap(), "failure", rules);
    row
}

pub(super) fn assemble(
    facts: &[Fact],
    states: BTreeMap<String, State>,
    rules: &Rules<'_>,
    as_of: Option<i128>,
    counts: &mut Map<String, Value>,
) -> (Vec<Value>, Vec<Value>) {
    let applied = applied(facts, &states, counts);
    let as_of = as_of.unwrap_or_default();
    let finish = |(key, state): (&String, &State)| {
        capsule(key, state, applied.get(key).copied().unwrap_or_default(), facts, rules, as_of)
    };
    let capsules: Vec<Value> = states.iter().map(finish).collect();
    let mut grouped: BTreeMap<&str, Vec<(&Value, &State)>> = BTreeMap::new();
    for (row, state) in capsules.iter().zip(states.values()).filter(|(row, _)| row["kind"] == "failure") {
        grouped.entry(row["concept_key"].as_str().unwrap()).or_default().push((row, state));
    }
    let listed = |row: &Value| {
        let number = |name: &str| i128::from(row[name].as_u64().unwrap());
        number("support_count") >= rules.number("concept_min_support")
            && number("target_count") >= rules.number("concept_min_targets")
    };
    let concepts = grouped.values().map(|members| concept(members, facts, rules, as_of)).filter(listed).collect();
    (capsules, concepts)
}
