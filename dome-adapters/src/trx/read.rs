//! What a run holds: results, and the classes of the tests.

use std::collections::BTreeMap;

use dome_core::limits::MESSAGE_BYTES;

use crate::finding::Finding;
use crate::reading::{Element, Node, Xml};
use crate::record::cut;

/// A run as it stands.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: Option<String>,
    /// When the run ended, else when it began.
    pub(super) when: Option<String>,
    /// Whether it holds what a run of this format holds.
    pub(super) known: bool,
    pub(super) results: Vec<RawResult>,
    /// The class of each test, by the test's id.
    pub(super) classes: BTreeMap<String, String>,
}

/// One result.
#[derive(Debug)]
pub(super) struct RawResult {
    pub(super) element: Element,
    pub(super) message: String,
}

impl Run {
    pub(super) fn of(root: &Element) -> Self {
        let id = root.get("id").map(str::to_owned);
        Self { id, when: None, known: false, results: Vec::new(), classes: BTreeMap::new() }
    }

    /// Reads to the end of the run. What it has read stands, even where there is no end.
    pub(super) fn read(&mut self, xml: &mut Xml<'_>) -> Result<(), Finding> {
        while let Some(node) = xml.next()? {
            let Node::Start(element) = node else { continue };
            self.known |= matches!(&*element.name, "Results" | "TestDefinitions" | "ResultSummary");
            match &*element.name {
                "Times" => self.when = element.get("finish").or_else(|| element.get("start")).map(str::to_owned),
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
        let mut depth = 1_u32;
        while depth > 0 {
            match xml.next()? {
                Some(Node::Start(element)) => {
                    depth += 1;
                    let class = element.get("className").and_then(|class| class.split(',').next());
                    if let (true, Some(id), Some(class)) = (element.name == "TestMethod", test.get("id"), class) {
                        self.classes.insert(id.to_owned(), class.to_owned());
                    }
                }
                Some(Node::End) => depth -= 1,
                Some(Node::Text(_)) => {}
                None => break,
            }
        }
        Ok(())
    }

    /// A result, and those inside of it behind it.
    fn result(&mut self, xml: &mut Xml<'_>, element: Element) -> Result<(), Finding> {
        let place = self.results.len();
        let mut message = String::new();
        let mut open: Vec<String> = Vec::new();
        let mut inner = Vec::new();
        loop {
            match xml.next()? {
                Some(Node::Start(child)) if child.name.ends_with("Result") && child.get("testName").is_some() => {
                    let before = self.results.len();
                    self.result(xml, child)?;
                    inner.extend(self.results.drain(before..));
                }
                Some(Node::Start(child)) if matches!(&*child.name, "StdOut" | "StdErr" | "StackTrace") => xml.skip()?,
                Some(Node::Start(child)) => open.push(child.name),
                Some(Node::Text(text)) if open.iter().rev().take(2).eq(["Message", "ErrorInfo"]) => {
                    message.push_str(cut(&text, MESSAGE_BYTES.saturating_sub(message.len())));
                }
                Some(Node::Text(_)) => {}
                Some(Node::End) if open.pop().is_none() => break,
                Some(Node::End) => {}
                None => break,
            }
        }
        self.results.truncate(place);
        self.results.push(RawResult { element, message });
        self.results.extend(inner);
        Ok(())
    }
}
