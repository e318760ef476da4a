//! Secure map-reduce: every code by an example, an adversary, any order of completion, budgets.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod adversary;
mod budget;
mod codes;
mod envelopes;
mod order;
mod outputs;
mod summary;

use dome_core::TargetId;
use dome_patterns::{Budget, MapItem, MapPlan, MapRun, WorkerEnd};
use proptest::prelude::*;

/// The contract of most tests: each kind of shape stands in it.
pub(crate) const CONTRACT: &str = r#"{
  "contract_version": "1",
  "members": {
    "detail": {"type": "object", "members": {"flaky": {"type": "boolean"}}},
    "gates": {"type": "array", "max_entries": 3, "of": {"type": "choice", "of": ["lint", "unit"]}},
    "item": {"type": "item"},
    "note": {"type": "text", "max_bytes": 24},
    "passed": {"type": "integer", "min": -5, "max": 1000},
    "verdict": {"type": "choice", "of": ["failed", "resolved"]}
  },
  "optional": ["note"]
}"#;

pub(crate) fn id(place: usize) -> TargetId {
    format!("trial-{place}").parse().unwrap()
}

/// What the work is called.
pub(crate) fn work() -> TargetId {
    "nightly".parse().unwrap()
}

/// A plan of so many items that may all fail.
pub(crate) fn plan(items: usize) -> MapPlan {
    let budget = Budget { failures_allowed: items as u64, ..Budget::default() };
    planned(budget, items)
}

pub(crate) fn planned(budget: Budget, items: usize) -> MapPlan {
    let items = (0..items).map(|place| MapItem { id: id(place), input: format!("input {place}").into_bytes() });
    MapPlan::new(work(), CONTRACT.parse().unwrap(), budget, items.collect()).unwrap()
}

/// An output that keeps the contract, for the item at a place.
pub(crate) fn sound(place: usize) -> impl Strategy<Value = String> {
    let words = prop::collection::vec(prop::sample::select(vec!["lint", "unit"]), 0..=3);
    let note = prop::option::of("[a-zé ]{0,8}");
    (words, -5_i64..=1000, any::<bool>(), any::<bool>(), note).prop_map(move |(gates, passed, flaky, good, note)| {
        let mut output = serde_json::json!({
            "detail": {"flaky": flaky}, "gates": gates, "item": id(place).as_str(), "passed": passed,
            "verdict": if good { "resolved" } else { "failed" },
        });
        if let Some(note) = note {
            output["note"] = note.into();
        }
        output.to_string()
    })
}

/// Records a worker that answered.
pub(crate) fn answered(run: &mut MapRun<'_>, place: usize, output: impl AsRef<[u8]>) {
    run.record(&id(place), WorkerEnd::Answered(output.as_ref().to_vec())).unwrap();
}
