//! `dome conform`: the tool conformance gate `python_standard`.

mod args;
mod enforcement;
mod exec;
mod formats;
mod measure;
mod python;
mod records;
mod render;
mod runner;
mod session;
mod spec;
mod surroundings;
mod tool;
mod vary;

use std::collections::BTreeSet;

use anyhow::Context;
use dome_binder::append_row;
use dome_contracts::conform::{
    Check, CheckName, Document, FixtureRun, Gate, Report, Run, SpecTest, canonical, contract, observability,
    side_effects,
};

pub(crate) use args::{ConformArgs, ConformExecArgs};
pub(crate) use exec::run as become_tool;
pub(crate) use tool::ToolOnDisk;

use crate::exit::{Exit, usage};
use crate::output::Output;
use session::{RUN_ID, Session, TASK_ID};

/// The name of this gate.
const GATE: &str = "python_standard";

/// Runs the verb.
pub(crate) fn run(args: &ConformArgs, output: &mut Output) -> anyhow::Result<Exit> {
    if args.reason_codes {
        output.bytes(records::REASON_CODES)?;
        output.flush()?;
        return Ok(Exit::Done);
    }
    let manifest = args.manifest.as_deref().ok_or_else(|| usage("name the manifest"))?;
    let tool = ToolOnDisk::open(manifest)?;
    let session = Session::begin(&tool, &args.python)?;
    let judged = judge(&session, &args.only)?;
    if let Some(runs) = args.measure {
        measure::measure(&session, runs)?;
    }
    let gate = Gate {
        landlock_abi: session.kernel.borrow().first().and_then(|(kernel, _)| kernel.landlock_abi.map(u64::from)),
        name: GATE.to_owned(),
        python: session.python.version.clone(),
        runs: *session.runs.borrow(),
    };
    let report = Report::of(tool.manifest.tool.clone(), judged.checks, tool.digests.clone(), gate);
    let report = Report { valid_until: args.valid_until, ..report };
    if let Some(path) = &args.out {
        let mut row = Vec::new();
        append_row(&report, &mut row);
        std::fs::write(path, row).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    if let Some(path) = &args.envelopes {
        records::write(path, &tool, &judged.tests, args.ts)?;
    }
    show(&report, &tool, output)?;
    Ok(if report.conformant { Exit::Done } else { Exit::Findings })
}

fn show(report: &Report, tool: &ToolOnDisk, output: &mut Output) -> anyhow::Result<()> {
    if output.is_json() {
        output.object(report)?;
    } else if let Some(text) = formats::render(report, tool, output)? {
        output.as_is(&text)?;
    } else {
        render::print(report, output)?;
    }
    output.flush()
}

/// What the gate found.
struct Judged {
    checks: Vec<Check>,
    tests: Vec<SpecTest>,
}

fn judge(session: &Session<'_>, only: &[CheckName]) -> anyhow::Result<Judged> {
    let manifest = &session.tool.manifest;
    let wanted = |name| only.is_empty() || only.contains(&name);
    let first = manifest.fixtures.iter().map(|fixture| session.run(&fixture.config, &fixture.input));
    let first: Vec<Run> = first.collect::<Result<_, _>>()?;
    let runs: Vec<FixtureRun<'_>> =
        manifest.fixtures.iter().zip(&first).map(|(fixture, run)| FixtureRun { fixture, run }).collect();
    let (mut checks, mut tests) = (Vec::new(), Vec::new());
    if wanted(CheckName::Contract) {
        checks.push(contract(manifest, &runs));
    }
    if wanted(CheckName::CanonicalSerialisation) {
        checks.push(canonical(&documents(session, &runs)?));
    }
    if wanted(CheckName::Determinism) {
        let first: Vec<_> = runs.iter().map(|run| (run.fixture, run.run)).collect();
        checks.push(vary::vary(session, &first)?);
    }
    if wanted(CheckName::Observability) {
        checks.push(observability(manifest, &runs, RUN_ID, TASK_ID));
    }
    if wanted(CheckName::SpecAsTest) {
        let mut reached: BTreeSet<String> = first.iter().flat_map(|run| run.reason_codes(manifest)).collect();
        let (check, tried) = spec::test(session, &mut reached)?;
        checks.push(check);
        tests = tried;
    }
    if wanted(CheckName::SideEffects) {
        // Last, since every run counts.
        let seen = session.seen.borrow();
        let enforced = enforcement::of(&manifest.side_effects, &session.kernel.borrow());
        checks.push(side_effects(&manifest.side_effects, &seen.iter().collect::<Vec<_>>(), &enforced));
    }
    checks.sort_by_key(|check| check.name);
    Ok(Judged { checks, tests })
}

/// Every document of the fixtures and their answers, each with what Python makes of it.
fn documents(session: &Session<'_>, runs: &[FixtureRun<'_>]) -> anyhow::Result<Vec<Document>> {
    let mut documents = Vec::new();
    for FixtureRun { fixture, run } in runs {
        let output = run.answer().ok().and_then(|answer| answer.output);
        let parts =
            [("config", Some(fixture.config.clone())), ("input", Some(fixture.input.clone())), ("output", output)];
        for (part, value) in parts {
            let name = fixture.name.clone();
            documents.extend(value.map(|value| Document { part, name, python: None, value }));
        }
    }
    let lines = documents.iter().map(|document| dome_core::canonical::to_vec(&document.value).unwrap_or_default());
    let lines: Vec<Vec<u8>> = lines.collect();
    for (document, python) in documents.iter_mut().zip(session.round_trip(&lines)?) {
        document.python = python;
    }
    Ok(documents)
}
