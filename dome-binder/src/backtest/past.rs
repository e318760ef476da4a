//! What is known at one moment of a history, and how the next fact changes it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use dome_core::{ActionKind, FailureReasonCode, RunId, Sha256Hash, TargetKind, TaskLine, Timestamp};

use super::concepts::ConceptPast;
use super::report::variants;
use crate::applied::{Application, AppliedCounts, ended};
use crate::capsule::{Capsule, CapsuleKind, finish};
use crate::eligibility::{Figures, Hold, Verdict, holds};
use crate::fold::{Applied, LineFigures, LineState, Rules, Step};
use crate::ledger::LineFact;
use crate::policy::Policy;
use crate::priors::{Memory, Prior, PriorsQuery, Rollout, Weight, priors};
use crate::remedy::RemedyRecord;
use crate::settle::Fact;

/// The question that a backtest asks before a fact: what a planner knows before it acts, which is the
/// task line and nothing of what will fail.
#[must_use]
pub fn question(line: &TaskLine) -> PriorsQuery {
    PriorsQuery { rollout: Rollout::Prescriptive, ..PriorsQuery::of(line.clone()) }
}

/// A remedy that an answer names first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its identity.
    pub identity: Sha256Hash,
    /// Its confidence.
    pub confidence_ppm: u64,
    /// Whether it promises nothing for the next task (M-78).
    pub momentary: bool,
    /// For a rerun, how many are advised.
    pub reruns: Option<u64>,
}

impl Offer {
    pub(super) fn of(record: &RemedyRecord) -> Self {
        let RemedyRecord { identity, confidence_ppm, momentary, reruns, .. } = *record;
        Self { identity, confidence_ppm, momentary, reruns }
    }
}

/// What is known of a task line before a fact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownBefore {
    /// Capsules of the line.
    pub exact: u64,
    /// How many of them are known on other lines too.
    pub elsewhere: u64,
    /// Concepts that the answer names.
    pub concepts: u64,
    /// The remedy that the answer names first.
    pub advised: Option<Offer>,
    /// The remedy of the prior that may be followed, if one may.
    pub prescribed: Option<Offer>,
    /// Whether only a guard at *no* keeps the line's first prior from steering (M-96).
    pub guard_held: bool,
    /// Whether the capsule of the failure that follows is among them.
    pub repeated: bool,
    /// Whether the answer starts with the capsule of the failure that follows.
    pub foreseen: bool,
}

impl KnownBefore {
    /// Whether there is an answer at all.
    #[must_use]
    pub const fn is_something(&self) -> bool {
        self.exact > 0 || self.concepts > 0
    }
}

/// What is known of a failure when it has just happened: of what came before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownAfter {
    /// Whether it happened before, on this task line.
    pub repeated: bool,
    /// Whether its concept is listed.
    pub concept: bool,
    /// The first remedy of its capsule.
    pub own: Option<Offer>,
    /// The first remedy of its concept.
    pub elsewhere: Option<Offer>,
    /// Whether work on it is mostly given up.
    pub dead_end: bool,
    /// Policies by which its capsule may be followed, as bits: the own one is bit 0, those of the sweep follow.
    pub(super) own_steers: u64,
    /// The same of its concept.
    pub(super) elsewhere_steers: u64,
}

impl KnownAfter {
    /// The remedy that the answer names first.
    #[must_use]
    pub fn advised(&self) -> Option<Offer> {
        self.own.or(self.elsewhere)
    }

    /// The remedy of the prior that may be followed, if one may.
    #[must_use]
    pub fn prescribed(&self) -> Option<Offer> {
        self.prescribed_by(0)
    }

    pub(super) fn prescribed_by(&self, policy: usize) -> Option<Offer> {
        let own = self.own.filter(|_| self.own_steers & 1 << policy != 0);
        own.or(self.elsewhere.filter(|_| self.elsewhere_steers & 1 << policy != 0))
    }
}

