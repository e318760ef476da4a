//! `dome report-outcome`: what became of a prior, as an envelope.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use dome_binder::outcome::{AppliedPrior, OutcomeError, OutcomeReport, PriorOutcome};
use dome_core::build::Origin;
use dome_core::limits::SAFE_INTEGER;
use dome_core::{
    Envelope, EventId, Evidence, EvidencePath, Gate, GroupId, PolicyReasonCode, RunId, Sha256Hash, Subject, TaskId,
    TaskSpec, Timestamp, WrapperPolicy, escaped, escaped_path,
};
use dome_replay::input::document;
use dome_store::drop_off;
use dome_store::index::Explained;

use crate::args::SubjectArgs;
use crate::clock::now;
use crate::exit::{Exit, invalid, usage};
use crate::known::FactsArgs;
use crate::output::{LineFile, Printer, near_it, note};

/// Say what became of a prior that was applied: prints one envelope
///
/// `helped` is a success with the prior's remedy, `failed` the same failure again with the remedy that was tried in vain,
/// `denied` a denial, `abandoned` an observation that says that nothing more was tried. The next answer counts it.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n    dome priors --store memory ... --detail full --format json > answer.json\n    dome report-outcome --prior answer.json --outcome helped --failure failed.json --run-id r7 --task-id unit --group-id try-2 \\\n        --evidence runs/r7/unit.log --ingest memory\n    dome report-outcome --key 7ab9b547fec3 --store memory --outcome failed --run-id r7 --task-id unit \\\n        --group-id try-2 --message \"$(cat error.txt)\" --evidence runs/r7/unit.log | dome check -"
)]
pub(crate) struct ReportOutcomeArgs {
    /// An answer of `dome priors --detail full --format json`, or `-` for stdin: the prior to follow is taken, or the first
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "store"])]
    prior: Option<PathBuf>,
    /// The key of the prior, in full or by its first 8 digits: one of the answer, or a capsule of --from or --store
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The result that has the capsule
    #[arg(long, value_name = "DIR", requires = "key", conflicts_with = "store")]
    from: Option<PathBuf>,
    /// The store that has the capsule
    #[arg(long, value_name = "DIR", requires = "key")]
    store: Option<PathBuf>,
    /// How it ended
    #[arg(long, value_name = "helped|failed|denied|abandoned")]
    outcome: PriorOutcome,
    /// The remedy that was applied, by its identity or the first 8 digits [default: the prior's first]
    #[arg(long, value_name = "IDENTITY")]
    remedy: Option<String>,
    #[command(flatten)]
    said: SaidArgs,
    /// Append the envelope to this file [default: print it]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Leave the envelope in the inbox of this store: whoever writes to it or asks it next takes it in
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    ingest: Option<PathBuf>,
}

/// What the envelope says besides.
#[derive(Debug, Args)]
#[command(next_help_heading = "The envelope")]
struct SaidArgs {
    /// The run
    #[arg(long, value_name = "ID")]
    run_id: RunId,
    /// The task inside the run
    #[arg(long, value_name = "ID")]
    task_id: TaskId,
    /// This outcome of the task: each has its own
    #[arg(long, value_name = "ID")]
    group_id: GroupId,
    /// Unique in its run [default: made from task and group]
    #[arg(long, value_name = "ID")]
    event_id: Option<EventId>,
    /// The order in its run: after the failure that was to be mended [default: milliseconds since 1970 at --ts]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=SAFE_INTEGER))]
    sequence: Option<u64>,
    /// When [default: the clock]
    #[arg(long, value_name = "TIME")]
    ts: Option<Timestamp>,
    /// What it may mint
    #[arg(long, value_name = "strict|hybrid|lenient", default_value = "strict")]
    wrapper_policy: WrapperPolicy,
    /// The TaskSpec, a document (see `dome schema task-spec`) [default: what was asked, or the capsule's]
    #[arg(long, value_name = "FILE")]
    task_spec: Option<PathBuf>,
    /// The failure that was asked about, an envelope: lane, repository and job are its, and the revision where nothing
    /// was changed, unless it is said otherwise here
    #[arg(long, value_name = "FILE")]
    failure: Option<PathBuf>,
    #[command(flatten)]
    subject: SubjectArgs,
    /// The failure's own text [default of `failed`: that of the prior]
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// A gate; may be given more than once [default of `failed`: those of the prior failed]
    #[arg(long = "gate", value_parser = gate, value_name = "ID=PASS|FAIL|SKIP")]
    gates: Vec<Gate>,
    /// Why it was denied
    #[arg(long, value_name = "CODE", required_if_eq("outcome", "denied"))]
    policy_reason_code: Option<PolicyReasonCode>,
    /// Where it can be seen; may be given more than once
    #[arg(long, value_name = "PATH", required = true)]
    evidence: Vec<EvidencePath>,
}

fn gate(text: &str) -> Result<Gate, String> {
    let (id, status) = text.rsplit_once('=').ok_or("expected ID=PASS, ID=FAIL or ID=SKIP")?;
    let gate_id = id.parse().map_err(|why: dome_core::IdentifierError| why.to_string())?;
    Ok(Gate { gate_id, status: status.parse().map_err(|why: dome_core::ChoiceError| why.to_string())? })
}

