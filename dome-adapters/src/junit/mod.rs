//! JUnit XML and its relatives. `docs/formats/junit.md` has the mapping.

mod attempts;
mod case;
mod suite;

use crate::finding::{Finding, FindingCode};
use crate::format::{Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::{Node, Reading};

/// The room.
pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "junit",
    summary: "JUnit XML of any tool (`testsuites`, `testsuite`)",
    endings: &[".xml"],
    codes: crate::report::CODES,
    sniff: |head: &Head<'_>| matches!(head.root(), Some("testsuites" | "testsuite")),
    converts: Converts::Each(convert),
};

fn convert(reading: &mut Reading<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let mut xml = reading.xml()?;
    let root = xml.root(FORMAT.summary)?;
    match &*root.name {
        "testsuites" | "testsuite" => suite::read(&mut xml, root, out)?,
        other => {
            let message = format!("the root element is `<{other}>`");
            return Err(xml.found(FindingCode::WrongFormat, message, "`<testsuites>` or `<testsuite>`"));
        }
    }
    while let Some(node) = xml.next()? {
        if let Node::Start(second) = node {
            let message = format!("a second root element, `<{}>`", second.name);
            return Err(xml.found(FindingCode::XmlInvalid, message, "the end of the document"));
        }
    }
    Ok(())
}
