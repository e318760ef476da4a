//! What is known at one moment of a history, and how the next fact changes it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use dome_core::{ActionKind, RunId, Sha256Hash, TargetId, TargetKind, TaskLine, Timestamp};

use super::report::variants;
use crate::applied::{Application, AppliedCounts, ended};
use crate::capsule::{CapsuleKind, finish};
use crate::concept::is_listed;
use crate::confidence::confidence_ppm;
use crate::eligibility::{Figures, Verdict, holds};
use crate::fold::{Applied, CapsuleState, Effect, LineState, Remedies, RemedyState, Rules, Step};
use crate::ledger::LineFact;
use crate::policy::Policy;
use crate::priors::{Memory, Prior, PriorsQuery, Rollout, Weight, priors};
use crate::remedy::best_remedies;
use crate::settle::Fact;

/// The question that a backtest asks before a fact: what a planner knows before it acts, which is the
/// task line and nothing of what will fail.
#[must_use]
pub fn question(line: &TaskLine) -> PriorsQuery {
    PriorsQuery { rollout: Rollout::Prescriptive, ..PriorsQuery::of(line.clone()) }
}

/// What is known of a task line at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownBefore {
    /// Capsules of the line.
    pub exact: u64,
    /// How many of them are known on other lines too.
    pub elsewhere: u64,
    /// Concepts that the answer names.
    pub concepts: u64,
    /// The concept that the answer starts with where nothing is known of the line.
    pub concept: Option<Sha256Hash>,
    /// The remedy that the answer names first.
    pub remedy: Option<Sha256Hash>,
    /// Whether only a guard at *no* keeps a prior from steering (M-96).
    pub guard_held: bool,
    /// Whether the capsule of the failure that follows is among them.
    pub repeated: bool,
    /// Whether the answer starts with the capsule of the failure that follows.
    pub foreseen: bool,
    pub(super) offers: Offers,
}

impl KnownBefore {
    /// Whether there is an answer at all.
    #[must_use]
    pub const fn is_something(&self) -> bool {
        self.exact > 0 || self.concepts > 0
    }

    /// The remedy of the prior that may be followed under the own policy, if one may.
    #[must_use]
    pub fn prescribed(&self) -> Option<Sha256Hash> {
        self.offers.of(0)
    }
}

/// The remedies that policies let be followed, each with its policies as bits: the own one is bit 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offers(Box<[(Sha256Hash, u64)]>);

impl Offers {
    pub(super) fn of(&self, policy: usize) -> Option<Sha256Hash> {
        self.0.iter().find(|(_, policies)| policies & (1 << policy) != 0).map(|(remedy, _)| *remedy)
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
/// # let rules = Rules { policy: Policy::default(), codes: CodeTable::parse(table)?, mode: None };
/// # let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// # let record = Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
/// # let ledger = Ledger::of(vec![Box::new(record)]);
/// let mut past = Past::new(&rules);
/// for fact in ledger.line_facts() {
///     assert_eq!(past.ask(fact.fact).exact, 0, "nothing is known before the first fact");
///     past.learn(&fact);
///     assert_eq!(past.ask(fact.fact).exact, 1);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Past<'l> {
    by: SweptRules<'l>,
    /// Each task line's capsules, by line key.
    shelves: BTreeMap<Sha256Hash, Shelf>,
    homes: BTreeMap<Sha256Hash, Sha256Hash>,
    concepts: Concepts,
    /// Runs whose application of a capsule is counted (M-84).
    counted: BTreeSet<(Sha256Hash, &'l RunId)>,
}

#[derive(Debug)]
struct SweptRules<'l> {
    rules: &'l Rules,
    /// The own policy, then those of the sweep.
    policies: Vec<Policy>,
    /// Lets steer whatever one of the others does.
    loosest: Policy,
}

impl<'l> Past<'l> {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(rules: &'l Rules) -> Self {
        let mut policies = vec![rules.policy.clone()];
        policies.extend(variants(&rules.policy).map(|(_, _, policy)| policy));
        let mut loosest = rules.policy.clone();
        for policy in &policies {
            loosest.min_confidence_ppm = loosest.min_confidence_ppm.min(policy.min_confidence_ppm);
            loosest.min_support = loosest.min_support.min(policy.min_support);
            loosest.min_run_count = loosest.min_run_count.min(policy.min_run_count);
            loosest.max_contradiction_ppm = loosest.max_contradiction_ppm.max(policy.max_contradiction_ppm);
            loosest.max_staleness_s = loosest.max_staleness_s.max(policy.max_staleness_s);
        }
        Self {
            by: SweptRules { rules, policies, loosest },
            shelves: BTreeMap::new(),
            homes: BTreeMap::new(),
            concepts: Concepts::default(),
            counted: BTreeSet::new(),
        }
    }

