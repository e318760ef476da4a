//! Agreement with the labels of other projects' compatibility cases.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a test may stop at the first thing that is wrong, and reads the data it is pointed at"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use dome_contracts::compat::{Dialect, Direction, Schema, Verdict, Vote, compat};
use serde_json::Value;

const DATA: &str = "DOME_COMPAT_DATA";
const CORPORA: &[&str] = &["apicurio", "getsentry", "jsoncompat", "jsonsubschema", "karapace"];

struct Outcome {
    id: String,
    label: Option<bool>,
    verdict: Option<Verdict>,
    votes: Option<(Vote, Vote)>,
    millis: u128,
    text: String,
}

/// A draft-04 `$schema` is left out: the cases are read by draft-07, where the words mean the same.
fn schema(value: &Value, dialect: Dialect) -> Result<Schema, String> {
    let mut value = value.clone();
    let old = value.get("$schema").and_then(Value::as_str);
    if old.is_some_and(|uri| uri.contains("draft-04")) {
        value.as_object_mut().unwrap().remove("$schema");
    }
    Schema::from_value(value, dialect).map_err(|error| error.to_string())
}

fn outcome(case: &Value, direction: Direction, label: Option<bool>) -> Outcome {
    let dialect = if case["draft"] == "2020-12" { Dialect::Draft202012 } else { Dialect::Draft07 };
    let started = Instant::now();
    let pair = schema(&case["original"], dialect).and_then(|old| Ok((old, schema(&case["updated"], dialect)?)));
    let report = pair.and_then(|(old, new)| compat(&old, &new, direction).map_err(|error| error.to_string()));
    let text = match &report {
        Ok(report) => report
            .findings
            .iter()
            .map(|finding| {
                format!(
                    "{} {:?} {} | {} {:?}; ",
                    finding.rule, finding.verdict, finding.new, finding.message, finding.witness
                )
            })
            .collect(),
        Err(error) => error.clone(),
    };
    Outcome {
        id: case["id"].as_str().unwrap().to_owned(),
        label,
        verdict: report.as_ref().ok().map(|report| report.verdict),
        votes: report.as_ref().ok().map(|report| (report.votes[0].walker, report.votes[0].second)),
        millis: started.elapsed().as_millis(),
        text,
    }
}

#[test]
fn the_corpora_agree_as_recorded() {
    let Some(folder) = std::env::var_os(DATA).map(PathBuf::from) else {
        println!("skipped: {DATA} names no folder with the cases");
        return;
    };
    for name in CORPORA {
        let bytes = std::fs::read(folder.join(format!("{name}.json"))).unwrap();
        let data: Value = serde_json::from_slice(&bytes).unwrap();
        for direction in [Direction::Backward, Direction::Forward] {
            let mut counts = BTreeMap::new();
            let mut slowest = 0;
            for case in data["cases"].as_array().unwrap() {
                let label = match direction {
                    Direction::Backward if *name == "jsoncompat" => &case["backward_strict_hint"],
                    Direction::Backward => &case["backward"],
                    _ => &case["forward"],
                };
                let outcome = outcome(case, direction, label.as_bool());
                slowest = slowest.max(outcome.millis);
                let key = (outcome.label, outcome.verdict, outcome.votes);
                *counts.entry(key).or_insert(0_u32) += 1;
                let agrees = outcome.label.is_none()
                    || outcome.verdict.is_some_and(|verdict| Some(verdict == Verdict::Compatible) == outcome.label);
                if !agrees
                    || outcome.verdict == Some(Verdict::Unknown)
                    || outcome.verdict.is_none()
                    || (outcome.verdict == Some(Verdict::Incompatible)
                        && outcome.votes.is_some_and(|(walker, _)| walker == Vote::Compatible))
                    || outcome.millis > 1000
                {
                    println!(
                        "{direction:?} {} label {:?} {:?} {:?} {}ms {}",
                        outcome.id, outcome.label, outcome.verdict, outcome.votes, outcome.millis, outcome.text
                    );
                }
            }
            println!("== {name} {direction:?} slowest {slowest}ms");
            for (key, count) in counts {
                println!("   {key:?} {count}");
            }
        }
    }
}
