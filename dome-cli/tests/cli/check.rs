//! `dome check` and `dome schema`.

use crate::harness::{Place, golden};

#[test]
fn check_points_at_every_problem_of_a_line() {
    let place = Place::new();
    let line = str::from_utf8(dome_core::EXAMPLE_LINE).unwrap();
    place.file(
        "a.jsonl",
        format!("{line}\n{}\n", line.replace("\"task_id\"", "\"taks_id\"").replace("\"FAIL\"", "\"fail\"")),
    );
    let ended = place.dome(&["check", "a.jsonl"], b"");
    assert_eq!(ended.code, 100);
    insta::assert_snapshot!(ended.stdout, @r#"
    error[value_not_allowed]: expected `PASS`, `FAIL` or `SKIP`, found `fail`; did you mean `FAIL`?
     --> a.jsonl:2:351
      |
    2 | …D"},"gates":[{"gate_id":"unit","status":"fail"}],"tool":{"name":"pytest","version":"8.…
      |                                          ^^^^^^ /gates/0/status

    error[unknown_field]: no such member `taks_id`; did you mean `task_id`?
     --> a.jsonl:2:75
      |
    2 | …:"e1","sequence":1,"run_id":"nightly-7","taks_id":"unit","group_id":"try-1","ts":"2026-02…
      |                                          ^^^^^^^^^ /taks_id

    error[missing_field]: the required member `task_id` is missing
     --> a.jsonl:2:1
      |
    2 | {"envelope_version":"1","event_id":"e1","…
      | ^ /task_id

    1 sound, 1 bad (3 problems), 0 blank
    "#);
}

#[test]
fn check_json_has_one_record_a_problem() {
    let place = Place::new();
    let ended = place.dome(&["check", "-", "--format", "json"], b"[]\nnot json\n");
    assert_eq!(ended.code, 100);
    insta::assert_snapshot!(ended.stdout, @r#"
    {"format_version":"1"}
    {"code":"wrong_type","column":1,"line":1,"message":"expected an object, found an array","path":"stdin","pointer":"","source":"-"}
    {"code":"json_invalid","column":1,"line":2,"message":"expected a JSON value (column 1)","path":"stdin","pointer":"","source":"-"}
    {"bad":2,"blank":0,"problems":2,"sound":0}
    "#);
}

#[test]
fn check_github_annotates_every_problem_where_a_workflow_can_show_it() {
    let place = Place::new();
    let line = str::from_utf8(dome_core::EXAMPLE_LINE).unwrap();
    let bad = line.replace("\"FAIL\"", "\"100%\"").replace("\"task_id\"", "\"taks_id\"");
    place.file("night/a,b.jsonl", format!("{line}\n{bad}\n"));
    let ended = place.dome(&["check", "night", "--format", "github"], b"");
    assert_eq!(ended.code, 100, "{}", ended.stderr);
    insta::assert_snapshot!(ended.stdout, @r"
    ::error file=night/a%2Cb.jsonl,line=2,col=351,title=value_not_allowed::/gates/0/status: expected `PASS`, `FAIL` or `SKIP`, found `100%25`
    ::error file=night/a%2Cb.jsonl,line=2,col=75,title=unknown_field::/taks_id: no such member `taks_id`; did you mean `task_id`?
    ::error file=night/a%2Cb.jsonl,line=2,col=1,title=missing_field::/task_id: the required member `task_id` is missing
    1 sound, 1 bad (3 problems), 0 blank
    ");
    let sound = place.dome(&["check", "-", "--format", "github"], line.as_bytes());
    assert_eq!((sound.code, sound.stdout.as_str()), (0, "1 sound, 0 bad (0 problems), 0 blank\n"));
    for args in
        [&["schema", "fact"][..], &["convert", "--list"], &["replay", "night", "--out", "o"], &["contracts", "verify"]]
    {
        let refused = place.dome(&[args, &["--format", "github"]].concat(), b"");
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{args:?}: {}", refused.stderr);
        assert!(refused.stderr.contains("`--format github` is for `dome check`"), "{args:?}: {}", refused.stderr);
    }
}

#[test]
fn check_of_sound_lines_is_silent_success() {
    let place = Place::new();
    let ended = place.dome(&["check", golden("input/a.jsonl").to_str().unwrap()], b"");
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "156 sound, 0 bad (0 problems), 0 blank\n"));
}

#[test]
fn a_broken_pipe_ends_quietly() {
    let place = Place::new();
    let dome = env!("CARGO_BIN_EXE_dome");
    let input = golden("input/b.jsonl");
    let script = format!("'{dome}' check '{}' | head -n 1 >/dev/null; exit ${{PIPESTATUS[0]}}", input.display());
    let output = std::process::Command::new("bash").args(["-c", &script]).current_dir(place.path("")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(matches!(output.status.code(), Some(0 | 100)), "{output:?}");
}

#[test]
fn schemas_are_printed_by_name() {
    let place = Place::new();
    let listed = place.dome(&["schema"], b"").stdout;
    for name in listed.lines().filter_map(|line| line.split(' ').next()) {
        let schema: serde_json::Value = serde_json::from_str(&place.dome(&["schema", name], b"").stdout).unwrap();
        assert_eq!(schema.get("type").unwrap(), "object", "{name}");
    }
    let unknown = place.dome(&["schema", "envelop"], b"");
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("envelope"), "{}", unknown.stderr);
}

#[test]
fn what_others_wrote_neither_forges_a_line_nor_steers_a_terminal() {
    let place = Place::new();
    let line = str::from_utf8(dome_core::EXAMPLE_LINE).unwrap();
    let bad = line.replace("\"task_id\"", "\"\\u001b]0;x\\u0007\\n::error::id\"");
    place.file("in/a\n::error::x\u{1b}.jsonl", bad);
    assert_eq!(place.dome(&["ingest", "in", "--store", "s"], b"").code, 0);
    let list = ["store", "quarantine", "list", "--store", "s"];
    for (args, code, name) in
        [(&["check", "in"][..], 100, "a\\u{a}::error::x\\u{1b}.jsonl:1:"), (&list, 0, "::error::x\\u{1b}.jsonl:1")]
    {
        let shown = place.dome(args, b"");
        assert_eq!(shown.code, code, "{}", shown.stderr);
        assert!(shown.stdout.contains(name), "{}", shown.stdout);
        let acts = |found: char| found.is_control() && found != '\n';
        assert!(!shown.stdout.contains(acts) && !shown.stdout.contains("\n::"), "{}", shown.stdout);
    }
}

/// A TaskSpec alone has the problems that it has in an envelope, pointers from its own root.
#[test]
fn a_task_spec_alone_is_judged_as_in_an_envelope() {
    let place = Place::new();
    let sound: serde_json::Value = serde_json::from_slice(dome_core::EXAMPLE_LINE).unwrap();
    let broken = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut envelope = sound.clone();
        change(&mut envelope["task_spec"]);
        envelope
    };
    type Change = &'static dyn Fn(&mut serde_json::Value);
    let changes: [Change; 8] = [
        &|_| {},
        &|spec| spec["scope"] = "galaxy".into(),
        &|spec| drop(spec.as_object_mut().unwrap().remove("failure_reason_code")),
        &|spec| spec["reason_code"] = "OTHER".into(),
        &|spec| {
            let code = spec.as_object_mut().unwrap().remove("failure_reason_code").unwrap();
            spec["reason_code"] = code;
        },
        &|spec| spec["target"] = serde_json::json!({"kind": "Repo", "id": " x"}),
        &|spec| spec["transition"] = serde_json::json!({"from_state": null}),
        &|spec| spec["versions"] = serde_json::json!({"python": 3}),
    ];
    for change in changes {
        let envelope = broken(change);
        place.file("e.jsonl", envelope.to_string());
        place.file("spec.json", serde_json::to_string_pretty(&envelope["task_spec"]).unwrap());
        let told = |args: &[&str]| -> (i32, Vec<(String, String, String)>) {
            let ended = place.dome(&[&["check", "--format", "json"], args].concat(), b"");
            let lines = ended.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            let text = |line: &serde_json::Value, name: &str| line[name].as_str().unwrap().to_owned();
            let problems = lines.filter(|line| line.get("pointer").is_some()).map(|line| {
                let pointer = text(&line, "pointer");
                (pointer.trim_start_matches("/task_spec").to_owned(), text(&line, "code"), text(&line, "message"))
            });
            (ended.code, problems.collect())
        };
        assert_eq!(told(&["--task-spec", "spec.json"]), told(&["e.jsonl"]), "{}", envelope["task_spec"]);
    }
    let both = place.dome(&["check", "e.jsonl", "--task-spec", "spec.json"], b"");
    assert_eq!((both.code, place.dome(&["check"], b"").code), (2, 2));
    let shown = place.dome(&["check", "--task-spec", "spec.json"], b"");
    assert!(shown.stdout.contains("--> spec.json:") && shown.stdout.contains("\"python\": 3"), "{}", shown.stdout);
}
