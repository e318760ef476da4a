//! Sections 8 and 9: what mints, and what each capsule's counters come to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::envelope::Stream;
use super::remedies::{Ending, Trials, identity, is_momentary};
use super::reruns::{self, Reruns};
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

/// A failure of a key, by its place among all facts.
#[derive(Clone, Debug)]
struct Failure {
    place: usize,
    stale: bool,
    intermittent: bool,
    /// By a later success at the same subject (M-82 a).
    cleared: bool,
    /// The row that it belongs to, if any.
    row: Option<usize>,
}

/// M-77: what was taken when the row began, and whether it still goes on.
#[derive(Clone, Debug)]
struct Row {
    live: bool,
    f: u64,
    s: u64,
}

/// What a key has in a stream. Facts are meant by their places among all facts.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    Failing { row: usize },
    Cleared,
    Pending { clean: BTreeSet<String>, needed: u64, resolved_by: usize },
    Held { resolved_by: usize },
}

/// A derived key's counters.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) minting: Vec<usize>,
    failures: Vec<Failure>,
    rows: Vec<Row>,
    pub(super) standings: BTreeMap<Stream, Standing>,
    pub(super) contradicting: BTreeSet<usize>,
    pub(super) recurrences: u64,
    pub(super) resolving: Vec<usize>,
    pub(super) held: u64,
    pub(super) given_up: u64,
    pub(super) trials: Trials,
    pub(super) reruns: Reruns,
}

/// By derived key.
pub(super) type States = BTreeMap<String, State>;

/// M-76.
pub(super) fn in_reach(earlier: &Fact, fact: &Fact, rules: &Rules<'_>) -> bool {
    fact.ordered - earlier.ordered <= rules.number("subject_window_s") * 1_000_000_000
}

/// M-77: how often in a row comes at most once in twenty what has a chance of a/b.
pub(super) fn proof(a: u64, b: u64, most: i128) -> u64 {
    let (a, b) = (i128::from(a), i128::from(b));
    let mut chance: i128 = 1_000_000_000_000;
    let mut n: i128 = 0;
    while n < most {
        n += 1;
        chance = chance * a / b;
        if 20 * chance <= 1_000_000_000_000 {
            break;
        }
    }
    n as u64
}

fn runs(places: impl Iterator<Item = usize>, facts: &[Fact]) -> BTreeSet<&str> {
    places.map(|place| facts[place].text("run_id")).collect()
}

impl State {
    pub(super) fn failure_count(&self) -> usize {
        self.failures.len()
    }

    pub(super) fn stale_count(&self) -> usize {
        self.failures.iter().filter(|failure| failure.stale).count()
    }

    pub(super) fn intermittent_count(&self) -> usize {
        self.failures.iter().filter(|failure| failure.intermittent).count()
    }

    /// M-81 b.
    pub(super) fn stream_count(&self, facts: &[Fact]) -> usize {
        self.failures.iter().map(|failure| facts[failure.place].stream()).collect::<BTreeSet<_>>().len()
    }

    /// M-85: the stream that speaks for the key.
    pub(super) fn last_stream(&self, facts: &[Fact]) -> Option<Stream> {
        self.failures.iter().rfind(|failure| !failure.stale).map(|failure| facts[failure.place].stream())
    }

    /// Earlier failures, in whatever stream, that the fact at `here` may look up.
    fn earlier<'s>(
        &'s self,
        here: usize,
        facts: &'s [Fact],
        rules: &'s Rules<'_>,
    ) -> impl Iterator<Item = &'s Failure> {
        let reached = move |place: usize| place < here && in_reach(&facts[place], &facts[here], rules);
        self.failures.iter().filter(move |failure| reached(failure.place))
    }

    fn failed_at_subject_of(&self, here: usize, facts: &[Fact], rules: &Rules<'_>) -> bool {
        self.earlier(here, facts, rules).any(|failure| facts[failure.place].same_subject(&facts[here]))
    }

    /// f and s of M-77, for the fact at `here`.
    fn taken(&self, here: usize, line: &[usize], facts: &[Fact], rules: &Rules<'_>) -> (u64, u64) {
        let fact = &facts[here];
        let ended = |failure: &&Failure| failure.row.is_some_and(|row| !self.rows[row].live);
        let failed = self.earlier(here, facts, rules).filter(ended).map(|failure| failure.place);
        let fingerprint = &facts[self.minting[0]].fingerprint;
        let reached = |place: &usize| *place < here && in_reach(&facts[*place], fact, rules);
        let passed = line.iter().copied().filter(|place| reached(place) && facts[*place].clears(fingerprint));
        let of_job = |place: &usize| facts[*place].job() == fact.job();
        (runs(failed.filter(of_job), facts).len() as u64, runs(passed.filter(of_job), facts).len() as u64)
    }

    /// m of M-77.
    pub(super) fn uncleared(&self, row: usize, facts: &[Fact]) -> u64 {
        let counts = |failure: &&Failure| failure.row == Some(row) && !failure.cleared;
        runs(self.failures.iter().filter(counts).map(|failure| failure.place), facts).len() as u64
    }

    /// M-77.
    pub(super) fn broken(&self, row: usize, facts: &[Fact], rules: &Rules<'_>) -> bool {
        let Row { f, s, .. } = self.rows[row];
        let m = self.uncleared(row, facts);
        m >= 1 && m > proof(f + 1, f + s + 2, rules.number("proof_max"))
    }
}

