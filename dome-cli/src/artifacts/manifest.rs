//! `manifest.json`: what a result was computed from, and what it holds (M-120, L-10).

use std::collections::BTreeMap;

use dome_binder::{Policy, TRIGGER_SET_VERSION};
use dome_core::{
    BINDER_VERSION, CodeTable, EnvelopeVersion, FINGERPRINT_VERSION, NORMALIZER_VERSION, Sha256Hash, Timestamp,
    WrapperPolicy,
};
use serde::Serialize;
use xtrlv2_fixtures::V0_1;

use super::Artifacts;
use super::writer::FileEntry;
use crate::redaction::Redacted;

/// The manifest, its members in canonical order. Beside the digests of the policy and of the
/// reason-code table it carries both documents, so that a result can be recomputed from itself.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Manifest {
    /// The instant that staleness was measured at; absent when there is no fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) as_of: Option<Timestamp>,
    /// The version of the rules that bind facts.
    pub(crate) binder_version: &'static str,
    /// SHA-256 over the pinned contracts: a line `path sha256` for each, sorted.
    pub(crate) contracts_digest: Sha256Hash,
    /// What was counted.
    pub(crate) counts: Counts,
    /// The version of the envelopes.
    pub(crate) envelope_version: &'static str,
    /// Every other file of the result.
    pub(crate) files: BTreeMap<String, FileEntry>,
    /// The version of the fingerprint's rules.
    pub(crate) fingerprint_version: &'static str,
    /// The version of this layout.
    pub(crate) format_version: &'static str,
    /// The mode that overrode what facts declare, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<WrapperPolicy>,
    /// The version of the message normaliser.
    pub(crate) normalizer_version: &'static str,
    /// The instant after which lines were refused, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_after: Option<Timestamp>,
    /// The policy document.
    pub(crate) policy: Policy,
    /// Its digest.
    pub(crate) policy_digest: Sha256Hash,
    /// The reason-code table: the pinned one with its extensions.
    pub(crate) reason_codes: CodeTable,
    /// Its digest.
    pub(crate) reason_codes_digest: Sha256Hash,
    /// The rules that lines were masked by before they were read, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) redaction: Option<Redacted>,
    /// SHA-256 over the sorted fact digests, each followed by a line feed.
    pub(crate) snapshot_digest: Sha256Hash,
    /// The version of the trigger set.
    pub(crate) trigger_set_version: &'static str,
}

/// What was counted (M-44, M-120), in canonical order.
#[derive(Clone, Copy, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Counts {
    /// Facts that apply a key that some fact mints, but no earlier one.
    applied_too_early: u64,
    /// Facts that apply a key that no fact mints.
    applied_unknown: u64,
    /// Blank lines.
    blank: u64,
    /// Capsules.
    pub(crate) capsules: u64,
    /// Concepts that are listed.
    concepts: u64,
    /// Lines that repeat a fact.
    duplicates: u64,
    /// Facts.
    pub(crate) facts: u64,
    /// Facts whose ordered time is later than their `ts`.
    facts_out_of_clock_order: u64,
    /// Lines of the input.
    lines: u64,
    /// Lines that were rejected.
    quarantined: u64,
    /// Runs.
    runs: u64,
    /// Runs whose facts declare different policies.
    runs_with_mixed_policy: u64,
    /// Runs whose sequences have gaps.
    runs_with_sequence_gaps: u64,
    /// Runs with a sequence that stands twice.
    runs_with_sequence_repeats: u64,
}

impl Manifest {
    pub(super) fn of(artifacts: &Artifacts<'_>, files: BTreeMap<String, FileEntry>) -> Self {
        let rules = artifacts.rules;
        Self {
            as_of: artifacts.result.as_of,
            binder_version: BINDER_VERSION,
            contracts_digest: contracts_digest(),
            counts: Counts::of(artifacts),
            envelope_version: EnvelopeVersion::V1.as_str(),
            files,
            fingerprint_version: FINGERPRINT_VERSION,
            format_version: "1",
            mode: rules.mode,
            normalizer_version: NORMALIZER_VERSION,
            not_after: artifacts.args.not_after,
            policy: rules.policy.clone(),
            policy_digest: rules.policy.digest(),
            reason_codes: rules.codes.clone(),
            reason_codes_digest: rules.codes.digest(),
            redaction: artifacts.redacted.clone(),
            snapshot_digest: artifacts.result.ledger.snapshot_digest(),
            trigger_set_version: TRIGGER_SET_VERSION,
        }
    }
}

impl Counts {
    fn of(artifacts: &Artifacts<'_>) -> Self {
        let (runs, derived) = (artifacts.result.ledger.counts, &artifacts.result.derived);
        Self {
            applied_too_early: derived.applied_too_early,
            applied_unknown: derived.applied_unknown,
            blank: artifacts.counts.blank,
            capsules: derived.capsules.len() as u64,
            concepts: derived.concepts.len() as u64,
            duplicates: runs.duplicates,
            facts: artifacts.result.ledger.facts.len() as u64,
            facts_out_of_clock_order: runs.facts_out_of_clock_order,
            lines: artifacts.counts.lines,
            quarantined: artifacts.quarantine.len() as u64,
            runs: runs.runs,
            runs_with_mixed_policy: runs.runs_with_mixed_policy,
            runs_with_sequence_gaps: runs.runs_with_sequence_gaps,
            runs_with_sequence_repeats: runs.runs_with_sequence_repeats,
        }
    }
}

/// The digest of the pinned contracts as a whole.
fn contracts_digest() -> Sha256Hash {
    let mut listed: Vec<String> = V0_1
        .artifacts
        .iter()
        .filter(|artifact| !artifact.path.starts_with("examples/"))
        .map(|artifact| format!("{} {}\n", artifact.path, artifact.sha256))
        .collect();
    listed.sort_unstable();
    Sha256Hash::of(listed.concat().as_bytes())
}
