//! SARIF 2.1.0: one envelope a result. `docs/formats/sarif.md` has the mapping.

mod result;
mod run;
mod text;
mod tool;

use std::collections::BTreeSet;

use dome_core::CodeClass::{Advisory, Repairable};
use serde_json::Value;

use crate::codes::means;
use crate::finding::{Finding, FindingCode, quote};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::Reading;
use run::Run;

/// The room.
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

fn sniff(head: &Head<'_>) -> bool {
    let schema = head.has_member("$schema") && head.text().to_ascii_lowercase().contains("sarif");
    head.has_member("runs") && head.has_member("version") || schema && head.has_member("version")
}

const EXPECTED: &str = "a SARIF log of version 2.1.0";

fn convert(reading: &mut Reading<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let log = reading.json(EXPECTED)?;
    let wrong = |message: String| Err(out.at("").found(FindingCode::WrongFormat, message, EXPECTED));
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
        let run = Run::of(number, value);
        tool::invocations(&run, out);
        result::results(&run, &mut seen, out);
    }
    Ok(())
}
