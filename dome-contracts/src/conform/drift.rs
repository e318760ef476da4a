//! What the gate found, as an envelope: it feeds the memory.

use dome_core::build::{Draft, FailedCode, Origin};
use dome_core::{Envelope, Evidence, Rejection, Scope, Sha256Hash, TaskLine, Timestamp, Tool, WrapperPolicy};

use super::assertion::{Assertion, Refused};
use super::manifest::Manifest;

/// The failure reason code of these envelopes.
pub const REASON_CODE: &str = "SPEC_DRIFT";

/// Where and when a drift was seen.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'s> {
    /// The run of the gate.
    pub run_id: &'s str,
    /// Which of its findings, from 1.
    pub sequence: u64,
    /// When.
    pub ts: Timestamp,
    /// The digest of the tool.
    pub tool: Sha256Hash,
}

/// The envelope of one drift: the target is the tool, the evidence the smallest document.
///
/// # Errors
///
/// What [`Draft::build`] refuses, such as a tool name that is no identifier of a target.
pub fn envelope(
    manifest: &Manifest,
    refused: &Refused,
    smallest: &Assertion,
    seen: &Sighting<'_>,
) -> Result<Envelope, EnvelopeError> {
    let text = smallest.text();
    let origin = Origin {
        event_id: format!("spec-drift-{}", seen.sequence).parse()?,
        sequence: seen.sequence,
        run_id: seen.run_id.parse()?,
        task_id: "spec_as_test".parse()?,
        group_id: format!("spec-drift-{}", seen.sequence).parse()?,
        ts: seen.ts,
        wrapper_policy: WrapperPolicy::Strict,
    };
    let work = TaskLine {
        scope: Scope::Task,
        target_kind: dome_core::TargetKind::new("tool").map_err(|why| EnvelopeError::Value(why.to_string()))?,
        target_id: manifest.tool.name.as_str().parse()?,
        action_kind: dome_core::ActionKind::new("conform").map_err(|why| EnvelopeError::Value(why.to_string()))?,
    };
    let code = FailedCode::new(REASON_CODE).map_err(|why| EnvelopeError::Value(why.to_string()))?;
    let evidence = Evidence::of(Sha256Hash::of(text.as_bytes())).with_bytes(text.len() as u64);
    let shown: String = text.chars().take(2_000).collect();
    let gate = smallest.class.as_str().parse()?;
    let draft = Draft::failure(origin, work, code, evidence)
        .failed(gate)
        .tool(Tool::new(manifest.tool.name.clone(), &manifest.tool.version))
        .message(format!("{}: {}\n{shown}", refused.drift, refused.message))
        .version("schema", &manifest.schema_version)
        .label("tool_sha256", seen.tool.to_string());
    Ok(draft.build()?)
}

/// Why there is no envelope.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// A name is no identifier.
    #[error(transparent)]
    Identifier(#[from] dome_core::IdentifierError),
    /// A word is not what it should be.
    #[error("{0}")]
    Value(String),
    /// The envelope as a whole.
    #[error("not an envelope: {0:?}")]
    Envelope(#[from] Rejection),
}