/// One task line, as a fact of it sees it.
struct Line<'l> {
    places: &'l [usize],
    facts: &'l [Fact],
    rules: &'l Rules<'l>,
}

/// Section 9's counters of every key, line by line.
pub(super) fn fold(facts: &[Fact], rules: &Rules<'_>) -> States {
    let mut states = States::new();
    let mut lines: Vec<[&str; 4]> = facts.iter().map(Fact::line).collect();
    lines.sort_unstable();
    lines.dedup();
    for line in lines {
        let places: Vec<usize> = (0..facts.len()).filter(|place| facts[*place].line() == line).collect();
        let line = Line { places: &places, facts, rules };
        let mut of_line = States::new();
        for place in &places {
            line.take(*place, &mut of_line);
        }
        reruns::fold(&places, facts, &mut of_line, rules);
        states.append(&mut of_line);
    }
    states
}

impl Line<'_> {
    /// M-80 to M-82 and M-87, for the fact at `here`.
    fn take(&self, here: usize, states: &mut States) {
        let fact = &self.facts[here];
        if fact.minted {
            let state = states.entry(fact.key.clone()).or_default();
            state.minting.push(here);
            if fact.failing() {
                self.fail(here, state);
            }
        }
        for state in states.values_mut() {
            if fact.clears(&self.facts[state.minting[0]].fingerprint) {
                self.clear(here, state);
            }
            if fact.envelope.get("abandoned").is_some_and(|abandoned| abandoned == true) {
                self.give_up(here, state);
            }
        }
    }

    /// M-81 b to d.
    fn fail(&self, here: usize, state: &mut State) {
        let (facts, rules) = (self.facts, self.rules);
        let fact = &facts[here];
        let passed = |place: &&usize| {
            let other = &facts[**place];
            **place < here && in_reach(other, fact, rules) && other.same_subject(fact)
        };
        let fingerprint = &facts[state.minting[0]].fingerprint;
        let intermittent = self.places.iter().filter(passed).any(|place| facts[*place].clears(fingerprint));
        let stale = self.is_stale(here, state);
        let row = if stale { None } else { Some(self.row_of(here, state)) };
        state.failures.push(Failure { place: here, stale, intermittent, cleared: false, row });
    }

    /// M-81 c.
    fn is_stale(&self, here: usize, state: &State) -> bool {
        let fact = &self.facts[here];
        let stream = fact.stream();
        let tells = |other: &Stream| match state.standings.get(&stream) {
            None | Some(Standing::Cleared) => other.1 == stream.1,
            Some(_) => *other == stream,
        };
        let known = |resolved_by: usize| {
            state.earlier(here, self.facts, self.rules).filter(|failure| failure.place < resolved_by).any(|failure| {
                let subject = self.facts[failure.place].subject_key();
                subject.is_some() && (subject == fact.subject_key() || subject == fact.base_key())
            })
        };
        state.standings.iter().filter(|(other, _)| tells(other)).any(|(_, standing)| match standing {
            Standing::Pending { resolved_by, .. } | Standing::Held { resolved_by } => known(*resolved_by),
            Standing::Failing { .. } | Standing::Cleared => false,
        })
    }

    /// M-81 d: the row that a failure joins, once all that it ends is counted.
    fn row_of(&self, here: usize, state: &mut State) -> usize {
        let fact = &self.facts[here];
        let run = fact.text("run_id");
        match state.standings.get(&fact.stream()) {
            Some(Standing::Failing { row }) => {
                let row = *row;
                state.trials.end(Ending::Again, run);
                if let Some(remedy) = fact.remedy() {
                    state.trials.fail(identity(remedy), run);
                    state.trials.name(identity(remedy), here);
                }
                return row;
            }
            Some(Standing::Pending { resolved_by, .. }) => {
                state.contradicting.insert(here);
                if let Some(remedy) = self.facts[*resolved_by].remedy() {
                    state.trials.fail(identity(remedy), run);
                }
            }
            Some(Standing::Held { .. }) => state.recurrences += 1,
            Some(Standing::Cleared) | None => {}
        }
        let (f, s) = state.taken(here, self.places, self.facts, self.rules);
        let row = state.rows.len();
        state.rows.push(Row { live: true, f, s });
        state.standings.insert(fact.stream(), Standing::Failing { row });
        row
    }

    /// M-82, for a key that the fact clears.
    fn clear(&self, here: usize, state: &mut State) {
        let fact = &self.facts[here];
        let failed_here = state.failed_at_subject_of(here, self.facts, self.rules);
        for failure in &mut state.failures {
            let earlier = &self.facts[failure.place];
            if earlier.same_subject(fact) && in_reach(earlier, fact, self.rules) {
                failure.cleared = true;
                failure.intermittent = true;
            }
        }
        match state.standings.get(&fact.stream()) {
            Some(Standing::Failing { row }) => self.end_row(here, *row, failed_here, state),
            Some(Standing::Cleared) => {
                if let Some(remedy) = fact.remedy().filter(|remedy| !is_momentary(remedy))
                    && !failed_here
                {
                    let (f, s) = state.taken(here, self.places, self.facts, self.rules);
                    state.trials.end(Ending::Remedy(identity(remedy)), fact.text("run_id"));
                    self.resolve(here, self.needed(f, s), state);
                }
            }
            Some(Standing::Pending { .. } | Standing::Held { .. }) | None => {}
        }
        if !failed_here {
            self.add_clean_run(here, state);
        }
    }

    fn needed(&self, f: u64, s: u64) -> u64 {
        proof(s + 1, f + s + 2, self.rules.number("proof_max"))
    }

    /// M-82 b.
    fn end_row(&self, here: usize, row: usize, failed_here: bool, state: &mut State) {
        let fact = &self.facts[here];
        let run = fact.text("run_id");
        let broken = state.broken(row, self.facts, self.rules);
        let Row { f, s, .. } = state.rows[row];
        let nothing_left = state.uncleared(row, self.facts) == 0;
        state.rows[row].live = false;
        match fact.remedy() {
            Some(remedy) if is_momentary(remedy) => {
                state.trials.end(Ending::Remedy(identity(remedy)), run);
                state.trials.work(identity(remedy), run);
                state.trials.name(identity(remedy), here);
                state.resolving.push(here);
                state.standings.insert(fact.stream(), Standing::Cleared);
            }
            _ if nothing_left || failed_here => {
                state.trials.end(Ending::Cleared, run);
                state.standings.insert(fact.stream(), Standing::Cleared);
            }
            remedy => {
                let ending = remedy.map_or(Ending::Unnamed, |remedy| Ending::Remedy(identity(remedy)));
                state.trials.end(ending, run);
                self.resolve(here, if broken { 1 } else { self.needed(f, s) }, state);
            }
        }
    }

    /// M-82 b and d: resolved, until enough clean runs are seen.
    fn resolve(&self, here: usize, needed: u64, state: &mut State) {
        let fact = &self.facts[here];
        if let Some(remedy) = fact.remedy() {
            state.trials.name(identity(remedy), here);
        }
        state.resolving.push(here);
        let pending = Standing::Pending { clean: BTreeSet::new(), needed, resolved_by: here };
        state.standings.insert(fact.stream(), pending);
    }

    /// M-82 c.
    fn add_clean_run(&self, here: usize, state: &mut State) {
        let fact = &self.facts[here];
        let Some(Standing::Pending { clean, needed, resolved_by }) = state.standings.get_mut(&fact.stream()) else {
            return;
        };
        clean.insert(fact.text("run_id").to_owned());
        if (clean.len() as u64) < *needed {
            return;
        }
        let resolved_by = *resolved_by;
        state.held += 1;
        let resolved = &self.facts[resolved_by];
        if let Some(remedy) = resolved.remedy() {
            state.trials.work(identity(remedy), resolved.text("run_id"));
        }
        state.standings.insert(fact.stream(), Standing::Held { resolved_by });
    }

    /// M-87.
    fn give_up(&self, here: usize, state: &mut State) {
        let fact = &self.facts[here];
        let Some(Standing::Failing { row }) = state.standings.get(&fact.stream()) else {
            return;
        };
        state.rows[*row].live = false;
        state.given_up += 1;
        state.trials.end(Ending::GivenUp, fact.text("run_id"));
        state.standings.remove(&fact.stream());
    }
}
