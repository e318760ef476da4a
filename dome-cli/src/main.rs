//! The `dome` command: reads bytes, calls the pure crates, writes bytes.

mod args;
mod artifacts;
mod check;
mod contracts;
mod convert;
mod exit;
mod input;
mod output;
mod parallel;
mod progress;
mod query;
mod replay;
#[allow(dead_code, unused_imports, reason = "query, explain, verify, diff and plan read results through it")]
mod result;
mod schema;
mod settings;
mod table;

use clap::Parser;

use crate::args::{Cli, Verb};
use crate::exit::Exit;
use crate::output::Output;
use crate::settings::Settings;

fn main() -> Exit {
    let cli = Cli::parse();
    let result = Settings::find().and_then(|settings| {
        let mut output = Output::new(settings.output(cli.output));
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
    match verb {
        Verb::Replay(args) => replay::run(settings.replay(args)?, output),
        Verb::Check(args) => check::run(&args, output),
        Verb::Convert(args) => convert::run(&args, output),
        Verb::Query(args) => query::run(&args, output),
        Verb::Schema(args) => schema::run(&args, output),
        Verb::Contracts(args) => {
            let is_json = output.is_json();
            let exit = contracts::run(&args, is_json, output.writer(), &mut std::io::stderr())?;
            output.flush()?;
            Ok(exit)
        }
    }
}
