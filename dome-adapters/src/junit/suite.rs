//! Suites, however deep, and the cases in them.

use super::{attempts, case};
use crate::finding::{Finding, FindingCode};
use crate::out::Out;
use crate::reading::{Element, Node, Xml};
use crate::when::When;

/// A suite that is open.
#[derive(Clone, Debug)]
pub(super) struct Suite {
    pub(super) name: Option<String>,
    pub(super) hostname: Option<String>,
    pub(super) when: When,
    /// What the suite says that it holds, and whether that failed.
    claims: Option<(u64, bool)>,
    cases: u64,
}

/// Where a case stands.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// The run, where the report names one.
    pub(super) run_id: Option<String>,
    /// The suites that are open, the outermost first.
    pub(super) open: Vec<Suite>,
    /// Cases so far.
    pub(super) cases: u64,
}

/// Reads the report whose root has begun.
pub(super) fn read(xml: &mut Xml<'_>, root: Element, out: &mut Out<'_>) -> Result<(), Finding> {
    let run_id = (root.name == "testsuites").then(|| root.get("uuid").map(str::to_owned)).flatten();
    let mut report = Report { run_id, open: vec![Suite::of(&root, &When::Unknown)], cases: 0 };
    while let Some(node) = xml.next()? {
        match node {
            Node::Start(element) if element.name == "testcase" => {
                report.cases += 1;
                report.open.iter_mut().for_each(|suite| suite.cases += 1);
                let case = case::read(xml, element)?;
                attempts::push(&case, &report, out);
            }
            Node::Start(element) if element.name == "testsuite" => {
                let outer = report.open.last().map(|suite| suite.when.clone()).unwrap_or_default();
                report.open.push(Suite::of(&element, &outer));
            }
            Node::Start(_) => xml.skip()?,
            Node::End => {
                if let Some(suite) = report.open.pop() {
                    suite.check(xml, out);
                }
                if report.open.is_empty() {
                    return Ok(());
                }
            }
            Node::Text(_) => {}
        }
    }
    Ok(())
}

impl Suite {
    fn of(element: &Element, outer: &When) -> Self {
        let number = |name: &str| element.get(name).and_then(|text| text.trim().parse::<u64>().ok());
        let failed = ["failures", "errors"].iter().filter_map(|name| number(name)).any(|count| count > 0);
        Self {
            name: element.get("name").map(str::to_owned),
            hostname: element.get("hostname").map(str::to_owned),
            when: element.get("timestamp").map(When::of).unwrap_or_default().or(outer),
            claims: number("tests").map(|tests| (tests, failed)),
            cases: 0,
        }
    }

    /// Failures that are counted and not there are lost outcomes.
    fn check(&self, xml: &Xml<'_>, out: &mut Out<'_>) {
        if let (Some((tests, true)), 0) = (self.claims, self.cases) {
            let message = format!("the suite counts failures among {tests} tests and holds no `<testcase>`");
            out.problem(xml.found(FindingCode::OutcomeMissing, message, "the cases that are counted"));
        }
    }
}

impl Report {
    /// The name of the suite that the case stands in.
    pub(super) fn suite(&self) -> Option<&str> {
        self.open.last().and_then(|suite| suite.name.as_deref())
    }

    pub(super) fn hostname(&self) -> Option<&str> {
        self.open.iter().rev().find_map(|suite| suite.hostname.as_deref())
    }

    pub(super) fn when(&self) -> When {
        self.open.last().map(|suite| suite.when.clone()).unwrap_or_default()
    }
}
