//! `dome schema`: the JSON Schema of a public document.

use clap::Args;
use dome_binder::backtest::Backtest;
use dome_binder::priors::{BriefAnswer, Priors};
use dome_binder::rollout::{RolloutPolicy, RolloutStatus};
use dome_binder::views::{GateRollup, GuardDenial, RecentFailure};
use dome_binder::{Capsule, Concept, Lineage, Policy};
use dome_contracts::conform::manifest_schema;
use dome_core::conformance::ConformanceReport;
use dome_core::guard::GuardDecision;
use dome_core::{CodeTable, QuarantineRow, escaped, schema};
use dome_replay::verify::Verification;
use dome_replay::{KeepsFailing, Manifest};
use dome_store::index::{Explanation, QueryHeader};
use dome_store::memory::{MemoryChange, ShownMemory};
use dome_store::quarantine::{Retried, ShownLine};
use dome_store::records::ShownRecords;
use dome_store::rollout::ShownRollout;
use dome_store::{Acknowledged, IngestSummary, Status, StoreVerification};
use schemars::Schema;

use super::{convert, diff, plan};
use crate::exit::{Exit, usage};
use crate::output::Printer;

/// Print the JSON Schema of a public document
#[derive(Debug, Args)]
#[command(after_help = "Example:\n    dome schema envelope > envelope.schema.json")]
pub(crate) struct SchemaArgs {
    /// The document; without it, the names are listed
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

/// A document's name, what it is, and how its schema is made.
type SchemaDocument = (&'static str, &'static str, fn() -> Schema);

const DOCUMENTS: &[SchemaDocument] = &[
    ("envelope", "what a wrapper writes: a line of input", schema::input_envelope),
    ("task-spec", "what a task works on: a member of an envelope, and what check --task-spec takes", schema::task_spec),
    ("canonical-envelope", "an envelope as facts carry it", schema::of_output::<dome_core::Envelope>),
    ("fact", "a line of facts.jsonl", dome_binder::fact_schema),
    ("capsule", "a line of capsules.jsonl", schema::of_output::<Capsule>),
    ("concept", "a line of concepts.jsonl", schema::of_output::<Concept>),
    ("lineage", "a line of lineage.jsonl", schema::of_output::<Lineage<'static>>),
    ("quarantine", "a line of quarantine.jsonl", schema::of_output::<QuarantineRow>),
    (
        "recent-failure",
        "a line of views/mv_recent_failures_by_taskspec.jsonl",
        schema::of_output::<RecentFailure<'static>>,
    ),
    ("gate-rollup", "a line of views/mv_gate_rollup_by_failure_reason_code.jsonl", schema::of_output::<GateRollup>),
    ("guard-denial", "a line of views/mv_guard_denials_by_policy_reason_code.jsonl", schema::of_output::<GuardDenial>),
    ("manifest", "manifest.json", schema::of_output::<Manifest>),
    ("explanation", "what dome explain --format json prints", schema::of_output::<Explanation>),
    ("query", "the first line of dome query --format json", schema::of_output::<QueryHeader>),
    ("diff", "what diff --format json prints", schema::of_output::<diff::DiffDocument>),
    ("plan", "what plan --format json prints", schema::of_output::<plan::PlanDocument>),
    ("verification", "what verify --format json prints", schema::of_output::<Verification>),
    ("ingest-batch", "what ingest --follow --format json prints for each batch", schema::of_output::<Acknowledged>),
    ("ingest-summary", "what ingest --format json ends with", schema::of_output::<IngestSummary>),
    ("store-status", "what store status --format json prints", schema::of_output::<Status<KeepsFailing>>),
    ("store-rollout", "what store rollout show --format json prints", schema::of_output::<ShownRollout>),
    ("memory", "what memory list --format json prints", schema::of_output::<ShownMemory>),
    ("memory-change", "what memory promote and retract --format json print", schema::of_output::<MemoryChange>),
    ("store-tools", "what store tool list --format json prints", schema::of_output::<ShownRecords>),
    ("store-verification", "what store verify --format json prints", schema::of_output::<StoreVerification>),
    ("store-quarantined", "what store quarantine show --format json prints", schema::of_output::<ShownLine>),
    ("store-retry", "what store quarantine retry --format json prints", schema::of_output::<Retried>),
    ("convert-finding", "a line of convert --findings", schema::of_output::<convert::ConvertFinding<'static>>),
    ("guard-context", "what guard eval --context takes", schema::guard_context),
    ("guard-decision", "what guard eval --format json prints", schema::of_output::<GuardDecision>),
    ("priors", "what priors --detail full --format json prints, and a line of --record", schema::of_output::<Priors>),
    ("priors-brief", "what priors --format json prints", schema::of_output::<BriefAnswer>),
    ("backtest", "what backtest --format json prints", schema::of_output::<Backtest>),
    ("rollout-policy", "what rollout status --policy takes", schema::of_output::<RolloutPolicy>),
    ("rollout-status", "what rollout status --format json prints", schema::of_output::<RolloutStatus>),
    (
        "conformance-report",
        "what conform prints and priors --conformance takes",
        schema::of_output::<ConformanceReport>,
    ),
    ("tool-manifest", "what conform takes", tool_manifest),
    #[cfg(feature = "conform")]
    ("map-budget", "what run map-reduce --budget takes", schema::of_output::<dome_patterns::Budget>),
    #[cfg(feature = "conform")]
    ("map-reduce", "what run map-reduce --format json prints", schema::of_output::<super::run::MapReduceDocument>),
    ("policy", "what --policy takes", schema::of_output::<Policy>),
    ("reason-codes", "what --reason-codes takes", schema::of_output::<CodeTable>),
    ("redaction", "what --redact takes", schema::redaction),
];

pub(crate) fn run(args: &SchemaArgs, output: &mut Printer) -> anyhow::Result<Exit> {
    let Some(name) = &args.name else {
        for (name, what, _) in DOCUMENTS {
            writeln!(output, "{name:<20}{what}")?;
        }
        return Ok(Exit::Done);
    };
    let found = DOCUMENTS.iter().find(|(known, ..)| known == name);
    let (.., schema) = found.ok_or_else(|| {
        let names: Vec<_> = DOCUMENTS.iter().map(|(name, ..)| *name).collect();
        let names = names.join(", ");
        usage(format!("no document `{}`; expected one of {names}", escaped(name)))
    })?;
    output.document(&schema())?;
    Ok(Exit::Done)
}

/// It is written by hand: the manifest is held to it, member by member.
#[expect(clippy::expect_used, reason = "it is compiled in, and a test prints it")]
fn tool_manifest() -> Schema {
    Schema::try_from(manifest_schema()).expect("the schema of a manifest is an object")
}
