//! `manifest.json`: what a result was computed from, and what it holds (M-120, L-10).

use std::collections::BTreeMap;

use dome_binder::{Policy, Rules, TRIGGER_SET_VERSION};
use dome_core::{BinderVersion, CodeTable, EnvelopeVersion, Sha256Hash, Timestamp, WrapperPolicy, canonical};
use serde::Serialize;
use xtrlv2_fixtures::V0_1;

use super::told::{Told, Totals};
use super::writer::FileEntry;
use dome_replay::Redacted;

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
    /// Whether the binder's rules may still change under its name; absent when they may not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) experimental: bool,
    /// Every other file of the result.
    pub(crate) files: BTreeMap<String, FileEntry>,
    /// The version of the fingerprint's rules.
    pub(crate) fingerprint_version: &'static str,
    /// The version of this layout.
    pub(crate) format_version: &'static str,
    /// SHA-256 of the canonical bytes of this document without this member.
    pub(crate) manifest_digest: Sha256Hash,
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

/// What a manifest says that facts and rules do not.
#[derive(Clone, Debug)]
pub(crate) struct Beside {
    /// The binder that made the keys.
    pub(crate) binder: BinderVersion,
    /// The instant after which lines were refused.
    pub(crate) not_after: Option<Timestamp>,
    /// Lines of the input.
    pub(crate) lines: u64,
    /// Those that are blank.
    pub(crate) blank: u64,
    /// Those that repeat a fact.
    pub(crate) duplicates: u64,
    /// Those that were rejected.
    pub(crate) quarantined: u64,
    /// What masked secrets, if it was on.
    pub(crate) redacted: Option<Redacted>,
}

impl Manifest {
    pub(super) fn of(told: &Told<'_>, files: BTreeMap<String, FileEntry>) -> Self {
        let beside = Beside {
            binder: told.args.binder,
            not_after: told.args.not_after,
            lines: told.counts.lines,
            blank: told.counts.blank,
            duplicates: told.totals.runs.duplicates,
            quarantined: told.rejected.lines,
            redacted: told.redacted.clone(),
        };
        Self::computed(told.rules, &told.totals, beside, files)
    }

    /// The manifest of what facts come to under these rules.
    pub(crate) fn computed(rules: &Rules, totals: &Totals, beside: Beside, files: BTreeMap<String, FileEntry>) -> Self {
        let mut manifest = Self {
            as_of: totals.as_of,
            binder_version: beside.binder.as_str(),
            contracts_digest: contracts_digest(),
            counts: Counts::of(totals, &beside),
            envelope_version: EnvelopeVersion::V1.as_str(),
            experimental: beside.binder.is_experimental(),
            files,
            fingerprint_version: beside.binder.fingerprint_version(),
            format_version: "1",
            manifest_digest: Sha256Hash::of(b""),
            mode: rules.mode,
            normalizer_version: beside.binder.normalizer_version(),
            not_after: beside.not_after,
            policy: rules.policy.clone(),
            policy_digest: rules.policy.digest(),
            reason_codes: rules.codes.clone(),
            reason_codes_digest: rules.codes.digest(),
            redaction: beside.redacted,
            snapshot_digest: totals.snapshot_digest,
            trigger_set_version: TRIGGER_SET_VERSION,
        };
        manifest.manifest_digest =
            serde_json::to_value(&manifest).ok().and_then(manifest_digest).unwrap_or(manifest.manifest_digest);
        manifest
    }
}

/// The digest of a manifest as a document: of all its members but the digest itself.
pub(crate) fn manifest_digest(mut document: serde_json::Value) -> Option<Sha256Hash> {
    document.as_object_mut()?.remove("manifest_digest");
    canonical::to_vec(&document).ok().map(|bytes| Sha256Hash::of(&bytes))
}

impl Counts {
    const fn of(totals: &Totals, beside: &Beside) -> Self {
        let runs = &totals.runs;
        Self {
            applied_too_early: totals.applied_too_early,
            applied_unknown: totals.applied_unknown,
            blank: beside.blank,
            capsules: totals.capsules,
            concepts: totals.concepts,
            duplicates: beside.duplicates,
            facts: totals.facts,
            facts_out_of_clock_order: runs.facts_out_of_clock_order,
            lines: beside.lines,
            quarantined: beside.quarantined,
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
