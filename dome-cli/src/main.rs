//! The `dome` command: reads bytes, calls the libraries, writes bytes. One file per verb, in [`verbs`].

mod args;
mod clock;
mod exit;
mod git;
mod known;
mod output;
mod pinned;
mod render;
mod settings;
mod table;
mod verbs;
mod whole;

use clap::{CommandFactory, Parser};
use dome_core::{escaped, is_obeyed};

use crate::args::OutputArgs;
use crate::exit::Exit;
use crate::output::Printer;
use crate::settings::Settings;
use crate::verbs::Verb;

/// It asks the system for huge pages, which a replay's random looks at its records gain by.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A deterministic memory of failures for coding agents, CI and other automation.
#[derive(Debug, Parser)]
#[command(name = "dome", version, after_help = exit::TABLE, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    output: OutputArgs,
}

/// Ends as clap does. It repeats what it refuses, so it is asked again with arguments that are [`escaped`].
fn refuse(error: clap::Error) -> ! {
    let given: Vec<String> = std::env::args_os().map(|given| given.to_string_lossy().into_owned()).collect();
    if !given.iter().any(|given| given.chars().any(is_obeyed)) {
        error.exit();
    }
    let error = Cli::try_parse_from(given.iter().map(|given| escaped(given))).err();
    error.unwrap_or_else(|| clap::Error::new(clap::error::ErrorKind::InvalidValue)).exit()
}

fn main() -> Exit {
    let cli = Cli::try_parse().unwrap_or_else(|error| refuse(error));
    let result = Settings::find().and_then(|settings| {
        let mut output = Printer::new(settings.output(cli.output)?);
        let exit = verbs::run(cli.verb, &settings, &mut output, Cli::command)?;
        output.flush()?;
        Ok(exit)
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
