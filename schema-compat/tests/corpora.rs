//! Agreement with the labels of other projects' compatibility cases.
//!
//! The cases are not part of this repository: `DOME_COMPAT_DATA` names the folder that holds them.
//! Labels express the policies of their projects. Here an instance decides, so a disagreement is not
//! an error by itself, but each one is listed below with its reason, and a new one fails the test.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first thing that is wrong")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "the crate is pure; its test reads the data that it is pointed at, and the time it takes"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use schema_compat::{Compatibility, Dialect, Direction, Schema, compat};
use serde_json::Value;

const DATA: &str = "DOME_COMPAT_DATA";
const CASE_MAX: Duration = Duration::from_secs(10);
const UNKNOWN_MAX_PERCENT: u32 = 15;

/// Corpus and direction, then how many cases agree with their label, disagree, are unknown, are
/// refused as no schema of a dialect that is compared, and have no label.
type Row = (&'static str, Direction, [u32; 5]);

const RECORDED: &[Row] = &[
    ("apicurio", Direction::Backward, [67, 2, 1, 3, 0]),
    ("apicurio", Direction::Forward, [67, 3, 0, 3, 0]),
    ("getsentry", Direction::Backward, [0, 0, 0, 0, 43]),
    ("jsoncompat", Direction::Backward, [17, 0, 0, 0, 15]),
    ("jsoncompat", Direction::Forward, [32, 0, 0, 0, 0]),
    ("jsonsubschema", Direction::Backward, [249, 3, 6, 12, 0]),
    ("karapace", Direction::Backward, [108, 8, 0, 0, 0]),
];

/// The decided cases that differ from their label, and why.
const DISAGREEMENTS: &[(&str, Direction, &str)] = &[
    ("apicurio/011", Direction::Backward, UNANCHORED),
    ("apicurio/011", Direction::Forward, UNANCHORED),
    (
        "apicurio/119",
        Direction::Backward,
        "a short string matches both branches of the `oneOf`: the witness is the empty string",
    ),
    ("apicurio/125", Direction::Forward, UNANCHORED),
    ("apicurio/126", Direction::Forward, UNANCHORED),
    (
        "jsonsubschema/test_numeric/test_all_all_3/650",
        Direction::Backward,
        "3 is ten times 0.3 exactly; the label follows binary floats",
    ),
    ("jsonsubschema/test_object/test_tricky2/326", Direction::Backward, FORMAT),
    ("jsonsubschema/test_object/test_tricky3/353", Direction::Backward, FORMAT),
    (
        "karapace/test_boolean_schemas_are_backward_compatible/709",
        Direction::Backward,
        "from `true` to `false`: every instance is lost, the witness is null",
    ),
    ("karapace/test_extra_field_with_closed_model_is_incompatible/601", Direction::Backward, NOTHING),
    ("karapace/test_object_properties/1393", Direction::Backward, NAMED),
    ("karapace/test_property_names/1421", Direction::Backward, NAMED),
    ("karapace/test_schema_restrict_attributes_is_incompatible/1092", Direction::Backward, UNANCHORED),
    ("karapace/test_true_and_false_schemas/1011", Direction::Backward, NOTHING),
    ("karapace/test_true_and_false_schemas/1017", Direction::Backward, NOTHING),
    ("karapace/test_true_and_false_schemas/1022", Direction::Backward, NOTHING),
];

const UNANCHORED: &str = "a pattern is not anchored: `[A-Z]*` matches inside every string, so nothing is lost";
const FORMAT: &str = "`format` was added, which is taken as an assertion here";
const NOTHING: &str = "OLD accepts nothing, so nothing can be lost";
const NAMED: &str = "a member is named whose schema is `{}`: open objects accepted it before";

struct Outcome {
    verdict: Option<Compatibility>,
    votes: Vec<(Compatibility, Compatibility)>,
}

/// A draft-04 `$schema` is left out: the cases are read by draft-07, where the words mean the same,
/// but for the boolean `exclusiveMinimum`, which makes a schema that is refused.
fn schema(value: &Value, dialect: Dialect) -> Option<Schema> {
    let mut value = value.clone();
    let old = value.get("$schema").and_then(Value::as_str);
    if old.is_some_and(|uri| uri.contains("draft-04")) {
        value.as_object_mut().unwrap().remove("$schema");
    }
    Schema::from_value(value, dialect).ok()
}

fn outcome(case: &Value, direction: Direction) -> Outcome {
    let dialect = if case["draft"] == "2020-12" { Dialect::Draft202012 } else { Dialect::Draft07 };
    let started = Instant::now();
    let pair = schema(&case["original"], dialect).zip(schema(&case["updated"], dialect));
    let report = pair.map(|(old, new)| compat(&old, &new, direction));
    assert!(started.elapsed() < CASE_MAX, "{} takes too long", case["id"]);
    let votes = report.iter().flat_map(|report| &report.votes);
    Outcome {
        votes: votes.map(|votes| (votes.walker, votes.second)).collect(),
        verdict: report.map(|report| report.verdict),
    }
}

/// What the project says of a case; for jsoncompat only what is strict.
fn label(corpus: &str, case: &Value, direction: Direction) -> Option<bool> {
    let name = match direction {
        Direction::Backward if corpus == "jsoncompat" => "backward_strict_hint",
        Direction::Backward => "backward",
        Direction::Forward | Direction::Full => "forward",
    };
    case.get(name).and_then(Value::as_bool)
}

fn cases(folder: &std::path::Path, corpus: &str) -> Vec<Value> {
    let bytes = std::fs::read(folder.join(format!("{corpus}.json"))).unwrap();
    let data: Value = serde_json::from_slice(&bytes).unwrap();
    data["cases"].as_array().unwrap().clone()
}

fn data() -> Option<PathBuf> {
    let folder = std::env::var_os(DATA).map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: {DATA} names no folder with the cases");
    }
    folder
}

