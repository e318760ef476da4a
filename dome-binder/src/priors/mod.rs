//! Priors: what a planner asks before it acts, and after it failed (section 10).
//!
//! [`priors`] is a pure function of capsules, concepts, a policy and a query. Asked before anything failed, it answers
//! with the capsules of the task line, then their concepts, then the same failures on other targets. Asked after a
//! failure ([`AskedFor`]), it starts with that very failure, then its concept, then the same failure on other targets,
//! and ends with what else is known of the task line. [`brief`] puts an answer into two kilobytes.
//!
//! # Order
//!
//! Total, so that one query on one memory has one answer: tier (exact, concept, elsewhere, line), verdict
//! (prescriptive, advisory, blocked), the first remedy's confidence, the own confidence, support and
//! last time, each descending, then the key ascending.
//!
//! # What may steer
//!
//! Under [`Rollout::Prescriptive`], what has no hold and is a capsule of the very task line or a concept, whose holds
//! leave it only what is momentary (M-95). A capsule of another target is advice: no hold, and advisory all the same.
//!
//! ```
//! use dome_binder::priors::{Memory, PriorsQuery, priors};
//! use dome_binder::{Policy, Record, Rules, replay};
//! use dome_core::{CodeTable, Source};
//! # let table = br#"{"schema_version":"0.1","version":"0.1","classes_precedence":[],"codes":{},"restart_mode_by_class":{}}"#;
//! let rules = Rules { policy: Policy::default(), codes: CodeTable::parse(table)?, mode: None, contracts: None };
//! let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
//! let query = PriorsQuery::of(envelope.task_spec.line());
//! let record = Record::new(envelope, Source { line: 1, name: "a.jsonl".into() });
//! let replay = replay(vec![Box::new(record)], &rules, None);
//! let answer = priors(&Memory::of(&replay, &rules), &query);
//! assert_eq!(answer.priors[0].held[0].to_string(), "low_support: support_count is 1, at least 2 is asked for");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod asked;
mod brief;
mod held;
mod layers;
mod prior;
mod records;
mod terms;

pub use asked::{AskedFailure, AskedFor, FailureKeys};
pub use brief::{BriefAnswer, BriefPrior, BriefRemedy, MOST_BRIEF_BYTES, brief};
pub use held::Held;
pub use layers::{Layer, OwnersWord, Promotion};
pub(crate) use prior::Weight;
pub use prior::{Prior, PriorCounts, PriorState, ProvenFact, Role, Tier, elsewhere_rank};
pub use records::{PromotionHold, StoreHold, StoreRecord, StoreSays, ToolHold};
pub use terms::{AdvisoryBecause, LimitReason, RolloutLimit, RolloutTerms};

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use dome_core::conformance::{PresentTool, ToolRecords};
use dome_core::guard::GuardDecision;
use dome_core::{
    ActionKind, FailureReasonCode, Scope, Sha256Hash, Source, StringMap, TargetId, TargetKind, TaskLine, Timestamp,
    ToolName, choice, normal_version,
};
use serde::Serialize;

use crate::capsule::Capsule;
use crate::concept::Concept;
use crate::eligibility::Verdict;
use crate::fold::Rules;
use crate::policy::Policy;
use crate::replay::Replay;

/// How many priors an answer holds where nothing else is asked for.
pub const DEFAULT_LIMIT: usize = 20;
/// How many it holds at most.
pub const MAX_LIMIT: usize = 200;

/// What a planner asks before it acts. [`PriorsQuery::of`] asks for a task line, and nothing else.
#[derive(Clone, Debug)]
pub struct PriorsQuery {
    /// What is worked on.
    pub line: TaskLine,
    /// Only this failure.
    pub failure_reason_code: Option<FailureReasonCode>,
    /// Which failures, here and on other targets.
    pub about: AskedFor,
    /// Versions of what takes part, as given.
    pub versions: StringMap,
    /// The tool that will be used, with its version as given.
    pub tool: Option<AskedTool>,
    /// What guards say of the transition that the task is (M-100).
    pub guard: Option<GuardDecision>,
    /// What it brings of tools: which one a remedy runs, and conformance reports. A remedy of which nothing is said runs
    /// none.
    pub conformance: ToolRecords,
    /// Tools as they are now: a report on other bytes of one of these counts no longer.
    pub present_tools: Vec<PresentTool>,
    /// What the store that is asked keeps beside its facts.
    pub store: StoreSays,
    /// How far dome may go.
    pub rollout: Rollout,
    /// How many priors to answer with, up to [`MAX_LIMIT`].
    pub limit: usize,
}