    /// What is known of a fact's task line, at its time and before it happens.
    ///
    /// `&mut` only puts in order what earlier facts have left out of it.
    pub fn ask(&mut self, fact: &Fact) -> KnownBefore {
        match self.shelves.get(&fact.keys.line).filter(|shelf| !shelf.capsules.is_empty()) {
            Some(shelf) => shelf.known(fact, &self.by),
            None => self.stranger(&fact.keys.task_line),
        }
    }

    /// What is known where nothing is known of the task line: perhaps something of its kind of work.
    pub fn stranger(&mut self, line: &TaskLine) -> KnownBefore {
        let nothing = KnownBefore::default();
        match self.concepts.of_work(&line.target_kind, &line.action_kind) {
            Some((concepts, key, remedy)) => KnownBefore { concepts, concept: Some(key), remedy, ..nothing },
            None => nothing,
        }
    }

    /// The prior that the answer before a fact starts with, if it is of the fact's task line.
    #[must_use]
    pub fn best(&self, fact: &Fact) -> Option<Prior> {
        let (shelf, rules, as_of) = (self.shelves.get(&fact.keys.line)?, self.by.rules, Some(fact.ordered_ts));
        let key = shelf.best(&rules.policy, fact.ordered_ts)?;
        let applied = shelf.capsules.get(&key)?.applied;
        let capsules = [finish(shelf.state.capsule(&key)?, applied, shelf.state.guard_denied(), rules, as_of)];
        let memory =
            Memory { capsules: &capsules, concepts: &[], policy: &rules.policy, as_of, sources: BTreeMap::new() };
        priors(&memory, &question(&fact.keys.task_line)).priors.into_iter().next()
    }

    /// The next fact in total order happens.
    pub fn learn(&mut self, line_fact: &LineFact<'l>) -> Step {
        let fact = line_fact.fact;
        // M-84 asks what earlier facts have minted, so before this one does.
        let applied_home = fact.applied_capsule().and_then(|key| self.homes.get(key).copied());
        let home = fact.keys.line;
        let step = self.shelves.entry(home).or_default().state.push(line_fact, self.by.rules);
        let changed: BTreeSet<Sha256Hash> = step.effects.iter().map(Effect::key).collect();
        for key in &changed {
            self.put(home, *key, &step.effects, None);
        }
        if let (Some(applied), Some(home)) = (&step.applied, applied_home) {
            self.apply(applied, &fact.run_id, home);
        }
        step
    }

    fn put(&mut self, home: Sha256Hash, key: Sha256Hash, effects: &[Effect], application: Option<Application>) {
        let Some(shelf) = self.shelves.get_mut(&home) else { return };
        let Some(after) = shelf.put(key, application, &self.by) else { return };
        let Some(state) = shelf.state.capsule(&key) else { return };
        self.homes.insert(key, home);
        let (elsewhere, listed) = self.concepts.change((home, state), &after, effects, &self.by.rules.policy);
        let mut each = |lines: Vec<Sha256Hash>, count: fn(&mut Shelf) -> &mut u64| {
            lines.iter().for_each(|line| *count(self.shelves.entry(*line).or_default()) += 1);
        };
        each(elsewhere, |shelf| &mut shelf.elsewhere);
        each(listed, |shelf| &mut shelf.listed);
    }

    /// A fact applied a capsule that some earlier fact minted (M-84).
    fn apply(&mut self, applied: &Applied, run: &'l RunId, home: Sha256Hash) {
        let key = applied.capsule;
        let Some(state) = self.shelves.get(&home).and_then(|shelf| shelf.state.capsule(&key)) else { return };
        let application = ended(applied, &state.failed_gates);
        if !applied.spoke_already && application.is_counted() && self.counted.insert((key, run)) {
            self.put(home, key, &[], Some(application));
        }
    }
}

/// A capsule, as far as its place and its eligibility go.
#[derive(Clone, Debug)]
struct Shelved {
    applied: AppliedCounts,
    /// What M-92 looks at, whatever guards say.
    figures: Figures,
    remedy: Option<Sha256Hash>,
}

/// A capsule's place among those of one verdict; the least comes first.
type ShelfPlace = (Reverse<Weight>, Sha256Hash);

impl Shelved {
    fn place(&self, key: Sha256Hash) -> ShelfPlace {
        let Figures { remedy_confidence_ppm, confidence_ppm, support_count, last_seen_ts, .. } = self.figures;
        (Reverse((remedy_confidence_ppm, confidence_ppm, support_count, last_seen_ts)), key)
    }

