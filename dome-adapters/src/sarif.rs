//! SARIF 2.1.0: one envelope per result. `docs/formats/sarif.md` has the mapping.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use dome_core::CodeClass::{Advisory, Repairable};
use dome_core::{Signal, Status};
use serde_json::Value;

use crate::codes::{coded, means};
use crate::finding::{Finding, FindingCode, quote};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;
use crate::json::{list, trimmed};
use crate::out::Out;
use crate::reading::FileReader;
use crate::record::{NAMELESS, OutcomeRecord, identifier};
use crate::subject::SaidSubject;
use crate::when::When;

pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "sarif",
    summary: "SARIF 2.1.0 logs of any analysis tool",
    endings: &[".sarif", ".json"],
    codes: CODES,
    sniff,
    converts: Converts::Each(convert),
};

const CODES: &[CodeMeaning] = &[
    means("RESULT.UNNAMED", Repairable, "the tool found something and names no rule"),
    means("TOOL.EXECUTION_FAILED", Advisory, "the tool says that it did not run as it should"),
    means("TOOL.NOTIFICATION", Advisory, "the tool reports an error of its own and does not name it"),
];

fn sniff(head: &Head) -> bool {
    let schema = head.has_member("$schema") && head.text().to_ascii_lowercase().contains("sarif");
    head.has_member("runs") && head.has_member("version") || schema && head.has_member("version")
}

const EXPECTED: &str = "a SARIF log of version 2.1.0";

fn convert(reading: &mut FileReader<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let log = reading.json(EXPECTED)?;
    let wrong = |message: String| Err(reading.found(FindingCode::WrongFormat, message, EXPECTED));
    match log.get("version").and_then(Value::as_str) {
        Some("2.1.0") => {}
        Some(version) => return wrong(format!("its `version` is {}", quote(version))),
        None => return wrong("it has no `version`".to_owned()),
    }
    let runs = match log.get("runs") {
        Some(Value::Array(runs)) => runs,
        None | Some(Value::Null) => return Ok(()),
        Some(_) => return wrong("`runs` is no array".to_owned()),
    };
    let mut seen = BTreeSet::new();
    for (number, value) in runs.iter().enumerate() {
        let run = SarifRun::of(number, value);
        invocations(&run, out);
        results(&run, &mut seen, out);
    }
    Ok(())
}

struct SarifRun<'v> {
    value: &'v Value,
    /// `/runs/0`
    place: String,
    tool: Option<&'v str>,
    version: Option<&'v str>,
    when: When,
    /// The rules of each component that was asked for, by id: as many results may ask as there are rules.
    rules: RefCell<BTreeMap<Option<u64>, RulesById<'v>>>,
}

type RulesById<'v> = BTreeMap<&'v str, &'v Value>;

impl<'v> SarifRun<'v> {
    fn of(number: usize, value: &'v Value) -> Self {
        let driver = |name: &str| value.pointer(&format!("/tool/driver/{name}")).and_then(trimmed);
        let time = |name: &str| {
            list(value, "/invocations").iter().rev().find_map(|invocation| invocation.get(name).and_then(trimmed))
        };
        Self {
            value,
            place: format!("/runs/{number}"),
            tool: driver("name"),
            version: driver("version").or_else(|| driver("semanticVersion")),
            when: When::said(time("endTimeUtc").or_else(|| time("startTimeUtc"))),
            rules: RefCell::default(),
        }
    }

    fn says(&self, record: &mut OutcomeRecord) {
        let of_run = |pointer: &str| self.value.pointer(pointer).and_then(trimmed);
        record.report_id = of_run("/automationDetails/guid")
            .or_else(|| of_run("/automationDetails/id").filter(|id| !id.ends_with('/')))
            .map(str::to_owned);
        record.lane = of_run("/versionControlProvenance/0/branch").and_then(identifier);
        record.subject = SaidSubject {
            repository: of_run("/versionControlProvenance/0/repositoryUri").map(str::to_owned),
            ..SaidSubject::at(of_run("/versionControlProvenance/0/revisionId"))
        };
        record.when = std::mem::take(&mut record.when).or(&self.when);
        let tool = self.tool.and_then(identifier);
        record.tool = tool.map(|tool| (tool, self.version.unwrap_or("unknown").to_owned()));
        record.label("category", of_run("/automationDetails/id"));
    }

