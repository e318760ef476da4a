//! `dome completions` and `dome man`: the command described to a shell and to `man`.

use dome_core::escaped_path;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use clap_complete::Shell;

use crate::exit::Exit;
use crate::output::Printer;

/// Print what a shell completes `dome` by
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome completions bash > ~/.local/share/bash-completion/completions/dome\n    dome completions fish > ~/.config/fish/completions/dome.fish\n    dome completions zsh > ~/.zfunc/_dome"
)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Print the manual page, or write one per verb
#[derive(Debug, Args)]
#[command(after_help = "Example:\n    dome man | man -l -\n    dome man --out ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The folder to write `dome.1` and a page per verb to [default: the page of `dome` on stdout]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn completions(
    args: &CompletionsArgs,
    mut command: clap::Command,
    output: &mut Printer,
) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "dome", &mut script);
    output.bytes(&script)?;
    Ok(Exit::Done)
}

pub(crate) fn man(args: &ManArgs, command: clap::Command, output: &mut Printer) -> anyhow::Result<Exit> {
    match &args.out {
        Some(folder) => {
            let failed = || format!("cannot write to `{}`", escaped_path(folder));
            std::fs::create_dir_all(folder).with_context(failed)?;
            clap_mangen::generate_to(command, folder).with_context(failed)?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            output.bytes(&page)?;
        }
    }
    Ok(Exit::Done)
}
