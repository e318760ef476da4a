//! One requirement: a figure, a threshold, and whether it is met.

use std::fmt;

use serde::Serialize;

/// Where a figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// From the backtest of the history.
    Backtest,
    /// From answers that were recorded.
    Recorded,
}

/// One requirement, in canonical order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Requirement {
    /// How `found` and `threshold` are compared: it is met when `found comparison threshold`.
    pub comparison: &'static str,
    /// Where the figure comes from.
    pub evidence: Evidence,
    /// What was found; absent where there is nothing to take it of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<u64>,
    /// Whether it is met. Where nothing was found, that counts as 0.
    pub met: bool,
    /// The member of the policy.
    pub policy: &'static str,
    /// What it asks for.
    pub threshold: u64,
}

impl Requirement {
    pub(super) fn least(policy: &'static str, evidence: Evidence, found: Option<u64>, threshold: u64) -> Self {
        let met = found.unwrap_or(0) >= threshold;
        Self { comparison: ">=", evidence, found, met, policy, threshold }
    }

    pub(super) fn most(policy: &'static str, evidence: Evidence, found: Option<u64>, threshold: u64) -> Self {
        let met = found.unwrap_or(0) <= threshold;
        Self { comparison: "<=", evidence, found, met, policy, threshold }
    }

    const fn is_ppm(&self) -> bool {
        matches!(self.policy.as_bytes(), [.., b'_', b'p', b'p', b'm'])
    }
}

impl fmt::Display for Requirement {
    /// The requirement in plain words.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.policy {
            "max_contradiction_ppm" => "failures that came back soon after the offered remedy resolved them",
            "max_guard_conflicts" => "denials where a prior could have been followed",
            "min_decisions" => "failing facts in the history",
            "min_offered" => "failing facts before which a remedy would have been offered",
            "min_precision_ppm" => "offers whose remedy resolved the failure and held",
            "min_recorded" => "recorded answers",
            "min_recorded_precision_ppm" => "recorded offers whose remedy resolved the failure and held",
            other => other,
        };
        let bound = if self.comparison == ">=" { "at least" } else { "at most" };
        let shown = |number: u64| match self.is_ppm() {
            true => format!("{}.{} %", number / 10_000, number / 1_000 % 10),
            false => number.to_string(),
        };
        let found = self.found.map_or_else(|| "nothing to judge by".to_owned(), shown);
        write!(formatter, "{what}: {found}, {bound} {} asked for", shown(self.threshold))
    }
}