/// Counts one direction of a corpus, and gives the decided cases that differ from their label.
fn count(cases: &[Value], corpus: &str, direction: Direction) -> ([u32; 5], Vec<String>) {
    let (mut counts, mut differing) = ([0; 5], Vec::new());
    let mut votes = BTreeMap::new();
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let outcome = outcome(case, direction);
        for pair in outcome.votes {
            *votes.entry(pair).or_insert(0_u32) += 1;
        }
        let label = label(corpus, case, direction);
        let place = match (label, outcome.verdict) {
            (None, _) => 4,
            (_, None) => 3,
            (_, Some(Compatibility::Unknown)) => 2,
            (Some(label), Some(verdict)) if label == (verdict == Compatibility::Compatible) => 0,
            _ => {
                differing.push(id.to_owned());
                1
            }
        };
        counts[place] += 1;
    }
    println!("{corpus} {direction:?}: {counts:?}");
    for ((walker, second), count) in votes {
        println!("    walker {walker:?}, second vote {second:?}: {count}");
    }
    (counts, differing)
}

#[test]
fn the_corpora_agree_as_recorded() {
    let Some(folder) = data() else { return };
    for (corpus, direction, recorded) in RECORDED {
        let (counts, differing) = count(&cases(&folder, corpus), corpus, *direction);
        assert_eq!(counts, *recorded, "{corpus} {direction:?}");
        let known = DISAGREEMENTS
            .iter()
            .filter(|(id, towards, _)| towards == direction && id.split('/').next() == Some(*corpus));
        let known = known.map(|(id, ..)| (*id).to_owned()).collect::<Vec<_>>();
        assert_eq!(differing, known, "{corpus} {direction:?}");
        let [agree, disagree, unknown, refused, _] = counts;
        let labelled = agree + disagree + unknown + refused;
        assert!((unknown + refused) * 100 <= labelled * UNKNOWN_MAX_PERCENT, "{corpus} {direction:?}");
    }
}

/// Instances that their project names as accepted by one schema alone.
#[test]
fn what_has_a_witness_in_its_corpus_is_refuted_here() {
    let Some(folder) = data() else { return };
    let mut seen = 0;
    for case in cases(&folder, "jsoncompat") {
        for (list, direction) in [("old_only", Direction::Backward), ("new_only", Direction::Forward)] {
            let witnesses = case["examples"].get(list).and_then(Value::as_array);
            if witnesses.is_some_and(|witnesses| !witnesses.is_empty()) {
                let verdict = outcome(&case, direction).verdict;
                assert_eq!(verdict, Some(Compatibility::Incompatible), "{} {direction:?}", case["id"]);
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "only {seen} cases have a witness");
}

/// Everything that both votes decide, they decide alike.
#[test]
fn the_votes_never_contradict_each_other() {
    let Some(folder) = data() else { return };
    for corpus in ["apicurio", "getsentry", "jsoncompat", "jsonsubschema", "karapace"] {
        for case in cases(&folder, corpus) {
            for (walker, second) in outcome(&case, Direction::Full).votes {
                let decided = walker != Compatibility::Unknown && second != Compatibility::Unknown;
                assert!(!decided || walker == second, "{}", case["id"]);
            }
        }
    }
}
