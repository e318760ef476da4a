//! A planner in thirty lines: it fails, asks for priors, acts, and reports what came of it.
//!
//! `cargo run -p dome-binder --example planner`
//!
//! On four targets the same call has failed, and the same other argument got over it. The planner meets it on a fifth:
//! it asks when it has just failed, follows what it is told, and says in its report what it did and which prior it
//! applied. The next answer shows that the prior was confirmed.

use dome_binder::priors::{Memory, PriorsQuery, Rollout, Tier, priors};
use dome_binder::{Policy, Record, Rules, replay};
use dome_core::build::{Draft, FailedCode, Origin, SignalType};
use dome_core::{CodeTable, Envelope, Evidence, EvidencePath, Remedy, Sha256Hash, Source, TaskLine, WrapperPolicy};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The whole planner. What it knows are envelopes; what it does goes back among them.
fn plan(memory: &mut Vec<Envelope>, run: u64, act: impl Fn(Option<&Remedy>) -> bool) -> Outcome<String> {
    memory.push(failed(run, 1)?.build()?);
    let rules = Rules { policy: Policy::default(), codes: codes()?, mode: None, contracts: None };
    let source = |line| Source { line, name: "memory".into() };
    let records = memory.iter().zip(1..).map(|(envelope, line)| Box::new(Record::new(envelope.clone(), source(line))));
    let known = replay(records.collect(), &rules, None);
    let query = PriorsQuery { rollout: Rollout::Prescriptive, ..PriorsQuery::of(work(run)?) };
    let answer = priors(&Memory::of(&known, &rules), &query);
    let prior = answer.to_follow();
    let remedy = prior.and_then(|prior| prior.remedies.first()).map(|record| &*record.remedy);
    // A concept sums up many: what is applied is the best of another target.
    let applied = answer.priors.iter().find(|prior| prior.tier == Tier::Elsewhere).and_then(|prior| prior.derived_key);
    memory.push(if act(remedy) {
        let draft = Draft::success(origin(run, 2)?, work(run)?, log()?).passed("call".parse()?);
        reported(mended(draft, remedy), applied).build()?
    } else {
        reported(failed(run, 2)?, applied).build()?
    });
    let told = prior.map(|prior| {
        let counts = prior.counts;
        format!("{:?}: resolved {} x, confirmed {} x", prior.verdict, counts.resolved_count, counts.confirmed_count)
    });
    Ok(told.unwrap_or_else(|| "there is nothing to follow".to_owned()))
}

/// Says which prior was applied, if one was.
fn reported<S: SignalType>(draft: Draft<S>, applied: Option<Sha256Hash>) -> Draft<S> {
    match applied {
        Some(key) => draft.applied_capsule(key),
        None => draft,
    }
}

/// Says what was done, if anything was.
fn mended(draft: Draft<dome_core::build::Success>, remedy: Option<&Remedy>) -> Draft<dome_core::build::Success> {
    match remedy {
        Some(remedy) => draft.remedy(remedy.clone()),
        None => draft,
    }
}

/// A call that failed.
fn failed(run: u64, sequence: u64) -> Outcome<Draft<dome_core::build::Failure>> {
    let code = FailedCode::new("TESTS_FAILED")?;
    Ok(Draft::failure(origin(run, sequence)?, work(run)?, code, log()?).failed("call".parse()?))
}

/// What the planner works on: another target in each run.
fn work(run: u64) -> Outcome<TaskLine> {
    Ok(TaskLine {
        scope: dome_core::Scope::Repo,
        target_kind: "repo".parse()?,
        target_id: format!("acme/app-{run}").parse()?,
        action_kind: "test".parse()?,
    })
}

fn log() -> Outcome<Evidence> {
    Ok(Evidence::at(EvidencePath::new("call.log")?))
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

/// Four runs in which the call failed, and the same other argument got over it.
fn history() -> Outcome<Vec<Envelope>> {
    let mut memory = Vec::new();
    for run in 1..=4 {
        memory.push(failed(run, 1)?.build()?);
        let remedy = Remedy::at("edit_argument".parse()?, EvidencePath::new("arguments/absolute-path")?);
        let draft = Draft::success(origin(run, 2)?, work(run)?, log()?).passed("call".parse()?);
        memory.push(mended(draft, Some(&remedy)).build()?);
    }
    Ok(memory)
}

/// What the planner is told in each of three runs. The work succeeds with the remedy only.
pub(crate) fn told() -> Outcome<Vec<String>> {
    let mut memory = history()?;
    (5..=7).map(|run| plan(&mut memory, run, |remedy| remedy.is_some())).collect()
}

fn main() -> Outcome<()> {
    told()?.iter().for_each(|line| println!("{line}"));
    Ok(())
}