impl PriorsQuery {
    /// Asks for a task line.
    #[must_use]
    pub fn of(line: TaskLine) -> Self {
        Self {
            line,
            failure_reason_code: None,
            about: AskedFor::Anything,
            versions: StringMap::default(),
            tool: None,
            guard: None,
            conformance: ToolRecords::default(),
            present_tools: Vec::new(),
            store: StoreSays::default(),
            rollout: Rollout::default(),
            limit: DEFAULT_LIMIT,
        }
    }
}

choice! {
    /// How far dome may go: each step is earned on the one before.
    #[derive(Default)]
    Rollout {
        /// It answers nothing; what it would have answered can be recorded.
        Shadow = "shadow",
        /// It answers, as advice.
        #[default]
        Guided = "guided",
        /// What nothing holds back may steer.
        Prescriptive = "prescriptive",
    }
}

impl Rollout {
    /// The most that a prior may be used as.
    #[must_use]
    pub const fn most(self) -> Verdict {
        match self {
            Self::Prescriptive => Verdict::Prescriptive,
            Self::Shadow | Self::Guided => Verdict::Advisory,
        }
    }
}

/// A tool with its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AskedTool {
    /// Its name.
    pub name: ToolName,
    /// Its version.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub version: CompactString,
}

/// The question as the answer repeats it, in canonical order; versions by M-51.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "the members are those of the TaskSpec, under their names")]
pub struct Asked {
    pub action_kind: ActionKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derived_key: Option<Sha256Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason_code: Option<FailureReasonCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint_hash: Option<Sha256Hash>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub message_template: Option<CompactString>,
    pub scope: Scope,
    pub target_id: TargetId,
    pub target_kind: TargetKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<AskedTool>,
    #[serde(skip_serializing_if = "StringMap::is_empty")]
    pub versions: StringMap,
}

impl Asked {
    fn of(query: &PriorsQuery) -> Self {
        let line = query.line.clone();
        let tool = query.tool.as_ref();
        let (derived_key, fingerprint_hash, message_template) = match &query.about {
            AskedFor::Anything => (None, None, None),
            AskedFor::Fingerprint(hash) => (None, Some(*hash), None),
            AskedFor::Message(template) => (None, None, Some(template.clone())),
            AskedFor::Failure(keys) => (Some(keys.derived), Some(keys.fingerprint), None),
        };
        Self {
            action_kind: line.action_kind,
            derived_key,
            failure_reason_code: query.failure_reason_code.clone(),
            fingerprint_hash,
            message_template,
            scope: line.scope,
            target_id: line.target_id,
            target_kind: line.target_kind,
            tool: tool.map(|tool| AskedTool { name: tool.name.clone(), version: normal_version(&tool.version) }),
            versions: query.versions.iter().map(|(name, version)| (name, normal_version(version))).collect(),
        }
    }
}

/// What a query is answered from.
#[derive(Clone, Debug)]
pub struct Memory<'m> {
    /// Capsules, in any order.
    pub capsules: &'m [Capsule],
    /// Concepts, in any order.
    pub concepts: &'m [Concept],
    /// The thresholds that holds go by.
    pub policy: &'m Policy,
    /// The instant that staleness is measured at.
    pub as_of: Option<Timestamp>,
    /// Where facts stood, by digest, as far as that is known.
    pub sources: BTreeMap<Sha256Hash, &'m Source>,
}

impl<'m> Memory<'m> {
    /// The memory that a replay is.
    #[must_use]
    pub fn of(replay: &'m Replay, rules: &'m Rules) -> Self {
        Self {
            capsules: &replay.derived.capsules,
            concepts: &replay.derived.concepts,
            policy: &rules.policy,
            as_of: replay.as_of,
            sources: replay.ledger.facts.iter().map(|fact| (fact.keys.digest, &fact.record.source)).collect(),
        }
    }
}

