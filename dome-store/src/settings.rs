//! What a store derives by: the mode, the policy and the reason codes, kept in its manifest and in its log; and the terms
//! that lines are admitted by: how late a record may be (M-32), and what masks secrets.

use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dome_binder::{PinnedContracts, Policy, Rules};
use dome_core::{CodeTable, Timestamp, WrapperPolicy};
use dome_replay::error::{Context, Error, Invariant, Result};
use dome_replay::{CodeSources, Masking};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::log::SessionTerms;

/// The settings as a document, their members in canonical order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contracts: Option<PinnedContracts>,
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
            contracts: rules.contracts.clone(),
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
        Ok(Rules { policy, codes, mode: read.mode, contracts: read.contracts })
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
    reason_codes: Option<CodeSources<'_>>,
    mode: Option<WrapperPolicy>,
) -> Result<Rules> {
    if let Some(file) = policy_file {
        rules.policy = dome_replay::policy(file)?;
    }
    if let Some(sources) = reason_codes {
        let (codes, contracts) = dome_replay::codes(sources)?;
        (rules.codes, rules.contracts) = (codes, Some(contracts));
    }
    rules.mode = mode.or(rules.mode);
    Ok(rules)
}

/// How far ahead of the clock a record may be.
const AHEAD: Duration = Duration::from_secs(86_400);

/// The terms of a session: these rules, and how late a record may be by what is asked for and what was recorded.
pub(crate) fn terms(masking: &Masking, asked: Option<&str>, before: Option<&SessionTerms>) -> Result<SessionTerms> {
    let redaction = masking.document().map(serde_json::to_value).transpose();
    Ok(SessionTerms {
        dome_version: env!("CARGO_PKG_VERSION").to_owned(),
        not_after: not_after(asked, before)?,
        redaction: redaction.invariant("redaction rules are a JSON value")?,
    })
}

/// The instant of a session (M-32). What is recorded stays: a later instant is allowed, an earlier is not,
/// so that one replay with the last one repeats all of it.
///
/// # Errors
///
/// When what is asked for is no instant, or goes back.
pub fn not_after(asked: Option<&str>, before: Option<&SessionTerms>) -> Result<Option<Timestamp>> {
    let recorded = before.and_then(|before| before.not_after);
    let no_limit_before = before.is_some() && recorded.is_none();
    let not_after = match asked {
        Some("off") => None,
        Some(text) => Some(
            text.parse()
                .map_err(|why| Error::usage(format!("--not-after: {why}, found `{}`", dome_core::escaped(text))))?,
        ),
        None if no_limit_before => None,
        None => recorded.max(Some(tomorrow()?)),
    };
    if not_after.is_some_and(|now| no_limit_before || recorded.is_some_and(|before| now < before)) {
        let recorded = recorded.map_or_else(|| "off".to_owned(), |before| before.to_string());
        return Err(Error::usage(format!(
            "--not-after was `{recorded}` before and cannot go back: lines that it admitted are in the store"
        )));
    }
    Ok(not_after)
}

/// The clock's time and a day, in whole seconds.
pub(crate) fn tomorrow() -> Result<Timestamp> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context(|| "the clock is before 1970")?;
    let seconds = i64::try_from((now + AHEAD).as_secs()).context(|| "the clock is beyond the year 9999")?;
    Timestamp::from_unix(seconds, 0).context(|| "the clock is beyond the year 9999")
}
