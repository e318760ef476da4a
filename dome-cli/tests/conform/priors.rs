//! From held to eligible by a report, and back by a changed tool.

use dome_core::{EvidencePath, Remedy, Sha256Hash};
use serde_json::{Value, json};

use super::tools::{can_judge, copy, judged};
use crate::harness::Place;

const ASK: [&str; 11] = [
    "priors",
    "--from",
    "memory",
    "--scope",
    "repo",
    "--target-kind",
    "document",
    "--target-id",
    "acme/docs",
    "--action-kind",
    "count",
];

/// Four failures on four days, each got over in the same way.
fn night(place: &Place) {
    let mut lines = String::new();
    for day in 1..=4 {
        for (sequence, signal) in [(1, "failure"), (2, "success")] {
            let failed = signal == "failure";
            let mut envelope = json!({
                "envelope_version": "1", "event_id": format!("e{day}{sequence}"), "sequence": sequence,
                "run_id": format!("run-{day}"), "task_id": "count", "group_id": format!("try-{sequence}"),
                "ts": format!("2026-02-{:02}T0{sequence}:00:00Z", 2 * day), "signal": signal, "wrapper_policy": "strict",
                "evidence": [{"path": format!("runs/{day}/{sequence}.log")}],
                "gates": [{"gate_id": "count", "status": if failed { "FAIL" } else { "PASS" }}],
                "tool": {"name": "word-count", "version": "1.0.0"},
                "task_spec": {
                    "scope": "repo", "target": {"kind": "document", "id": "acme/docs"}, "action": {"kind": "count"},
                    "failure_reason_code": if failed { "TESTS_FAILED" } else { "NONE" },
                },
            });
            if !failed {
                envelope["remedy"] =
                    json!({"kind": "edit_argument", "ref": "recipes/split", "summary": "split the text"});
            }
            lines.push_str(&format!("{envelope}\n"));
        }
    }
    place.file("night.jsonl", lines);
    let policy = json!({
        "min_support": 2, "min_run_count": 2, "min_confidence_ppm": 1, "max_contradiction_ppm": 1_000_000,
        "max_staleness_s": 31_536_000,
    });
    place.file("policy.json", policy.to_string());
    let ended = place.dome(&["replay", "night.jsonl", "--out", "memory"], b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

/// The identity of what got over the failures.
fn remedy() -> Sha256Hash {
    Remedy::at("edit_argument".parse().unwrap(), EvidencePath::new("recipes/split").unwrap()).identity()
}

/// What holds the capsule back, each with its reason.
fn held(place: &Place, more: &[&str]) -> (String, Vec<String>) {
    let full = ["--rollout", "prescriptive", "--detail", "full", "--format", "json"];
    let ended = place.dome(&[&ASK[..], &full, more].concat(), b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    let prior = &answer["priors"][0];
    let held = prior["held"].as_array().unwrap().iter();
    let held =
        held.map(|held| format!("{}: {}", held["hold"].as_str().unwrap(), held["detail"].as_str().unwrap_or("")));
    (prior["verdict"].as_str().unwrap().to_owned(), held.collect())
}

#[test]
fn m92_a_report_makes_a_capsule_eligible_and_a_changed_tool_holds_it_again() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    night(&place);
    let manifest = copy(&place, "good");
    let runs = format!("{}={manifest}", remedy());
    let only = |why: &str| vec![format!("tool_not_conformant: `word-count` 1.0.0 {why}")];
    let with = ["--conformance", "report.json", "--remedy-tool", &runs];

    // Nobody says what the remedy runs: nothing is asked of the tool that failed.
    assert_eq!(held(&place, &[]), ("prescriptive".to_owned(), Vec::new()));
    // No report on the tool that it runs: held.
    place.file("other.json", r#"{"report_version":"1","tool":{"name":"other","version":"1"},"conformant":true}"#);
    let other = held(&place, &["--conformance", "other.json", "--remedy-tool", &runs]);
    assert_eq!(other, ("blocked".to_owned(), only("has no report")));

    // The gate's report: eligible.
    let (_, ended) = judged(&place, &manifest, &["--out", "report.json"]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    assert_eq!(held(&place, &with), ("prescriptive".to_owned(), Vec::new()));

    // The tool changes, by as much as a comment: held again, and by its manifest, too.
    let source = std::fs::read_to_string(place.path("good/tool.py")).unwrap();
    place.file("good/tool.py", format!("{source}# changed\n"));
    let changed = ("blocked".to_owned(), only("has no report on its bytes"));
    assert_eq!(held(&place, &with), changed);
    place.file("good/tool.py", &source);
    assert_eq!(held(&place, &with).0, "prescriptive");
    let sound = std::fs::read_to_string(place.path(&manifest)).unwrap();
    place.file(&manifest, sound.replace("\"maximum\": 100", "\"maximum\": 99"));
    assert_eq!(held(&place, &with), changed);
    place.file(&manifest, &sound);

    // A report that says yes where its checks say no is no report.
    let report = std::fs::read_to_string(place.path("report.json")).unwrap();
    place.file("forged.json", report.replacen("\"outcome\":\"pass\"", "\"outcome\":\"fail\"", 1));
    let ended = place.dome(&[&ASK[..], &["--conformance", "forged.json", "--remedy-tool", &runs]].concat(), b"");
    assert_eq!(ended.code, 3);
    assert!(ended.stderr.contains("by the parts below it"), "{}", ended.stderr);
}

#[test]
fn the_gate_keeps_its_report_in_a_store_that_asks_for_one() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    night(&place);
    let manifest = copy(&place, "good");
    assert_eq!(place.dome(&["ingest", "night.jsonl", "--store", "s", "--not-after", "off"], b"").code, 0);
    let remedy = remedy().to_string();
    let store = |verb: &[&str]| {
        let ended = place.dome(&[&["store", "tool"], verb, &["--store", "s", "--format", "json"]].concat(), b"");
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        serde_json::from_str::<Value>(&ended.stdout).unwrap()
    };
    // A report on what no remedy runs is kept, and that is said.
    let (report, ended) = judged(&place, &manifest, &["--store", "s"]);
    assert!(ended.code == 0 && ended.stderr.contains("dome store tool set"), "{}", ended.stderr);
    let set = store(&["set", "--remedy", &remedy, "--tool-manifest", &manifest]);
    assert_eq!((set["tools"][0].get("hold"), &set["reports"][0]), (None, &report));
    // A report takes the place of what was said of the same bytes, and of no other.
    let source = std::fs::read_to_string(place.path("good/tool.py")).unwrap();
    place.file("good/tool.py", source.replacen("import json", "import json\nimport os\n\nos.getpid()", 1));
    let (_, ended) = judged(&place, &manifest, &["--store", "s", "--valid-until", "2027-01-01T00:00:00Z"]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    assert_eq!(store(&["list"])["reports"].as_array().unwrap().len(), 2);
    assert_eq!(store(&["list"])["tools"][0].get("hold"), None, "the bytes that the store knows were judged");
    let set = store(&["set", "--remedy", &remedy, "--tool-manifest", &manifest]);
    assert_eq!(set["tools"][0].get("hold"), None);
    // What would fail at the end fails before the tool is run; a part of the gate is no report to keep.
    assert_eq!(place.dome(&["conform", &manifest, "--store", "nowhere"], b"").code, 3);
    assert_eq!(place.dome(&["conform", &manifest, "--store", "s", "--only", "contract"], b"").code, 2);
}
