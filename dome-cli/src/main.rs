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

fn main() -> Exit {
    let cli = Cli::parse();
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
