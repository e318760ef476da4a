//! JUnit XML and its relatives. `docs/formats/junit.md` has the mapping.

mod attempts;
mod dotnet;
mod pytest;

use self::attempts::{flaky_cases, told};
use self::pytest::PytestCases;
use crate::finding::{Finding, FindingCode};
use crate::format::{Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::{Element, FileReader, Xml, XmlNode};
use crate::record::{NAMELESS, append};
use crate::report::{AttemptsSaid, TestCase, TestOutcome};
use crate::when::{When, milliseconds};

pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "junit",
    summary: "JUnit XML of any tool (`testsuites`, `testsuite`), and the XML of NUnit and xUnit.net",
    endings: &[".xml"],
    codes: crate::report::CODES,
    sniff: |head: &Head| head.root().is_some_and(|root| is_suite(root) || dotnet::is_root(root)),
    converts: Converts::Each(convert),
};

fn is_suite(root: &str) -> bool {
    matches!(root, "testsuites" | "testsuite")
}

fn convert(reading: &mut FileReader<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let mut xml = reading.xml()?;
    let root = xml.root(FORMAT.summary)?;
    match &*root.name {
        name if is_suite(name) => read(&mut xml, &root, out)?,
        name if dotnet::is_root(name) => dotnet::read(&mut xml, &root, out)?,
        other => {
            let message = format!("the root element is `<{other}>`");
            let expected = "`<testsuites>`, `<testsuite>`, or a root of NUnit or xUnit.net";
            return Err(xml.found(FindingCode::WrongFormat, message, expected));
        }
    }
    while let Some(node) = xml.next()? {
        if let XmlNode::Start(second) = node {
            let message = format!("a second root element, `<{}>`", second.name);
            return Err(xml.found(FindingCode::XmlInvalid, message, "the end of the document"));
        }
    }
    Ok(())
}

#[derive(Debug)]
struct JunitReport {
    /// What nextest calls `uuid`.
    id: Option<String>,
    open: Vec<JunitSuite>,
    cases: u64,
    pytest: PytestCases,
}

#[derive(Clone, Debug)]
struct JunitSuite {
    name: Option<String>,
    hostname: Option<String>,
    when: When,
    /// What the suite says that it holds, and whether that failed.
    claims: Option<(u64, bool)>,
    cases: u64,
    /// How many of its cases it says were flaky, and how many say so themselves.
    flaky: (u64, u64),
}

#[derive(Debug)]
struct JunitCase {
    element: Element,
    ends: Vec<JunitEnd>,
    said: AttemptsSaid,
}

#[derive(Clone, Debug)]
struct JunitEnd {
    what: EndKind,
    element: Element,
    /// As much of its text as a message may have, without the output in it.
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EndKind {
    Failure,
    Error,
    Skipped,
    /// `rerunFailure`, `rerunError`: the case failed again, or before.
    Rerun {
        error: bool,
    },
    /// `flakyFailure`, `flakyError`: the case failed, and passed later.
    Flaky {
        error: bool,
    },
}

fn read(xml: &mut Xml<'_>, root: &Element, out: &mut Out<'_>) -> Result<(), Finding> {
    let id = root.owned("uuid").filter(|_| root.name == "testsuites");
    let open = vec![JunitSuite::of(root, &When::Unknown)];
    let mut report = JunitReport { id, open, cases: 0, pytest: PytestCases::default() };
    let ended = report.read(xml, out);
    report.pytest.release(out); // also where it breaks off
    ended
}

impl JunitReport {
    fn read(&mut self, xml: &mut Xml<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
        while let Some(node) = xml.next()? {
            match node {
                XmlNode::Start(element) if element.name == "testcase" => {
                    self.cases += 1;
                    self.open.iter_mut().for_each(|suite| suite.cases += 1);
                    self.push(&JunitCase::read(xml, element)?, out);
                }
                XmlNode::Start(element) if element.name == "testsuite" => {
                    let suite = JunitSuite::of(&element, self.when());
                    self.open.push(suite);
                }
                XmlNode::Start(_) => xml.skip()?,
                XmlNode::End => {
                    self.pytest.release(out);
                    if let Some(suite) = self.open.pop() {
                        suite.check(xml, &mut self.open, out);
                    }
                    if self.open.is_empty() {
                        return Ok(());
                    }
                }
                XmlNode::Text(_) => {}
            }
        }
        Ok(())
    }

    fn when(&self) -> &When {
        self.open.last().map_or(&When::Unknown, |suite| &suite.when)
    }

