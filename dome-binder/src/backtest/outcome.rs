//! How failures ended, and what an offer was worth for it (M-81, M-82, M-86, M-87).

use std::collections::BTreeMap;
use std::sync::Arc;

use dome_core::{Identity, Job, Lane, Repository, Revision, Sha256Hash, Timestamp};

use super::{Decision, Offer};
use crate::fold::{Effect, Happened, Step};
use crate::record::passes;
use crate::settle::Fact;

/// How the row of a failure ended (M-87).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// Not by the end of the history; also of what was stale, which joins no row.
    #[default]
    Open,
    /// It passed, and nothing says that anything was mended.
    Cleared,
    /// It was resolved.
    Resolved {
        /// By this remedy, if the success named one.
        remedy: Option<Sha256Hash>,
        /// What is known of that.
        proof: Proof,
    },
    /// Work on it was given up.
    GivenUp,
}

/// What is known of a resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It got one task over the failure, and promises nothing.
    Momentary,
    /// Too few clean runs came since.
    Pending,
    /// It held.
    Held,
    /// It failed again.
    Contradicted,
}

/// How a failure ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How its row ended.
    pub ending: Ending,
    /// Whether it failed once more before that.
    pub again: bool,
    /// Executions that came next at its subject and were failures too.
    pub failed_reruns: u64,
    /// Which execution that came next at its subject passed, if one did before one failed otherwise.
    pub passed_at: Option<u64>,
    /// Whether one failed otherwise.
    pub failed_otherwise: bool,
}

/// What an offer was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// What it promised came.
    Right,
    /// It did not.
    Wrong,
    /// Nothing is known of it by the end of the history.
    Open,
}

impl Outcome {
    /// What offering a remedy was worth: a rerun is right when the failure passes within as many as were advised,
    /// another momentary remedy when it ended the row, a durable one when it did and that held.
    #[must_use]
    pub fn of_offer(&self, offer: &Offer) -> Worth {
        if let Some(advised) = offer.reruns {
            return match self.passed_at {
                Some(at) if at <= advised => Worth::Right,
                _ if self.failed_reruns >= advised || self.failed_otherwise => Worth::Wrong,
                _ => Worth::Open,
            };
        }
        match self.ending {
            Ending::Open => Worth::Open,
            Ending::Resolved { remedy, proof } if remedy == Some(offer.identity) => match proof {
                Proof::Momentary | Proof::Held => Worth::Right,
                Proof::Contradicted => Worth::Wrong,
                Proof::Pending => Worth::Open,
            },
            Ending::Cleared | Ending::Resolved { .. } | Ending::GivenUp => Worth::Wrong,
        }
    }

    /// What saying that it is a dead end was worth: right when nothing came of the work on it.
    #[must_use]
    pub const fn of_dead_end(&self) -> Worth {
        match self.ending {
            Ending::GivenUp => Worth::Right,
            Ending::Open => Worth::Open,
            Ending::Cleared | Ending::Resolved { .. } => Worth::Wrong,
        }
    }
}

/// A key in a stream.
type KeyIn = (Sha256Hash, Option<Lane>, Option<Job>);
/// A subject of a task line.
type SubjectOf = (Sha256Hash, Option<Repository>, Revision, Option<Job>);

/// Failures that come one after the other at one subject.
#[derive(Default)]
struct Tried {
    /// Whose, and the gates that pass it.
    of: Option<Arc<Identity>>,
    decisions: Vec<usize>,
    /// When the execution before was: one out of its reach is no rerun (M-86).
    last: Option<Timestamp>,
}

/// Follows failures to their ends.
pub(super) struct Outcomes {
    window_s: u64,
    /// Failures of rows that go on.
    open: BTreeMap<KeyIn, Vec<usize>>,
    /// Failures of rows that were resolved, where that is not yet proven.
    pending: BTreeMap<KeyIn, Vec<usize>>,
    /// Failures of one key after which nothing has passed yet, by subject: what fails otherwise ends them all.
    tried: BTreeMap<SubjectOf, Tried>,
}

impl Outcomes {
    /// With what M-76 has in reach.
    pub(super) const fn within(window_s: u64) -> Self {
        Self { window_s, open: BTreeMap::new(), pending: BTreeMap::new(), tried: BTreeMap::new() }
    }

