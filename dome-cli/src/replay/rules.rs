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
    policy: Option<&Path>,
    reason_codes: &[PathBuf],
    mode: Option<WrapperPolicy>,
) -> anyhow::Result<Rules> {
    let policy = match policy {
        None => Policy::default(),
        Some(path) => {
            let parsed = Policy::parse(&document(path)?);
            parsed.map_err(|why| invalid(format!("`{}`: {why}", path.display())))?
        }
    };
    let mut codes = pinned()?;
    for path in reason_codes {
        let extended = CodeTable::parse(&document(path)?).and_then(|table| codes.extended(table));
        codes = extended.map_err(|why| invalid(format!("`{}`: {why}", path.display())))?;
    }
    Ok(Rules { policy, codes, mode })
}