    fn verdict(&self, policy: &Policy, as_of: Option<Timestamp>) -> Reverse<Verdict> {
        Reverse(Verdict::of(&holds(&self.figures, policy, as_of)))
    }
}

#[derive(Debug, Default)]
struct Shelf {
    state: LineState,
    capsules: BTreeMap<Sha256Hash, Shelved>,
    /// All capsules, by the verdict that they would have if neither time nor guards mattered.
    places: BTreeMap<Reverse<Verdict>, BTreeSet<ShelfPlace>>,
    /// Those that some policy of the sweep could let steer.
    candidates: BTreeSet<ShelfPlace>,
    /// Capsules that are the same failure as one of another line.
    elsewhere: u64,
    listed: u64,
}

impl Shelf {
    fn put(&mut self, key: Sha256Hash, application: Option<Application>, by: &SweptRules<'_>) -> Option<Figures> {
        let (state, policy) = (self.state.capsule(&key)?, &by.rules.policy);
        let before = self.capsules.get(&key);
        let mut applied = before.map_or_else(AppliedCounts::default, |before| before.applied);
        application.into_iter().for_each(|application| applied.add(application));
        let capsule = finish(state, applied, false, by.rules, None);
        let after = capsule.figures();
        let remedy = capsule.remedies.first().map(|first| first.identity);
        let shelved = Shelved { applied, figures: after, remedy };
        if let Some(before) = before {
            self.places.entry(before.verdict(policy, None)).or_default().remove(&before.place(key));
            self.candidates.remove(&before.place(key));
        }
        self.places.entry(shelved.verdict(policy, None)).or_default().insert(shelved.place(key));
        if holds(&after, &by.loosest, None).is_empty() {
            self.candidates.insert(shelved.place(key));
        }
        self.capsules.insert(key, shelved);
        Some(after)
    }

    fn best(&self, policy: &Policy, as_of: Timestamp) -> Option<Sha256Hash> {
        if self.state.guard_denied() {
            // All have one verdict.
            return self.places.values().filter_map(BTreeSet::first).min().map(|(_, key)| *key);
        }
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

    /// What each policy would let steer, whatever guards say.
    fn offers(&self, policies: &[Policy], as_of: Timestamp) -> Offers {
        let mut offers: BTreeMap<Sha256Hash, u64> = BTreeMap::new();
        let mut waiting: Vec<(usize, &Policy)> = policies.iter().enumerate().collect();
        for (Reverse((remedy_ppm, ..)), key) in &self.candidates {
            // Candidates come by the confidence of their remedy: it only gets lower.
            waiting.retain(|(_, policy)| remedy_ppm.is_some_and(|ppm| ppm >= policy.min_confidence_ppm));
            let Some(Shelved { figures, remedy, .. }) = self.capsules.get(key).filter(|_| !waiting.is_empty()) else {
                break;
            };
            waiting.retain(|(number, policy)| {
                let steers = holds(figures, policy, Some(as_of)).is_empty();
                if let (true, Some(remedy)) = (steers, remedy) {
                    *offers.entry(*remedy).or_default() |= 1 << number;
                }
                !steers
            });
        }
        Offers(offers.into_iter().collect())
    }

    fn known(&self, fact: &Fact, by: &SweptRules<'_>) -> KnownBefore {
        let best = self.best(&by.rules.policy, fact.ordered_ts);
        let offers = self.offers(&by.policies, fact.ordered_ts);
        let denied = self.state.guard_denied();
        KnownBefore {
            exact: self.capsules.len() as u64,
            elsewhere: self.elsewhere,
            concepts: self.listed,
            concept: None,
            remedy: best.and_then(|key| self.capsules.get(&key)).and_then(|best| best.remedy),
            guard_held: denied && offers.of(0).is_some(),
            repeated: self.capsules.contains_key(&fact.keys.derived),
            foreseen: best == Some(fact.keys.derived),
            offers: if denied { Offers::default() } else { offers },
        }
    }
}

/// A kind of work: what concepts are looked for by, where nothing is known of a task line.
type Work = (TargetKind, ActionKind);

#[derive(Debug, Default)]
struct Summed {
    /// The lines that have a capsule with this key, whatever its kind; no line has two.
    lines: BTreeSet<Sha256Hash>,
    failures: BTreeMap<Sha256Hash, Figures>,
    targets: BTreeSet<TargetId>,
    support: u64,
    successes: u64,
    contradictions: u64,
    last_seen: Option<Timestamp>,
    remedies: Remedies,
    listed: bool,
    /// Its place among the listed ones, once it was looked for.
    place: Option<Reverse<Weight>>,
}

impl Summed {
    fn add(&mut self, state: &CapsuleState, after: &Figures) {
        let before = self.failures.insert(state.keys.derived, *after);
        let more = |of: fn(&Figures) -> u64| of(after) - before.as_ref().map_or(0, of);
        self.support += more(|figures| figures.support_count);
        self.successes += more(|figures| figures.successes);
        self.contradictions += more(|figures| figures.failures);
        self.last_seen = self.last_seen.max(Some(after.last_seen_ts));
        if before.is_none() {
            self.targets.insert(state.line.target_id.clone());
        }
    }

