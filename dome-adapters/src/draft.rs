//! An envelope on its way: what an adapter writes, before the core has read it.

use std::collections::BTreeMap;

use dome_core::{
    Decision, Envelope, Evidence, Reader, Rejection, Scope, Sha256Hash, Signal, Status, Timestamp, WrapperPolicy,
};
use serde::Serialize;

use crate::commit::Commit;

/// The members of an envelope that adapters fill, under their names in section 2 of the model.
#[derive(Debug, Serialize)]
pub(crate) struct Draft<'a> {
    pub(crate) envelope_version: &'static str,
    pub(crate) event_id: &'a str,
    pub(crate) sequence: u64,
    pub(crate) run_id: &'a str,
    pub(crate) task_id: &'a str,
    pub(crate) group_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lane: Option<&'a str>,
    pub(crate) ts: Timestamp,
    pub(crate) signal: Signal,
    pub(crate) wrapper_policy: WrapperPolicy,
    pub(crate) task_spec: SpecDraft<'a>,
    pub(crate) gates: Vec<GateDraft<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) guard_evals: Vec<GuardDraft>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy_reason_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool: Option<ToolDraft<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) env: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attempts: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<RemedyDraft>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) labels: BTreeMap<&'a str, &'a str>,
}

#[derive(Debug, Serialize)]
pub(crate) struct SpecDraft<'a> {
    pub(crate) scope: Scope,
    pub(crate) target: TargetDraft<'a>,
    pub(crate) action: ActionDraft<'a>,
    pub(crate) failure_reason_code: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) versions: BTreeMap<&'a str, &'a str>,
}

#[derive(Debug, Serialize)]
pub(crate) struct TargetDraft<'a> {
    pub(crate) kind: &'a str,
    pub(crate) id: &'a str,
}

#[derive(Debug, Serialize)]
pub(crate) struct ActionDraft<'a> {
    pub(crate) kind: &'a str,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct GateDraft<'a> {
    pub(crate) gate_id: &'a str,
    pub(crate) status: Status,
}

/// One guard that was asked, by the names of section 2.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct GuardDraft {
    pub(crate) guard_id: String,
    pub(crate) status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decision: Option<Decision>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reason_codes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) evidence_refs: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ToolDraft<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
}

/// `{"kind":"commit","ref":"commit/SHA"}`: a recipe that is the same each time it is used.
#[derive(Debug, Serialize)]
pub(crate) struct RemedyDraft {
    kind: &'static str,
    r#ref: String,
}

impl RemedyDraft {
    pub(crate) fn commit(commit: &Commit) -> Self {
        Self { kind: "commit", r#ref: commit.reference() }
    }
}

impl Draft<'_> {
    /// The envelope, if the core takes it: an adapter has no other way to make one.
    pub(crate) fn admit(&self, reader: &mut Reader) -> Result<Envelope, Rejection> {
        let line = serde_json::to_vec(self).unwrap_or_default(); // text, integers and lists: it does not fail
        reader.read(&line)
    }
}

/// Evidence that is known by its path alone.
pub(crate) fn by_path(path: dome_core::EvidencePath) -> Evidence {
    Evidence { bytes: None, path: Some(path), sha256: None }
}

/// Evidence that is held whole.
pub(crate) fn by_content(path: Option<dome_core::EvidencePath>, bytes: u64, sha256: Sha256Hash) -> Evidence {
    Evidence { bytes: Some(bytes), path, sha256: Some(sha256) }
}
