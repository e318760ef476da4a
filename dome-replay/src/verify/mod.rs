//! Every hash, key, counter and row of a result, computed again from its facts (L-10).

mod compare;
mod facts;
mod files;
mod findings;
mod quarantine;

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

pub use findings::Difference;

use crate::error::Result;
use findings::Findings;

/// How a verification ended, its members in canonical order.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Verification {
    /// How many differences there are.
    pub difference_count: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
    /// Files whose bytes are not those that the manifest names: where to look first.
    pub edited: BTreeSet<String>,
    /// Facts that everything was computed from; absent when some fact could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<u64>,
    /// The version of this document.
    pub format_version: &'static str,
    /// The directory, as it was given.
    pub result: String,
    /// Lines that were compared.
    pub rows: u64,
    /// Whether nothing differs.
    pub verified: bool,
}

/// Computes a result again from its facts and the rules that its manifest names, and compares. At most `most`
/// differences are listed; all are counted.
///
/// # Errors
///
/// When there is no result, or a file of it cannot be read.
pub fn verify(dir: &Path, most: usize) -> Result<Verification> {
    let mut findings = Findings::at_most(most);
    let checked = files::check(dir, &mut findings)?;
    Ok(Verification {
        difference_count: findings.count,
        differences: findings.first,
        edited: checked.edited,
        facts: checked.facts,
        format_version: "1",
        result: dir.display().to_string(),
        rows: checked.rows,
        verified: findings.count == 0,
    })
}