    /// What M-83 counts of remedies. A capsule has none before it is a failure, so all pass here.
    fn remedy(&mut self, state: &CapsuleState, effect: &Effect) {
        match effect {
            Effect::Resolved { remedy: Some((identity, _)), new_run, .. } => {
                let Some(own) = state.remedies.get(identity) else { return };
                let sum = self.remedies.entry(*identity).or_insert_with(|| {
                    Box::new(RemedyState { count: 0, contradicted_count: 0, ..RemedyState::clone(own) })
                });
                sum.count += u64::from(*new_run);
                sum.last = own.last.clone();
            }
            Effect::Contradicted { remedy: Some(identity), .. } => {
                if let Some(sum) = self.remedies.get_mut(identity) {
                    sum.contradicted_count += 1;
                }
            }
            _ => {}
        }
    }

    fn weight(&self) -> Option<Weight> {
        let remedy = best_remedies(&self.remedies).first().map(|best| best.confidence_ppm);
        Some((remedy, confidence_ppm(self.successes, self.contradictions), self.support, self.last_seen?))
    }
}

#[derive(Debug, Default)]
struct ListedConcepts {
    places: BTreeSet<(Reverse<Weight>, Sha256Hash)>,
    moved: BTreeSet<Sha256Hash>,
}

#[derive(Debug, Default)]
struct Concepts {
    summed: BTreeMap<Sha256Hash, Summed>,
    listed: BTreeMap<Work, ListedConcepts>,
}

impl Concepts {
    /// Gives the lines with one more capsule that is known elsewhere, and those with one more whose concept is listed.
    fn change(
        &mut self,
        (line, state): (Sha256Hash, &CapsuleState),
        after: &Figures,
        effects: &[Effect],
        policy: &Policy,
    ) -> (Vec<Sha256Hash>, Vec<Sha256Hash>) {
        let (mut elsewhere, mut listed) = (Vec::new(), Vec::new());
        let key = state.keys.concept;
        let sum = self.summed.entry(key).or_default();
        if sum.lines.insert(line) {
            match sum.lines.len() {
                1 => {}
                2 => elsewhere.extend(&sum.lines),
                _ => elsewhere.push(line),
            }
            listed.extend(sum.listed.then_some(line));
        }
        if state.kind() == CapsuleKind::Failure {
            sum.add(state, after);
            effects.iter().filter(|effect| effect.key() == state.keys.derived).for_each(|e| sum.remedy(state, e));
            if !sum.listed && is_listed(sum.support, sum.targets.len() as u64, policy) {
                sum.listed = true;
                listed.extend(&sum.lines);
            }
            if sum.listed {
                let work = (state.line.target_kind.clone(), state.line.action_kind.clone());
                self.listed.entry(work).or_default().moved.insert(key);
            }
        }
        (elsewhere, listed)
    }

    /// How many concepts are listed for a kind of work, and the first: its key and its first remedy.
    fn of_work(&mut self, kind: &TargetKind, action: &ActionKind) -> Option<(u64, Sha256Hash, Option<Sha256Hash>)> {
        let listed = self.listed.get_mut(&(kind.clone(), action.clone()))?;
        for key in std::mem::take(&mut listed.moved) {
            let Some(sum) = self.summed.get_mut(&key) else { continue };
            let place = sum.weight().map(Reverse);
            if let Some(before) = std::mem::replace(&mut sum.place, place) {
                listed.places.remove(&(before, key));
            }
            listed.places.extend(place.map(|place| (place, key)));
        }
        let (_, key) = listed.places.first()?;
        let remedies = best_remedies(&self.summed.get(key)?.remedies);
        Some((listed.places.len() as u64, *key, remedies.first().map(|best| best.identity)))
    }
}
