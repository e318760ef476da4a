//! The verbs: each file has the arguments of one, its call and its rendering.

mod backtest;
mod check;
mod completions;
#[cfg(feature = "conform")]
mod conform;
mod contracts;
mod convert;
mod diff;
mod explain;
mod guard;
mod ingest;
mod memory;
mod plan;
mod priors;
mod query;
mod replay;
mod report_outcome;
mod rollout;
#[cfg(feature = "conform")]
mod run;
mod schema;
mod store;
mod verify;

use clap::Subcommand;

use crate::args::OutputFormat;
use crate::exit::{Exit, usage};
use crate::output::Printer;
use crate::settings::Settings;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Replay(replay::ReplayArgs),
    Check(check::CheckArgs),
    Ingest(ingest::IngestArgs),
    #[command(subcommand)]
    Store(store::StoreVerb),
    #[command(subcommand)]
    Memory(memory::MemoryVerb),
    Convert(convert::ConvertArgs),
    Query(query::QueryArgs),
    Explain(explain::ExplainArgs),
    Verify(verify::VerifyArgs),
    Diff(diff::DiffArgs),
    Plan(plan::PlanArgs),
    Priors(priors::PriorsArgs),
    ReportOutcome(report_outcome::ReportOutcomeArgs),
    Backtest(backtest::BacktestArgs),
    #[command(subcommand)]
    Rollout(rollout::RolloutVerb),
    #[command(subcommand)]
    Guard(guard::GuardVerb),
    Schema(schema::SchemaArgs),
    #[command(subcommand)]
    Contracts(contracts::ContractsVerb),
    #[cfg(feature = "conform")]
    Conform(conform::ConformArgs),
    #[cfg(feature = "conform")]
    #[command(subcommand)]
    Run(run::RunVerb),
    #[cfg(feature = "conform")]
    #[command(hide = true)]
    ConformExec(conform::ConformExecArgs),
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
}

impl Verb {
    const fn offers(&self, format: OutputFormat) -> bool {
        match (self, format) {
            #[cfg(feature = "conform")]
            (Self::Conform(_), _) => true,
            (_, OutputFormat::Human | OutputFormat::Json) | (Self::Check(_), OutputFormat::Github) => true,
            (_, OutputFormat::Github | OutputFormat::Junit | OutputFormat::Sarif) => false,
        }
    }
}

/// Runs a verb. `command` is the whole command line, for those that describe it.
pub(crate) fn run(
    verb: Verb,
    settings: &Settings,
    output: &mut Printer,
    command: fn() -> clap::Command,
) -> anyhow::Result<Exit> {
    if !verb.offers(output.format) {
        return Err(usage(
            "`--format github` is for `dome check` and `dome conform`, `junit` and `sarif` for `dome conform`",
        ));
    }
    match verb {
        Verb::Replay(args) => replay::run(args, settings, output),
        Verb::Check(args) => check::run(&args, output),
        Verb::Ingest(args) => ingest::run(&args, settings, output),
        Verb::Store(verb) => store::run(&verb, settings, output),
        Verb::Memory(verb) => memory::run(&verb, output),
        Verb::Convert(args) => convert::run(&args, output),
        Verb::Query(args) => query::run(&args, output),
        Verb::Explain(args) => explain::run(&args, output),
        Verb::Verify(args) => verify::run(&args, output),
        Verb::Diff(args) => diff::run(&args, output),
        Verb::Plan(args) => plan::run(&args, output),
        Verb::Priors(args) => priors::run(&args, settings, output),
        Verb::ReportOutcome(args) => report_outcome::run(&args, output),
        Verb::Backtest(args) => backtest::run(&args, output),
        Verb::Rollout(verb) => rollout::run(&verb, output),
        Verb::Guard(verb) => guard::run(&verb, settings, output),
        Verb::Schema(args) => schema::run(&args, output),
        Verb::Contracts(verb) => contracts::run(&verb, output),
        #[cfg(feature = "conform")]
        Verb::Conform(args) => conform::run(&args, output),
        #[cfg(feature = "conform")]
        Verb::Run(verb) => run::run(&verb, output),
        #[cfg(feature = "conform")]
        Verb::ConformExec(args) => conform::become_tool(&args),
        Verb::Completions(args) => completions::completions(&args, command(), output),
        Verb::Man(args) => completions::man(&args, command(), output),
    }
}
