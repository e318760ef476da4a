//! What a gate finds, as envelopes.

use dome_contracts::conform::{Sighting, SpecTest, envelope};
use dome_core::Timestamp;

use crate::error::Error;
use crate::tool::ToolOnDisk;

/// The pinned table of reason codes, with `SPEC_DRIFT`, a structural failure: the tool and its schemas disagree.
pub const REASON_CODES: &[u8] = include_bytes!("reason-codes.json");

/// One envelope per drift, as JSON Lines; the same drift on the same document only once.
///
/// # Errors
///
/// [`Error::Envelope`] if a drift cannot be an envelope, as with a tool name that is no identifier of a target.
pub fn envelopes(tool: &ToolOnDisk, tests: &[SpecTest], ts: Timestamp) -> Result<String, Error> {
    let run_id = format!("conform/{}/{ts}", tool.digests.tool);
    let (mut lines, mut seen) = (String::new(), Vec::new());
    for (refused, smallest) in tests.iter().filter_map(|test| test.refused.as_ref()) {
        let key = (refused.drift, smallest.text());
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let sighting = Sighting { run_id: &run_id, sequence: seen.len() as u64, ts, tool: tool.digests.tool };
        lines.push_str(&envelope(&tool.manifest, refused, smallest, &sighting)?.to_line());
        lines.push('\n');
    }
    Ok(lines)
}
