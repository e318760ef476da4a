//! What a gate finds, as envelopes.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use dome_contracts::conform::{Sighting, SpecTest, envelope};
use dome_core::Timestamp;

use super::tool::ToolOnDisk;

/// The pinned table and `SPEC_DRIFT`, a structural failure: the tool and its schemas are two things.
pub(super) const REASON_CODES: &[u8] = include_bytes!("reason-codes.json");

/// Writes one envelope for each drift, the same drift on the same document once.
pub(super) fn write(path: &Path, tool: &ToolOnDisk, tests: &[SpecTest], ts: Option<Timestamp>) -> anyhow::Result<()> {
    let ts = ts.map_or_else(now, Ok)?;
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
    std::fs::write(path, lines).with_context(|| format!("cannot write `{}`", path.display()))
}

fn now() -> anyhow::Result<Timestamp> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    Timestamp::from_unix(i64::try_from(now.as_secs())?, 0).context("the clock is beyond the year 9999")
}