    /// A fact happens; it is a failure if it is a decision.
    pub(super) fn happen(&mut self, fact: &Fact, step: &Step, decision: Option<usize>, all: &mut [Decision]) {
        self.rerun(fact, decision, all);
        let own = step.effects.iter().filter(|effect| effect.key == fact.keys.derived);
        let stale = own.clone().any(|effect| matches!(effect.what, Happened::Failed { stale: true, .. }));
        for effect in step.effects.iter().filter(|effect| effect.what != Happened::GivenUp) {
            self.end(fact, effect, all);
        }
        if let (Some(decision), false) = (decision, stale) {
            self.open.entry(key_in(fact.keys.derived, fact)).or_default().push(decision);
        }
        // What gives up ends the row of its own failure too.
        for effect in step.effects.iter().filter(|effect| effect.what == Happened::GivenUp) {
            self.end(fact, effect, all);
        }
    }

    fn rerun(&mut self, fact: &Fact, decision: Option<usize>, all: &mut [Decision]) {
        let (failing, succeeding) = (fact.is_failing(), fact.is_succeeding());
        let Some((repository, revision, job)) = fact.tested.subject_key().filter(|_| failing || succeeding) else {
            return;
        };
        let subject = (fact.keys.line, repository.cloned(), revision.clone(), job.cloned());
        let (tried, now) = (self.tried.entry(subject).or_default(), fact.ordered_ts);
        if tried.last.is_some_and(|last| now.is_later_by_more_than(last, self.window_s)) {
            *tried = Tried::default();
        }
        let same = decision.is_some() && tried.of.as_ref().is_some_and(|of| of.derived == fact.keys.derived);
        let passed =
            succeeding && tried.of.as_ref().is_some_and(|of| passes(&fact.gates, &of.fingerprint.failed_gates));
        for number in &tried.decisions {
            let Some(Decision { outcome, .. }) = all.get_mut(*number) else { continue };
            outcome.passed_at = passed.then_some(outcome.failed_reruns + 1);
            outcome.failed_otherwise |= failing && !same;
            outcome.failed_reruns += u64::from(same);
        }
        if !same {
            tried.of = decision.map(|_| Arc::clone(&fact.keys.identity));
            tried.decisions.clear();
        }
        tried.last = Some(now);
        tried.decisions.extend(decision);
    }

    fn end(&mut self, fact: &Fact, effect: &Effect, all: &mut [Decision]) {
        let failure = key_in(effect.key, fact);
        let mut each = |numbers: &[usize], change: &dyn Fn(&mut Outcome)| {
            for number in numbers {
                all.get_mut(*number).into_iter().for_each(|decision| change(&mut decision.outcome));
            }
        };
        match effect.what {
            Happened::Again { .. } => {
                each(self.open.get(&failure).map_or(&[], Vec::as_slice), &|outcome| outcome.again = true);
            }
            Happened::Cleared => {
                each(&self.open.remove(&failure).unwrap_or_default(), &|outcome| outcome.ending = Ending::Cleared);
            }
            Happened::GivenUp => {
                each(&self.open.remove(&failure).unwrap_or_default(), &|outcome| outcome.ending = Ending::GivenUp);
            }
            Happened::Resolved { clean_needed, remedy } => {
                let ended = self.open.remove(&failure).unwrap_or_default();
                let proof = if clean_needed == 0 { Proof::Momentary } else { Proof::Pending };
                each(&ended, &|outcome| outcome.ending = Ending::Resolved { remedy, proof });
                if clean_needed > 0 {
                    self.pending.insert(failure, ended);
                }
            }
            Happened::Held { remedy } => {
                let proven = Ending::Resolved { remedy, proof: Proof::Held };
                each(&self.pending.remove(&failure).unwrap_or_default(), &|outcome| outcome.ending = proven);
            }
            Happened::Contradicted { remedy } => {
                let refuted = Ending::Resolved { remedy, proof: Proof::Contradicted };
                each(&self.pending.remove(&failure).unwrap_or_default(), &|outcome| outcome.ending = refuted);
            }
            _ => {}
        }
    }
}

fn key_in(key: Sha256Hash, fact: &Fact) -> KeyIn {
    (key, fact.tested.lane.clone(), fact.tested.job().cloned())
}
