//! One of two results that are compared, in figures.

use dome_binder::{Replay, Rules, Verdict};
use dome_core::{BinderVersion, Sha256Hash, Timestamp, WrapperPolicy};
use serde::Serialize;

/// One of two results, its members in canonical order.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Side {
    /// Facts that apply a key that no fact mints: after a change of binder, keys that were traced.
    pub(crate) applied_unknown: u64,
    /// The instant that staleness is measured at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) as_of: Option<Timestamp>,
    /// The binder.
    pub(crate) binder_version: BinderVersion,
    /// Capsules.
    pub(crate) capsules: u64,
    /// Concepts that are listed.
    pub(crate) concepts: u64,
    /// Facts.
    pub(crate) facts: u64,
    /// The mode that overrides what facts declare, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<WrapperPolicy>,
    /// The digest of the policy.
    pub(crate) policy_digest: Sha256Hash,
    /// The digest of the reason-code table.
    pub(crate) reason_codes_digest: Sha256Hash,
    /// Which facts these are.
    pub(crate) snapshot_digest: Sha256Hash,
    /// Capsules by verdict.
    pub(crate) verdicts: Verdicts,
}

/// Capsules by verdict, in canonical order.
#[derive(Clone, Copy, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Verdicts {
    /// Advice.
    pub(crate) advisory: u64,
    /// Not to be used.
    pub(crate) blocked: u64,
    /// It may steer.
    pub(crate) prescriptive: u64,
}

impl Side {
    /// The figures of a replay under these rules.
    pub(crate) fn of(replay: &Replay, rules: &Rules, binder: BinderVersion) -> Self {
        let derived = &replay.derived;
        let count = |verdict| derived.capsules.iter().filter(|capsule| capsule.verdict == verdict).count() as u64;
        Self {
            applied_unknown: derived.applied_unknown,
            as_of: replay.as_of,
            binder_version: binder,
            capsules: derived.capsules.len() as u64,
            concepts: derived.concepts.len() as u64,
            facts: replay.ledger.facts.len() as u64,
            mode: rules.mode,
            policy_digest: rules.policy.digest(),
            reason_codes_digest: rules.codes.digest(),
            snapshot_digest: replay.ledger.snapshot_digest(),
            verdicts: Verdicts {
                advisory: count(Verdict::Advisory),
                blocked: count(Verdict::Blocked),
                prescriptive: count(Verdict::Prescriptive),
            },
        }
    }

    /// The rules in a few words.
    fn rules(&self) -> [(&'static str, String); 4] {
        let experimental = if self.binder_version.is_experimental() { " (experimental)" } else { "" };
        let digest = |hash: Sha256Hash| hash.to_string().get(..12).unwrap_or_default().to_owned();
        [
            ("binder", format!("{}{experimental}", self.binder_version)),
            ("mode", self.mode.map_or("as declared", WrapperPolicy::as_str).to_owned()),
            ("policy", digest(self.policy_digest)),
            ("reason codes", digest(self.reason_codes_digest)),
        ]
    }

    /// The figures, in the order in which they are shown.
    const fn figures(&self) -> [(&'static str, u64); 7] {
        [
            ("facts", self.facts),
            ("capsules", self.capsules),
            ("  prescriptive", self.verdicts.prescriptive),
            ("  advisory", self.verdicts.advisory),
            ("  blocked", self.verdicts.blocked),
            ("concepts", self.concepts),
            ("applied in vain", self.applied_unknown),
        ]
    }

    /// Both sides beside each other: the rules that differ, then all figures.
    pub(crate) fn table(&self, later: &Self, names: [&str; 2]) -> Vec<String> {
        let row = |name: &str, one: &str, other: &str| format!("{name:<16}{one:>17}  {other}").trim_end().to_owned();
        let mut rows = vec![row("", names[0], names[1])];
        let rules = self.rules().into_iter().zip(later.rules()).filter(|(one, other)| one != other);
        rows.extend(rules.map(|((name, one), (_, other))| row(name, &one, &other)));
        let figures = self.figures().into_iter().zip(later.figures());
        rows.extend(figures.map(|((name, one), (_, other))| {
            let changed = if one == other { String::new() } else { crate::output::grouped(other) };
            row(name, &crate::output::grouped(one), &changed)
        }));
        rows
    }
}
