//! The terms that lines are admitted by: what is masked, how late a record may be, and by which rules
//! a new store derives.

use std::path::Path;

use dome_binder::Rules;

use crate::args::IngestArgs;
use crate::exit::usage;
use crate::settings::Settings;
use crate::store::{Session, StoreSettings, Writer, door, given};
use dome_replay::{BUILT_IN, Masking};

/// The rules that mask secrets: the built-in ones unless others, or `off`, are asked for.
pub(super) fn masking(rules: Option<&Path>) -> anyhow::Result<Masking> {
    let rules = rules.unwrap_or(Path::new(BUILT_IN));
    Ok(Masking::load(Some(rules).filter(|rules| rules.as_os_str() != "off"))?)
}

/// The rules that the flags and settings say.
pub(super) fn rules(args: &IngestArgs, settings: &Settings) -> anyhow::Result<Rules> {
    let (policy, codes, mode) = settings.rules(args.policy.clone(), args.reason_codes.clone(), args.mode)?;
    Ok(dome_replay::load_rules(policy.as_deref(), &codes, mode)?)
}

/// A store keeps the rules that it was made with, until it is told otherwise.
pub(super) fn check(args: &IngestArgs, writer: &Writer) -> anyhow::Result<()> {
    let asked = given(writer.rules.clone(), args.policy.as_deref(), &args.reason_codes, args.mode)?;
    if StoreSettings::of(&asked)? == StoreSettings::of(&writer.rules)? {
        return Ok(());
    }
    Err(usage(format!(
        "the store derives by another mode, policy or reason codes; `dome store rebuild --store {}` with these \
         flags changes them, for all that was ingested",
        args.store.display()
    )))
}

/// The terms of this session.
pub(super) fn of(args: &IngestArgs, masking: &Masking, writer: &Writer) -> anyhow::Result<Session> {
    let not_after = door::not_after(args.not_after.as_deref(), writer.index.session()?.as_ref())?;
    let redaction = masking.document().map(serde_json::to_value).transpose()?;
    Ok(Session { dome_version: env!("CARGO_PKG_VERSION").to_owned(), not_after, redaction })
}
