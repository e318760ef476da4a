//! A planner in thirty lines: it asks for priors, acts, and reports what came of it.
//!
//! `cargo run -p dome-binder --example planner`
//!
//! Four runs have failed on the same test and were mended by the same commit. The planner asks before
//! the fifth, follows what it is told, and says in its report which prior it applied. The next answer
//! shows that the prior held.

use dome_binder::priors::{Memory, PriorsQuery, Rollout, priors};
use dome_binder::{Policy, Record, Rules, replay};
use dome_core::build::{Draft, FailedCode, Origin};
use dome_core::{CodeTable, Envelope, Evidence, EvidencePath, Remedy, Sha256Hash, Source, TaskLine, WrapperPolicy};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The whole planner. What it knows are envelopes; what it does goes back among them.
fn plan(memory: &mut Vec<Envelope>, run: u64, act: impl Fn(Option<&Remedy>) -> bool) -> Outcome<String> {
    let rules = Rules { policy: Policy::default(), codes: codes()?, mode: None };
    let source = |line| Source { line, name: "memory".into() };
    let records = memory.iter().zip(1..).map(|(envelope, line)| Box::new(Record::new(envelope.clone(), source(line))));
    let known = replay(records.collect(), &rules, None);
    let query = PriorsQuery { rollout: Rollout::Prescriptive, ..PriorsQuery::of(work()?) };
    let answer = priors(&Memory::of(&known, &rules), &query);
    let prior = answer.to_follow();
    let remedy = prior.and_then(|prior| prior.remedies.first()).map(|record| &*record.remedy);
    let (origin, log) = (origin(run, 1)?, Evidence::at(EvidencePath::new("unit.log")?));
    memory.push(if act(remedy) {
        let draft = Draft::success(origin, work()?, log).passed("unit".parse()?);
        reported(draft, prior.and_then(|prior| prior.derived_key)).build()?
    } else {
        let draft = Draft::failure(origin, work()?, FailedCode::new("TESTS_FAILED")?, log).failed("unit".parse()?);
        reported(draft, prior.and_then(|prior| prior.derived_key)).build()?
    });
    let first = answer.priors.first().map(|prior| {
        let counts = prior.counts;
        format!("{:?}: resolved {} x, held {} x", prior.verdict, counts.resolved_count, counts.confirmed_count)
    });
    Ok(first.unwrap_or_else(|| "nothing is known".to_owned()))
}

/// Says which prior was applied, if one was.
fn reported<S: dome_core::build::SignalType>(draft: Draft<S>, applied: Option<Sha256Hash>) -> Draft<S> {
    match applied {
        Some(key) => draft.applied_capsule(key),
        None => draft,
    }
}

/// What the planner works on.
fn work() -> Outcome<TaskLine> {
    Ok(TaskLine {
        scope: dome_core::Scope::Repo,
        target_kind: "repo".parse()?,
        target_id: "acme/app".parse()?,
        action_kind: "test".parse()?,
    })
}

fn origin(run: u64, sequence: u64) -> Outcome<Origin> {
    Ok(Origin {
        event_id: format!("e{sequence}").parse()?,
        sequence,
        run_id: format!("run-{run}").parse()?,
        task_id: "unit".parse()?,
        group_id: format!("try-{sequence}").parse()?,
        ts: format!("2026-02-{:02}T03:{sequence:02}:00Z", 2 * run).parse()?,
        wrapper_policy: WrapperPolicy::Strict,
    })
}

/// The reason codes that the planner knows.
fn codes() -> Outcome<CodeTable> {
    Ok(CodeTable::parse(
        br#"{"schema_version":"0.1","version":"0.1","classes_precedence":["repairable"],
             "codes":{"TESTS_FAILED":{"class":"repairable"}},"restart_mode_by_class":{"repairable":"RETRY"}}"#,
    )?)
}

/// Four runs that failed, and were mended by the same commit.
fn history() -> Outcome<Vec<Envelope>> {
    let mut memory = Vec::new();
    for run in 1..=4 {
        let log = Evidence::at(EvidencePath::new("unit.log")?);
        let failed = Draft::failure(origin(run, 1)?, work()?, FailedCode::new("TESTS_FAILED")?, log.clone());
        memory.push(failed.failed("unit".parse()?).build()?);
        let remedy = Remedy::at("recipe".parse()?, EvidencePath::new("recipes/rebuild-index")?);
        memory.push(Draft::success(origin(run, 2)?, work()?, log).passed("unit".parse()?).remedy(remedy).build()?);
    }
    Ok(memory)
}

/// What the planner is told before each of three runs. The work succeeds with the remedy only.
pub(crate) fn told() -> Outcome<Vec<String>> {
    let mut memory = history()?;
    (5..=7).map(|run| plan(&mut memory, run, |remedy| remedy.is_some())).collect()
}

fn main() -> Outcome<()> {
    told()?.iter().for_each(|line| println!("{line}"));
    Ok(())
}
