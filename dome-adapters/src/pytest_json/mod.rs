//! Reports of pytest-json-report. `docs/formats/pytest-json.md` has the mapping.

mod context;
mod test;

use serde_json::Value;

use crate::finding::{At, Finding, FindingCode};
use crate::format::{Converts, Descriptor};
use crate::head::Head;
use crate::members::Members;
use crate::out::Out;
use crate::reading::Reading;
use crate::report::Case;
use context::Context;

/// The room.
pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "pytest-json",
    summary: "reports of the pytest plugin pytest-json-report (`.report.json`)",
    endings: &[".json"],
    codes: crate::report::CODES,
    sniff: |head: &Head<'_>| ["created", "exitcode", "root"].iter().all(|name| head.has_member(name)),
    converts: Converts::Each(convert),
};

fn convert(reading: &mut Reading<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let document = reading.json("a report of pytest-json-report")?;
    let list = |name: &str| document.get(name).and_then(Value::as_array);
    let context = Context::of(&document);
    let known = document.get("exitcode").is_some() && document.get("created").is_some();
    if !known || (list("tests").is_none() && list("collectors").is_none() && document.get("summary").is_none()) {
        let expected = "an object with `created`, `exitcode` and `tests`";
        return Err(reading.at("").found(FindingCode::WrongFormat, "not a report of pytest-json-report", expected));
    }
    each(list("collectors"), "collectors", out, |members, at| test::collected(members, at, &context));
    each(list("tests"), "tests", out, |members, at| test::run(members, at, &context).map(Some));
    Ok(())
}

/// What a list's entries come to.
fn each(
    entries: Option<&Vec<Value>>,
    name: &str,
    out: &mut Out<'_>,
    case: impl Fn(Members<'_>, At<'_>) -> Result<Option<Case>, Finding>,
) {
    for (index, entry) in entries.into_iter().flatten().enumerate() {
        let place = format!("/{name}/{index}");
        let at = At { input: &out.source().name, place: &place };
        match Members::of(at, entry.clone(), "an object").and_then(|members| case(members, at)) {
            Ok(Some(case)) => out.push(&case.record()),
            Ok(None) => {}
            Err(problem) => out.left_out(problem),
        }
    }
}