/// The memory between two facts of a history, in total order: what [`crate::replay`] of the facts so
/// far gives, kept up to date by what each next fact changes.
///
/// ```
/// use dome_binder::backtest::Past;
/// # use dome_binder::{Ledger, Policy, Record, Rules};
/// # use dome_core::{CodeTable, Source};
/// # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
/// # let rules = Rules { policy: Policy::default(), codes: CodeTable::parse(table)?, mode: None, contracts: None };
/// # let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// # let record = Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
/// # let ledger = Ledger::of(vec![Box::new(record)], &rules.codes);
/// let mut past = Past::new(&rules);
/// for fact in ledger.line_facts() {
///     assert_eq!(past.before(fact.fact).exact, 0, "nothing is known before the first fact");
///     past.learn(&fact);
///     assert_eq!(past.before(fact.fact).exact, 1);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Past<'l> {
    rules: &'l Rules,
    /// The own policy, then those of the sweep.
    policies: Vec<Policy>,
    /// Each task line's capsules, by line key.
    shelves: BTreeMap<Sha256Hash, Shelf>,
    homes: BTreeMap<Sha256Hash, Sha256Hash>,
    concepts: BTreeMap<Sha256Hash, ConceptPast>,
    /// Concepts that are listed, by kind of work.
    listed: BTreeMap<Work, BTreeSet<Sha256Hash>>,
    /// Runs whose application of a capsule is counted (M-84).
    counted: BTreeSet<(Sha256Hash, &'l RunId)>,
}

/// A kind of work: what concepts are looked for by, where nothing is known of a task line.
type Work = (TargetKind, ActionKind);

impl<'l> Past<'l> {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(rules: &'l Rules) -> Self {
        let mut policies = vec![rules.policy.clone()];
        policies.extend(variants(&rules.policy).map(|(_, _, policy)| policy));
        Self {
            rules,
            policies,
            shelves: BTreeMap::new(),
            homes: BTreeMap::new(),
            concepts: BTreeMap::new(),
            listed: BTreeMap::new(),
            counted: BTreeSet::new(),
        }
    }

    /// What is known of a fact's task line, at its time and before it happens.
    ///
    /// `&mut` only puts in order what earlier facts have left out of it.
    pub fn before(&mut self, fact: &Fact) -> KnownBefore {
        self.of_line(&fact.keys.task_line, fact.keys.derived, fact.ordered_ts)
    }

    /// The same of any line, at an instant; `follows` is the failure that comes.
    pub fn of_line(&mut self, line: &TaskLine, follows: Sha256Hash, as_of: Timestamp) -> KnownBefore {
        let shelf = self.shelves.get(&line.key()).filter(|shelf| !shelf.capsules.is_empty());
        let work = (line.target_kind.clone(), line.action_kind.clone());
        let sought = shelf.map_or_else(|| self.listed.get(&work), |shelf| Some(&shelf.listed));
        let named: Vec<Sha256Hash> = sought.into_iter().flatten().copied().collect();
        let mut concepts: Vec<ConceptPlace> = Vec::new();
        for key in &named {
            let concept = self.concepts.get_mut(key).and_then(|concept| concept.figures(self.rules));
            let Some((figures, offer)) = concept else { continue };
            let verdict = Verdict::of(&holds(&figures, &self.rules.policy, Some(as_of)));
            let weight = (offer.map(|offer| offer.confidence_ppm), offer.map_or(0, |offer| offer.confidence_ppm));
            let weight = (weight.0, weight.1, figures.support_count, figures.last_seen_ts);
            concepts.push((Reverse(verdict), Reverse(weight), *key, offer));
        }
        let first = concepts.iter().min_by_key(|(verdict, weight, key, _)| (*verdict, *weight, *key));
        let (advised, steering) = match first {
            Some((verdict, .., offer)) => (*offer, *verdict == Reverse(Verdict::Prescriptive)),
            None => (None, false),
        };
        let by_concept = advised.filter(|_| steering);
        let known = KnownBefore { concepts: named.len() as u64, ..KnownBefore::default() };
        match shelf {
            None => KnownBefore { advised, prescribed: by_concept, ..known },
            Some(shelf) => shelf.known(known, by_concept, follows, &self.rules.policy, as_of),
        }
    }

    /// What is known of a fact's failure when it has just happened, of what came before it. It is not stale.
    pub fn after(&mut self, fact: &Fact) -> KnownAfter {
        let mut known = KnownAfter::default();
        if let Some(shelf) = self.shelves.get(&fact.keys.line)
            && let Some(own) = shelf.capsules.get(&fact.keys.derived)
        {
            let figures = Figures { guard_denied: shelf.figures.guard_denied, ..own.figures };
            known.repeated = true;
            known.own = own.offer;
            known.dead_end = holds(&figures, &self.rules.policy, None).contains(&Hold::DeadEnd);
            known.own_steers = self.steers(&figures);
        }
        let concept = self.concepts.get_mut(&fact.keys.concept).filter(|concept| concept.is_listed);
        if let Some((figures, offer)) = concept.and_then(|concept| concept.figures(self.rules)) {
            (known.concept, known.elsewhere) = (true, offer);
            known.elsewhere_steers = self.steers(&figures);
        }
        known
    }

