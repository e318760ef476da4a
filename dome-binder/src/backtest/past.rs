//! What is known at one moment of a history, and how the next fact changes it.

use std::collections::{BTreeMap, BTreeSet};

use dome_core::{RunId, Sha256Hash, TaskLine};

use super::concepts::Concepts;
use super::shelf::Shelf;
use super::sweep::Sweep;
use crate::applied::{Outcome, run_outcome};
use crate::fold::{Applied, Effect, Rules, Step};
use crate::ledger::LineFact;
use crate::priors::{Memory, Prior, PriorsQuery, Rollout, priors};
use crate::settle::Fact;

/// The question that a backtest asks before a fact: what a planner knows before it acts, which is the
/// task line and nothing of what will fail.
#[must_use]
pub fn question(line: &TaskLine) -> PriorsQuery {
    PriorsQuery { rollout: Rollout::Prescriptive, ..PriorsQuery::of(line.clone()) }
}

/// What is known of a task line at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Capsules of the line.
    pub exact: u64,
    /// How many of them are known on other lines too.
    pub elsewhere: u64,
    /// Concepts that the answer names.
    pub concepts: u64,
    /// The prior that the answer starts with, if it is of the line.
    pub best: Option<Box<Prior>>,
    /// The concept that the answer starts with where nothing is known of the line.
    pub concept: Option<Sha256Hash>,
    /// The remedy that the answer names first.
    pub remedy: Option<Sha256Hash>,
    /// Whether only a guard at *no* keeps a prior from steering (M-96).
    pub guard_held: bool,
    /// Whether the capsule of the failure that follows is among them.
    pub repeated: bool,
    /// The remedy that each policy would let steer, the own policy first; empty where none would.
    pub(super) offers: Vec<Option<Sha256Hash>>,
}

impl Known {
    /// Whether there is an answer at all.
    #[must_use]
    pub const fn is_something(&self) -> bool {
        self.exact > 0 || self.concepts > 0
    }

    /// The remedy of the prior that may be followed under the own policy, if one may.
    #[must_use]
    pub fn prescribed(&self) -> Option<Sha256Hash> {
        self.offers.first().copied().flatten()
    }
}

/// The memory between two facts of a history, in total order: what [`crate::replay`] of the facts so
/// far comes to, kept up to date by what each next fact changes.
///
/// ```
/// use dome_binder::backtest::{Past, facts};
/// # use dome_binder::{group_by_run, order, settle, Policy, Record, Rules};
/// # use dome_core::{CodeTable, Source};
/// # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
/// # let rules = Rules { policy: Policy::default(), codes: CodeTable::parse(table)?, mode: None };
/// # let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// # let record = Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
/// # let ledger = order(group_by_run(vec![Box::new(record)]).into_iter().map(settle).collect());
/// let mut past = Past::new(&rules);
/// for fact in facts(&ledger) {
///     assert_eq!(past.ask(fact.fact).exact, 0, "nothing is known before the first fact");
///     past.learn(&fact);
///     assert_eq!(past.ask(fact.fact).exact, 1);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Past<'l> {
    rules: &'l Rules,
    pub(super) sweep: Sweep,
    /// Each task line's capsules, by line key.
    shelves: BTreeMap<Sha256Hash, Shelf>,
    /// The task line of each capsule, by derived key.
    homes: BTreeMap<Sha256Hash, Sha256Hash>,
    concepts: Concepts,
    /// Runs whose application of a capsule is counted (M-84).
    counted: BTreeSet<(Sha256Hash, &'l RunId)>,
}

impl<'l> Past<'l> {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(rules: &'l Rules) -> Self {
        Self {
            rules,
            sweep: Sweep::of(&rules.policy),
            shelves: BTreeMap::new(),
            homes: BTreeMap::new(),
            concepts: Concepts::default(),
            counted: BTreeSet::new(),
        }
    }

    /// What is known of a fact's task line, at its time and before it happens.
    ///
    /// `&mut` only puts places in order that earlier facts have left out of it.
    pub fn ask(&mut self, fact: &Fact) -> Known {
        match self.shelves.get(&fact.keys.line).filter(|shelf| shelf.len() > 0) {
            Some(shelf) => exact(shelf, fact, self.rules, &self.sweep),
            None => self.stranger(&fact.keys.task_line),
        }
    }

