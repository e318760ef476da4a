//! What a replay goes by: the policy and the reason-code table.

use std::path::{Path, PathBuf};

use dome_binder::{Policy, Rules};
use dome_core::{CodeTable, WrapperPolicy};
use xtrlv2_fixtures::V0_1;

use crate::error::{Context, Error, Invariant};
use crate::input::document;

fn pinned() -> crate::Result<CodeTable> {
    let table = V0_1.artifact("reason_codes.json").invariant("the reason-code table is pinned")?;
    CodeTable::parse(table.bytes).context(|| "the pinned reason-code table")
}

/// Where reason codes come from beside the pinned table (M-97).
#[derive(Clone, Copy, Debug, Default)]
pub struct CodeSources<'s> {
    /// Tables of the formats that are built in.
    pub built_in: &'s [CodeTable],
    /// Files with tables of the user's.
    pub files: &'s [PathBuf],
}

/// Reads the documents that the arguments name.
///
/// # Errors
///
/// When one cannot be read, is not what it should be, or contradicts the pinned table.
pub fn load_rules(
    policy_file: Option<&Path>,
    reason_codes: CodeSources<'_>,
    mode: Option<WrapperPolicy>,
) -> crate::Result<Rules> {
    let policy = policy_file.map(policy).transpose()?.unwrap_or_default();
    Ok(Rules { policy, codes: codes(reason_codes)?, mode })
}

/// Reads a policy document.
///
/// # Errors
///
/// When it cannot be read, with every problem when it is not one.
pub fn policy(path: &Path) -> crate::Result<Policy> {
    let refused = |why| Error::invalid(format!("`{}` is no policy:\n  {why}", path.display()));
    Policy::parse(&document(path)?).map_err(refused)
}

/// The pinned table with the codes of others.
///
/// # Errors
///
/// When one cannot be read, is not a table, or contradicts another.
pub fn codes(sources: CodeSources<'_>) -> crate::Result<CodeTable> {
    let mut codes = pinned()?;
    for table in sources.built_in {
        codes = codes.extended(table.clone()).context(|| "the reason codes of a format that is built in")?;
    }
    for path in sources.files {
        let extended = CodeTable::parse(&document(path)?).and_then(|table| codes.extended(table));
        codes = extended.map_err(|why| Error::invalid(format!("`{}`: {why}", path.display())))?;
    }
    Ok(codes)
}