    fn steers(&self, figures: &Figures) -> u64 {
        let steering = |(bit, policy): (usize, &Policy)| u64::from(holds(figures, policy, None).is_empty()) << bit;
        self.policies.iter().enumerate().map(steering).sum()
    }

    /// The prior that the answer before a fact starts with, if it is of the fact's task line.
    pub fn best(&mut self, fact: &Fact) -> Option<Prior> {
        let (rules, as_of) = (self.rules, Some(fact.ordered_ts));
        let shelf = self.shelves.get_mut(&fact.keys.line)?;
        let key = shelf.best(&rules.policy, fact.ordered_ts)?;
        let (applied, figures) = (shelf.capsules.get(&key)?.applied, shelf.figures);
        let capsules = [finish(shelf.state.capsule(&key, rules)?, applied, figures, rules, as_of)];
        let memory =
            Memory { capsules: &capsules, concepts: &[], policy: &rules.policy, as_of, sources: BTreeMap::new() };
        priors(&memory, &question(&fact.keys.task_line)).priors.into_iter().next()
    }

    /// What failed where a capsule is of.
    pub(super) fn code_of(&self, key: &Sha256Hash) -> Option<FailureReasonCode> {
        let shelf = self.shelves.get(self.homes.get(key)?)?;
        Some(shelf.state.find(key)?.failure_reason_code.clone())
    }

    /// The next fact in total order happens.
    pub fn learn(&mut self, line_fact: &LineFact<'l>) -> Step {
        let fact = line_fact.fact;
        // M-84 asks what earlier facts have minted, so before this one does.
        let applied_home = fact.applied_capsule().and_then(|key| self.homes.get(key).copied());
        let home = fact.keys.line;
        let shelf = self.shelves.entry(home).or_default();
        let step = shelf.state.push(line_fact, self.rules);
        shelf.figures = shelf.state.figures();
        let changed: BTreeSet<Sha256Hash> = step.effects.iter().map(|effect| effect.key).collect();
        for key in &changed {
            self.put(home, *key, Some((fact, &step)), None);
        }
        if let (Some(applied), Some(home)) = (&step.applied, applied_home) {
            self.apply(applied, &fact.run_id, home);
        }
        step
    }

    fn put(&mut self, home: Sha256Hash, key: Sha256Hash, by: Option<(&Fact, &Step)>, application: Option<Application>) {
        let Some(shelf) = self.shelves.get_mut(&home) else { return };
        let Some(capsule) = shelf.put(key, application, self.rules) else { return };
        let Some(state) = shelf.state.find(&key) else { return };
        self.homes.insert(key, home);
        let concept = self.concepts.entry(capsule.concept_key).or_default();
        let is_new = concept.lines.insert(home);
        let (lines, was_listed) = (concept.lines.len(), concept.is_listed);
        if capsule.kind == CapsuleKind::Failure {
            concept.change(state, &capsule, by, self.rules);
        }
        let is_listed = concept.is_listed;
        let elsewhere: Vec<Sha256Hash> = match (is_new, lines) {
            (false, _) | (_, 1) => Vec::new(),
            (true, 2) => concept.lines.iter().copied().collect(),
            (true, _) => vec![home],
        };
        let named: Vec<Sha256Hash> = match (is_listed, was_listed) {
            (true, false) => concept.lines.iter().copied().collect(),
            (true, true) if is_new => vec![home],
            _ => Vec::new(),
        };
        elsewhere.iter().for_each(|line| self.shelves.entry(*line).or_default().elsewhere += 1);
        for line in named {
            self.shelves.entry(line).or_default().listed.insert(capsule.concept_key);
        }
        if is_listed && !was_listed {
            self.listed.entry((capsule.target_kind, capsule.action_kind)).or_default().insert(capsule.concept_key);
        }
    }

    /// A fact applied a capsule that some earlier fact minted (M-84).
    fn apply(&mut self, applied: &Applied, run: &'l RunId, home: Sha256Hash) {
        let key = applied.capsule;
        let Some(state) = self.shelves.get(&home).and_then(|shelf| shelf.state.find(&key)) else { return };
        let application = ended(applied, &state.keys.concept);
        if !applied.spoke_already && application.is_counted() && self.counted.insert((key, run)) {
            self.put(home, key, None, Some(application));
        }
    }
}

/// A concept's place in an answer, and what it offers.
type ConceptPlace = (Reverse<Verdict>, Reverse<Weight>, Sha256Hash, Option<Offer>);

