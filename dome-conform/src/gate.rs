//! The gate: which runs it makes, and the sub-checks that judge them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use dome_contracts::conform::{
    Assertion, Check, CheckName, Document, Enforcement, FixtureRun, Gate, Policy, Refused, Report, Run, Shrink,
    SpecTest, canonical, contract, observability, side_effects, spec_as_test,
};

use crate::error::Error;
use crate::exec::Kernel;
use crate::session::{RUN_ID, Session, TASK_ID};
use crate::tool::ToolOnDisk;
use crate::vary;

/// The name of this gate.
const GATE: &str = "python_standard";

/// How a tool is judged.
#[derive(Clone, Copy, Debug)]
pub struct Options<'o> {
    /// The interpreter, 3.11 or later.
    pub python: &'o Path,
    /// Only these sub-checks; all, if there are none. A report without the others never conforms.
    pub only: &'o [CheckName],
    /// The program and the arguments that call [`become_tool`](crate::become_tool) with one more argument.
    pub launcher: &'o [OsString],
}

/// What the gate found.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The report.
    pub report: Report,
    /// The documents that were made from the schemas, each with what came of it.
    pub tests: Vec<SpecTest>,
}

/// Runs a tool and judges it.
///
/// # Errors
///
/// [`Error`] with [`ErrorKind::Interpreter`](crate::ErrorKind::Interpreter) if the interpreter cannot be used,
/// and with [`ErrorKind::Failed`](crate::ErrorKind::Failed) if a run cannot be made. What is wrong with the
/// tool is no error but a part of the report.
pub fn judge(tool: &ToolOnDisk, options: &Options<'_>) -> Result<Judged, Error> {
    let session = Session::begin(tool, options)?;
    let (checks, tests) = checks(&session, options.only)?;
    let gate = Gate {
        landlock_abi: session.kernel.borrow().first().and_then(|(kernel, _)| kernel.landlock_abi.map(u64::from)),
        name: GATE.to_owned(),
        python: session.python.version.clone(),
        runs: *session.runs.borrow(),
    };
    let report = Report::of(tool.manifest.tool.clone(), checks, tool.digests.clone(), gate);
    Ok(Judged { report, tests })
}

fn checks(session: &Session<'_>, only: &[CheckName]) -> Result<(Vec<Check>, Vec<SpecTest>), Error> {
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
        let (check, tried) = spec_tests(session, &mut reached)?;
        checks.push(check);
        tests = tried;
    }
    if wanted(CheckName::SideEffects) {
        // Last, since every run counts.
        let seen = session.seen.borrow();
        let enforced = enforcement(&manifest.side_effects, &session.kernel.borrow());
        checks.push(side_effects(&manifest.side_effects, &seen.iter().collect::<Vec<_>>(), &enforced));
    }
    checks.sort_by_key(|check| check.name);
    Ok((checks, tests))
}

/// Every document of the fixtures and their answers, each with what Python makes of it.
fn documents(session: &Session<'_>, runs: &[FixtureRun<'_>]) -> Result<Vec<Document>, Error> {
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
    // A value without canonical bytes has failed whatever Python says of it: its line is empty.
    let lines = documents.iter().map(|document| dome_core::canonical::to_vec(&document.value).unwrap_or_default());
    let lines: Vec<Vec<u8>> = lines.collect();
    for (document, python) in documents.iter_mut().zip(session.round_trip(&lines)?) {
        document.python = python;
    }
    Ok(documents)
}

/// How many candidates are tried for one drift, and how many drifts are shrunk.
const BUDGET: usize = 40;
const SHRUNK_MAX: usize = 4;

