//! `dome store`: the verbs on a store that stands.

use super::export::{self, Export};
use super::log::Log;
use super::writer::Writer;
use super::{quarantine, status, verify};
use crate::args::{QuarantineVerb, StoreVerb};
use crate::exit::Exit;
use crate::output::Output;
use crate::replay::load_rules;
use crate::settings::{Settings, threads};

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
            quarantine::retry(&args.at.store, &args.positions, args.source.as_deref(), output)
        }
        StoreVerb::Compact(at) => {
            Log::open(&at.store)?;
            let writer = Writer::open(&at.store, || anyhow::bail!("the store is gone"))?;
            let (before, after) = writer.index.compact()?;
            output.line(&format!("index: {before} bytes before, {after} after; the log is never shortened"))?;
            output.flush()?;
            Ok(Exit::Done)
        }
        StoreVerb::Rebuild(args) => {
            let same = args.policy.is_none() && args.reason_codes.is_empty() && args.mode.is_none();
            let (policy, codes, mode) = settings.rules(args.policy.clone(), args.reason_codes.clone(), args.mode)?;
            let load = || load_rules(policy.as_deref(), &codes, mode);
            let rules = if same { None } else { Some(load()?) };
            let writer = Writer::rebuild(&args.at.store, rules, load)?;
            output.line(&format!("{} entries derived again", crate::output::grouped(writer.index.applied()?)))?;
            output.flush()?;
            Ok(Exit::Done)
        }
    }
}