/// The answer to a query, its members in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Priors {
    /// The instant that staleness was measured at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// The version of this document.
    pub format_version: &'static str,
    /// What guards said of the transition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardDecision>,
    /// How many priors there are beyond the limit.
    pub left_off: u64,
    /// The priors, the best first.
    pub priors: Vec<Prior>,
    /// The question.
    pub query: Asked,
    /// How far dome may go.
    pub rollout: Rollout,
    /// By what terms a store answered, where it was not simply answered as it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout_terms: Option<RolloutTerms>,
    /// What the store keeps beside its facts and what shaped this answer: the tools behind its first remedies, and whose
    /// word stands behind its priors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub store_holds: Vec<StoreHold>,
}

/// Answers a query (section 10).
///
/// Under [`Rollout::Shadow`] this is what would have been answered: [`Priors::shown`] is what is.
#[must_use]
pub fn priors(memory: &Memory<'_>, query: &PriorsQuery) -> Priors {
    let line = query.line.key();
    let asked = |code: &FailureReasonCode| query.failure_reason_code.as_ref().is_none_or(|asked| asked == code);
    let same_work =
        |kind: &TargetKind, action: &ActionKind| *kind == query.line.target_kind && *action == query.line.action_kind;
    let capsules = memory.capsules.iter().filter(|capsule| asked(&capsule.failure_reason_code));
    let (of_line, others): (Vec<&Capsule>, Vec<&Capsule>) = capsules.partition(|capsule| capsule.line_key == line);
    let own: BTreeSet<Sha256Hash> =
        of_line.iter().filter(|capsule| query.about.is(capsule)).map(|capsule| capsule.concept_key).collect();
    // Where nothing is known of the line that could be looked for, every concept of its kind of work.
    let any = query.about == AskedFor::Anything && own.is_empty();
    let concepts: Vec<&Concept> = memory
        .concepts
        .iter()
        .filter(|concept| {
            same_work(&concept.target_kind, &concept.action_kind)
                && (any || query.about.is_concept(concept, &own))
                && asked(&concept.failure_reason_code)
        })
        .collect();
    let sought: BTreeSet<Sha256Hash> = match any {
        true => BTreeSet::new(),
        false => own.iter().copied().chain(concepts.iter().map(|concept| concept.concept_key)).collect(),
    };
    let elsewhere = others.iter().filter(|capsule| {
        same_work(&capsule.target_kind, &capsule.action_kind) && query.about.is_elsewhere(capsule, &sought)
    });
    let tier = |capsule: &Capsule| if query.about.is(capsule) { Tier::Exact } else { Tier::Line };
    let mut priors: Vec<Prior> = of_line
        .iter()
        .map(|capsule| Prior::of_capsule(capsule, tier(capsule), memory, query))
        .chain(elsewhere.map(|capsule| Prior::of_capsule(capsule, Tier::Elsewhere, memory, query)))
        .chain(concepts.iter().map(|concept| Prior::of_concept(concept, memory, query)))
        .collect();
    priors.sort_by_cached_key(Prior::rank);
    let limit = query.limit.min(MAX_LIMIT);
    let left_off = priors.len().saturating_sub(limit) as u64;
    priors.truncate(limit);
    let store_holds = records::store_holds(&priors, query, memory.as_of);
    Priors {
        as_of: memory.as_of,
        format_version: "2",
        guard: query.guard.clone(),
        left_off,
        priors,
        query: Asked::of(query),
        rollout: query.rollout,
        rollout_terms: None,
        store_holds,
    }
}

impl Priors {
    /// What the rollout mode lets a planner see: under [`Rollout::Shadow`], nothing.
    #[must_use]
    pub fn shown(&self) -> Self {
        match self.rollout {
            Rollout::Shadow => {
                Self { guard: None, left_off: 0, priors: Vec::new(), store_holds: Vec::new(), ..self.clone() }
            }
            _ => self.clone(),
        }
    }

    /// The prior to follow, if the mode lets one be followed.
    #[must_use]
    pub fn to_follow(&self) -> Option<&Prior> {
        self.priors.iter().find(|prior| prior.verdict == Verdict::Prescriptive)
    }
}