    /// The rule of a result: by its place in the tool or an extension of it, else by its id.
    fn rule(&self, result: &Value) -> Option<&'v Value> {
        let component = result.pointer("/rule/toolComponent/index").and_then(Value::as_u64);
        let rules = match component {
            Some(index) => list(self.value, &format!("/tool/extensions/{index}/rules")),
            None => list(self.value, "/tool/driver/rules"),
        };
        let index = result.get("ruleIndex").or_else(|| result.pointer("/rule/index")).and_then(Value::as_u64);
        if let Some(rule) = index.and_then(|index| rules.get(usize::try_from(index).ok()?)) {
            return Some(rule);
        }
        let id = result.get("ruleId").or_else(|| result.pointer("/rule/id")).and_then(trimmed)?;
        let by_id = || {
            let ids = rules.iter().rev().filter_map(|rule| Some((rule.get("id").and_then(trimmed)?, rule)));
            ids.collect() // of several with one id, the first
        };
        let mut known = self.rules.borrow_mut();
        let known = known.entry(component).or_insert_with(by_id);
        let named = |id: &str| known.get(id).copied();
        named(id).or_else(|| named(id.rsplit_once('/')?.0))
    }

    fn uri(&self, location: &'v Value) -> Option<&'v str> {
        let own = location.get("uri").and_then(trimmed);
        own.or_else(|| {
            let index = location.get("index").and_then(Value::as_u64)?;
            self.value.pointer(&format!("/artifacts/{index}/location/uri")).and_then(trimmed)
        })
    }
}

/// What a result says of its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SarifStanding {
    Failed,
    Passed,
    /// It was found before and is not there any more.
    Gone,
    /// Found, and somebody decided that it does not count: not passed.
    Suppressed,
    /// Nothing that passed or failed: `open`, `review`, `informational`, `notApplicable`.
    Neither,
}

impl SarifStanding {
    fn of(result: &Value) -> Self {
        let said = |name: &str| result.get(name).and_then(trimmed);
        match said("kind").unwrap_or("fail") {
            _ if suppressed(result) => Self::Suppressed,
            _ if said("baselineState") == Some("absent") => Self::Gone,
            "fail" => Self::Failed,
            "pass" => Self::Passed,
            _ => Self::Neither,
        }
    }
}

fn suppressed(result: &Value) -> bool {
    let suppressions = list(result, "/suppressions");
    let in_force = |one: &Value| !matches!(one.get("status").and_then(trimmed), Some("rejected" | "underReview"));
    !suppressions.is_empty() && suppressions.iter().all(in_force)
}

struct PlacedResult<'v> {
    value: &'v Value,
    place: String,
    standing: SarifStanding,
    rule: Option<&'v Value>,
    rule_id: Option<&'v str>,
    target: (&'static str, &'v str),
}

/// All results of a run. `seen` has the ids given out so far.
fn results(run: &SarifRun<'_>, seen: &mut BTreeSet<String>, out: &mut Out<'_>) {
    let results = list(run.value, "/results").iter().enumerate();
    let results: Vec<_> = results.map(|(number, value)| located(run, number, value)).collect();
    let failing: BTreeSet<_> = results
        .iter()
        .filter(|result| result.standing == SarifStanding::Failed)
        .map(|result| (result.target, result.rule_id))
        .collect();
    for result in &results {
        // The rule still fails there: that one of several is gone mends nothing yet.
        let again = failing.contains(&(result.target, result.rule_id));
        let mut record = record(result, again);
        let guid = result.value.get("guid").and_then(trimmed).map(str::to_owned);
        record.event_id = guid.filter(|guid| seen.insert(guid.clone()));
        run.says(&mut record);
        out.push(&record);
    }
}

