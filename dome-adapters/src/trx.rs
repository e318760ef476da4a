//! TRX, the test results of Visual Studio, `dotnet test` and vstest. `docs/formats/trx.md` has the
//! mapping.

use std::collections::BTreeMap;

use crate::finding::{Finding, FindingCode, FoundAt, quote};
use crate::format::{Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::{Element, FileReader, Xml, XmlNode};
use crate::record::{NAMELESS, append};
use crate::report::{TestCase, TestOutcome};
use crate::when::{When, clock_milliseconds};

pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "trx",
    summary: "TRX test results of `dotnet test` and Visual Studio (`TestRun`)",
    endings: &[".trx"],
    codes: crate::report::CODES,
    sniff: |head: &Head| head.root() == Some("TestRun") && head.text().contains("/VisualStudio/TeamTest/"),
    converts: Converts::Each(convert),
};

/// The results wait for the end, as classes may stand behind them; if the file breaks off before, they have none.
fn convert(reading: &mut FileReader<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let mut xml = reading.xml()?;
    let root = xml.root(FORMAT.summary)?;
    if root.name != "TestRun" {
        let message = format!("the root element is `<{}>`", root.name);
        return Err(xml.found(FindingCode::WrongFormat, message, "`<TestRun>`"));
    }
    let mut run = TrxRun { id: root.owned("id"), ..TrxRun::default() };
    let ended = run.read(&mut xml);
    if ended.is_ok() && !run.known {
        let expected = "`<Results>`, as the test results of Visual Studio have them";
        return Err(xml.found(FindingCode::WrongFormat, "`<TestRun>` of another tool", expected));
    }
    for (number, (result, message)) in (1..).zip(&run.results) {
        let place = format!("result {number}");
        let outcome = outcome(result, out.at(&place));
        match outcome {
            Ok(outcome) => out.test(case(&run, result, message, place, outcome)),
            Err(problem) => out.left_out(problem),
        }
    }
    ended
}

#[derive(Debug, Default)]
struct TrxRun {
    id: Option<String>,
    /// When the run ended, else when it began.
    when: Option<String>,
    known: bool,
    /// With what their errors say.
    results: Vec<(Element, String)>,
    /// The class of each test, by the test's id.
    classes: BTreeMap<String, String>,
}

impl TrxRun {
    /// Reads to the end of the run. What it has read stands, even where there is no end.
    fn read(&mut self, xml: &mut Xml<'_>) -> Result<(), Finding> {
        while let Some(node) = xml.next()? {
            let XmlNode::Start(element) = node else { continue };
            self.known |= matches!(&*element.name, "Results" | "TestDefinitions" | "ResultSummary");
            match &*element.name {
                "Times" => self.when = element.owned("finish").or_else(|| element.owned("start")),
                "UnitTest" => self.definition(xml, &element)?,
                name if name.ends_with("Result") && element.get("testName").is_some() => self.result(xml, element)?,
                "TestSettings" | "ResultSummary" | "TestEntries" | "TestLists" => xml.skip()?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The class of a test, without the assembly behind it.
    fn definition(&mut self, xml: &mut Xml<'_>, test: &Element) -> Result<(), Finding> {
        let depth = xml.open().len();
        while let Some(node) = xml.next_in(depth)? {
            let XmlNode::Start(element) = node else { continue };
            let class = element.get("className").and_then(|class| class.split(',').next());
            if let (true, Some(id), Some(class)) = (element.name == "TestMethod", test.get("id"), class) {
                self.classes.insert(id.to_owned(), class.to_owned());
            }
        }
        Ok(())
    }

    /// A result, and those inside of it behind it.
    fn result(&mut self, xml: &mut Xml<'_>, element: Element) -> Result<(), Finding> {
        let depth = xml.open().len();
        let (mut message, mut inner) = (String::new(), Vec::new());
        while let Some(node) = xml.next_in(depth)? {
            match node {
                XmlNode::Start(child) if child.name.ends_with("Result") && child.get("testName").is_some() => {
                    let before = self.results.len();
                    self.result(xml, child)?;
                    inner.extend(self.results.drain(before..));
                }
                XmlNode::Start(child) if matches!(&*child.name, "StdOut" | "StdErr" | "StackTrace") => xml.skip()?,
                XmlNode::Text(text) => match xml.open() {
                    [.., outer, last] if outer == "ErrorInfo" && last == "Message" => append(&mut message, &text),
                    _ => {}
                },
                _ => {}
            }
        }
        self.results.push((element, message));
        self.results.extend(inner);
        Ok(())
    }
}

/// The outcomes of vstest. What is under way or undecided is not an outcome.
fn outcome(result: &Element, at: FoundAt<'_>) -> Result<TestOutcome, Finding> {
    let expected = "`Passed`, `Failed`, `Error`, `Timeout`, `Aborted`, `NotExecuted` or another one that is final";
    match result.get("outcome") {
        Some("Passed" | "PassedButRunAborted") => Ok(TestOutcome::Passed),
        Some("Failed") => Ok(TestOutcome::Failed),
        Some("Error" | "NotRunnable") => Ok(TestOutcome::Errored),
        Some("Timeout") => Ok(TestOutcome::TimedOut),
        Some("Aborted" | "Disconnected") => Ok(TestOutcome::Aborted),
        Some("NotExecuted" | "Inconclusive") => Ok(TestOutcome::Skipped),
        Some(other) => Err(at.found(FindingCode::StatusUnknown, format!("the outcome is {}", quote(other)), expected)),
        None => Err(at.found(FindingCode::OutcomeMissing, "the result has no `outcome`", expected)),
    }
}

fn case(run: &TrxRun, element: &Element, message: &str, place: String, outcome: TestOutcome) -> TestCase {
    let mut case = TestCase::new(place, element.get("testName").unwrap_or(NAMELESS), outcome);
    case.class = element.get("testId").and_then(|id| run.classes.get(id)).cloned();
    case.record.message = (!message.trim().is_empty()).then(|| message.to_owned());
    let ended = element.get("endTime").or_else(|| element.get("startTime"));
    case.record.when = When::said(ended.or(run.when.as_deref()));
    case.record.duration_ms = element.get("duration").and_then(clock_milliseconds);
    case.record.report_id.clone_from(&run.id);
    case.record.event_id = element.owned("executionId");
    case.record.label("hostname", element.get("computerName"));
    case
}
