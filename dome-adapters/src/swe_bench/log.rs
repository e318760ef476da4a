//! Evaluation logs of the first harness: its own marks, and nothing of what tests print.

use super::claim::{Claim, Rank, Verdict};
use crate::finding::{At, Finding, FindingCode};

/// The marks of the harness that end an evaluation, the last of the log decides.
const MARKS: [(&str, Verdict); 7] = [
    ("Patch Apply Failed", Verdict::Failed("PATCH.NOT_APPLIED")),
    ("Init Failed", Verdict::Failed("EVALUATION.INSTALL_FAILED")),
    ("Reset Failed", Verdict::Failed("EVALUATION.RESET_FAILED")),
    ("Tests Errored", Verdict::Failed("TESTS.ERRORED")),
    ("Tests Timed Out", Verdict::Failed("TESTS.TIMEOUT")),
    // Which tests decide stands in the instance, not in the log.
    ("All Tests Passed", Verdict::Open),
    ("Some Tests Failed", Verdict::Open),
];

/// Whether a file is one.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    first.trim_ascii().ends_with(b"Task Metadata:")
}

pub(super) fn claim(file: usize, bytes: &[u8], at: At<'_>) -> Result<Claim, Finding> {
    let text = String::from_utf8_lossy(bytes);
    let said = |name: &str| text.lines().take(12).find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let instance = said("- Instance ID:")
        .ok_or_else(|| at.found(FindingCode::WrongFormat, "the log names no instance", "`- Instance ID: ...`"))?;
    let mut verdict = Verdict::Open;
    for mark in text.lines().filter_map(|line| line.strip_prefix(">>>>> ")) {
        if let Some((_, found)) = MARKS.iter().find(|(name, _)| mark.starts_with(name)) {
            verdict = *found;
        }
    }
    let mut claim = Claim::new(file, String::new(), instance, Rank::Log, verdict);
    claim.label("model", said("- Evaluation Model:"));
    Ok(claim)
}
