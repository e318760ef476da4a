//! CTRF, the Common Test Report Format. `docs/formats/ctrf.md` has the mapping.

mod context;
mod test;

use serde_json::Value;

use crate::finding::{Finding, FindingCode};
use crate::format::{Converts, Descriptor};
use crate::head::Head;
use crate::members::Members;
use crate::out::Out;
use crate::reading::Reading;
use context::Context;

/// The room.
pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "ctrf",
    summary: "CTRF reports (`reportFormat` `CTRF`)",
    endings: &[".json"],
    codes: crate::report::CODES,
    sniff,
    converts: Converts::Each(convert),
};

/// By its name for itself, or, before there was one, by a tool, a summary and tests.
fn sniff(head: &Head<'_>) -> bool {
    let old = ["\"tool\"", "\"summary\"", "\"tests\"", "\"pending\""].iter().all(|member| head.text().contains(member));
    (head.has_member("reportFormat") && head.text().contains("\"CTRF\"")) || (head.has_member("results") && old)
}

fn convert(reading: &mut Reading<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let document = reading.json("a CTRF report")?;
    let at = reading.at("");
    let tests = match document.pointer("/results/tests") {
        Some(Value::Array(tests)) => tests,
        _ => {
            let expected = "an object with `results.tests`";
            return Err(at.found(FindingCode::WrongFormat, "not a CTRF report", expected));
        }
    };
    let context = Context::of(&document);
    for (index, test) in tests.iter().enumerate() {
        let place = format!("/results/tests/{index}");
        let at = crate::finding::At { input: &out.source().name, place: &place };
        let outcomes = Members::of(at, test.clone(), "a test, as an object")
            .and_then(|members| test::outcomes(members, at, &context));
        match outcomes {
            Ok(outcomes) => outcomes.into_iter().for_each(|case| out.push(&case.record())),
            Err(problem) => out.left_out(problem),
        }
    }
    Ok(())
}
