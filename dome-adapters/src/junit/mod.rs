//! JUnit XML and its relatives. `docs/formats/junit.md` has the mapping.

mod attempts;
mod case;
mod dotnet;
mod suite;

use crate::finding::{Finding, FindingCode};
use crate::format::{Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::{Node, Reading};

/// The room.
pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "junit",
    summary: "JUnit XML of any tool (`testsuites`, `testsuite`), and the XML of NUnit and xUnit.net",
    endings: &[".xml"],
    codes: crate::report::CODES,
    sniff: |head: &Head<'_>| head.root().is_some_and(|root| is_suite(root) || dotnet::is_root(root)),
    converts: Converts::Each(convert),
};

fn is_suite(root: &str) -> bool {
    matches!(root, "testsuites" | "testsuite")
}

fn convert(reading: &mut Reading<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let mut xml = reading.xml()?;
    let root = xml.root(FORMAT.summary)?;
    match &*root.name {
        name if is_suite(name) => suite::read(&mut xml, root, out)?,
        name if dotnet::is_root(name) => dotnet::read(&mut xml, &root, out)?,
        other => {
            let message = format!("the root element is `<{other}>`");
            let expected = "`<testsuites>`, `<testsuite>`, or a root of NUnit or xUnit.net";
            return Err(xml.found(FindingCode::WrongFormat, message, expected));
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
