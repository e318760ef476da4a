//! `dome store tool`: which tools remedies run, and how they conform.

#[cfg(feature = "conform")]
use std::path::PathBuf;

use clap::{Args, Subcommand};
use dome_core::Sha256Hash;
#[cfg(feature = "conform")]
use dome_core::conformance::RemedyTool;
use dome_store::records::{self, ShownRecords};

use super::StoreAt;
use crate::exit::Exit;
use crate::output::{Printer, Watching, grouped};
#[cfg(feature = "conform")]
use crate::verbs::conform;

/// Say which tools remedies run, and look at how they conform
///
/// What is said here stands beside the log and shapes answers only, which name it (`store_holds`): a prescription whose
/// remedy runs a tool is held (`tool_not_conformant`) unless a current report on the bytes of that tool is in the store
/// (`dome conform --store`) or comes with the question (`dome priors --conformance`).
#[derive(Debug, Subcommand)]
pub(crate) enum StoreToolVerb {
    #[cfg(feature = "conform")]
    Set(ToolSetArgs),
    /// The tools behind remedies, and whether they may be trusted as of the last fact
    #[command(after_help = "Example:\n    dome store tool list --store memory")]
    List(StoreAt),
    /// Take away what was said of a remedy, and the reports on tools that no other remedy runs
    #[command(after_help = "Example:\n    dome store tool remove --store memory --remedy IDENTITY")]
    Remove(RemedyAt),
    /// Begin anew, with no tools and no reports: what stands there is moved to `aside/`
    #[command(after_help = "Example:\n    dome store tool clear --store memory")]
    Clear(StoreAt),
}

/// Which remedy of which store.
#[derive(Debug, Args)]
pub(crate) struct RemedyAt {
    #[command(flatten)]
    at: StoreAt,
    /// The remedy, as answers show it (`identity`)
    #[arg(long, value_name = "IDENTITY")]
    remedy: Sha256Hash,
}

/// Say which tool a remedy runs, in the place of what was said of it before
///
/// Name, version, and the digests of the manifest and of the files are kept: a report counts if it is on these bytes.
#[cfg(feature = "conform")]
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome store tool set --store memory --remedy IDENTITY --tool-manifest tool/manifest.json"
)]
pub(crate) struct ToolSetArgs {
    #[command(flatten)]
    of: RemedyAt,
    /// The manifest of the tool (see `dome schema tool-manifest`)
    #[arg(long, value_name = "FILE")]
    tool_manifest: PathBuf,
}

pub(super) fn run(verb: &StoreToolVerb, output: &mut Printer) -> anyhow::Result<Exit> {
    match verb {
        #[cfg(feature = "conform")]
        StoreToolVerb::Set(ToolSetArgs { of, tool_manifest }) => {
            let tool = conform::present(tool_manifest)?;
            records::set_tool(&of.at.store, RemedyTool { remedy: of.remedy, tool })?;
            tell(&of.at, output)
        }
        StoreToolVerb::List(at) => tell(at, output),
        StoreToolVerb::Remove(of) => {
            records::remove_tool(&of.at.store, of.remedy)?;
            tell(&of.at, output)
        }
        StoreToolVerb::Clear(at) => {
            let aside = records::clear(&at.store)?;
            tell(at, output)?;
            output.flush()?;
            aside.iter().for_each(|name| crate::output::note(&format!("dome: what stood there is kept in `{name}`")));
            Ok(Exit::Done)
        }
    }
}

fn tell(at: &StoreAt, output: &mut Printer) -> anyhow::Result<Exit> {
    output.show(&records::show(&at.store, &Watching::new("reading"))?, print)?;
    Ok(Exit::Done)
}

fn print(shown: &ShownRecords, output: &mut Printer) -> anyhow::Result<()> {
    for hold in &shown.tools {
        writeln!(output, "{}  {hold}", if hold.hold.is_some() { "held    " } else { "conforms" })?;
        writeln!(output, "          remedy {}, manifest {}", hold.remedy, hold.tool.manifest)?;
    }
    let [tools, reports] = [shown.tools.len(), shown.reports.len()].map(|count| grouped(count as u64));
    writeln!(output, "{tools} tools behind remedies, {reports} conformance reports")
}