fn located<'v>(run: &SarifRun<'v>, number: usize, value: &'v Value) -> PlacedResult<'v> {
    let rule = run.rule(value);
    let own = value.get("ruleId").or_else(|| value.pointer("/rule/id")).and_then(trimmed);
    let rule_id = own.or_else(|| rule.and_then(|rule| rule.get("id")).and_then(trimmed));
    let place = format!("{}/results/{number}", run.place);
    PlacedResult { value, place, standing: SarifStanding::of(value), rule, rule_id, target: target(run, value) }
}

fn target<'v>(run: &SarifRun<'v>, result: &'v Value) -> (&'static str, &'v str) {
    let first = result.pointer("/locations/0");
    let file = first.and_then(|first| first.pointer("/physicalLocation/artifactLocation"));
    let file = file.and_then(|file| run.uri(file));
    let file = file.or_else(|| run.uri(result.get("analysisTarget")?));
    let logical = || {
        let logical = first?.pointer("/logicalLocations/0")?;
        logical.get("fullyQualifiedName").or_else(|| logical.get("name")).and_then(trimmed)
    };
    file.map(|file| ("file", file))
        .or_else(|| Some(("code", logical()?)))
        .unwrap_or(("tool", run.tool.unwrap_or(NAMELESS)))
}

fn record(result: &PlacedResult<'_>, again: bool) -> OutcomeRecord {
    let said = |name: &str| result.value.get(name).and_then(trimmed);
    let (signal, status) = match result.standing {
        SarifStanding::Failed => (Signal::Failure, Some(Status::Fail)),
        SarifStanding::Gone | SarifStanding::Passed if again => (Signal::Observation, None),
        SarifStanding::Passed | SarifStanding::Gone => (Signal::Success, Some(Status::Pass)),
        SarifStanding::Suppressed => (Signal::Observation, Some(Status::Skip)),
        SarifStanding::Neither => (Signal::Observation, None),
    };
    let mut record = OutcomeRecord::new(&*result.place, signal, result.target, "analyse");
    let gate = result.rule_id.and_then(identifier).unwrap_or_else(|| "result".to_owned());
    record.gates = status.map(|status| (gate, status)).into_iter().collect();
    let level = level(result);
    if signal == Signal::Failure {
        let code = result.rule_id.and_then(|id| coded("RULE", id)).unwrap_or_else(|| "RESULT.UNNAMED".to_owned());
        let class = if matches!(level, "note" | "none") { Advisory } else { Repairable };
        record.code = Some((code, class));
    }
    let strings = result.rule.and_then(|rule| rule.get("messageStrings"));
    record.message = result.value.get("message").and_then(|said| message(said, strings));
    let line = result.value.pointer("/locations/0/physicalLocation/region/startLine").and_then(Value::as_u64);
    record.label_all([
        ("baseline_state", said("baselineState")),
        ("kind", said("kind")),
        ("level", Some(level)),
        ("line", line.map(|line| line.to_string()).as_deref()),
        ("rule", result.rule_id),
        ("suppression", result.value.pointer("/suppressions/0/kind").and_then(trimmed)),
    ]);
    record
}

fn level<'v>(result: &PlacedResult<'v>) -> &'v str {
    let own = result.value.get("level").and_then(trimmed);
    let of_rule = || result.rule?.pointer("/defaultConfiguration/level").and_then(trimmed);
    own.or_else(of_rule).unwrap_or("warning")
}

fn invocations(run: &SarifRun<'_>, out: &mut Out<'_>) {
    for (number, invocation) in list(run.value, "/invocations").iter().enumerate() {
        let place = format!("{}/invocations/{number}", run.place);
        let mut erred = false;
        for list_name in ["toolConfigurationNotifications", "toolExecutionNotifications"] {
            for (number, notification) in list(invocation, &format!("/{list_name}")).iter().enumerate() {
                if notification.get("level").and_then(Value::as_str) == Some("error") {
                    erred = true;
                    error(run, &format!("{place}/{list_name}/{number}"), notification, out);
                }
            }
        }
        if let Some(successful) = invocation.get("executionSuccessful").and_then(Value::as_bool) {
            ended(run, &place, invocation, (successful, erred), out);
        }
    }
}

