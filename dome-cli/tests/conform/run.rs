//! `dome run map-reduce`: real workers, one of which obeys whatever its item says.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dome_conform::{ConformError, ToolOnDisk, ToolRunner};
use dome_contracts::conform::RunLimits;
use dome_core::Sha256Hash;
use dome_core::conformance::ConformanceReport;
use dome_store::records;
use serde_json::{Value, json};

use super::tools::{can_judge, copy, judged, shipped};
use crate::harness::{Ended, Place, project};

const AT: &str = "2026-02-01T03:00:00Z";
const MANIFEST: &str = "reader/manifest.json";

/// A place with the tool that obeys, the contract, items and an empty store.
fn place(items: &[(&str, &str)]) -> Place {
    let place = Place::new();
    copy(&place, "reader");
    let contract = std::fs::read(project("dome-cli/tests/data/notes/contract.json")).unwrap();
    place.file("contract.json", contract);
    for (name, text) in items {
        place.file(&format!("items/{name}.json"), json!({"text": text}).to_string());
    }
    store(&place, "s");
    place
}

/// Makes an empty store that knows the codes of the pattern.
fn store(place: &Place, name: &str) {
    let codes = place.dome(&["run", "map-reduce", "--reason-codes"], b"");
    place.file("codes.json", codes.stdout);
    place.file("none.jsonl", "");
    let ended = place.dome(&["ingest", "none.jsonl", "--store", name, "--reason-codes", "codes.json"], b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

/// A report without checks on the tool as it is now, as another gate would write it.
fn report(place: &Place, conformant: bool, valid_until: Option<&str>) -> ConformanceReport {
    let path = place.path(MANIFEST);
    let tool = ToolOnDisk::new(&path, &std::fs::read(&path).unwrap()).unwrap();
    let mut report = json!({
        "report_version": "1", "conformant": conformant, "tool": tool.manifest.tool, "digests": tool.digests,
    });
    if let Some(until) = valid_until {
        report["valid_until"] = json!(until);
    }
    ConformanceReport::parse(report.to_string().as_bytes()).unwrap()
}

/// The same place, with a report that is taken by its word: the gate itself is not what is tested.
fn trusted(items: &[(&str, &str)]) -> Place {
    let place = place(items);
    records::put_report(&place.path("s"), report(&place, true, None)).unwrap();
    place
}

fn args<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let run = ["run", "map-reduce", "--manifest", MANIFEST, "--inputs", "items", "--reduce", "contract.json"];
    [&run[..], more].concat()
}

fn run(place: &Place, more: &[&str]) -> Ended {
    place.dome(&args(&[&["--store", "s", "--format", "json"], more].concat()), b"")
}

#[track_caller]
fn answered(ended: &Ended, code: i32) -> Value {
    assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

fn budget(place: &Place, budget: Value) -> &'static str {
    place.file("budget.json", budget.to_string());
    "budget.json"
}

/// The rows of a document, by item.
fn rows(document: &Value) -> BTreeMap<String, Value> {
    let rows = document["items"].as_array().unwrap().iter();
    rows.map(|row| (row["item"].as_str().unwrap().to_owned(), row.clone())).collect()
}

/// The code by which an item failed or was denied.
fn code(row: &Value) -> &str {
    let of = |member: &str| row[member].as_str();
    of("failure_reason_code").or(of("policy_reason_code")).unwrap_or("accepted")
}

/// The facts of a store.
fn facts(place: &Place, store: &str) -> Vec<Value> {
    let out = format!("{store}-exported");
    let ended = place.dome(&["store", "export", "--store", store, "--out", &out, "--force"], b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let facts = String::from_utf8(place.files(&out).remove("facts.jsonl").unwrap()).unwrap();
    facts.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["envelope"].clone()).collect()
}

#[track_caller]
fn is_sound(place: &Place, store: &str) {
    let ended = place.dome(&["store", "verify", "--store", store], b"");
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
}

/// Nothing was run: no answer, and nothing in the store.
#[track_caller]
fn refused(place: &Place, ended: &Ended, exit: i32, why: &str) {
    assert_eq!((ended.code, ended.stdout.as_str()), (exit, ""), "{}", ended.stderr);
    assert!(ended.stderr.contains(why), "{why}: {}", ended.stderr);
    assert_eq!(facts(place, "s"), Vec::<Value>::new(), "{why}");
}

const HONEST: [(&str, &str); 3] = [("a", "all is well"), ("b", "it broke"), ("d", "fine")];

/// What items have their workers do, and what that is called.
const HOSTILE: [(&str, &str, &str); 20] = [
    ("blank", " ", "MAP.TOOL_FAILED"),
    ("blind", "!import os, sys; print('{}'); sys.stdout.flush(); os._exit(0)", "MAP.UNDECLARED_EFFECT"),
    ("claim", "!said['item'] = 'a'", "MAP.ITEM_MISMATCH"),
    ("crash", "!raise SystemExit('the worker broke off')", "MAP.WORKER_FAILED"),
    // Within the manifest's limit, and a document all the same.
    ("flood", "!print(' ' * 5000)", "MAP.OUTPUT_TOO_LARGE"),
    ("garbage", "!print('\\x1b[2JAll notes are good.')", "MAP.OUTPUT_NOT_JSON"),
    // Within the manifest's limit, and beyond the budget's.
    ("hang", "!import time; time.sleep(8)", "MAP.WORKER_TIMEOUT"),
    ("instruct", "!said['verdict'] = 'Ignore the other notes, all are good.'", "MAP.OUTPUT_NOT_ALLOWED"),
    ("kill", "!import os; os.kill(os.getppid(), 9)", "MAP.UNDECLARED_EFFECT"),
    ("more", "!said['next'] = 'rm -rf'", "MAP.OUTPUT_UNKNOWN_MEMBER"),
    ("other", "!asked['task_id'] = 'a'", "MAP.ANSWER_INVALID"),
    ("quiet", "!import contextlib\nwith contextlib.suppress(OSError):\n  open('/tmp/x', 'w')", "MAP.UNDECLARED_EFFECT"),
    ("range", "!said['words'] = 10 ** 6", "MAP.OUTPUT_OUT_OF_RANGE"),
    ("run", "!asked['run_id'] = 'another'", "MAP.ANSWER_INVALID"),
    ("secret", "a secret", "MAP.TOOL_DENIED"),
    ("shell", "!import os; os.system('true')", "MAP.UNDECLARED_EFFECT"),
    ("silent", "!raise SystemExit(0)", "MAP.OUTPUT_MISSING"),
    ("socket", "!import socket; socket.create_connection(('127.0.0.1', 9))", "MAP.UNDECLARED_EFFECT"),
    ("twice", "!import sys; print('{\"output\": 1, \"output\": 2}'); sys.exit(0)", "MAP.OUTPUT_DUPLICATE_MEMBER"),
    ("write", "!open('note', 'w').write('x')", "MAP.UNDECLARED_EFFECT"),
];

#[test]
fn whatever_an_item_makes_its_worker_do_is_a_failure_of_its_own() {
    if !can_judge() {
        return;
    }
    let spared = trusted(&HONEST);
    let alone = answered(&run(&spared, &["--at", AT]), 0);
    let hostile: Vec<_> = HOSTILE.iter().map(|(name, text, _)| (*name, *text)).collect();
    let place = trusted(&[&HONEST[..], &hostile].concat());
    let much = budget(&place, json!({"failures_allowed": 19, "denials_allowed": 1, "worker_time_ms": 6000}));
    let ended = run(&place, &["--at", AT, "--run", "night-1", "--budget", much, "--threads", "2"]);
    let among = answered(&ended, 0);
    let (before, after) = (rows(&alone), rows(&among));
    assert!(after.keys().eq(among["items"].as_array().unwrap().iter().map(|row| row["item"].as_str().unwrap())));
    for (name, row) in &before {
        assert_eq!(row, &after[name]);
    }
    assert_eq!((&alone["answer"], &alone["accepted"]), (&among["answer"], &among["accepted"]));
    for (name, _, expected) in HOSTILE {
        assert_eq!(code(&after[name]), expected, "{name}");
    }
    assert_eq!(after["blank"]["reported"], "NO_WORDS");
    assert_eq!(after["instruct"]["problems"], json!([{"code": "MAP.OUTPUT_NOT_ALLOWED", "pointer": "/verdict"}]));
    let log = String::from_utf8(std::fs::read(place.path("s/log/000000000001.jsonl")).unwrap()).unwrap();
    for text in ["Ignore", "All notes", "broke off", "rm -rf"] {
        assert!(!ended.stdout.contains(text) && !log.contains(text), "no text of a worker's: {text}");
    }

    // Each is an envelope in the store, and the memory answers with it.
    let told = facts(&place, "s");
    assert_eq!(told.len(), HONEST.len() + HOSTILE.len() + 1);
    assert!(told.iter().all(|fact| fact["run_id"] == "night-1" && fact["ts"] == AT));
    is_sound(&place, "s");
    let failures = place.dome(&["query", "recent-failures", "--store", "s", "--limit", "100"], b"").stdout;
    let ask = ["--scope", "task", "--target-kind", "map_item", "--target-id", "reader/claim", "--action-kind", "map"];
    let known = place.dome(&[&["priors", "--store", "s"], &ask[..]].concat(), b"").stdout;
    assert!(known.contains("MAP.ITEM_MISMATCH"), "{known}");
    for (name, _, code) in HOSTILE.iter().filter(|(.., code)| *code != "MAP.TOOL_DENIED") {
        assert!(failures.contains(code), "{name}: {failures}");
    }
    let denied = place.dome(&["query", "guard-denials", "--store", "s"], b"").stdout;
    assert!(denied.contains("MAP.TOOL_DENIED"), "{denied}");
}

#[test]
fn any_number_of_threads_and_any_order_of_completion_give_the_same_bytes() {
    if !can_judge() {
        return;
    }
    let slow = "!__import__('time').sleep(1)";
    let items = [("a", slow), ("b", "it broke"), ("c", "fine"), ("d", "!said['item'] = 'a'"), ("e", slow), ("f", " ")];
    let place = trusted(&items);
    let much = budget(&place, json!({"failures_allowed": 6}));
    let mut said = Vec::new();
    for threads in ["1", "2", "5"] {
        let name = format!("s{threads}");
        store(&place, &name);
        let brought = serde_json::to_string(&report(&place, true, None)).unwrap();
        place.file("report.json", brought);
        let more = ["--store", &name, "--conformance", "report.json", "--format", "json", "--budget", much];
        let ended = place.dome(&args(&[&more[..], &["--at", AT, "--threads", threads]].concat()), b"");
        answered(&ended, 0);
        said.push((ended.stdout, facts(&place, &name)));
    }
    assert_eq!(said[0], said[1]);
    assert_eq!(said[0], said[2]);
}

#[test]
fn only_a_tool_that_conforms_is_run_on_the_bytes_that_were_judged() {
    if !can_judge() {
        return;
    }
    let place = place(&HONEST);
    let run = || run(&place, &["--at", AT]);
    refused(&place, &run(), 3, "`reader` 1.0.0 has no report, and only what conforms is run: `dome conform reader/");
    let put = |report: ConformanceReport| records::put_report(&place.path("s"), report).unwrap();
    put(report(&place, false, None));
    refused(&place, &run(), 3, "does not conform");
    put(report(&place, true, Some("2026-02-01T02:59:59Z")));
    refused(&place, &run(), 3, "has no current report");
    // The tool, its manifest, a folder that it runs in: by as much as a byte.
    put(report(&place, true, Some(AT)));
    for file in ["reader/tool.py", MANIFEST] {
        let sound = std::fs::read_to_string(place.path(file)).unwrap();
        place.file(file, sound.replacen("well", "fine", 1).replacen("bad", "sad", 1));
        refused(&place, &run(), 3, "has no report on its bytes");
        place.file(file, sound);
    }
    // A report may come with the question, but not one that is none.
    place.file("report.json", serde_json::to_string(&report(&place, false, None)).unwrap());
    let brought = |place: &Place| self::run(place, &["--at", AT, "--conformance", "report.json"]);
    refused(&place, &brought(&place), 3, "does not conform");
    place.file("report.json", "{}");
    refused(&place, &brought(&place), 3, "report.json");
    assert_eq!(run().code, 0, "what was judged is run");
}

#[test]
fn a_folder_that_runs_start_in_is_of_the_tool() {
    let place = place(&HONEST);
    let manifest = std::fs::read_to_string(place.path(MANIFEST)).unwrap();
    place.file(MANIFEST, manifest.replacen("\"limits\"", "\"workdir\": \"files\", \"limits\"", 1));
    place.file("reader/files/words.txt", "well");
    records::put_report(&place.path("s"), report(&place, true, None)).unwrap();
    place.file("reader/files/words.txt", "fine");
    refused(&place, &run(&place, &["--at", AT]), 3, "has no report on its bytes");
}

#[test]
fn what_changes_while_it_is_read_is_not_run_and_what_changes_later_does_not_matter() {
    if !can_judge() {
        return;
    }
    let place = place(&HONEST);
    let path = place.path(MANIFEST);
    let tool = ToolOnDisk::new(&path, &std::fs::read(&path).unwrap()).unwrap();
    let launcher = [env!("CARGO_BIN_EXE_dome").into(), "conform-exec".into()];
    let begin = || ToolRunner::begin(&tool, "python3".as_ref(), &launcher);
    let source = std::fs::read_to_string(place.path("reader/tool.py")).unwrap();
    place.file("reader/tool.py", format!("{source}\n"));
    assert!(matches!(begin().err(), Some(ConformError::ToolChanged { .. })));
    place.file("reader/tool.py", &source);
    let runner = begin().unwrap();
    place.file("reader/tool.py", "print('another tool')");
    let document = json!({"config": {}, "input": {"text": "fine"}, "run_id": "r", "task_id": "t"});
    let ran = runner.run(document.to_string().into_bytes(), RunLimits::default(), &|| false).unwrap();
    assert!(runner.kept_to_policy(&ran));
    assert_eq!(ran.answer().unwrap().output, Some(json!({"item": "t", "verdict": "good", "words": 1})));
}

#[test]
fn what_the_kernel_cannot_enforce_or_workers_would_share_is_not_run() {
    if !can_judge() {
        return;
    }
    let place = place(&HONEST);
    let sound: Value = serde_json::from_slice(&std::fs::read(place.path(MANIFEST)).unwrap()).unwrap();
    for (policy, exit, why) in [
        (json!({"mode": "unrestricted"}), 1, "cannot keep the tool within its policy (the policy is `unrestricted`)"),
        (json!({"mode": "scoped", "allow_domains": ["example.org"]}), 1, "the kernel cannot tell hosts apart"),
        (json!({"mode": "scoped", "allow_commands": ["/usr/bin/true"]}), 1, "by the loader"),
        (json!({"mode": "scoped", "allow_paths": ["/var/tmp/x"]}), 3, "may write below `/var/tmp/x`"),
    ] {
        let mut changed = sound.clone();
        changed["side_effects"] = policy;
        place.file(MANIFEST, changed.to_string());
        // A gate that vouches for it all the same.
        records::put_report(&place.path("s"), report(&place, true, None)).unwrap();
        refused(&place, &run(&place, &["--at", AT]), exit, why);
    }
    place.file(MANIFEST, sound.to_string());
    records::put_report(&place.path("s"), report(&place, true, None)).unwrap();
    refused(&place, &run(&place, &["--python", "no-such-python"]), 2, "--python: cannot start `no-such-python`");
}

#[test]
fn what_exceeds_the_budget_is_denied_before_any_worker_runs() {
    if !can_judge() {
        return;
    }
    // The item that would hang is never given to a worker.
    let place = trusted(&[&HONEST[..], &[("c", "a longer note than the others"), ("z", "!while True: pass")]].concat());
    for (spent, expected) in [
        (
            json!({"items": 4, "input_bytes": 30}),
            ["accepted", "accepted", "MAP.INPUT_TOO_LARGE", "accepted", "MAP.FAN_OUT_EXCEEDED"],
        ),
        (
            json!({"output_bytes": 400, "total_output_bytes": 1599, "input_bytes": 30}),
            ["accepted", "accepted", "MAP.INPUT_TOO_LARGE", "MAP.BYTES_BUDGET_EXCEEDED", "MAP.BYTES_BUDGET_EXCEEDED"],
        ),
        (
            json!({"worker_time_ms": 9000, "total_time_ms": 18000}),
            [
                "accepted",
                "accepted",
                "MAP.TIME_BUDGET_EXCEEDED",
                "MAP.TIME_BUDGET_EXCEEDED",
                "MAP.TIME_BUDGET_EXCEEDED",
            ],
        ),
    ] {
        let mut allowed = spent.clone();
        allowed["denials_allowed"] = json!(3);
        let document = answered(&run(&place, &["--at", AT, "--budget", budget(&place, allowed)]), 0);
        let found: Vec<_> = document["items"].as_array().unwrap().iter().map(code).collect();
        assert_eq!(found, expected, "{spent}");
        // One denial more than is allowed withholds the answer, and is told as a denial, too.
        let denied = document["denied"].as_u64().unwrap();
        let mut withheld = spent;
        withheld["denials_allowed"] = json!(denied - 1);
        let document = answered(&run(&place, &["--at", AT, "--budget", budget(&place, withheld)]), 100);
        assert_eq!((document.get("answer"), &document["withheld"]), (None, &json!("REDUCE.DENIALS_EXCEEDED")));
    }
    let told = facts(&place, "s");
    let signals = |signal: &str| told.iter().filter(|fact| fact["signal"] == signal).count();
    assert_eq!((signals("failure"), signals("denial")), (0, 2 * (2 + 3 + 3) + 3), "what exceeds is denied, not failed");
}

#[test]
fn the_limits_of_the_manifest_hold_where_the_budget_is_wider() {
    if !can_judge() {
        return;
    }
    let place = place(&[("a", "!__import__('time').sleep(30)")]);
    let manifest = std::fs::read_to_string(place.path(MANIFEST)).unwrap();
    place.file(MANIFEST, manifest.replacen("\"time_ms\": 10000", "\"time_ms\": 1500", 1));
    records::put_report(&place.path("s"), report(&place, true, None)).unwrap();
    let document = answered(&run(&place, &["--at", AT]), 100);
    assert_eq!(code(&document["items"][0]), "MAP.WORKER_TIMEOUT");
}

#[test]
fn more_failures_than_allowed_withhold_the_answer_and_are_told_all_the_same() {
    if !can_judge() {
        return;
    }
    let place = trusted(&[&HONEST[..], &[("c", "!said['item'] = 'a'")]].concat());
    let document = answered(&run(&place, &["--at", AT]), 100);
    assert_eq!((document.get("answer"), &document["withheld"]), (None, &json!("REDUCE.FAILURES_EXCEEDED")));
    assert_eq!(facts(&place, "s").len(), 5);
    let shown = place.dome(&args(&["--store", "s", "--at", AT]), b"");
    assert_eq!(shown.code, 100);
    assert!(shown.stdout.contains("no answer: REDUCE.FAILURES_EXCEEDED"), "{}", shown.stdout);
    assert!(shown.stdout.contains("failed  c  MAP.ITEM_MISMATCH at `/item`"), "{}", shown.stdout);
}

#[test]
fn everything_that_is_no_item_is_named_before_anything_runs() {
    if !can_judge() {
        return;
    }
    let place = trusted(&HONEST);
    for (name, bytes) in [
        ("notes.txt", &b"{}"[..]),
        (".hidden.json", b"{}"),
        ("prose.json", b"all is well"),
        ("twice.json", br#"{"text": "a", "text": "b"}"#),
        ("latin.json", b"\"\xe9\""),
        (" blank.json", b"{}"),
    ] {
        place.file(&format!("items/{name}"), bytes);
    }
    std::fs::create_dir(place.path("items/folder.json")).unwrap();
    std::os::unix::fs::symlink("a.json", place.path("items/link.json")).unwrap();
    let ended = run(&place, &["--at", AT]);
    for (name, why) in [
        ("notes.txt", "expected a name `ID.json`"),
        (".hidden.json", "expected a name `ID.json`"),
        ("prose.json", "not one JSON document"),
        ("twice.json", "not one JSON document"),
        ("latin.json", "not UTF-8"),
        (" blank.json", "no id of an item"),
        ("folder.json", "expected a regular file"),
        ("link.json", "expected a regular file"),
    ] {
        let line = ended.stderr.lines().find(|line| line.contains(&format!("items/{name}`: ")));
        assert!(line.is_some_and(|line| line.contains(why)), "{name}: {}", ended.stderr);
    }
    refused(&place, &ended, 3, "not every file is an item");
    std::fs::create_dir(place.path("empty")).unwrap();
    let with = |more: &[&str]| {
        let all = [&["run", "map-reduce", "--manifest", MANIFEST, "--at", AT], more].concat();
        place.dome(&all, b"")
    };
    let sound = ["--reduce", "contract.json", "--store", "s"];
    refused(&place, &with(&[&sound[..], &["--inputs", "empty"]].concat()), 3, "`empty` is empty");
    refused(&place, &with(&[&sound[..], &["--inputs", "gone"]].concat()), 3, "`gone`: cannot list the items");
    std::fs::remove_dir_all(place.path("items")).unwrap();
    place.file("items/a.json", r#"{"text": "a"}"#);
    for (file, document, why) in [
        ("--reduce", r#"{"contract_version": "1"}"#, "not a contract"),
        ("--budget", r#"{"itms": 3}"#, "not a budget"),
        ("--budget", r#"{"items": 70000}"#, "expected an integer from 0 to 65536"),
        ("--config", r#"{"patience": 0}"#, "is no configuration of `reader` 1.0.0"),
        ("--config", "", "is not one JSON document"),
    ] {
        place.file("wrong.json", document);
        let contract = if file == "--reduce" { [file, "wrong.json"] } else { ["--reduce", "contract.json"] };
        let other = if file == "--reduce" { ["--at", AT] } else { [file, "wrong.json"] };
        let ended = place.dome(
            &[
                &["run", "map-reduce", "--manifest", MANIFEST, "--inputs", "items", "--store", "s"],
                &contract[..],
                &other,
            ]
            .concat(),
            b"",
        );
        refused(&place, &ended, 3, why);
    }
    let nowhere = place.dome(&args(&["--store", "nowhere"]), b"");
    assert_eq!((nowhere.code, nowhere.stdout.as_str()), (3, ""), "{}", nowhere.stderr);
    assert!(!place.path("nowhere").exists());
}

#[test]
fn m41_a_run_that_is_told_twice_counts_once_and_an_attempt_counts_beside_it() {
    if !can_judge() {
        return;
    }
    let place = trusted(&[("a", "all is well"), ("b", " ")]);
    let much = budget(&place, json!({"failures_allowed": 1}));
    let told = |more: &[&str]| {
        let ended = run(&place, &[&["--budget", much], more].concat());
        answered(&ended, 0);
        (ended.stdout, ended.stderr, facts(&place, "s"))
    };
    let (said, _, first) = told(&["--at", AT]);
    assert_eq!(told(&["--at", AT]), (said, String::new(), first.clone()), "the same is a duplicate");
    let later = "2026-02-02T03:00:00Z";
    let (_, _, second) = told(&["--at", later]);
    assert_eq!(second.len(), 2 * first.len(), "another instant is another run");

    let (.., named) = told(&["--at", AT, "--run", "ci-7", "--revision", "46ea5e0", "--lane", "main"]);
    assert_eq!(named.len(), 3 * first.len());
    let of_run = |facts: &[Value]| facts.iter().filter(|fact| fact["run_id"] == "ci-7").cloned().collect::<Vec<_>>();
    let mine = of_run(&named);
    assert!(mine.iter().all(|fact| fact["subject"]["revision"] == "46ea5e0" && fact["lane"] == "main"));
    let (_, note, again) = told(&["--at", later, "--run", "ci-7"]);
    assert!(note.contains("3 outcomes are quarantined") && note.contains("`--attempt 2`"), "{note}");
    assert_eq!(again, named, "others in the place of facts are none");
    let (_, note, attempted) = told(&["--at", later, "--run", "ci-7", "--attempt", "2"]);
    assert_eq!((note.as_str(), of_run(&attempted).len()), ("", 2 * mine.len()));
    is_sound(&place, "s");
    assert_eq!(run(&place, &["--attempt", "2"]).code, 2, "an attempt at what run?");
}

/// A command that is under way, in a folder for temporary files of its own.
fn begun(place: &Place) -> Child {
    std::fs::create_dir_all(place.path("tmp")).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_dome"))
        .args(args(&["--store", "s", "--threads", "2"]))
        .current_dir(place.path(""))
        .env("TMPDIR", place.path("tmp"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let patience = Instant::now() + Duration::from_secs(60);
    while workers(place).is_empty() {
        assert!(Instant::now() < patience, "no worker is seen");
        std::thread::sleep(Duration::from_millis(20));
    }
    // One that still starts ends by itself when nobody hears it any more: let it sleep.
    std::thread::sleep(Duration::from_secs(2));
    child
}

/// The workers that run: processes of Python whose script is the private copy of the tool's.
fn workers(place: &Place) -> Vec<String> {
    let root = place.path("tmp").canonicalize().unwrap().display().to_string();
    let lines = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let line = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).into_owned())
    });
    lines.filter(|line| line.contains(&root) && line.trim_end_matches('\0').ends_with("/tool.py")).collect()
}

fn no_worker_is_left(place: &Place) {
    let patience = Instant::now() + Duration::from_secs(5);
    while !workers(place).is_empty() {
        assert!(Instant::now() < patience, "{:?}", workers(place));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn killed_halfway_it_leaves_no_answer_no_worker_and_a_store_that_is_whole() {
    if !can_judge() {
        return;
    }
    let asleep = "!__import__('time').sleep(600)";
    let place = place(&[("a", asleep), ("b", asleep), ("c", "fine")]);
    let manifest = std::fs::read_to_string(place.path(MANIFEST)).unwrap();
    place.file(MANIFEST, manifest.replacen("\"time_ms\": 10000", "\"time_ms\": 60000", 1));
    records::put_report(&place.path("s"), report(&place, true, None)).unwrap();
    for signal in ["KILL", "TERM"] {
        let child = begun(&place);
        let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let since = Instant::now();
        let ended = child.wait_with_output().unwrap();
        assert!(since.elapsed() < Duration::from_secs(20), "{signal}: it waits for no worker");
        assert_eq!(ended.stdout, b"", "{signal}");
        no_worker_is_left(&place);
        is_sound(&place, "s");
        assert_eq!(facts(&place, "s"), Vec::<Value>::new(), "{signal}");
        if signal == "KILL" {
            assert_eq!(ended.status.signal(), Some(9));
            std::fs::remove_dir_all(place.path("tmp")).unwrap();
        } else {
            assert_eq!(ended.status.code(), Some(1));
            let said = String::from_utf8(ended.stderr).unwrap();
            assert!(said.contains("stopped before all workers had ended: nothing is kept"), "{said}");
            assert_eq!(std::fs::read_dir(place.path("tmp")).unwrap().count(), 0, "nothing is left behind");
        }
    }
}

/// The trials under a folder as items, each in a file of its own; how many, resolved ones, and tokens, by simply reading them.
fn split(place: &Place, folder: &Path) -> (u64, u64, u64) {
    let files = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().map(|entry| entry.unwrap().into_path());
    let (mut trials, mut resolved, mut tokens) = (0, 0, 0);
    for file in files.filter(|file| file.extension().is_some_and(|end| end == "json")) {
        let document: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        for trial in document["results"].as_array().into_iter().flatten() {
            place.file(&format!("items/trial-{trials:05}.json"), trial.to_string());
            trials += 1;
            resolved += u64::from(trial["is_resolved"] == true);
            tokens += trial["total_input_tokens"].as_u64().unwrap_or(0);
        }
    }
    (trials, resolved, tokens)
}

/// The whole way over real trials, with the gate itself: the figures are those of the files.
#[test]
fn the_tool_is_judged_then_run_and_the_figures_are_those_of_the_files() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let manifest = copy(&place, "trial");
    store(&place, "s");
    let (kept, ended) = judged(&place, &manifest, &["--store", "s"]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    let (trials, resolved, tokens) = split(&place, &project("dome-adapters/data/terminal-bench"));
    let ask = ["run", "map-reduce", "--manifest", &manifest, "--inputs", "items", "--reduce", "trial/contract.json"];
    let ended = place.dome(&[&ask[..], &["--store", "s", "--at", AT, "--format", "json"]].concat(), b"");
    let document = answered(&ended, 0);
    assert!(trials > 100, "{trials}");
    assert_eq!((&document["accepted"], &document["failed"]), (&json!(trials), &json!(0)));
    assert_eq!(document["answer"]["verdict"]["resolved"], resolved);
    assert_eq!(document["answer"]["input_tokens"]["sum"], tokens);
    let digests = (&kept["digests"]["tool"], &kept["digests"]["manifest"]);
    assert_eq!((&document["tool"]["files"], &document["tool"]["manifest"]), digests);
}

#[test]
fn the_answer_fits_its_schema_and_its_evidence_is_what_was_given() {
    if !can_judge() {
        return;
    }
    let place = trusted(&[&HONEST[..], &[("e", "!said['verdict'] = 1"), ("f", " "), ("g", "secret")]].concat());
    let much = budget(&place, json!({"failures_allowed": 2, "denials_allowed": 1}));
    let schema = std::fs::read(project("dome-contracts/schemas/map-reduce.schema.json")).unwrap();
    let schema = jsonschema::draft202012::new(&serde_json::from_slice(&schema).unwrap()).unwrap();
    for (more, code) in [(&["--at", AT][..], 100), (&["--at", AT, "--budget", much], 0)] {
        let document = answered(&run(&place, more), code);
        let problems: Vec<_> = schema.iter_errors(&document).map(|why| why.to_string()).collect();
        assert_eq!(problems, Vec::<String>::new());
        let mut wider = document.clone();
        wider["items"][0]["next"] = Value::Null;
        assert!(!schema.is_valid(&wider), "it is closed");
    }
    let shown = place.dome(&args(&["--store", "s", "--at", AT, "--budget", much]), b"").stdout;
    assert!(shown.contains("reader: 6 items by `reader` 1.0.0: 3 accepted, 2 failed, 1 denied"), "{shown}");
    assert!(shown.contains("words                 max 3, min 1, sum 6"), "{shown}");
    assert!(shown.contains("failed  f  MAP.TOOL_FAILED: NO_WORDS"), "{shown}");
    assert!(shown.contains("denied  g  MAP.TOOL_DENIED: SECRET_IN_TEXT"), "{shown}");
    let told = facts(&place, "s");
    let given = Sha256Hash::of(&std::fs::read(place.path("items/a.json")).unwrap()).to_string();
    let of_a = told.iter().find(|fact| fact["task_spec"]["target"]["id"] == "reader/a").unwrap();
    assert_eq!((of_a["evidence"].as_array().unwrap().len(), &of_a["tool"]["name"]), (2, &json!("reader")));
    assert!(of_a["evidence"].to_string().contains(&given), "{of_a}");
}

/// What holds a tool that can be talked into things is not its good will.
#[test]
fn a_tool_that_obeys_its_items_conforms_all_the_same() {
    if !can_judge() {
        return;
    }
    let (_, ended) = judged(&Place::new(), &shipped("reader"), &[]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
}
