//! Sections 8 and 9: what mints, and what each capsule's counters come to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::envelope::hash;
use super::{Fact, Rules};

/// M-70 and M-71, fact by fact, looking back over all earlier ones.
pub(super) fn bind(facts: &mut [Fact], rules: &Rules<'_>) {
    for here in 0..facts.len() {
        let (earlier, rest) = facts.split_at_mut(here);
        let fact = &mut rest[0];
        fact.triggers = triggers(fact, earlier, rules);
        fact.minted = mints(fact, rules);
    }
}

fn triggers(fact: &Fact, earlier: &[Fact], rules: &Rules<'_>) -> Vec<&'static str> {
    let mut fired = Vec::new();
    let number = |fact: &Fact, name: &str| fact.envelope.get(name).map(|value| i128::from(value.as_u64().unwrap()));
    if number(fact, "attempts").is_some_and(|attempts| attempts >= rules.number("retry_storm_attempts")) {
        fired.push("retry_storm");
    }
    let samples: Vec<i128> = earlier
        .iter()
        .filter(|other| other.line() == fact.line())
        .filter_map(|fact| number(fact, "duration_ms"))
        .collect();
    if let Some(duration) = number(fact, "duration_ms")
        && samples.len() as i128 >= rules.number("latency_min_samples")
    {
        let window = rules.number("latency_window").min(samples.len() as i128) as usize;
        let mut latest = samples[samples.len() - window..].to_vec();
        latest.sort_unstable();
        let median = latest[(latest.len() - 1) / 2];
        let excess = duration - median >= rules.number("latency_min_excess_ms");
        if duration >= rules.number("latency_factor") * median && excess {
            fired.push("latency_delta");
        }
    }
    let kind = |fact: &Fact| {
        let [scope, target_kind, _, action_kind] = fact.line().map(str::to_owned);
        (scope, target_kind, action_kind, fact.policy_code().map(str::to_owned))
    };
    if fact.policy_code().is_some() && !earlier.iter().any(|other| kind(other) == kind(fact)) {
        fired.push("unseen_denial");
    }
    fired
}

fn mints(fact: &Fact, rules: &Rules<'_>) -> bool {
    let signal = fact.text("signal");
    let strict = signal == "failure" || signal == "denial";
    match fact.mode(rules).as_str() {
        "strict" => strict,
        "hybrid" => {
            strict
                || signal == "anomaly"
                || fact.gates().iter().any(|gate| gate["status"] == "FAIL")
                || fact.guard_evals().iter().any(denies)
                || !fact.triggers.is_empty()
        }
        _ => true,
    }
}

/// Whether a guard evaluation decided `DENY` or `STOP`.
pub(super) fn denies(eval: &Value) -> bool {
    eval.get("decision").is_some_and(|decision| decision == "DENY" || decision == "STOP")
}

/// One use of a remedy on one derived key, or on a concept's.
#[derive(Clone, Debug)]
pub(super) struct RemedyUse {
    pub(super) count: u64,
    pub(super) contradicted: u64,
    runs: BTreeSet<String>,
    /// The last fact that resolved by it, by its place among all facts.
    pub(super) last: usize,
    pub(super) remedy: Value,
}

/// A derived key's counters.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) minting: Vec<usize>,
    pub(super) failures: u64,
    pub(super) denials: u64,
    pub(super) contradictions: u64,
    pub(super) recurrences: u64,
    pub(super) resolutions: u64,
    pub(super) last_resolved: Option<usize>,
    pub(super) remedies: BTreeMap<String, RemedyUse>,
    /// Facts that resolved or contradicted it: they do not count as having applied it (M-84).
    pub(super) spoken: BTreeSet<usize>,
}

#[derive(Default)]
struct Lane {
    open: BTreeSet<String>,
    resolved: BTreeMap<String, (i128, Option<String>)>,
}

/// M-82: whether a fact passes all gates of a capsule, or lists none.
pub(super) fn passes(fact: &Fact, fingerprint: &Value) -> bool {
    let failed = fingerprint["failed_gates"].as_array().unwrap();
    fact.gates().is_empty() || failed.iter().all(|gate| fact.has_gate(gate, "PASS"))
}

/// M-83: what two uses of a remedy have in common.
fn identity(remedy: &Value) -> String {
    match remedy.get("sha256") {
        Some(sha256) => hash(&json!({"kind": remedy["kind"], "sha256": sha256})),
        None => hash(&json!({"kind": remedy["kind"], "ref": remedy["ref"]})),
    }
}

/// M-80 to M-83.
pub(super) fn fold(facts: &[Fact], rules: &Rules<'_>) -> BTreeMap<String, State> {
    let mut states: BTreeMap<String, State> = BTreeMap::new();
    let mut lines: Vec<[&str; 4]> = facts.iter().map(Fact::line).collect();
    lines.sort_unstable();
    lines.dedup();
    for line in lines {
        let mut lanes: BTreeMap<Option<&str>, Lane> = BTreeMap::new();
        for (place, fact) in facts.iter().enumerate().filter(|(_, fact)| fact.line() == line) {
            let lane = lanes.entry(fact.lane()).or_default();
            if fact.minted {
                mint(place, fact, lane, states.entry(fact.key.clone()).or_default(), rules);
            }
            if fact.succeeding() {
                succeed(place, facts, lane, &mut states);
            }
        }
    }
    states
}

fn mint(place: usize, fact: &Fact, lane: &mut Lane, state: &mut State, rules: &Rules<'_>) {
    state.minting.push(place);
    state.denials += u64::from(fact.text("signal") == "denial");
    if !fact.failing() {
        return;
    }
    state.failures += 1;
    if let Some((when, remedy)) = lane.resolved.remove(&fact.key) {
        if fact.ordered - when <= rules.number("contradiction_window_s") * 1_000_000_000 {
            state.contradictions += 1;
            state.spoken.insert(place);
            if let Some(identity) = remedy {
                state.remedies.get_mut(&identity).unwrap().contradicted += 1;
            }
        } else {
            state.recurrences += 1;
        }
    }
    lane.open.insert(fact.key.clone());
}

fn succeed(place: usize, facts: &[Fact], lane: &mut Lane, states: &mut BTreeMap<String, State>) {
    let fact = &facts[place];
    let remedy = fact.envelope.get("remedy");
    for key in lane.open.clone() {
        let state = states.get_mut(&key).unwrap();
        if !passes(fact, &facts[state.minting[0]].fingerprint) {
            continue;
        }
        state.resolutions += 1;
        state.last_resolved = Some(place);
        state.spoken.insert(place);
        if let Some(remedy) = remedy {
            let fresh =
                || RemedyUse { count: 0, contradicted: 0, runs: BTreeSet::new(), last: place, remedy: json!({}) };
            let used = state.remedies.entry(identity(remedy)).or_insert_with(fresh);
            used.count += u64::from(used.runs.insert(fact.text("run_id").to_owned()));
            used.last = place;
            used.remedy = remedy.clone();
        }
        lane.open.remove(&key);
        lane.resolved.insert(key, (fact.ordered, remedy.map(identity)));
    }
}
