//! What a store derives by: the mode, the policy and the reason codes, kept in its manifest.

use std::path::{Path, PathBuf};

use dome_binder::{Policy, Rules};
use dome_core::{CodeTable, WrapperPolicy};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::exit::invalid;
use dome_replay::{codes, policy};

/// The settings, their members in canonical order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoreSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<WrapperPolicy>,
    policy: Value,
    reason_codes: Value,
}

impl StoreSettings {
    /// The settings that say the same as these rules.
    ///
    /// # Errors
    ///
    /// Never, but for a rule that cannot be written.
    pub(crate) fn of(rules: &Rules) -> anyhow::Result<Value> {
        let settings = Self {
            mode: rules.mode,
            policy: serde_json::to_value(&rules.policy)?,
            reason_codes: serde_json::to_value(&rules.codes)?,
        };
        Ok(serde_json::to_value(settings)?)
    }

    /// The rules that settings say.
    ///
    /// # Errors
    ///
    /// When they are not what this version of dome reads.
    pub(crate) fn rules(settings: &Value) -> anyhow::Result<Rules> {
        let wrong = |why: &dyn std::fmt::Display| invalid(format!("the store's settings: {why}"));
        let read: Self = serde_json::from_value(settings.clone()).map_err(|why| wrong(&why))?;
        let policy = Policy::parse(&serde_json::to_vec(&read.policy)?).map_err(|why| wrong(&why))?;
        let codes = CodeTable::parse(&serde_json::to_vec(&read.reason_codes)?).map_err(|why| wrong(&why))?;
        Ok(Rules { policy, codes, mode: read.mode })
    }
}

/// The rules of a store with those that are given in place of its own.
///
/// # Errors
///
/// When a document cannot be read or is wrong.
pub(crate) fn given(
    mut rules: Rules,
    policy_file: Option<&Path>,
    reason_codes: &[PathBuf],
    mode: Option<WrapperPolicy>,
) -> anyhow::Result<Rules> {
    if let Some(file) = policy_file {
        rules.policy = policy(file)?;
    }
    if !reason_codes.is_empty() {
        rules.codes = codes(reason_codes)?;
    }
    rules.mode = mode.or(rules.mode);
    Ok(rules)
}
