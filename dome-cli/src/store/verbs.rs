//! `dome store`: the verbs on a store that stands.

use std::path::Path;

use serde::Serialize;

use super::export::{self, Export};
use super::log::Log;
use super::settings::{StoreSettings, given};
use super::writer::Writer;
use super::{quarantine, status, verify};
use crate::args::{QuarantineVerb, StoreRebuildArgs, StoreVerb};
use crate::exit::Exit;
use crate::output::{Output, grouped};
use crate::settings::{Settings, threads};
use dome_replay::load_rules;

/// Runs one of the verbs.
pub(crate) fn run(verb: &StoreVerb, settings: &Settings, output: &mut Output) -> anyhow::Result<Exit> {
    match verb {
        StoreVerb::Status(at) => status::run(&at.store, output),
        StoreVerb::Verify(args) => verify::run(&args.at.store, threads(args.threads), output),
        StoreVerb::Export(args) => {
            let (store, out) = (args.at.store.as_path(), args.out.as_path());
            let threads = threads(args.threads);
            export::run(&Export { store, out, as_of: args.as_of, threads, force: args.force }, output)
        }
        StoreVerb::Quarantine(QuarantineVerb::List(args)) => {
            quarantine::list(&args.at.store, args.source.as_deref(), output)
        }
        StoreVerb::Quarantine(QuarantineVerb::Show(args)) => quarantine::show(&args.at.store, args.position, output),
        StoreVerb::Quarantine(QuarantineVerb::Retry(args)) => {
            let (source, not_after) = (args.source.as_deref(), args.not_after.as_deref());
            quarantine::retry(&args.at.store, &args.positions, source, not_after, output)
        }
        StoreVerb::Compact(at) => compact(&at.store, output),
        StoreVerb::Rebuild(args) => rebuild(args, settings, output),
    }
}

/// What compacting came to, its members in canonical order.
#[derive(Serialize)]
struct Compacted {
    bytes_after: u64,
    bytes_before: u64,
    format_version: &'static str,
}

fn compact(store: &Path, output: &mut Output) -> anyhow::Result<Exit> {
    Log::open(store)?;
    let writer = Writer::open(store, || anyhow::bail!("the store is gone"))?;
    let (bytes_before, bytes_after) = writer.index.compact()?;
    if output.is_json() {
        output.object(&Compacted { bytes_after, bytes_before, format_version: "1" })?;
    } else {
        let [before, after] = [bytes_before, bytes_after].map(grouped);
        output.line(&format!("index: {before} bytes before, {after} after; the log is never shortened"))?;
    }
    output.flush()?;
    Ok(Exit::Done)
}

/// What a rebuild came to, its members in canonical order.
#[derive(Serialize)]
struct Rebuilt {
    entries: u64,
    format_version: &'static str,
}

/// Rules that are not given stay what they are.
fn rebuild(args: &StoreRebuildArgs, settings: &Settings, output: &mut Output) -> anyhow::Result<Exit> {
    let (policy, codes, mode) = settings.rules(args.policy.clone(), args.reason_codes.clone(), args.mode)?;
    let load = || anyhow::Ok(load_rules(policy.as_deref(), &codes, mode)?);
    let same = args.policy.is_none() && args.reason_codes.is_empty() && args.mode.is_none();
    let rules = match Log::open(&args.at.store) {
        _ if args.defaults => Some(load()?),
        _ if same => None,
        Ok(log) => {
            let before = StoreSettings::rules(&log.manifest.settings)?;
            Some(given(before, args.policy.as_deref(), &args.reason_codes, args.mode)?)
        }
        // What the store derived by is not known any more.
        Err(_) => Some(load()?),
    };
    let writer = Writer::rebuild(&args.at.store, rules, load)?;
    let entries = writer.index.applied()?;
    if output.is_json() {
        output.object(&Rebuilt { entries, format_version: "1" })?;
    } else {
        output.line(&format!("{} entries derived again", grouped(entries)))?;
    }
    output.flush()?;
    Ok(Exit::Done)
}