/// An error of the tool: the kind of its exception says what it is, else its own id.
fn error(run: &SarifRun<'_>, place: &str, notification: &Value, out: &mut Out<'_>) {
    let target = ("tool", run.tool.unwrap_or(NAMELESS));
    let mut record = OutcomeRecord::new(place, Signal::Failure, target, "analyse");
    record.gates = vec![("execution".to_owned(), Status::Fail)];
    let name = notification.pointer("/exception/kind").or_else(|| notification.pointer("/descriptor/id"));
    let code = name.and_then(trimmed).and_then(|name| coded("TOOL", name));
    record.code = Some((code.unwrap_or_else(|| "TOOL.NOTIFICATION".to_owned()), Advisory));
    record.when = When::said(notification.get("timeUtc").and_then(trimmed));
    record.message = notification.get("message").and_then(|said| message(said, None));
    run.says(&mut record);
    out.push(&record);
}

/// The end of an invocation. One that ended well and reported errors says neither.
fn ended(run: &SarifRun<'_>, place: &str, invocation: &Value, (successful, erred): (bool, bool), out: &mut Out<'_>) {
    let (signal, status) = match (successful, erred) {
        (true, false) => (Signal::Success, Some(Status::Pass)),
        (true, true) => (Signal::Observation, None),
        (false, _) => (Signal::Failure, Some(Status::Fail)),
    };
    let target = ("tool", run.tool.unwrap_or(NAMELESS));
    let mut record = OutcomeRecord::new(place, signal, target, "analyse");
    record.gates = status.map(|status| ("execution".to_owned(), status)).into_iter().collect();
    let said = |name: &str| invocation.get(name).filter(|value| !value.is_null());
    record.label("exit_code", said("exitCode").map(Value::to_string).as_deref());
    record.label("exit_signal", said("exitSignalName").and_then(trimmed));
    if !successful {
        record.code = Some(("TOOL.EXECUTION_FAILED".to_owned(), Advisory));
        record.message = said("exitCodeDescription").and_then(trimmed).map(str::to_owned);
    }
    run.says(&mut record);
    out.push(&record);
}

/// A message: its text, else the text of its id among those that `strings` has.
fn message(message: &Value, strings: Option<&Value>) -> Option<String> {
    let own = message.get("text").and_then(trimmed);
    let template = own.or_else(|| {
        let id = message.get("id").and_then(Value::as_str)?;
        strings?.get(id)?.get("text").and_then(trimmed)
    })?;
    let arguments = message.get("arguments").and_then(Value::as_array);
    Some(arguments.map_or_else(|| template.to_owned(), |arguments| filled(template, arguments)))
}

/// `{0}` is the first argument, `{{` is a brace.
fn filled(template: &str, arguments: &[Value]) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once(['{', '}']) {
        filled.push_str(before);
        let brace = if rest.as_bytes().get(before.len()) == Some(&b'{') { '{' } else { '}' };
        let argument = after.split_once('}').filter(|_| brace == '{').and_then(|(digits, behind)| {
            let place = digits.parse::<usize>().ok()?;
            Some((arguments.get(place)?.as_str()?, behind))
        });
        if let (Some((argument, behind)), false) = (argument, after.starts_with(brace)) {
            filled.push_str(argument);
            rest = behind;
        } else {
            filled.push(brace);
            rest = after.strip_prefix(brace).unwrap_or(after);
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_are_put_in_and_braces_stay() {
        let of = |value: Value| message(&value, Some(&json!({"d": {"text": "from {1} and {0}"}})));
        assert_eq!(of(json!({"id": "d", "arguments": ["a", "{1}"]})).as_deref(), Some("from {1} and a"));
        assert_eq!(of(json!({"text": "{{0}} {9} {", "arguments": ["a"]})).as_deref(), Some("{0} {9} {"));
        assert_eq!(of(json!({"text": "{x}"})).as_deref(), Some("{x}"));
        assert_eq!((of(json!({"id": "e"})), of(json!({"text": " "}))), (None, None));
    }
}
