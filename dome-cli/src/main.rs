//! The `dome` command: reads bytes, calls the pure crates, writes bytes.

mod args;
mod artifacts;
mod backtest;
mod check;
mod comparison;
#[cfg(feature = "conform")]
mod conform;
mod contracts;
mod convert;
mod diff;
mod exit;
mod explain;
mod failing;
mod guard;
mod ingest;
mod known;
mod lookup;
mod memory;
mod output;
mod plan;
mod priors;
mod progress;
mod query;
mod replay;
mod result;
mod rollout;
mod schema;
mod settings;
mod store;
mod table;
mod verify;

use clap::Parser;

use crate::args::{Cli, Verb};
use crate::exit::Exit;
use crate::output::Output;
use crate::settings::Settings;

/// It asks the system for huge pages, which a replay's random looks at its records gain by.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Exit {
    let cli = Cli::parse();
    let result = Settings::find().and_then(|settings| {
        let mut output = Output::new(settings.output(cli.output)?);
        run(cli.verb, &settings, &mut output)
    });
    match result {
        Ok(exit) => exit,
        Err(error) if exit::is_broken_pipe(&error) => Exit::Done,
        Err(error) => {
            output::complain(&error);
            exit::of(&error)
        }
    }
}

fn run(verb: Verb, settings: &Settings, output: &mut Output) -> anyhow::Result<Exit> {
    let offered = match verb {
        #[cfg(feature = "conform")]
        Verb::Conform(_) => true,
        Verb::Check(_) => !output.is_report(),
        _ => !output.is_report() && !output.is_github(),
    };
    if !offered {
        return Err(exit::usage(
            "`--format github` is for `dome check` and `dome conform`, `junit` and `sarif` for `dome conform`",
        ));
    }
    match verb {
        Verb::Replay(args) => replay::run(settings.replay(args)?, output),
        Verb::Ingest(args) => ingest::run(&args, settings, output),
        Verb::Store(verb) => store::run(&verb, settings, output),
        Verb::Check(args) => check::run(&args, output),
        Verb::Convert(args) => convert::run(&args, output),
        Verb::Query(args) => query::run(&args, output),
        Verb::Explain(args) => explain::run(&args, output),
        Verb::Diff(args) => diff::run(&args, output),
        Verb::Plan(args) => plan::run(args, output),
        Verb::Guard(verb) => guard::run(&verb, output),
        Verb::Priors(args) => priors::run(&args, output),
        Verb::Backtest(args) => backtest::run(&args, output),
        Verb::Rollout(verb) => rollout::run(&verb, output),
        Verb::Verify(args) => verify::run(&args, output),
        #[cfg(feature = "conform")]
        Verb::Conform(args) => conform::run(&args, output),
        #[cfg(feature = "conform")]
        Verb::ConformExec(args) => conform::become_tool(&args),
        Verb::Schema(args) => schema::run(&args, output),
        Verb::Contracts(args) => {
            let is_json = output.is_json();
            let exit = contracts::run(&args, is_json, output.writer(), &mut std::io::stderr())?;
            output.flush()?;
            Ok(exit)
        }
    }
}
