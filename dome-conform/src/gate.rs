//! The gate: which runs it makes, and the sub-checks that judge them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use dome_contracts::conform::{
    Assertion, Enforced, Enforcement, FixtureRun, Refused, RoundTrip, Shrink, SpecTest, ToolPolicy, ToolRun, canonical,
    contract, observability, side_effects, spec_as_test,
};
use dome_core::conformance::{CheckName, ConformanceCheck, ConformanceGate, ConformanceReport};

use crate::error::{ConformError, Result};
use crate::exec::Kernel;
use crate::session::{GateSession, RUN_ID, TASK_ID};
use crate::tool::ToolOnDisk;
use crate::vary;

/// How a tool is judged.
#[derive(Clone, Copy, Debug)]
pub struct JudgeOptions<'o> {
    /// The interpreter, 3.11 or later.
    pub python: &'o Path,
    /// Only these sub-checks; all, if there are none. A report without the others never conforms.
    pub only: &'o [CheckName],
    /// The program and the arguments that call [`become_tool`](crate::become_tool) with one more argument.
    pub launcher: &'o [OsString],
}

/// What the gate found.
#[derive(Clone, Debug)]
pub struct JudgedTool {
    /// The report.
    pub report: ConformanceReport,
    /// The documents that were made from the schemas, each with its result.
    pub tests: Vec<SpecTest>,
}

/// Runs a tool and judges it.
///
/// # Errors
///
/// [`ConformError`] with [`ConformErrorKind::Interpreter`](crate::ConformErrorKind::Interpreter) if the interpreter cannot be used,
/// and with [`ConformErrorKind::Failed`](crate::ConformErrorKind::Failed) if a run cannot be made. What is wrong with the
/// tool is no error but a part of the report.
pub fn judge(tool: &ToolOnDisk, options: &JudgeOptions<'_>) -> Result<JudgedTool, ConformError> {
    let session = GateSession::begin(tool, options)?;
    let (checks, tests) = checks(&session, options.only)?;
    let gate = ConformanceGate {
        landlock_abi: session.runs.borrow().first().and_then(|(_, kernel)| kernel.landlock_abi.map(u64::from)),
        name: "python_standard".to_owned(),
        python: session.setup.python.version.clone(),
        runs: session.runs.borrow().len() as u64,
    };
    let report = ConformanceReport::of(tool.manifest.tool.clone(), checks, tool.digests.clone(), gate);
    Ok(JudgedTool { report, tests })
}

fn checks(session: &GateSession<'_>, only: &[CheckName]) -> Result<(Vec<ConformanceCheck>, Vec<SpecTest>)> {
    let manifest = &session.tool.manifest;
    let wanted = |name| only.is_empty() || only.contains(&name);
    let first = manifest.fixtures.iter().map(|fixture| session.run(&fixture.config, &fixture.input));
    let first: Vec<ToolRun> = first.collect::<Result<_, _>>()?;
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
        checks.push(vary::vary(session, &runs)?);
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
        let all = session.runs.borrow();
        let (seen, kernels): (Vec<&ToolRun>, Vec<&Kernel>) = all.iter().map(|(run, kernel)| (run, kernel)).unzip();
        let policy = &manifest.side_effects;
        checks.push(side_effects(policy, &seen, &enforcement(policy, &kernels)));
    }
    checks.sort_by_key(|check| check.name);
    Ok((checks, tests))
}

fn documents(session: &GateSession<'_>, runs: &[FixtureRun<'_>]) -> Result<Vec<RoundTrip>> {
    let mut documents = Vec::new();
    for FixtureRun { fixture, run } in runs {
        let output = run.answer().ok().and_then(|answer| answer.output);
        let parts =
            [("config", Some(fixture.config.clone())), ("input", Some(fixture.input.clone())), ("output", output)];
        for (part, value) in parts {
            let name = fixture.name.clone();
            documents.extend(value.map(|value| RoundTrip { part, name, python: None, value }));
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

/// Tries documents that the schemas give, and shrinks what drifts; `reached` are the codes that fixtures reach.
fn spec_tests(session: &GateSession<'_>, reached: &mut BTreeSet<String>) -> Result<(ConformanceCheck, Vec<SpecTest>)> {
    let manifest = &session.tool.manifest;
    let (mut tests, mut shrunk) = (Vec::new(), BTreeSet::new());
    for assertion in manifest.assertions() {
        let run = session.run(&assertion.config, &assertion.input)?;
        reached.extend(run.reason_codes(manifest));
        let refused = assertion.judge(&run, manifest);
        let refused = match refused {
            // One of a kind is shrunk; the others are reported as they are.
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

fn smallest(session: &GateSession<'_>, start: &Assertion, found: Refused) -> Result<(Refused, Assertion)> {
    let manifest = &session.tool.manifest;
    let (mut shrink, mut shown) = (Shrink::of(start.clone(), manifest, BUDGET), found);
    while let Some(candidate) = shrink.next() {
        let run: ToolRun = session.run(&candidate.config, &candidate.input)?;
        let refused = candidate.judge(&run, manifest).filter(|refused| refused.drift == shown.drift);
        let shows_it = refused.is_some();
        shown = refused.unwrap_or(shown);
        shrink.tried(candidate, shows_it);
    }
    Ok((shown, shrink.smallest()))
}

/// Landlock knows truncation from version 3, signals from version 6.
const TRUNCATE_ABI: u32 = 3;
const SIGNAL_ABI: u32 = 6;

/// What was enforced in every run, by what, and why not: the weakest run counts.
pub(crate) fn enforcement(policy: &ToolPolicy, runs: &[&Kernel]) -> Enforcement {
    let enforced = |by: &[&str], why_not: Option<&str>| {
        let by = if why_not.is_none() { by } else { &[] };
        Enforced { by: by.iter().map(|name| (*name).to_owned()).collect(), why_not: why_not.map(str::to_owned) }
    };
    if policy.is_unrestricted() {
        let open = || enforced(&[], Some("the policy is `unrestricted`"));
        return Enforcement { attributes: open(), connections: open(), processes: open(), writes: open() };
    }
    let abi = runs.iter().map(|kernel| kernel.landlock_abi.unwrap_or(0)).min().unwrap_or(0);
    let seccomp = !runs.is_empty() && runs.iter().all(|kernel| kernel.seccomp);
    let locked = runs.iter().all(|kernel| kernel.locked);
    let no_seccomp = (!seccomp).then_some("no seccomp here");
    let connections = if policy.allow_domains.is_empty() {
        no_seccomp
    } else {
        Some("the kernel cannot tell hosts apart; what is declared is observed only")
    };
    let processes = if !policy.allow_commands.is_empty() {
        Some("whoever may start a program may start any other by the loader (`ld.so PROGRAM`)")
    } else if !seccomp || !locked {
        Some("no seccomp here, or no ctypes to install the last filter")
    } else {
        (abi < SIGNAL_ABI).then_some("signals are kept in from Landlock version 6 on")
    };
    let writes =
        (abi < TRUNCATE_ABI).then_some("Landlock version 3 or later is needed, and this kernel has less or none");
    Enforcement {
        attributes: enforced(&["seccomp"], no_seccomp),
        connections: enforced(&["seccomp"], connections),
        processes: enforced(&["landlock", "seccomp"], processes),
        writes: enforced(&["landlock"], writes),
    }
}
