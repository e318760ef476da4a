//! What a replay goes by: the policy and the reason-code table.

use std::path::{Path, PathBuf};

use dome_binder::{Policy, Rules};
use dome_core::{CodeTable, WrapperPolicy};
use xtrlv2_fixtures::V0_1;

use crate::exit::invalid;
use crate::input::document;

/// The pinned table, compiled in.
fn pinned() -> anyhow::Result<CodeTable> {
    let table = V0_1.artifact("reason_codes.json").ok_or_else(|| invalid("no pinned reason-code table"))?;
    Ok(CodeTable::parse(table.bytes)?)
}

/// Reads the documents that the arguments name.
///
/// # Errors
///
/// When one cannot be read, is not what it should be, or contradicts the pinned table.
pub(crate) fn load_rules(
    policy_file: Option<&Path>,
    reason_codes: &[PathBuf],
    mode: Option<WrapperPolicy>,
) -> anyhow::Result<Rules> {
    let policy = policy_file.map(policy).transpose()?.unwrap_or_default();
    Ok(Rules { policy, codes: codes(reason_codes)?, mode })
}

/// Reads a policy document.
///
/// # Errors
///
/// When it cannot be read, with every problem when it is not one.
pub(crate) fn policy(path: &Path) -> anyhow::Result<Policy> {
    let refused = |why| invalid(format!("`{}` is no policy:\n  {why}", path.display()));
    Policy::parse(&document(path)?).map_err(refused)
}

/// The pinned table with the codes of others.
///
/// # Errors
///
/// When one cannot be read, is not a table, or contradicts the pinned one.
pub(crate) fn codes(extensions: &[PathBuf]) -> anyhow::Result<CodeTable> {
    let mut codes = pinned()?;
    for path in extensions {
        let extended = CodeTable::parse(&document(path)?).and_then(|table| codes.extended(table));
        codes = extended.map_err(|why| invalid(format!("`{}`: {why}", path.display())))?;
    }
    Ok(codes)
}