/// Tries the tool on documents that its schemas give, and shrinks what shows a drift; `reached` are the reason codes that fixtures reach.
fn spec_tests(session: &Session<'_>, reached: &mut BTreeSet<String>) -> Result<(Check, Vec<SpecTest>), Error> {
    let manifest = &session.tool.manifest;
    let (mut tests, mut shrunk) = (Vec::new(), BTreeSet::new());
    for assertion in manifest.assertions() {
        let run = session.run(&assertion.config, &assertion.input)?;
        reached.extend(run.reason_codes(manifest));
        let refused = assertion.judge(&run, manifest);
        let refused = match refused {
            // One of a kind shows it; the others are told as they are.
            Some(refused) if shrunk.len() < SHRUNK_MAX && shrunk.insert((refused.drift, assertion.class)) => {
                Some(smallest(session, &assertion, refused)?)
            }
            Some(refused) => Some((refused, assertion.clone())),
            None => None,
        };
        tests.push(SpecTest { assertion, refused });
    }
    Ok((spec_as_test(manifest, &tests, reached), tests))
}

fn smallest(session: &Session<'_>, start: &Assertion, found: Refused) -> Result<(Refused, Assertion), Error> {
    let manifest = &session.tool.manifest;
    let (mut shrink, mut shown) = (Shrink::of(start.clone(), manifest, BUDGET), found);
    while let Some(candidate) = shrink.next() {
        let run: Run = session.run(&candidate.config, &candidate.input)?;
        let refused = candidate.judge(&run, manifest).filter(|refused| refused.drift == shown.drift);
        let shows_it = refused.is_some();
        shown = refused.unwrap_or(shown);
        shrink.told(candidate, shows_it);
    }
    Ok((shown, shrink.smallest()))
}

/// Landlock knows truncation from version 3, signals from version 6.
const TRUNCATE_ABI: u32 = 3;
const SIGNAL_ABI: u32 = 6;

/// What was enforced in every run, by what, and why not: the weakest run counts.
fn enforcement(policy: &Policy, runs: &[(Kernel, bool)]) -> Enforcement {
    let abi = runs.iter().map(|(kernel, _)| kernel.landlock_abi.unwrap_or(0)).min().unwrap_or(0);
    let seccomp = !runs.is_empty() && runs.iter().all(|(kernel, _)| kernel.seccomp);
    let locked = !runs.is_empty() && runs.iter().all(|(_, locked)| *locked);
    let by = |what: &[(&str, bool)]| -> Vec<String> {
        if what.iter().all(|(_, there)| *there) {
            what.iter().map(|(name, _)| (*name).to_owned()).collect()
        } else {
            Vec::new()
        }
    };
    let mut found = Enforcement {
        attributes: by(&[("seccomp", seccomp)]),
        connections: by(&[("seccomp", seccomp && policy.allow_domains.is_empty())]),
        processes: by(&[
            ("landlock", abi >= SIGNAL_ABI),
            ("seccomp", seccomp && locked && policy.allow_commands.is_empty()),
        ]),
        writes: by(&[("landlock", abi >= TRUNCATE_ABI)]),
        reasons: Vec::new(),
    };
    let mut because = |part, why: &str| found.reasons.push((part, why.to_owned()));
    if policy.is_unrestricted() {
        for part in ["write", "attributes", "connection", "process"] {
            because(part, "the policy is `unrestricted`");
        }
        return found;
    }
    if !policy.allow_domains.is_empty() {
        because("connection", "the kernel cannot tell hosts apart; what is declared is observed only");
    } else if !seccomp {
        because("connection", "no seccomp here");
    }
    if !policy.allow_commands.is_empty() {
        because("process", "whoever may start a program may start any other by the loader (`ld.so PROGRAM`)");
    } else if !seccomp || !locked {
        because("process", "no seccomp here, or no ctypes to install the last filter");
    } else if abi < SIGNAL_ABI {
        because("process", "signals are kept in from Landlock version 6 on");
    }
    if abi < TRUNCATE_ABI {
        because("write", "Landlock version 3 or later is needed, and this kernel has less or none");
    }
    if !seccomp {
        because("attributes", "no seccomp here");
    }
    found
}
