//! `manifest.json`: what a result was computed from, and what it holds (M-120, L-10); written, and read back.

use std::collections::BTreeMap;

use dome_binder::{MODEL_VERSION, PinnedContracts, Policy, Rules, TRIGGER_SET_VERSION};
use dome_core::json::pointer_step;
use dome_core::{BinderVersion, CodeTable, EnvelopeVersion, Sha256Hash, Timestamp, WrapperPolicy, canonical};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::file::FileEntry;
use crate::door::Redacted;
use crate::error::{Invariant, Result};
use crate::summary::Totals;

/// The manifest, its members in canonical order. Beside the digests of the policy and of the
/// reason-code table it carries both documents, so that a result can be recomputed from itself.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Manifest {
    /// The instant that staleness was measured at; absent when there is no fact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// The version of the rules that bind facts.
    pub binder_version: &'static str,
    /// The pinned contracts that the reason codes begin with; absent where the table was the caller's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contracts: Option<PinnedContracts>,
    /// What was counted.
    pub counts: ManifestCounts,
    /// The version of the envelopes.
    pub envelope_version: &'static str,
    /// Whether the binder's rules may still change under its name; absent when they may not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub experimental: bool,
    /// Every other file of the result.
    pub files: BTreeMap<String, FileEntry>,
    /// The version of the fingerprint's rules.
    pub fingerprint_version: &'static str,
    /// The version of this layout.
    pub format_version: &'static str,
    /// SHA-256 of the canonical bytes of this document without this member.
    pub manifest_digest: Sha256Hash,
    /// The mode that overrode what facts declare, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<WrapperPolicy>,
    /// The version of the model.
    pub model_version: &'static str,
    /// The version of the message normaliser.
    pub normalizer_version: &'static str,
    /// The instant after which lines were refused, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
    /// The policy document.
    pub policy: Policy,
    /// Its digest.
    pub policy_digest: Sha256Hash,
    /// The reason-code table: the pinned one with its extensions.
    pub reason_codes: CodeTable,
    /// Its digest.
    pub reason_codes_digest: Sha256Hash,
    /// The rules that lines were masked by before they were read, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redaction: Option<Redacted>,
    /// SHA-256 over the sorted fact digests, each followed by a line feed.
    pub snapshot_digest: Sha256Hash,
    /// The version of the trigger set.
    pub trigger_set_version: &'static str,
}

/// What was counted (M-44, M-120), in canonical order.
#[derive(Clone, Copy, Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Counts")]
pub struct ManifestCounts {
    /// Facts that apply a key that some fact mints, but no earlier one.
    pub applied_too_early: u64,
    /// Facts that apply a key that no fact mints.
    pub applied_unknown: u64,
    /// Blank lines.
    pub blank: u64,
    /// Capsules.
    pub capsules: u64,
    /// Facts with a reason code of which no table says where it may stand (M-97).
    pub codes_unplaced: u64,
    /// Concepts that are listed.
    pub concepts: u64,
    /// Lines that repeat a fact.
    pub duplicates: u64,
    /// Facts.
    pub facts: u64,
    /// Facts whose ordered time is later than their `ts`.
    pub facts_out_of_clock_order: u64,
    /// Lines of the input.
    pub lines: u64,
    /// Lines that were rejected.
    pub quarantined: u64,
    /// Runs.
    pub runs: u64,
    /// Runs whose facts declare different policies.
    pub runs_with_mixed_policy: u64,
    /// Runs whose sequences have gaps.
    pub runs_with_sequence_gaps: u64,
    /// Runs with a sequence that stands twice.
    pub runs_with_sequence_repeats: u64,
}

/// What a manifest says that facts and rules do not.
#[derive(Clone, Debug)]
pub struct ManifestInputs {
    /// The binder that made the keys.
    pub binder: BinderVersion,
    /// The instant after which lines were refused.
    pub not_after: Option<Timestamp>,
    /// Lines of the input.
    pub lines: u64,
    /// Those that are blank.
    pub blank: u64,
    /// Those that repeat a fact.
    pub duplicates: u64,
    /// Those that were rejected.
    pub quarantined: u64,
    /// What masked secrets, if it was on.
    pub redacted: Option<Redacted>,
}

impl Manifest {
    /// The bytes of the file: one canonical object on a line.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        canonical::append(self, &mut bytes);
        bytes.push(b'\n');
        bytes
    }

    /// The manifest of what facts come to under these rules.
    pub fn computed(
        rules: &Rules,
        totals: &Totals,
        beside: ManifestInputs,
        files: BTreeMap<String, FileEntry>,
    ) -> Result<Self> {
        let mut manifest = Self {
            as_of: totals.as_of,
            binder_version: beside.binder.as_str(),
            contracts: rules.contracts.clone(),
            counts: ManifestCounts {
                applied_too_early: totals.applied_too_early,
                applied_unknown: totals.applied_unknown,
                blank: beside.blank,
                capsules: totals.capsules,
                codes_unplaced: totals.runs.codes_unplaced,
                concepts: totals.concepts,
                duplicates: beside.duplicates,
                facts: totals.facts,
                facts_out_of_clock_order: totals.runs.facts_out_of_clock_order,
                lines: beside.lines,
                quarantined: beside.quarantined,
                runs: totals.runs.runs,
                runs_with_mixed_policy: totals.runs.runs_with_mixed_policy,
                runs_with_sequence_gaps: totals.runs.runs_with_sequence_gaps,
                runs_with_sequence_repeats: totals.runs.runs_with_sequence_repeats,
            },
            envelope_version: EnvelopeVersion::V1.as_str(),
            experimental: beside.binder.is_experimental(),
            files,
            fingerprint_version: beside.binder.fingerprint_version(),
            format_version: "2",
            manifest_digest: Sha256Hash::of(b""),
            mode: rules.mode,
            model_version: MODEL_VERSION,
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
        let document = serde_json::to_value(&manifest).ok().and_then(manifest_digest);
        manifest.manifest_digest = document.invariant("a manifest is a document")?;
        Ok(manifest)
    }
}