pub(crate) fn run(args: &ReportOutcomeArgs, output: &mut Printer) -> anyhow::Result<Exit> {
    let prior = prior(args)?;
    let envelope = prior.report(report(args)?).map_err(refused)?;
    if args.outcome == PriorOutcome::Failed && !prior.is_same_failure(&envelope) {
        note(&format!("dome: note: this is another failure than {prior}, and does not speak against it"));
    }
    if args.outcome == PriorOutcome::Helped && !prior.is_cleared_by(&envelope) {
        note(&format!("dome: note: the gates do not say that {prior} is cleared, so nothing is resolved by it"));
    }
    give(args, &envelope, output)?;
    Ok(Exit::Done)
}

fn refused(why: OutcomeError) -> anyhow::Error {
    match why {
        OutcomeError::Invalid(rejection) => {
            let problems = rejection.problems().iter().map(|problem| format!("\n  {problem}"));
            invalid(format!("what was said makes no envelope:{}", problems.collect::<String>()))
        }
        why => invalid(why),
    }
}

fn prior(args: &ReportOutcomeArgs) -> anyhow::Result<AppliedPrior> {
    if let Some(path) = &args.prior {
        let read = AppliedPrior::parse(&document(path)?, args.key.as_deref());
        return read.map_err(|why| invalid(format!("`{}`: {why}", escaped_path(path))));
    }
    let Some(key) = args.key.as_deref() else {
        return Err(usage("name the prior: `--prior FILE`, or `--key KEY` with --from or --store"));
    };
    let at = FactsArgs::of(args.from.clone(), args.store.clone());
    let at = at.ok_or_else(|| usage("`--key` names a capsule of --from or --store, or a prior of --prior"))?;
    match at.ask(|known| known.index.explain(key, known.unlisted, &mut *known.origin))? {
        Explained::Told(story) => story
            .capsule
            .and_then(|story| story.capsule)
            .map(|capsule| AppliedPrior::of(&capsule))
            .ok_or_else(|| invalid(format!("`{key}` names no capsule, but a {}", story.subject))),
        Explained::Many(candidates) => {
            let names: Vec<&str> = candidates.iter().map(|one| one.key.as_str()).collect();
            Err(invalid(format!("`{key}` names several things: {}", names.join(", "))))
        }
        Explained::Nothing { near } => {
            Err(invalid(format!("nothing in `{}` is named `{}`{}", at.shown(), escaped(key), near_it(&near))))
        }
    }
}

fn report(args: &ReportOutcomeArgs) -> anyhow::Result<OutcomeReport> {
    let said = &args.said;
    let ts = said.ts.map_or_else(now, Ok)?;
    let (seconds, nanoseconds) = ts.to_unix();
    let milliseconds = seconds.saturating_mul(1_000).saturating_add(i64::from(nanoseconds / 1_000_000));
    let name = Sha256Hash::of(format!("{}\n{}", said.task_id, said.group_id).as_bytes());
    let made = || format!("outcome-{}", name.short()).parse().context("an event id is an identifier");
    let failure = said.failure.as_deref().map(failure).transpose()?;
    let (lane, before) = failure.map_or((None, None), |failure| (failure.lane, failure.subject));
    let subject = match said.subject.subject() {
        None => before,
        Some(subject) => Some(Subject {
            job: subject.job.or_else(|| before.as_ref()?.job.clone()),
            repository: subject.repository.or_else(|| before.as_ref()?.repository.clone()),
            ..subject
        }),
    };
    let lane = said.subject.lane.clone().or(lane);
    if lane.is_none() && subject.is_none() {
        note(
            "dome: note: neither lane nor revision is named, so it counts where none is (M-73); --failure takes them from the failure",
        );
    }
    Ok(OutcomeReport {
        outcome: args.outcome,
        origin: Origin {
            event_id: said.event_id.clone().map_or_else(made, Ok)?,
            sequence: said.sequence.unwrap_or(u64::try_from(milliseconds).unwrap_or_default().max(1)),
            run_id: said.run_id.clone(),
            task_id: said.task_id.clone(),
            group_id: said.group_id.clone(),
            ts,
            wrapper_policy: said.wrapper_policy,
        },
        evidence: said.evidence.iter().cloned().map(Evidence::at).collect(),
        gates: said.gates.clone(),
        lane,
        message: said.message.clone(),
        policy_reason_code: said.policy_reason_code.clone(),
        remedy: args.remedy.clone(),
        subject,
        task_spec: said.task_spec.as_deref().map(task_spec).transpose()?,
    })
}

fn task_spec(path: &std::path::Path) -> anyhow::Result<TaskSpec> {
    TaskSpec::parse(&document(path)?).map_err(|rejection| {
        let problems = rejection.problems().iter().map(|problem| format!("\n  {problem}"));
        invalid(format!("`{}` is no TaskSpec:{}", escaped_path(path), problems.collect::<String>()))
    })
}

fn failure(path: &std::path::Path) -> anyhow::Result<Envelope> {
    Envelope::parse(&document(path)?).map_err(|rejection| {
        let problems = rejection.problems().iter().map(|problem| format!("\n  {problem}"));
        invalid(format!("`{}` is no envelope:{}", escaped_path(path), problems.collect::<String>()))
    })
}

fn give(args: &ReportOutcomeArgs, envelope: &Envelope, output: &mut Printer) -> anyhow::Result<()> {
    let line = format!("{}\n", envelope.to_line());
    if let Some(store) = &args.ingest {
        let name = drop_off(store, &mut line.as_bytes())?;
        note(&format!("dome: waits in the inbox of `{}`: {name}", escaped_path(store)));
    }
    match &args.out {
        Some(path) => LineFile::open(path)?.append(line.as_bytes()),
        None => output.bytes(line.as_bytes()),
    }
}