    /// The outcomes of a case, one or as many as it was tried.
    fn push(&mut self, case: &JunitCase, out: &mut Out<'_>) {
        let mut attempts = case.attempts(self);
        let lost = case.said.number(&mut attempts);
        if lost.is_some() || attempts.iter().any(|attempt| attempt.flaky) {
            self.open.iter_mut().for_each(|suite| suite.flaky.1 += 1);
        }
        if let (Some(lost), Some(case)) = (lost, attempts.first()) {
            out.note(FindingCode::AttemptsLost, &case.record.place, lost);
        }
        match self.is_of_pytest() {
            true => attempts.into_iter().for_each(|attempt| self.pytest.take(attempt, out)),
            false => attempts.into_iter().for_each(|attempt| out.test(attempt)),
        }
    }

    fn is_of_pytest(&self) -> bool {
        self.open.iter().any(|suite| matches!(suite.name.as_deref(), Some("pytest" | "pytest tests")))
    }
}

impl JunitSuite {
    fn of(element: &Element, outer: &When) -> Self {
        let number = |name: &str| element.get(name).and_then(|text| text.trim().parse::<u64>().ok());
        let failed = ["failures", "errors"].iter().filter_map(|name| number(name)).any(|count| count > 0);
        Self {
            name: element.owned("name"),
            hostname: element.owned("hostname"),
            when: When::said(element.get("timestamp")).or(outer),
            claims: number("tests").map(|tests| (tests, failed)),
            cases: 0,
            flaky: (flaky_cases(element), 0),
        }
    }

    /// Failures that are counted and not there are lost outcomes. Suites around it count them too.
    fn check(&self, xml: &Xml<'_>, outer: &mut [Self], out: &mut Out<'_>) {
        if let (Some((tests, true)), 0) = (self.claims, self.cases) {
            let message = format!("the suite counts failures among {tests} tests and holds no `<testcase>`");
            out.problem(xml.found(FindingCode::OutcomeMissing, message, "the cases that are counted"));
        }
        let (counted, there) = self.flaky;
        if let Some(lost @ 1..) = counted.checked_sub(there) {
            let message = format!("the suite counts {counted} flaky tests and holds the attempts of {there}");
            out.mention(xml.found(FindingCode::AttemptsLost, message, ""));
            outer.iter_mut().for_each(|suite| suite.flaky.1 += lost);
        }
    }
}

impl EndKind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "failure" => Self::Failure,
            "error" => Self::Error,
            "skipped" | "ignored" | "disabled" => Self::Skipped,
            "rerunFailure" => Self::Rerun { error: false },
            "rerunError" => Self::Rerun { error: true },
            "flakyFailure" => Self::Flaky { error: false },
            "flakyError" => Self::Flaky { error: true },
            _ => return None,
        })
    }
}

impl JunitCase {
    fn read(xml: &mut Xml<'_>, element: Element) -> Result<Self, Finding> {
        let (mut ends, mut said) = (Vec::new(), AttemptsSaid::of(&element));
        while let Some(node) = xml.next()? {
            match node {
                XmlNode::Start(child) if child.name == "properties" => properties(xml, &mut said)?,
                XmlNode::Start(child) => match EndKind::of(&child.name) {
                    Some(what) => ends.push(JunitEnd { what, element: child, text: text(xml)? }),
                    None => xml.skip()?,
                },
                XmlNode::End => break,
                XmlNode::Text(_) => {}
            }
        }
        Ok(Self { element, ends, said })
    }

    /// Its outcomes, one or as many as it was tried and the report tells apart, in the order in which they came about.
    fn attempts(&self, report: &JunitReport) -> Vec<TestCase> {
        let of = |wanted: fn(EndKind) -> bool| self.ends.iter().filter(move |end| wanted(end.what)).collect::<Vec<_>>();
        let flaky = of(|what| matches!(what, EndKind::Flaky { .. }));
        let rerun = of(|what| matches!(what, EndKind::Rerun { .. }));
        // A disabled test may be run all the same; its failures do not count.
        let disabled = self.element.get("status") == Some("disabled");
        let mut failed = of(|what| matches!(what, EndKind::Failure | EndKind::Error));
        failed.retain(|_| !disabled);
        let again = |end: &&JunitEnd| self.again(report, end);
        let mut outcomes: Vec<_> = flaky.iter().map(again).collect();
        if failed.is_empty() {
            // Reruns that failed, and nothing says that the last one did.
            outcomes.extend(rerun.iter().map(again));
            outcomes.push(self.last(report));
        } else {
            outcomes.push(self.failure(report, &failed));
            outcomes.extend(rerun.iter().map(again));
        }
        if let ([one], [failure]) = (failed.as_slice(), outcomes.as_mut_slice()) {
            let attempts = told(&one.text);
            // The time of the case is that of all of them.
            failure.record.duration_ms = failure.record.duration_ms.filter(|_| attempts == 1);
            let again: Vec<_> = (1..attempts).map(|_| failure.clone()).collect();
            outcomes.extend(again);
        }
        outcomes
    }

