//! M-84, M-85 and section 10: applied capsules, confidence, eligibility, capsules.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::concepts::concepts;
use super::envelope::hash;
use super::fold::{Standing, State, States, denies};
use super::remedies::{eight_best, identity, rerun_identity};
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

/// Whether some key of this concept is such that the fact at `place` did to it what is asked.
fn some_of_concept(concept: &str, facts: &[Fact], states: &States, did: impl Fn(&str, &State) -> bool) -> bool {
    states.iter().any(|(key, state)| did(key, state) && facts[state.minting[0]].concept_key() == concept)
}

/// M-84, and the two counts of M-44 that go with it.
fn applied(facts: &[Fact], states: &States, counts: &mut Map<String, Value>) -> BTreeMap<String, Applied> {
    let mut sums: BTreeMap<String, Applied> = BTreeMap::new();
    let mut counted: BTreeSet<(&str, &str)> = BTreeSet::new();
    let (mut unknown, mut too_early) = (0, 0);
    for (place, fact) in facts.iter().enumerate() {
        let Some(key) = fact.envelope.get("applied_capsule").map(|key| key.as_str().unwrap()) else {
            continue;
        };
        let Some(state) = states.get(key) else {
            unknown += 1;
            continue;
        };
        if state.minting[0] >= place {
            too_early += 1;
            continue;
        }
        let spoke = state.resolving.contains(&place)
            || state.contradicting.contains(&place)
            || state.reruns.joined.contains(&place);
        if spoke || counted.contains(&(fact.text("run_id"), key)) {
            continue;
        }
        let concept = facts[state.minting[0]].concept_key();
        let sum = sums.entry(key.to_owned()).or_default();
        if some_of_concept(&concept, facts, states, |_, state| state.resolving.contains(&place)) {
            sum.confirmed += 1;
        } else if some_of_concept(&concept, facts, states, |key, _| fact.failure_of(key)) {
            sum.refuted += 1;
        } else if !fact.failing() && fact.text("signal") == "denial" {
            sum.blocked += 1;
        } else {
            continue;
        }
        counted.insert((fact.text("run_id"), key));
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

/// M-97: what the table says of a code, be it listed or only a prefix of it.
pub(super) fn class_of<'r>(code: &str, rules: &'r Rules<'_>) -> Option<&'r str> {
    let prefixes = rules.codes["prefixes"].as_object().unwrap().iter();
    let longest = prefixes.filter(|(prefix, _)| code.starts_with(*prefix)).max_by_key(|(prefix, _)| prefix.len());
    let entry = rules.codes["codes"].get(code).or(longest.map(|(_, entry)| entry))?;
    entry["class"].as_str()
}

/// The members that a reason code and the table give (M-90).
pub(super) fn code_members(row: &mut Value, code: &str, kind: &str, rules: &Rules<'_>) {
    let class = class_of(code, rules);
    row["reason_code_known"] = (class.is_some() || (code == "NONE" && kind != "failure")).into();
    if let Some(class) = class {
        row["restart_mode"] = rules.codes["restart_mode_by_class"][class].clone();
        row["class"] = class.into();
    }
}

/// What only some holds of M-92 go by.
pub(super) enum Held {
    Capsule { guard_denied: bool },
    Concept,
}

/// Whether a in n of M-92 is over what the policy allows.
fn over(f: u64, a: u64, rules: &Rules<'_>) -> bool {
    let (a, n) = (i128::from(a), i128::from(f + a));
    n > 0 && a * 1_000_000 / n > rules.number("max_contradiction_ppm")
}

/// M-92 and M-95: what holds a capsule or a concept back.
pub(super) fn holds(row: &Value, of: &Held, last_seen: i128, rules: &Rules<'_>, as_of: i128) -> Vec<&'static str> {
    let number = |name: &str| i128::from(row[name].as_u64().unwrap());
    let count = |row: &Value, name: &str| row[name].as_u64().unwrap();
    let best = row["remedies"].get(0);
    let least = rules.number("min_confidence_ppm");
    let contradicted = |best: &Value| over(count(best, "count"), count(best, "contradicted_count"), rules);
    let broken = row.get("state").is_some_and(|state| state == "broken");
    let capsule = matches!(of, Held::Capsule { .. });
    let denied = matches!(of, Held::Capsule { guard_denied: true });
    let mut holds = Vec::new();
    let mut hold = |holds_back: bool, name: &'static str| {
        if holds_back {
            holds.push(name);
        }
    };
    hold(number("support_count") < rules.number("min_support"), "low_support");
    hold(number("run_count") < rules.number("min_run_count"), "low_run_count");
    hold(best.is_none(), "no_remedy");
    hold(capsule && number("unresolved_ppm") >= least, "dead_end");
    hold(best.is_some() && number("confidence_ppm") < least, "low_confidence");
    hold(best.is_some_and(contradicted), "contradicted");
    hold(!capsule && best.is_some_and(|best| best["momentary"] == false), "durable_elsewhere");
    hold(over(count(row, "confirmed_count"), count(row, "refuted_count"), rules), "refuted");
    hold(capsule && broken && best.is_some_and(|best| best["identity"] == rerun_identity()), "rerun_of_broken");
    hold(as_of - last_seen > rules.number("max_staleness_s") * 1_000_000_000, "stale");
    hold(row.get("class").is_some_and(|class| class == "stop"), "stop_class");
    hold(row["reason_code_known"] == false, "unknown_reason_code");
    hold(denied, "guard_denied");
    holds
}

pub(super) fn verdict(holds: &[&str]) -> &'static str {
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

pub(super) fn distinct<'t>(values: impl Iterator<Item = &'t str>) -> usize {
    values.collect::<BTreeSet<_>>().len()
}

/// M-83: the streams in which a key is pending, by remedy, at the end.
pub(super) fn pending(state: &State, facts: &[Fact]) -> BTreeMap<String, u64> {
    let mut pending = BTreeMap::new();
    for standing in state.standings.values() {
        if let Standing::Pending { resolved_by, .. } = standing
            && let Some(remedy) = facts[*resolved_by].remedy()
        {
            *pending.entry(identity(remedy)).or_default() += 1;
        }
    }
    pending
}

/// M-85: the members that say how a key stands.
fn state_members(row: &mut Value, state: &State, facts: &[Fact], rules: &Rules<'_>) {
    let Some(stream) = state.last_stream(facts) else {
        return;
    };
    let name = match state.standings.get(&stream) {
        Some(Standing::Failing { row }) if state.broken(*row, facts, rules) => "broken",
        Some(Standing::Failing { row }) if state.uncleared(*row, facts) == 0 => "cleared",
        Some(Standing::Failing { .. }) => "failing",
        Some(Standing::Cleared) => "cleared",
        Some(Standing::Pending { clean, needed, .. }) => {
            row["clean_count"] = clean.len().into();
            row["clean_needed"] = (*needed).into();
            "pending"
        }
        Some(Standing::Held { .. }) => "held",
        None => "given_up",
    };
    row["state"] = name.into();
    for (name, part) in [("state_lane", stream.0), ("state_job", stream.1)] {
        if let Some(part) = part {
            row[name] = part.into();
        }
    }
}

/// The counters of section 9.
fn counters(state: &State, applied: Applied, facts: &[Fact]) -> Value {
    let minting: Vec<&Fact> = state.minting.iter().map(|place| &facts[*place]).collect();
    let executions = facts.iter().filter(|fact| fact.line() == minting[0].line() && fact.execution());
    json!({
        "blocked_count": applied.blocked, "confirmed_count": applied.confirmed,
        "contradiction_count": state.contradicting.len(),
        "denial_count": minting.iter().filter(|fact| fact.text("signal") == "denial").count(),
        "execution_count": executions.count(), "failure_count": state.failure_count(),
        "given_up_count": state.given_up, "held_count": state.held, "intermittent_count": state.intermittent_count(),
        "policy_reason_codes": tally(minting.iter().filter_map(|fact| fact.policy_code())),
        "recurrence_count": state.recurrences, "refuted_count": applied.refuted,
        "remedies": eight_best(&state.trials, &state.reruns, &pending(state, facts), facts),
        "resolved_count": state.resolving.len(),
        "run_count": distinct(minting.iter().map(|fact| fact.text("run_id"))), "stale_count": state.stale_count(),
        "stream_count": state.stream_count(facts), "support_count": minting.len(),
        "triggers": tally(minting.iter().flat_map(|fact| fact.triggers.iter().copied())),
        "unresolved_ppm": state.trials.unresolved(&state.reruns),
    })
}

fn capsule(key: &str, state: &State, applied: Applied, facts: &[Fact], rules: &Rules<'_>, as_of: i128) -> Value {
    let (first, last) = (&facts[state.minting[0]], &facts[state.minting[state.minting.len() - 1]]);
    let [scope, target_kind, target_id, action_kind] = first.line();
    let mut row = counters(state, applied, facts);
    let kind = match (row["failure_count"].as_u64(), row["denial_count"].as_u64()) {
        (Some(1..), _) => "failure",
        (_, Some(1..)) => "denial",
        _ => "pattern",
    };
    for (name, value) in [
        ("action_kind", action_kind),
        ("concept_key", &first.concept_key()),
        ("derived_key", key),
        ("failure_reason_code", first.code()),
        ("fingerprint_hash", &hash(&first.fingerprint)),
        ("first_fact", &first.digest),
        ("first_seen_ts", &first.ordered_ts()),
        ("kind", kind),
        ("last_fact", &last.digest),
        ("last_seen_ts", &last.ordered_ts()),
        ("line_key", &first.line_key()),
        ("scope", scope),
        ("target_id", target_id),
        ("target_kind", target_kind),
    ] {
        row[name] = value.into();
    }
    row["fingerprint"] = first.fingerprint.clone();
    row["confidence_ppm"] = row["remedies"].get(0).map_or(json!(0), |best| best["confidence_ppm"].clone());
    if let Some(place) = state.resolving.last() {
        row["last_resolved_fact"] = facts[*place].digest.clone().into();
        row["last_resolved_ts"] = facts[*place].ordered_ts().into();
    }
    state_members(&mut row, state, facts, rules);
    code_members(&mut row, first.code(), kind, rules);
    let held = Held::Capsule { guard_denied: guard_denied(facts, first.line()) };
    let holds = holds(&row, &held, last.ordered, rules, as_of);
    row["verdict"] = verdict(&holds).into();
    row["holds"] = holds.into();
    row
}

pub(super) fn assemble(
    facts: &[Fact],
    states: &States,
    rules: &Rules<'_>,
    as_of: i128,
    counts: &mut Map<String, Value>,
) -> (Vec<Value>, Vec<Value>) {
    let applied = applied(facts, states, counts);
    let finish = |(key, state): (&String, &State)| {
        capsule(key, state, applied.get(key).copied().unwrap_or_default(), facts, rules, as_of)
    };
    let capsules: Vec<Value> = states.iter().map(finish).collect();
    let concepts = concepts(&capsules, states, facts, rules, as_of);
    (capsules, concepts)
}
