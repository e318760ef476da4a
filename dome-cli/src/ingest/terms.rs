//! The terms that lines are admitted by: what is masked, how late a record may be, and by which rules
//! a new store derives.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use dome_binder::Rules;
use dome_core::Timestamp;

use crate::args::IngestArgs;
use crate::exit::usage;
use crate::redaction::{BUILT_IN, Masking};
use crate::replay;
use crate::settings::Settings;
use crate::store::{Session, StoreSettings, Writer};

/// How far ahead of the clock a record may be.
const AHEAD_S: i64 = 86_400;

/// The rules that mask secrets: the built-in ones unless others, or `off`, are asked for.
pub(super) fn masking(rules: Option<&Path>) -> anyhow::Result<Masking> {
    let rules = rules.unwrap_or(Path::new(BUILT_IN));
    Masking::load(Some(rules).filter(|rules| rules.as_os_str() != "off"))
}

/// The rules that the flags and settings say.
pub(super) fn rules(args: &IngestArgs, settings: &Settings) -> anyhow::Result<Rules> {
    let (policy, codes, mode) = settings.rules(args.policy.clone(), args.reason_codes.clone(), args.mode)?;
    replay::load_rules(policy.as_deref(), &codes, mode)
}

/// A store keeps the rules that it was made with, until it is told otherwise.
pub(super) fn check(args: &IngestArgs, settings: &Settings, writer: &Writer) -> anyhow::Result<()> {
    if args.policy.is_none() && args.reason_codes.is_empty() && args.mode.is_none() {
        return Ok(());
    }
    let same = StoreSettings::of(&rules(args, settings)?)? == StoreSettings::of(&writer.rules)?;
    if same {
        return Ok(());
    }
    Err(usage(
        "the store derives by another mode, policy or reason codes; `dome store rebuild --store DIR` with these \
         flags changes them, for all that was ingested",
    ))
}

/// The terms of this session. What is recorded stays: a later instant is allowed, an earlier is not,
/// so that one replay with the last one repeats all of it.
pub(super) fn of(args: &IngestArgs, masking: &Masking, writer: &Writer) -> anyhow::Result<Session> {
    let before = writer.index.session()?;
    let recorded = before.as_ref().and_then(|before| before.not_after);
    let not_after = match args.not_after.as_deref() {
        Some("off") => None,
        Some(text) => Some(text.parse().map_err(|why| usage(format!("--not-after: {why}, found `{text}`")))?),
        None if before.is_some() && recorded.is_none() => None,
        None => Some(recorded.max(Some(tomorrow()?)).context("an instant is recorded")?),
    };
    let no_limit_before = before.is_some() && recorded.is_none();
    if not_after.is_some_and(|now| no_limit_before || recorded.is_some_and(|before| now < before)) {
        let recorded = recorded.map_or_else(|| "off".to_owned(), |before| before.to_string());
        return Err(usage(format!(
            "--not-after was `{recorded}` before and cannot go back: lines that it admitted are in the store"
        )));
    }
    let redaction = masking.document().map(serde_json::to_value).transpose()?;
    Ok(Session { dome_version: env!("CARGO_PKG_VERSION").to_owned(), not_after, redaction })
}

/// The clock's time and a day, in whole seconds.
fn tomorrow() -> anyhow::Result<Timestamp> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    Timestamp::from_unix(i64::try_from(now.as_secs())? + AHEAD_S, 0).context("the clock is beyond the year 9999")
}