    fn begin(&self, report: &JunitReport, outcome: TestOutcome) -> TestCase {
        let element = &self.element;
        let suite = report.open.last().and_then(|suite| suite.name.as_deref());
        let class = element.get("classname").or_else(|| element.get("class"));
        let name = element.get("name").or(class).unwrap_or(NAMELESS);
        let mut case = TestCase::new(format!("testcase {}", report.cases), name, outcome);
        case.class = class.or(suite).filter(|class| *class != name).map(str::to_owned);
        case.suite = suite.map(str::to_owned);
        case.record.when = When::said(element.get("timestamp")).or(report.when());
        case.record.duration_ms = element.get("time").or_else(|| element.get("duration")).and_then(milliseconds);
        case.record.report_id.clone_from(&report.id);
        let hostname = report.open.iter().rev().find_map(|suite| suite.hostname.as_deref());
        case.record.label_all([("file", element.get("file")), ("hostname", hostname)]);
        case
    }

    /// A case that neither failed nor had an error: passed or skipped.
    fn last(&self, report: &JunitReport) -> TestCase {
        let skipped = self.ends.iter().find(|end| end.what == EndKind::Skipped);
        let says = |name: &str, words: &[&str]| {
            self.element.get(name).is_some_and(|said| words.contains(&&*said.to_ascii_lowercase()))
        };
        let not_run = says("status", &["notrun", "skipped", "disabled", "ignored", "pending"])
            || says("result", &["suppressed", "skipped"]);
        let outcome = if skipped.is_some() || not_run { TestOutcome::Skipped } else { TestOutcome::Passed };
        let mut case = self.begin(report, outcome);
        case.record.message = skipped.and_then(JunitEnd::message);
        case.kind = skipped.and_then(|end| end.element.owned("type"));
        case
    }

    /// A case with failures or errors of its own. Several are one outcome: the first one names it.
    fn failure(&self, report: &JunitReport, ends: &[&JunitEnd]) -> TestCase {
        let mut case = self.begin(report, TestOutcome::Failed);
        if let Some(first) = ends.first() {
            first.name(&mut case);
        }
        let texts: Vec<String> = ends.iter().filter_map(|end| end.message()).collect();
        case.record.message = (!texts.is_empty()).then(|| texts.join("\n"));
        case
    }

    /// An attempt that failed before or after the one that the case itself is about.
    fn again(&self, report: &JunitReport, end: &JunitEnd) -> TestCase {
        let mut case = self.begin(report, TestOutcome::Failed);
        end.name(&mut case);
        case.record.message = end.message();
        case.record.when = When::said(end.element.get("timestamp")).or(&case.record.when);
        case.record.duration_ms = end.element.get("time").and_then(milliseconds);
        case
    }
}

impl JunitEnd {
    /// How it ended, and the type of what ended it. `test timeout` and `test abort` are nextest's words.
    fn name(&self, case: &mut TestCase) {
        let kind = self.element.get("type");
        case.outcome = match (kind, self.what) {
            (Some("test timeout"), _) => TestOutcome::TimedOut,
            (Some(kind), _) if kind == "test abort" || kind.starts_with("test abort ") => TestOutcome::Aborted,
            (_, EndKind::Error | EndKind::Rerun { error: true } | EndKind::Flaky { error: true }) => {
                TestOutcome::Errored
            }
            _ => TestOutcome::Failed,
        };
        case.kind = kind.map(str::to_owned);
    }

    fn message(&self) -> Option<String> {
        let text = self.element.get("message").filter(|text| !text.trim().is_empty()).unwrap_or(&self.text);
        (!text.trim().is_empty()).then(|| text.trim().to_owned())
    }
}

/// The properties of a case, to their end.
fn properties(xml: &mut Xml<'_>, said: &mut AttemptsSaid) -> Result<(), Finding> {
    let depth = xml.open().len();
    while let Some(node) = xml.next_in(depth)? {
        if let XmlNode::Start(child) = node {
            said.property(&child);
        }
    }
    Ok(())
}

/// The text of the element that has begun, and of `stackTrace` in it; other elements are passed over.
fn text(xml: &mut Xml<'_>) -> Result<String, Finding> {
    let mut text = String::new();
    let mut inner = 0_u32;
    while let Some(node) = xml.next()? {
        match node {
            XmlNode::Text(piece) => append(&mut text, &piece),
            XmlNode::Start(child) if child.name == "stackTrace" => inner += 1,
            XmlNode::Start(_) => xml.skip()?,
            XmlNode::End if inner > 0 => inner -= 1,
            XmlNode::End => break,
        }
    }
    Ok(text)
}
