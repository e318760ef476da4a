//! The sub-checks: each is a function from a manifest and its runs to what is said of them.

use std::collections::BTreeSet;

use dome_core::conformance::{CheckName, CheckOutcome, CheckPart, ConformanceCheck};
use dome_core::{FailureReasonCode, PolicyReasonCode, canonical as bytes};
use schema_compat::json;
use serde_json::Value;

use super::manifest::{Expect, FailureOn, Fixture, TelemetryMember, ToolManifest, ToolPolicy};
use super::run::{AnswerStatus, EffectKind, FixtureRun, RunEnding, ToolAnswer, ToolEffect, ToolRun, effects, resolved};

/// Whether schemas are sound, and fixtures and outputs fit them.
#[must_use]
pub fn contract(manifest: &ToolManifest, runs: &[FixtureRun<'_>]) -> ConformanceCheck {
    let fixtures: Vec<String> =
        manifest.fixtures.iter().flat_map(|fixture| fixture_problems(fixture, manifest)).collect();
    let outputs: Vec<String> = runs.iter().flat_map(|run| output_problems(run, manifest)).collect();
    let [keywords, satisfiable] = soundness(manifest);
    let parts = vec![keywords, satisfiable, CheckPart::by("fixtures", &fixtures), CheckPart::by("outputs", &outputs)];
    ConformanceCheck::of(CheckName::Contract, parts)
}

fn soundness(manifest: &ToolManifest) -> [CheckPart; 2] {
    let (mut misspelt, mut empty, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for (name, declared) in manifest.schemas.named() {
        misspelt.extend(
            declared
                .schema
                .misspelt()
                .into_iter()
                .map(|(at, known)| format!("{name}: `{at}`: unknown keyword, `{known}` was probably meant")),
        );
        match declared.schema.is_satisfiable() {
            Some(true) => {}
            Some(false) => empty.push(format!("{name}: nothing fits it")),
            None => unknown.push(name),
        }
    }
    let satisfiable = if empty.is_empty() && !unknown.is_empty() {
        let why = format!("not established of {}", unknown.join(", "));
        CheckPart::of("satisfiable", CheckOutcome::NotRun, why)
    } else {
        CheckPart::by("satisfiable", &empty)
    };
    [CheckPart::by("keywords", &misspelt), satisfiable]
}

fn fixture_problems(fixture: &Fixture, manifest: &ToolManifest) -> Vec<String> {
    let (name, schemas) = (&fixture.name, &manifest.schemas);
    let mut problems = schemas.config.problems("config", &fixture.config);
    problems.extend(schemas.input.problems("input", &fixture.input));
    match &fixture.expect {
        Expect::Failure { failure_reason_code: code } if refuses(manifest, code.as_str()) => {
            let fits = problems.is_empty();
            return Vec::from_iter(fits.then(|| format!("`{name}`: expects a refusal, and its input fits the schema")));
        }
        Expect::Output { output } => {
            let wrong = schemas.output.problems("output", output).into_iter();
            problems.extend(wrong.map(|problem| format!("expected {problem}")));
        }
        Expect::Failure { .. } | Expect::Denial { .. } => {}
    }
    problems.into_iter().map(|problem| format!("`{name}`: {problem}")).collect()
}

pub(super) fn refuses(manifest: &ToolManifest, code: &str) -> bool {
    let mut on_input = manifest.failures.iter().filter(|failure| failure.on == FailureOn::InvalidInput);
    on_input.any(|failure| failure.failure_reason_code.as_str() == code)
}

fn output_problems(FixtureRun { fixture, run }: &FixtureRun<'_>, manifest: &ToolManifest) -> Vec<String> {
    let mut problems = Vec::new();
    match run.answer() {
        Err(why) => problems.push(why.to_string()),
        Ok(answer) => {
            if let Some(output) = answer.output.as_ref().filter(|_| answer.status == AnswerStatus::Success) {
                problems.extend(manifest.schemas.output.problems("output", output));
            }
            problems.extend(unexpected(&fixture.expect, &answer));
        }
    }
    problems.into_iter().map(|problem| format!("`{}`: {problem}", fixture.name)).collect()
}

fn unexpected(expect: &Expect, answer: &ToolAnswer) -> Option<String> {
    let (failure, denial) = (answer.failure_reason_code.as_deref(), answer.policy_reason_code.as_deref());
    let (status, code, found) = match expect {
        Expect::Output { output } => {
            let same = |found: &Value| found == output || canonical_text(found) == canonical_text(output);
            let as_expected = answer.status == AnswerStatus::Success && answer.output.as_ref().is_some_and(same);
            let shown = answer.output.as_ref().map_or_else(String::new, short);
            return (!as_expected)
                .then(|| format!("expected the output {}, found {} {shown}", short(output), answer.status));
        }
        Expect::Failure { failure_reason_code: code } => (AnswerStatus::Failure, code.as_str(), failure),
        Expect::Denial { policy_reason_code: code } => (AnswerStatus::Denial, code.as_str(), denial),
    };
    let shown = failure.or(denial).unwrap_or("no code");
    let as_expected = answer.status == status && found == Some(code);
    (!as_expected).then(|| format!("expected the {status} `{code}`, found {} with {shown}", answer.status))
}

/// A value by its canonical bytes; as it is printed, where it has none.
pub(super) fn canonical_text(value: &Value) -> String {
    let bytes = bytes::to_vec(value);
    bytes.map_or_else(|_| value.to_string(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 200 { text } else { text.chars().take(199).chain(['…']).collect() }
}

/// A document that has to survive a round trip.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundTrip {
    /// Which part it belongs to: `config`, `input` or `output`.
    pub part: &'static str,
    /// Its name.
    pub name: String,
    /// What Python's own `json` made of its canonical bytes, `dumps(loads(x))`, or why it made nothing.
    pub python: Option<Result<String, String>>,
    /// The document.
    pub value: Value,
}

/// Whether documents survive a round trip: `dump(load(dump(x)))` is `dump(x)` in canonical bytes.
///
/// ```
/// use dome_contracts::conform::{RoundTrip, canonical};
/// use dome_core::conformance::CheckOutcome;
/// use serde_json::json;
/// let document = |value| RoundTrip { part: "input", name: "a".into(), python: None, value };
/// assert_eq!(canonical(&[document(json!({"b": 1}))]).outcome, CheckOutcome::Pass);
/// assert_eq!(canonical(&[document(json!({"b": 0.5}))]).outcome, CheckOutcome::Fail);
/// ```
#[must_use]
pub fn canonical(documents: &[RoundTrip]) -> ConformanceCheck {
    let parts = ["config", "input", "output"].map(|kind| {
        let of: Vec<&RoundTrip> = documents.iter().filter(|document| document.part == kind).collect();
        let problems: Vec<String> = of.iter().filter_map(|document| problem(document)).collect();
        if of.is_empty() {
            return CheckPart::of(kind, CheckOutcome::NotRun, "there is none");
        }
        CheckPart::by(kind, &problems)
    });
    ConformanceCheck::of(CheckName::CanonicalSerialisation, parts.to_vec())
}

fn problem(document: &RoundTrip) -> Option<String> {
    let name = &document.name;
    let dumped = match bytes::to_vec(&document.value) {
        Ok(dumped) => dumped,
        Err(why) => return Some(format!("`{name}`: no canonical bytes: {why}")),
    };
    if again(&dumped).as_ref() != Ok(&dumped) {
        return Some(format!("`{name}`: other bytes after a round trip"));
    }
    match &document.python {
        None => None,
        Some(Err(why)) => Some(format!("`{name}`: Python cannot read it back: {why}")),
        Some(Ok(text)) => match again(text.as_bytes()) {
            Ok(found) if found == dumped => None,
            Ok(_) => Some(format!("`{name}`: other bytes after a round trip through Python")),
            Err(why) => Some(format!("`{name}`: after a round trip through Python: {why}")),
        },
    }
}

fn again(text: &[u8]) -> Result<Vec<u8>, String> {
    let value = json::parse(text).map_err(|why| why.to_string())?;
    bytes::to_vec(&value).map_err(|why| why.to_string())
}

dome_core::choice! {
    /// What varies around a run, one at a time, in the order of a report: a tool that reads the clock differs by
    /// merely running again, so the clock comes first.
    Factor {
        /// The wall clock.
        Clock = "clock",
        /// Nothing: the same again.
        Repeat = "repeat",
        /// `PYTHONHASHSEED`.
        HashSeed = "hash_seed",
        /// The time zone.
        TimeZone = "time_zone",
        /// The locale.
        Locale = "locale",
        /// The working folder's path.
        WorkingDirectory = "working_directory",
        /// `HOME`.
        Home = "home",
        /// The name of the machine.
        HostName = "host_name",
        /// The umask.
        Umask = "umask",
        /// The order in which a folder lists its files.
        DirectoryOrder = "directory_order",
        /// How many cores it may use.
        Cores = "cores",
    }
}

/// The result of varying one factor for one fixture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variation {
    /// The factor.
    pub factor: Factor,
    /// The fixture.
    pub fixture: String,
    /// The two outputs, before and after, by [`comparable`](Variation::comparable) bytes.
    pub outputs: [String; 2],
    /// How far it was varied, where that was not all the way: then an equal output is no pass.
    pub short_of: Option<String>,
}

impl Variation {
    /// What of a run has to be the same: its answer in canonical bytes, without volatile telemetry; the
    /// bytes as they are, where it gave no such answer.
    #[must_use]
    pub fn comparable(run: &ToolRun, manifest: &ToolManifest) -> String {
        let Ok(mut document) = json::parse(&run.stdout) else {
            return format!("{:?} {}", run.ending, String::from_utf8_lossy(&run.stdout));
        };
        if let Some(telemetry) = document.get_mut("telemetry").and_then(Value::as_object_mut) {
            for member in &manifest.telemetry.volatile {
                telemetry.remove(member.as_str());
            }
        }
        canonical_text(&document)
    }
}

/// Whether the same input gives the same output, whatever varies around it. `not_run` says why factors could
/// not be varied at all.
#[must_use]
pub fn determinism(variations: &[Variation], not_run: &[(Factor, String)]) -> ConformanceCheck {
    let parts = Factor::ALL.iter().filter_map(|factor| {
        let of: Vec<&Variation> = variations.iter().filter(|variation| variation.factor == *factor).collect();
        let why = not_run.iter().find(|(left_out, _)| left_out == factor).map(|(_, why)| why.as_str());
        part(*factor, &of, why)
    });
    ConformanceCheck::of(CheckName::Determinism, parts.collect())
}

fn part(factor: Factor, variations: &[&Variation], not_run: Option<&str>) -> Option<CheckPart> {
    let name = factor.as_str();
    let differs = |variation: &&&Variation| variation.outputs[0] != variation.outputs[1];
    if let Some(variation) = variations.iter().find(differs) {
        let why = format!("`{}` comes out otherwise when it varies", variation.fixture);
        return Some(CheckPart { found: variation.outputs.to_vec(), ..CheckPart::of(name, CheckOutcome::Fail, why) });
    }
    let short_of = variations.iter().find_map(|variation| variation.short_of.as_deref());
    match (not_run.or(short_of), variations.is_empty()) {
        (Some(why), _) => Some(CheckPart::of(name, CheckOutcome::NotRun, why)),
        (None, true) => None,
        (None, false) => Some(CheckPart::pass(name)),
    }
}

/// Whether the tool reports what it promises of each run, the two kinds of reason code apart: `run_id` and
/// `task_id` are what every run was given.
#[must_use]
pub fn observability(
    manifest: &ToolManifest,
    runs: &[FixtureRun<'_>],
    run_id: &str,
    task_id: &str,
) -> ConformanceCheck {
    let (mut members, mut codes, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    for FixtureRun { fixture, run } in runs {
        let named = |problem: String| format!("`{}`: {problem}", fixture.name);
        match run.answer() {
            Ok(answer) => {
                members.extend(telemetry(&answer, manifest, run_id, task_id).into_iter().map(named));
                codes.extend(reason_codes(&answer, manifest).into_iter().map(named));
                codes.extend(mixed(&answer, &fixture.expect).map(named));
            }
            Err(why) => answers.push(named(why.to_string())),
        }
    }
    let parts = [("answers", answers), ("telemetry", members), ("reason_codes_apart", codes)];
    let parts = parts.iter().map(|(name, problems)| CheckPart::by(*name, problems));
    ConformanceCheck::of(CheckName::Observability, parts.collect())
}

/// What is wrong with an answer beside its output: telemetry that is missing, wrong or of another run, and codes that the
/// manifest does not declare.
#[must_use]
pub fn misreported(answer: &ToolAnswer, manifest: &ToolManifest, run_id: &str, task_id: &str) -> Vec<String> {
    let mut problems = telemetry(answer, manifest, run_id, task_id);
    problems.extend(reason_codes(answer, manifest));
    problems
}

fn telemetry(answer: &ToolAnswer, manifest: &ToolManifest, run_id: &str, task_id: &str) -> Vec<String> {
    let mut problems = Vec::new();
    for &member in TelemetryMember::ALL {
        let value = answer.telemetry.get(member.as_str()).filter(|value| !value.is_null());
        // Where it was allowed, there is no reason why not.
        let optional = member == TelemetryMember::PolicyReasonCode && answer.status != AnswerStatus::Denial;
        match value {
            None if manifest.telemetry.required.contains(&member) && !optional => {
                problems.push(format!("`/telemetry/{member}` is missing"));
            }
            None => {}
            Some(value) => problems.extend(wrong(member, value, run_id, task_id)),
        }
    }
    let unknown = answer.telemetry.keys().filter(|name| name.parse::<TelemetryMember>().is_err());
    problems.extend(unknown.map(|name| format!("`/telemetry/{name}` is not known")));
    problems
}

fn wrong(member: TelemetryMember, value: &Value, run_id: &str, task_id: &str) -> Option<String> {
    let text = value.as_str();
    let (sound, expected) = match member {
        TelemetryMember::Attempts => (value.as_u64().is_some_and(|count| count > 0), "a count from 1".to_owned()),
        TelemetryMember::DurationMs => (value.is_u64(), "whole milliseconds".to_owned()),
        TelemetryMember::RunId => (text == Some(run_id), format!("`{run_id}`, as it was given")),
        TelemetryMember::TaskId => (text == Some(task_id), format!("`{task_id}`, as it was given")),
        TelemetryMember::Versions => {
            let versions = value.as_object().filter(|versions| !versions.is_empty());
            let sound = versions.is_some_and(|versions| versions.values().all(Value::is_string));
            (sound, "versions by name, at least one".to_owned())
        }
        TelemetryMember::FailureReasonCode => {
            (text.is_some_and(|code| code.parse::<FailureReasonCode>().is_ok()), "a reason code".to_owned())
        }
        TelemetryMember::PolicyReasonCode => {
            let sound = text.is_some_and(|code| code.parse::<PolicyReasonCode>().is_ok());
            (sound, "a reason code; it is left out where nothing was denied".to_owned())
        }
        TelemetryMember::Status => return None,
    };
    (!sound).then(|| format!("`/telemetry/{member}`: expected {expected}, found {value}"))
}

pub(super) fn reason_codes(answer: &ToolAnswer, manifest: &ToolManifest) -> Vec<String> {
    let (failure, policy) = (answer.failure_reason_code.as_deref(), answer.policy_reason_code.as_deref());
    let status = answer.status;
    let mut problems = Vec::new();
    match answer.status {
        AnswerStatus::Failure if failure.is_none() => {
            problems.push("a failure without a `failure_reason_code`".to_owned())
        }
        AnswerStatus::Denial if policy.is_none() => problems.push("a denial without a `policy_reason_code`".to_owned()),
        _ => {}
    }
    if let Some(code) = failure.filter(|_| answer.status != AnswerStatus::Failure) {
        problems.push(format!("a {status} with the `failure_reason_code` `{code}`"));
    }
    if let Some(code) = policy.filter(|_| answer.status != AnswerStatus::Denial) {
        problems.push(format!("a {status} with the `policy_reason_code` `{code}`"));
    }
    if let Some(code) = failure.filter(|code| !manifest.declares_failure(code)) {
        let denial = manifest.declares_denial(code);
        let why = if denial { "is a denial, reported as a failure" } else { "is not a declared failure" };
        problems.push(format!("`{code}` {why}"));
    }
    if let Some(code) = policy.filter(|code| !manifest.declares_denial(code)) {
        let failure = manifest.declares_failure(code);
        let why = if failure { "is a failure, reported as a denial" } else { "is not a declared denial" };
        problems.push(format!("`{code}` {why}"));
    }
    problems
}

/// A denial that came as a failure, or the other way round.
fn mixed(answer: &ToolAnswer, expect: &Expect) -> Option<String> {
    match (expect, answer.status) {
        (Expect::Denial { policy_reason_code: code }, AnswerStatus::Failure) => {
            Some(format!("the denial `{code}` is reported as a failure"))
        }
        (Expect::Failure { failure_reason_code: code }, AnswerStatus::Denial) => {
            Some(format!("the failure `{code}` is reported as a denial"))
        }
        _ => None,
    }
}

/// What the machine enforced in every run, by kind of effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enforcement {
    /// Of changes of modes, owners, times.
    pub attributes: Enforced,
    /// Of connections of any kind.
    pub connections: Enforced,
    /// Of programs and processes.
    pub processes: Enforced,
    /// Of writes.
    pub writes: Enforced,
}

/// What keeps a tool from undeclared effects of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enforced {
    /// What does, such as `landlock`; nothing, if nothing does.
    pub by: Vec<String>,
    /// Why nothing does, if that is known.
    pub why_not: Option<String>,
}

/// Whether a tool touches what it declares, and nothing else, and what keeps it from more; over all runs.
#[must_use]
pub fn side_effects(policy: &ToolPolicy, runs: &[&ToolRun], enforced: &Enforcement) -> ConformanceCheck {
    let (mut seen, mut undeclared, mut blind) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for run in runs {
        let observation = &run.observation;
        let cwd = &observation.cwd;
        let reported = effects(&observation.events, cwd);
        seen.extend(reported.iter().map(|effect| placeless(effect, cwd)));
        let changed = observation.changed.iter().map(|path| ToolEffect {
            kind: EffectKind::Write,
            what: path.clone(),
            by: "changed".to_owned(),
        });
        let all = reported.into_iter().chain(changed);
        undeclared.extend(all.filter(|effect| !allows(policy, effect, cwd)).map(|effect| placeless(&effect, cwd)));
        // A run that was ended from outside cannot report its end.
        if !observation.complete && matches!(run.ending, RunEnding::Exited(_)) && blind.is_empty() {
            blind.push("a run left the interpreter, or the observation, before its end".to_owned());
        }
    }
    let of = |kind: EffectKind, set: &BTreeSet<ToolEffect>| -> Vec<String> {
        set.iter().filter(|effect| effect.kind == kind).map(ToString::to_string).collect()
    };
    let part = |name, kind, declared: &BTreeSet<String>, enforced: &Enforced| {
        let undeclared = of(kind, &undeclared);
        let outcome = match (undeclared.is_empty(), enforced.by.is_empty()) {
            (false, _) => {
                let problems: Vec<String> = undeclared.iter().map(|effect| format!("undeclared: {effect}")).collect();
                CheckPart::by(name, &problems)
            }
            (true, true) => {
                let why = enforced.why_not.as_deref().unwrap_or("nothing here keeps it from it");
                CheckPart::of(name, CheckOutcome::Unenforced, why)
            }
            (true, false) => CheckPart::pass(name),
        };
        CheckPart {
            declared: declared.iter().cloned().collect(),
            enforced_by: enforced.by.clone(),
            found: of(kind, &seen).into_iter().take(CheckPart::FOUND_MAX).collect(),
            ..outcome
        }
    };
    let never = [EffectKind::Tampering, EffectKind::NativeCode, EffectKind::UnnamedFile];
    let observed = never.iter().flat_map(|kind| of(*kind, &undeclared)).chain(blind).collect::<Vec<_>>();
    let parts = vec![
        part("write", EffectKind::Write, &policy.allow_paths, &enforced.writes),
        part("attributes", EffectKind::Attributes, &BTreeSet::new(), &enforced.attributes),
        part("connection", EffectKind::Connection, &policy.allow_domains, &enforced.connections),
        part("process", EffectKind::Process, &policy.allow_commands, &enforced.processes),
        CheckPart::by("observation", &observed),
    ];
    ConformanceCheck::of(CheckName::SideEffects, parts)
}

/// The same effect is the same in every run, wherever that ran.
fn placeless(effect: &ToolEffect, cwd: &str) -> ToolEffect {
    let what = match effect.what.strip_prefix(cwd) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("./{}", rest.trim_start_matches('/')),
        _ => effect.what.clone(),
    };
    ToolEffect { what, ..effect.clone() }
}

fn allows(policy: &ToolPolicy, effect: &ToolEffect, cwd: &str) -> bool {
    let what = effect.what.as_str();
    match effect.kind {
        EffectKind::Tampering | EffectKind::UnnamedFile => false,
        EffectKind::NativeCode => policy.allow_native_code,
        _ if policy.is_unrestricted() => true,
        EffectKind::Write => what == "/dev/null" || within(policy, what, cwd),
        // The kernel cannot tell by path, so there is nothing to allow.
        EffectKind::Attributes => false,
        // A pair of sockets inside the process has no address.
        EffectKind::Connection => what.is_empty() || policy.allow_domains.iter().any(|host| is_host(what, host)),
        EffectKind::Process => {
            let may_fork = effect.by == "os.fork" && !policy.allow_commands.is_empty();
            may_fork || policy.allow_commands.contains(what)
        }
    }
}

fn within(policy: &ToolPolicy, path: &str, cwd: &str) -> bool {
    policy.allow_paths.iter().any(|allowed| {
        let allowed = resolved(cwd, allowed);
        path.strip_prefix(&allowed).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Addresses are written `HOST:PORT`, or `HOST` where it is looked up.
fn is_host(address: &str, host: &str) -> bool {
    address.strip_prefix(host).is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conform::{AuditEvent, RunObservation};
    use dome_core::SideEffectsMode;

    fn variation(factor: Factor, outputs: [&str; 2], short_of: Option<&str>) -> Variation {
        let outputs = outputs.map(str::to_owned);
        Variation { factor, fixture: "a".to_owned(), outputs, short_of: short_of.map(str::to_owned) }
    }

    #[test]
    fn an_equal_output_is_no_pass_where_the_factor_hardly_varied() {
        let short = Some("no faketime");
        let check = determinism(&[variation(Factor::Clock, ["1", "1"], short)], &[]);
        assert_eq!(check.outcome, CheckOutcome::NotRun);
        let check = determinism(&[variation(Factor::Clock, ["1", "2"], short)], &[]);
        assert_eq!(check.outcome, CheckOutcome::Fail, "but another output is a failure");
    }

    #[test]
    fn the_first_factor_that_changes_the_output_stands_first_with_both_outputs() {
        let same = variation(Factor::Repeat, ["1", "1"], None);
        let seed = variation(Factor::HashSeed, ["1", "2"], None);
        let check = determinism(&[variation(Factor::Umask, ["3", "4"], None), seed, same], &[]);
        let failed = check.parts.iter().find(|part| part.outcome == CheckOutcome::Fail);
        let failed = failed.map(|part| (part.name.as_str(), part.found.join(" ")));
        assert_eq!(failed, Some(("hash_seed", "1 2".to_owned())));
    }

    fn policy() -> ToolPolicy {
        let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        ToolPolicy {
            allow_commands: set(&["/bin/true"]),
            allow_domains: set(&["example.org"]),
            allow_native_code: false,
            allow_paths: set(&["out", "/var/cache/a"]),
            mode: SideEffectsMode::Scoped,
        }
    }

    fn run(name: &str, args: &[&str], complete: bool) -> ToolRun {
        let event = AuditEvent { args: args.iter().map(|arg| (*arg).to_owned()).collect(), name: name.to_owned() };
        let observation = RunObservation { changed: Vec::new(), events: vec![event], complete, cwd: "/w".to_owned() };
        ToolRun { ending: RunEnding::Exited(0), observation, stderr: String::new(), stdout: Vec::new() }
    }

    fn outcome(run: &ToolRun, part: usize) -> Option<CheckOutcome> {
        let by = Enforced { by: vec!["landlock".to_owned()], why_not: None };
        let enforced =
            Enforcement { attributes: by.clone(), connections: by.clone(), processes: by.clone(), writes: by };
        side_effects(&policy(), &[run], &enforced).parts.get(part).map(|part| part.outcome)
    }

    #[test]
    fn what_is_declared_passes_and_its_neighbour_fails() {
        for (name, declared, neighbour, part) in [
            ("open", ["out/a"], ["output/a"], 0),
            ("open", ["/var/cache/a/b"], ["/var/cache/ab"], 0),
            ("open", ["/dev/null"], ["/w/out/../a"], 0),
            ("socket.getaddrinfo", ["example.org"], ["example.org.evil"], 2),
            ("os.system", ["/bin/true"], ["/bin/true; x"], 3),
        ] {
            assert_eq!(outcome(&run(name, &declared, true), part), Some(CheckOutcome::Pass), "{declared:?}");
            assert_eq!(outcome(&run(name, &neighbour, true), part), Some(CheckOutcome::Fail), "{neighbour:?}");
        }
    }

    #[test]
    fn a_run_that_blinds_the_observation_fails() {
        assert_eq!(outcome(&run("open", &["out/a"], false), 4), Some(CheckOutcome::Fail));
        assert_eq!(outcome(&run("ctypes.dlopen", &["libc.so.6"], true), 4), Some(CheckOutcome::Fail));
        assert_eq!(outcome(&run("dome.tamper", &["gc.get_objects"], true), 4), Some(CheckOutcome::Fail));
        assert_eq!(outcome(&run("open", &["out/a"], true), 4), Some(CheckOutcome::Pass));
    }

    #[test]
    fn what_nothing_enforces_is_never_a_pass() {
        let check = side_effects(&policy(), &[&run("open", &["out/a"], true)], &Enforcement::default());
        assert_eq!(check.outcome, CheckOutcome::Unenforced);
        assert!(check.parts.iter().take(4).all(|part| part.outcome == CheckOutcome::Unenforced));
    }
}