/// The digest of a manifest as a document: of all its members but the digest itself.
pub fn manifest_digest(mut document: Value) -> Option<Sha256Hash> {
    document.as_object_mut()?.remove("manifest_digest");
    canonical::to_vec(&document).ok().map(|bytes| Sha256Hash::of(&bytes))
}

/// A manifest that was read back. Members that a reader has no use for stay in [`Named::document`].
#[derive(Clone, Debug)]
pub struct Named {
    /// The whole document.
    pub document: Value,
    /// The instant that staleness was measured at.
    pub as_of: Option<Timestamp>,
    /// The rules that bound the facts.
    pub binder: BinderVersion,
    /// Every other file, with its digest and lines.
    pub files: BTreeMap<String, FileEntry>,
    /// The instant after which lines were refused.
    pub not_after: Option<Timestamp>,
    /// The policy, the reason-code table and the mode.
    pub rules: Rules,
    /// Which facts these are.
    pub snapshot_digest: Sha256Hash,
}

/// Why a document is not a manifest that this build reads.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct NotNamed {
    /// Where in the document, as a JSON Pointer; empty for all of it.
    pub pointer: String,
    message: String,
}

impl Named {
    pub(crate) fn count(&self, name: &str) -> u64 {
        self.document.get("counts").and_then(|counts| counts.get(name)).and_then(Value::as_u64).unwrap_or(0)
    }

    /// Reads the document.
    ///
    /// # Errors
    ///
    /// When it is not a manifest of format 2, or names a version, policy or table that this build
    /// cannot go by.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Self, NotNamed> {
        let document: Value = serde_json::from_slice(bytes)
            .map_err(|why| NotNamed { pointer: String::new(), message: format!("not JSON: {why}") })?;
        let version = document.get("format_version");
        if version.and_then(Value::as_str) != Some("2") {
            let found = version.map_or_else(|| "none".to_owned(), Value::to_string);
            let expected = "this build reads results of format `2`";
            let what = "replay its input again, into another directory or with `--force`";
            return Err(member("format_version", format!("{expected}, found {found}; {what}")));
        }
        let binder = word(&document, "binder_version")?;
        let policy = Policy::parse(&bytes_of(&document, "policy")?).map_err(|why| member("policy", why))?;
        let codes =
            CodeTable::parse(&bytes_of(&document, "reason_codes")?).map_err(|why| member("reason_codes", why))?;
        let contracts = document.get("contracts").map(PinnedContracts::deserialize).transpose();
        let contracts = contracts.map_err(|why| member("contracts", why))?;
        Ok(Self {
            as_of: optional(&document, "as_of")?,
            binder,
            files: files(&document)?,
            not_after: optional(&document, "not_after")?,
            rules: Rules { policy, codes, mode: optional(&document, "mode")?, contracts },
            snapshot_digest: word(&document, "snapshot_digest")?,
            document,
        })
    }
}

fn member(name: &str, why: impl std::fmt::Display) -> NotNamed {
    NotNamed { pointer: format!("/{name}"), message: format!("`/{name}`: {why}") }
}

fn bytes_of(document: &Value, name: &str) -> std::result::Result<Vec<u8>, NotNamed> {
    let value = document.get(name).ok_or_else(|| member(name, "it is missing"))?;
    Ok(value.to_string().into_bytes())
}

fn optional<T: std::str::FromStr<Err: std::fmt::Display>>(
    document: &Value,
    name: &str,
) -> std::result::Result<Option<T>, NotNamed> {
    let Some(value) = document.get(name) else { return Ok(None) };
    let text = value.as_str().ok_or_else(|| member(name, format!("expected a string, found {value}")))?;
    text.parse().map(Some).map_err(|why| member(name, format!("{why}, found `{text}`")))
}

fn word<T: std::str::FromStr<Err: std::fmt::Display>>(
    document: &Value,
    name: &str,
) -> std::result::Result<T, NotNamed> {
    optional(document, name)?.ok_or_else(|| member(name, "it is missing"))
}

fn files(document: &Value) -> std::result::Result<BTreeMap<String, FileEntry>, NotNamed> {
    let listed = document.get("files").and_then(Value::as_object).ok_or_else(|| member("files", "it is missing"))?;
    let entry = |(name, entry): (&String, &Value)| {
        let wrong = || member(&format!("files/{}", pointer_step(name)), "expected `lines` and `sha256`");
        Ok((name.clone(), FileEntry::deserialize(entry).map_err(|_| wrong())?))
    };
    listed.iter().map(entry).collect()
}
