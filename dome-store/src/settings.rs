//! What a store derives by: the mode, the policy and the reason codes, kept in its manifest and in its log.

use std::fmt;
use std::path::{Path, PathBuf};

use dome_binder::{Policy, Rules};
use dome_core::{CodeTable, WrapperPolicy};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use dome_replay::error::{Error, Invariant, Result};

/// The settings as a document, their members in canonical order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<WrapperPolicy>,
    policy: Value,
    reason_codes: Value,
}

impl StoreSettings {
    /// The document that says the same as these rules.
    ///
    /// # Errors
    ///
    /// Never, unless dome has a defect.
    pub fn of(rules: &Rules) -> Result<Value> {
        let settings = Self {
            mode: rules.mode,
            policy: serde_json::to_value(&rules.policy).invariant("a policy is a JSON value")?,
            reason_codes: serde_json::to_value(&rules.codes).invariant("a table of reason codes is a JSON value")?,
        };
        serde_json::to_value(settings).invariant("settings are a JSON value")
    }

    /// The rules that a document says.
    ///
    /// # Errors
    ///
    /// When it is not what this version of dome reads.
    pub fn rules(settings: &Value) -> Result<Rules> {
        fn wrong(why: impl fmt::Display) -> Error {
            Error::invalid(format!("the store's settings: {why}"))
        }
        let bytes = |value: &Value| serde_json::to_vec(value).invariant("a JSON value can be written");
        let read: Self = serde_json::from_value(settings.clone()).map_err(wrong)?;
        let policy = Policy::parse(&bytes(&read.policy)?).map_err(wrong)?;
        let codes = CodeTable::parse(&bytes(&read.reason_codes)?).map_err(wrong)?;
        Ok(Rules { policy, codes, mode: read.mode })
    }
}

/// The rules of a store with those that are given in place of its own.
///
/// # Errors
///
/// When a document cannot be read or is wrong.
pub fn given(
    mut rules: Rules,
    policy_file: Option<&Path>,
    reason_codes: &[PathBuf],
    mode: Option<WrapperPolicy>,
) -> Result<Rules> {
    if let Some(file) = policy_file {
        rules.policy = dome_replay::policy(file)?;
    }
    if !reason_codes.is_empty() {
        rules.codes = dome_replay::codes(reason_codes)?;
    }
    rules.mode = mode.or(rules.mode);
    Ok(rules)
}
