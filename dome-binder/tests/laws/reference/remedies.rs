//! M-78, M-83 and M-87: what was tried over a failure, and how it ended.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Fact;
use super::assemble::confidence;
use super::envelope::hash;
use super::reruns::Reruns;

const MOMENTARY: [&str; 10] = [
    "rerun",
    "retry",
    "wait",
    "call_first",
    "edit_argument",
    "substitute",
    "reformat",
    "set_env",
    "change_dir",
    "install",
];

/// M-78.
pub(super) fn is_momentary(remedy: &Value) -> bool {
    MOMENTARY.iter().any(|kind| remedy["kind"] == *kind)
}

/// M-83: what two uses of a remedy have in common.
pub(super) fn identity(remedy: &Value) -> String {
    match remedy.get("sha256") {
        Some(sha256) => hash(&json!({"kind": remedy["kind"], "sha256": sha256})),
        None => hash(&json!({"kind": remedy["kind"], "ref": remedy["ref"]})),
    }
}

/// M-83: the remedy that only comes again to what failed.
fn rerun() -> Value {
    json!({"kind": "rerun", "ref": "rerun/same-subject"})
}

pub(super) fn rerun_identity() -> String {
    identity(&rerun())
}

/// M-87: how an attempt or a row ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ending {
    Again,
    Cleared,
    Unnamed,
    GivenUp,
    /// By a remedy's identity.
    Remedy(String),
}

type Runs = BTreeSet<String>;

/// What M-83 counts: runs by remedy and by ending, and the last fact that named each remedy.
#[derive(Clone, Debug, Default)]
pub(super) struct Trials {
    worked: BTreeMap<String, Runs>,
    failed: BTreeMap<String, Runs>,
    endings: BTreeMap<Ending, Runs>,
    named: BTreeMap<String, usize>,
}

fn unite<K: Ord + Clone>(ours: &mut BTreeMap<K, Runs>, theirs: &BTreeMap<K, Runs>) {
    for (key, runs) in theirs {
        ours.entry(key.clone()).or_default().extend(runs.iter().cloned());
    }
}

impl Trials {
    pub(super) fn end(&mut self, ending: Ending, run: &str) {
        self.endings.entry(ending).or_default().insert(run.to_owned());
    }

    pub(super) fn work(&mut self, identity: String, run: &str) {
        self.worked.entry(identity).or_default().insert(run.to_owned());
    }

    pub(super) fn fail(&mut self, identity: String, run: &str) {
        self.failed.entry(identity).or_default().insert(run.to_owned());
    }

    /// The fact at `here` named it: facts come in order, so it is the last that did.
    pub(super) fn name(&mut self, identity: String, here: usize) {
        self.named.insert(identity, here);
    }

    /// M-95: the runs of both, and whichever fact was the last.
    pub(super) fn unite(&mut self, other: &Self) {
        unite(&mut self.worked, &other.worked);
        unite(&mut self.failed, &other.failed);
        unite(&mut self.endings, &other.endings);
        for (identity, place) in &other.named {
            let last = self.named.entry(identity.clone()).or_default();
            *last = (*place).max(*last);
        }
    }

    /// M-83: the runs that failed it, and those that something else ended.
    fn contradicted(&self, identity: &str, momentary: bool) -> Runs {
        let other = |ending: &Ending| match ending {
            Ending::Again | Ending::Cleared => momentary,
            Ending::Unnamed | Ending::GivenUp => true,
            Ending::Remedy(by) => by != identity,
        };
        let ended = self.endings.iter().filter(|(ending, _)| other(ending)).flat_map(|(_, runs)| runs);
        self.failed.get(identity).into_iter().flatten().chain(ended).cloned().collect()
    }

    /// M-85: `unresolved_ppm`.
    pub(super) fn unresolved(&self, reruns: &Reruns) -> u64 {
        let given_up = self.endings.get(&Ending::GivenUp).map_or(0, BTreeSet::len);
        let other = |ending: &Ending| !matches!(ending, Ending::GivenUp | Ending::Again);
        let ended = self.endings.iter().filter(|(ending, _)| other(ending)).flat_map(|(_, runs)| runs);
        let ended: BTreeSet<&String> = ended.chain(&reruns.passed[2]).collect();
        confidence(given_up as u64, ended.len() as u64)
    }
}

/// Count, contradicted count and number of reruns of the k that is best: the least such.
fn best_reruns(reruns: &Reruns) -> (u64, u64, usize) {
    let within = |k: usize| (reruns.passed[k - 1].len() as u64, reruns.not_passed[k - 1].len() as u64, k);
    let mut best = within(1);
    for k in [2, 3] {
        if confidence(within(k).0, within(k).1) > confidence(best.0, best.1) {
            best = within(k);
        }
    }
    best
}

/// The last fact that spoke of a remedy, and the remedy as it stands there.
fn last_use(identity: &str, trials: &Trials, reruns: &Reruns, facts: &[Fact]) -> (usize, Value) {
    let named = trials.named.get(identity).copied();
    let joined = reruns.joined.last().copied().filter(|_| identity == rerun_identity());
    match (named, joined) {
        (Some(named), joined) if joined.is_none_or(|joined| joined <= named) => {
            (named, facts[named].remedy().unwrap().clone())
        }
        (_, joined) => (joined.unwrap(), rerun()),
    }
}

/// M-83: the 8 best of all remedies that were named, and of the rerun.
pub(super) fn eight_best(
    trials: &Trials,
    reruns: &Reruns,
    pending: &BTreeMap<String, u64>,
    facts: &[Fact],
) -> Vec<Value> {
    let mut identities: BTreeSet<String> = trials.named.keys().cloned().collect();
    if !reruns.is_empty() {
        identities.insert(rerun_identity());
    }
    let mut rows: Vec<(usize, Value)> =
        identities.iter().map(|identity| row(identity, trials, reruns, pending, facts)).collect();
    rows.sort_by(|(last_a, a), (last_b, b)| {
        let numbers = |row: &Value| (row["confidence_ppm"].as_u64(), row["count"].as_u64());
        let last = facts[*last_b].ordered.cmp(&facts[*last_a].ordered);
        numbers(b).cmp(&numbers(a)).then(last).then(a["identity"].as_str().cmp(&b["identity"].as_str()))
    });
    rows.into_iter().map(|(_, row)| row).take(8).collect()
}

fn row(
    identity: &str,
    trials: &Trials,
    reruns: &Reruns,
    pending: &BTreeMap<String, u64>,
    facts: &[Fact],
) -> (usize, Value) {
    let (last, remedy) = last_use(identity, trials, reruns, facts);
    let momentary = is_momentary(&remedy);
    let count = trials.worked.get(identity).map_or(0, BTreeSet::len) as u64;
    let mut row = json!({
        "contradicted_count": trials.contradicted(identity, momentary).len(), "count": count, "identity": identity,
        "last_fact": facts[last].digest, "last_ts": facts[last].ordered_ts(), "momentary": momentary,
        "pending_count": pending.get(identity).copied().unwrap_or_default(), "remedy": remedy,
    });
    if identity == rerun_identity() && !reruns.is_empty() {
        let (count, contradicted, k) = best_reruns(reruns);
        row["count"] = count.into();
        row["contradicted_count"] = contradicted.into();
        row["reruns"] = k.into();
    }
    let number = |name: &str| row[name].as_u64().unwrap();
    row["confidence_ppm"] = confidence(number("count"), number("contradicted_count")).into();
    (last, row)
}