    /// What is known where nothing is known of the task line: perhaps something of its kind of work.
    pub fn stranger(&mut self, line: &TaskLine) -> Known {
        match self.concepts.of_work(&line.target_kind, &line.action_kind) {
            Some((concepts, key, remedy)) => Known { concepts, concept: Some(key), remedy, ..Known::default() },
            None => Known::default(),
        }
    }

    /// The next fact in total order happens.
    pub fn learn(&mut self, line_fact: &LineFact<'l>) -> Step {
        let fact = line_fact.fact;
        // M-84 asks what earlier facts have minted, so before this one does.
        let applied_home = fact.applied_capsule().and_then(|key| self.homes.get(key).copied());
        let home = fact.keys.line;
        let step = self.shelves.entry(home).or_default().state.push(line_fact, self.rules);
        let changed: BTreeSet<Sha256Hash> = step.effects.iter().map(Effect::key).collect();
        for key in &changed {
            self.put(home, *key, &step.effects);
        }
        if let (Some(applied), Some(home)) = (&step.applied, applied_home) {
            self.apply(applied, &fact.run_id, home);
        }
        step
    }

    /// A capsule changed.
    fn put(&mut self, home: Sha256Hash, key: Sha256Hash, effects: &[Effect]) {
        let Some(shelf) = self.shelves.get_mut(&home) else { return };
        let Some((before, after)) = shelf.put(key, self.rules, &self.sweep) else { return };
        let Some(state) = shelf.state.capsule(&key) else { return };
        self.homes.insert(key, home);
        let spread = self.concepts.change((home, state), (before, &after), effects, &self.rules.policy);
        for line in spread.elsewhere {
            self.shelves.get_mut(&line).into_iter().for_each(|shelf| shelf.elsewhere += 1);
        }
        for line in spread.listed {
            self.shelves.get_mut(&line).into_iter().for_each(|shelf| shelf.listed += 1);
        }
    }

    /// A fact applied a capsule that some earlier fact minted (M-84).
    fn apply(&mut self, applied: &Applied, run: &'l RunId, home: Sha256Hash) {
        let key = applied.capsule;
        let Some(shelf) = self.shelves.get_mut(&home) else { return };
        let Some(gates) = shelf.state.capsule(&key).map(|state| state.failed_gates.as_slice()) else { return };
        let Some(outcome) = run_outcome(std::slice::from_ref(applied), gates) else { return };
        if !self.counted.insert((key, run)) {
            return;
        }
        let counts = shelf.applied(key);
        match outcome {
            Outcome::Confirmed => counts.confirmed_count += 1,
            Outcome::Refuted => counts.refuted_count += 1,
            Outcome::Blocked => counts.blocked_count += 1,
        }
        self.put(home, key, &[]);
    }
}

/// What is known of a line that has capsules.
fn exact(shelf: &Shelf, fact: &Fact, rules: &Rules, sweep: &Sweep) -> Known {
    let as_of = fact.ordered_ts;
    let best = shelf.best(&rules.policy, as_of).and_then(|key| shelf.capsule(key, rules, as_of));
    let best = best.and_then(|capsule| {
        let capsules = std::slice::from_ref(&capsule);
        let memory =
            Memory { capsules, concepts: &[], policy: &rules.policy, as_of: Some(as_of), sources: BTreeMap::new() };
        priors(&memory, &question(&fact.keys.task_line)).priors.into_iter().next()
    });
    let mut offers = shelf.offers(&sweep.policies(&rules.policy), as_of);
    let guard_held = shelf.state.guard_denied() && offers.first().is_some_and(Option::is_some);
    if shelf.state.guard_denied() || offers.iter().all(Option::is_none) {
        offers = Vec::new();
    }
    Known {
        exact: shelf.len(),
        elsewhere: shelf.elsewhere,
        concepts: shelf.listed,
        remedy: best.as_ref().and_then(|prior| prior.remedies.first()).map(|record| record.identity),
        best: best.map(Box::new),
        concept: None,
        guard_held,
        repeated: shelf.has(&fact.keys.derived),
        offers,
    }
}