/// A capsule, as far as its place and its eligibility go.
#[derive(Clone, Debug)]
struct Shelved {
    applied: AppliedCounts,
    /// What M-92 looks at, whatever guards say.
    figures: Figures,
    offer: Option<Offer>,
}

/// A capsule's place among those of one verdict; the least comes first.
type ShelfPlace = (Reverse<Weight>, Sha256Hash);

impl Shelved {
    fn place(&self, key: Sha256Hash) -> ShelfPlace {
        let confidence = self.offer.map(|offer| offer.confidence_ppm);
        let Figures { support_count, last_seen_ts, .. } = self.figures;
        (Reverse((confidence, confidence.unwrap_or_default(), support_count, last_seen_ts)), key)
    }

    fn verdict(&self, policy: &Policy, as_of: Option<Timestamp>) -> Reverse<Verdict> {
        Reverse(Verdict::of(&holds(&self.figures, policy, as_of)))
    }
}

#[derive(Debug, Default)]
struct Shelf {
    state: LineState,
    figures: LineFigures,
    capsules: BTreeMap<Sha256Hash, Shelved>,
    /// All capsules, by the verdict that they would have if neither time nor guards mattered.
    places: BTreeMap<Reverse<Verdict>, BTreeSet<ShelfPlace>>,
    /// Capsules that are the same failure as one of another line.
    elsewhere: u64,
    /// Concepts of its capsules that are listed.
    listed: BTreeSet<Sha256Hash>,
}

impl Shelf {
    fn put(&mut self, key: Sha256Hash, application: Option<Application>, rules: &Rules) -> Option<Capsule> {
        let before = self.capsules.get(&key);
        let mut applied = before.map_or_else(AppliedCounts::default, |before| before.applied);
        application.into_iter().for_each(|application| applied.add(application));
        let line = LineFigures { guard_denied: false, ..self.figures };
        let capsule = finish(self.state.capsule(&key, rules)?, applied, line, rules, None);
        let shelved = Shelved { applied, figures: capsule.figures(), offer: capsule.remedies.first().map(Offer::of) };
        if let Some(before) = before {
            self.places.entry(before.verdict(&rules.policy, None)).or_default().remove(&before.place(key));
        }
        self.places.entry(shelved.verdict(&rules.policy, None)).or_default().insert(shelved.place(key));
        self.capsules.insert(key, shelved);
        Some(capsule)
    }

    fn best(&self, policy: &Policy, as_of: Timestamp) -> Option<Sha256Hash> {
        if self.figures.guard_denied {
            // All have one verdict.
            return self.places.values().filter_map(BTreeSet::first).min().map(|(_, key)| *key);
        }
        self.best_of(policy, as_of)
    }

    /// The best, whatever guards say.
    fn best_of(&self, policy: &Policy, as_of: Timestamp) -> Option<Sha256Hash> {
        let mut best: Option<(Reverse<Verdict>, ShelfPlace)> = None;
        for (verdict, place) in self.places.iter().flat_map(|(verdict, of)| of.iter().map(|place| (*verdict, *place))) {
            // Time only makes a verdict worse, so what comes later in this order cannot win any more.
            if best.is_some_and(|best| best <= (verdict, place)) {
                break;
            }
            let now = (self.capsules.get(&place.1)?.verdict(policy, Some(as_of)), place);
            best = Some(best.map_or(now, |best| best.min(now)));
        }
        best.map(|(_, (_, key))| key)
    }

    fn known(
        &self,
        known: KnownBefore,
        by_concept: Option<Offer>,
        follows: Sha256Hash,
        policy: &Policy,
        as_of: Timestamp,
    ) -> KnownBefore {
        let best = self.best(policy, as_of);
        let steering = self.best_of(policy, as_of).and_then(|key| self.capsules.get(&key));
        let steering = steering.filter(|best| best.verdict(policy, Some(as_of)) == Reverse(Verdict::Prescriptive));
        let denied = self.figures.guard_denied;
        let own = steering.filter(|_| !denied).and_then(|best| best.offer);
        KnownBefore {
            exact: self.capsules.len() as u64,
            elsewhere: self.elsewhere,
            advised: best.and_then(|key| self.capsules.get(&key)).and_then(|best| best.offer),
            prescribed: own.or(by_concept),
            guard_held: denied && steering.is_some(),
            repeated: self.capsules.contains_key(&follows),
            foreseen: best == Some(follows),
            ..known
        }
    }
}
