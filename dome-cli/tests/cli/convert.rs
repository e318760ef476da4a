//! `dome convert`.

use crate::harness::{Place, count, project};

#[test]
fn the_shipped_runs_convert_and_replay() {
    let place = Place::new();
    let shipped = project("dome-adapters/data/terminal-bench");
    let converted = place.dome(&["convert", "terminal-bench", shipped.to_str().unwrap(), "--out", "night.jsonl"], b"");
    assert_eq!(converted.code, 0, "{}", converted.stderr);
    let codes = place.file("codes.json", place.dome(&["convert", "--reason-codes", "terminal-bench"], b"").stdout);
    let args = ["replay", "night.jsonl", "--reason-codes", codes.to_str().unwrap(), "--out", "o", "--deny-quarantine"];
    let replayed = place.dome(&args, b"");
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    let capsules = place.files("o").remove("capsules.jsonl").unwrap();
    let contradicted = |line: &str| {
        let capsule: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(capsule.get("reason_code_known").unwrap(), true, "{line}");
        capsule.get("contradiction_count").unwrap().as_u64().unwrap() > 0
    };
    assert!(String::from_utf8(capsules).unwrap().lines().filter(|line| contradicted(line)).count() > 0);
}

#[test]
fn formats_and_their_codes_are_listed() {
    let place = Place::new();
    assert!(place.dome(&["convert", "--list"], b"").stdout.contains("\nterminal-bench "));
    let codes = place.dome(&["convert", "--reason-codes", "terminal-bench"], b"").stdout;
    assert!(dome_core::CodeTable::parse(codes.as_bytes()).is_ok());
    let unknown = place.dome(&["convert", "terminal_bench", "x"], b"");
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("`terminal-bench`"), "{}", unknown.stderr);
}

#[test]
fn real_runs_convert_without_loss() {
    let Some(real) = std::env::var_os("DOME_REAL_DATA") else {
        println!("skipped: DOME_REAL_DATA is not set");
        return;
    };
    let place = Place::new();
    let input = std::path::Path::new(&real).join("terminal-bench");
    let converted = place.dome(&["convert", "terminal-bench", input.to_str().unwrap(), "--out", "all.jsonl"], b"");
    assert_eq!(converted.code, 0, "{}", converted.stderr);
    assert_eq!(place.dome(&["replay", "all.jsonl", "--out", "o"], b"").code, 0);
    let files = place.files("o");
    let manifest = files.get("manifest.json").unwrap();
    assert_eq!(["lines", "facts", "quarantined"].map(|name| count(manifest, name)), [3_440, 3_440, 0]);
}

fn suite(case: &str) -> String {
    format!("<testsuite name='s'>{case}</testsuite>")
}

const PASSED: &str = "<testcase classname='c' name='n'/>";
const FAILED: &str = "<testcase classname='c' name='n'><failure type='AssertionError' message='no'/></testcase>";

#[test]
fn m82_a_test_that_passed_failed_and_passed_is_one_capsule_resolved_once() {
    let place = Place::new();
    // As three runs, and as three outcomes of one run; each at a revision of its own.
    for run in ["{name}", "one"] {
        for (name, case) in [("1", PASSED), ("2", FAILED), ("3", PASSED)] {
            let report = place.file(&format!("{name}.xml"), suite(case));
            let (out, ts) = (format!("{name}.jsonl"), format!("2026-01-01T00:0{name}:00Z"));
            let args = ["convert", "junit", report.to_str().unwrap(), "--run-id", run, "--ts", &ts, "--revision", name];
            let converted = place.dome(&[&args[..], &["--out", &out, "--codes", "c.json"]].concat(), b"");
            assert_eq!(converted.code, 0, "{}", converted.stderr);
        }
        let replayed = place.dome(
            &["replay", "1.jsonl", "2.jsonl", "3.jsonl", "--reason-codes", "c.json", "--out", "o", "--force"],
            b"",
        );
        assert_eq!(replayed.code, 0, "{}", replayed.stderr);
        let capsules = String::from_utf8(place.files("o").remove("capsules.jsonl").unwrap()).unwrap();
        let capsule: serde_json::Value = serde_json::from_str(&capsules).unwrap();
        let number = |name: &str| capsule.get(name).and_then(serde_json::Value::as_u64);
        let counted = ["failure_count", "resolved_count", "contradiction_count", "recurrence_count"].map(number);
        assert_eq!(counted, [Some(1), Some(1), Some(0), Some(0)], "{run}");
        assert_eq!(number("support_count"), Some(1));
        assert_eq!(capsule.get("remedies").unwrap(), &serde_json::json!([]), "a revision is no remedy");
    }
}

#[test]
fn legs_of_a_matrix_that_are_ingested_together_conflict_in_nothing() {
    let place = Place::new();
    let report = suite(&format!("{FAILED}{}", PASSED.replace("'n'", "'m'")));
    place.file("r.xml", report);
    for job in ["linux", "mac"] {
        let out = format!("{job}.jsonl");
        let args = ["--run-id", "ci-7-1", "--ts", "2026-01-01T00:00:00Z", "--revision", "46ea5e0", "--job", job];
        let converted = place.dome(&[&["convert", "junit", "r.xml", "--out", &out], &args[..]].concat(), b"");
        assert_eq!(converted.code, 0, "{}", converted.stderr);
    }
    let replayed = place.dome(&["replay", "linux.jsonl", "mac.jsonl", "--deny-quarantine", "--out", "o"], b"");
    assert_eq!(replayed.code, 0, "{}", replayed.stderr);
    let manifest = place.files("o").remove("manifest.json").unwrap();
    let counted = ["facts", "duplicates", "quarantined", "runs"].map(|name| count(&manifest, name));
    assert_eq!(counted, [4, 0, 0, 1]);
}

#[test]
fn a_commit_is_no_option_any_more_and_the_message_names_the_one_that_is() {
    let place = Place::new();
    place.file("in.xml", suite(PASSED));
    let refused = place.dome(&[CONVERT, &["--commit", "46ea5e0"]].concat(), b"");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("say `--revision 46ea5e0`"), "{}", refused.stderr);
    let help = place.dome(&["convert", "--help"], b"").stdout;
    assert!(!help.contains("--commit") && help.contains("--revision <REVISION>"), "{help}");
}

#[test]
fn a_subject_is_written_as_it_was_given() {
    let place = Place::new();
    place.file("in.xml", suite(FAILED));
    let subject = |args: &[&str]| {
        let converted = place.dome(&[CONVERT, &["--revision", "46ea5e0"], args].concat(), b"");
        assert_eq!(converted.code, 0, "{}", converted.stderr);
        let envelope: serde_json::Value = serde_json::from_str(&converted.stdout).unwrap();
        assert_eq!(envelope.get("remedy"), None);
        envelope.get("subject").unwrap().to_string()
    };
    assert_eq!(subject(&[]), r#"{"revision":"46ea5e0"}"#);
    assert_eq!(subject(&["--dirty"]), r#"{"dirty":true,"revision":"46ea5e0"}"#);
    assert_eq!(subject(&["--dirty=false"]), r#"{"dirty":false,"revision":"46ea5e0"}"#);
    let whole = ["--repository", "github.com/acme/app", "--job", "linux, 3.12", "--base-revision", "b0"];
    let shown = r#"{"base_revision":"b0","job":"linux, 3.12","repository":"github.com/acme/app","revision":"46ea5e0"}"#;
    assert_eq!(subject(&whole), shown);
    let alone = place.dome(&[CONVERT, &["--job", "linux"]].concat(), b"");
    assert_eq!(alone.code, 3, "{}", alone.stderr);
    let said = "`--job` given, and nothing says of which revision; expected `--revision REVISION`";
    assert!(alone.stderr.contains(said), "{}", alone.stderr);
    let twice = place.dome(&[CONVERT, &["--revision", " x"]].concat(), b"");
    assert_eq!(twice.code, 2, "{}", twice.stderr);
}

const GITHUB: [(&str, &str); 8] = [
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_SHA", "1f32ad91c10745aa610c91aee395120de32c8b8d"),
    ("GITHUB_SERVER_URL", "https://github.com"),
    ("GITHUB_REPOSITORY", "acme/app"),
    ("GITHUB_JOB", "test"),
    ("GITHUB_REF", "refs/pull/8/merge"),
    ("GITHUB_RUN_ID", "77"),
    ("GITHUB_RUN_ATTEMPT", "2"),
];
/// No other system's mark, nor an event, wherever the tests run.
const NOWHERE: [(&str, &str); 7] = [
    ("GITHUB_ACTIONS", ""),
    ("GITLAB_CI", ""),
    ("BUILDKITE", ""),
    ("JENKINS_URL", ""),
    ("CIRCLECI", ""),
    ("TF_BUILD", ""),
    ("GITHUB_EVENT_PATH", ""),
];

#[test]
fn the_environment_of_a_ci_system_says_what_was_tested_and_in_which_run() {
    let place = Place::new();
    // A report with an id of its own is one of many of its run.
    place.file("in.xml", format!("<testsuites uuid='5f0c'>{}</testsuites>", suite(FAILED)));
    let event = place.file("event.json", r#"{"pull_request": {"base": {"sha": "46ea5e0"}}}"#);
    let convert = |args: &[&str], more: &[(&str, &str)]| {
        let variables = [&NOWHERE[..], &GITHUB, more].concat();
        place.dome_with(
            &[&["convert", "junit", "in.xml", "--ts", "2026-01-01T00:00:00Z"], args].concat(),
            b"",
            &variables,
        )
    };
    let said = |args: &[&str], more: &[(&str, &str)]| {
        let converted = convert(args, more);
        assert_eq!(converted.code, 0, "{}", converted.stderr);
        let envelope: serde_json::Value = serde_json::from_str(&converted.stdout).unwrap();
        let members = ["run_id", "lane", "subject"].map(|name| envelope.get(name).cloned().unwrap_or_default());
        members.map(|member| member.to_string()).join(" ")
    };
    let event = [("GITHUB_EVENT_PATH", event.to_str().unwrap())];
    let found = r#""77-2" "pull/8" {"base_revision":"46ea5e0","job":"test","repository":"github.com/acme/app","revision":"1f32ad91c10745aa610c91aee395120de32c8b8d"}"#;
    assert_eq!([said(&["--ci", "auto"], &event), said(&["--ci", "github"], &event)], [found, found]);
    let own = ["--ci", "auto", "--revision", "v2", "--run-id", "r", "--job", "test, 3.12", "--lane", "main"];
    let outranked = r#""r" "main" {"job":"test, 3.12","repository":"github.com/acme/app","revision":"v2"}"#;
    assert_eq!(said(&own, &event), outranked, "the base was that of another revision");
    assert_eq!(said(&[], &event), r#""5f0c" null null"#, "nothing is read unasked");
    let gone = convert(&["--ci", "auto"], &[("GITHUB_EVENT_PATH", "gone.json")]);
    assert_eq!(
        (gone.code, gone.stderr.contains("the event at `gone.json` cannot be read")),
        (0, true),
        "{}",
        gone.stderr
    );
}

#[test]
fn a_ci_system_that_is_not_there_is_a_usage_error_that_says_what_is_missing() {
    let place = Place::new();
    place.file("in.xml", suite(PASSED));
    let refused = |args: &[&str], more: &[(&str, &str)]| {
        let ended = place.dome_with(&[CONVERT, args].concat(), b"", &[&NOWHERE[..], more].concat());
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        ended.stderr
    };
    let nothing = refused(&["--ci", "auto"], &[]);
    assert!(nothing.contains("finds no CI system") && nothing.contains("`gitlab`"), "{nothing}");
    let partly = refused(&["--ci", "gitlab"], &[("CI_COMMIT_SHA", "")]);
    assert!(partly.contains("`CI_COMMIT_SHA`") && partly.contains("`--revision`"), "{partly}");
    let built = [("BUILDKITE", "true"), ("BUILDKITE_COMMIT", "HEAD"), ("BUILDKITE_BUILD_ID", "u")];
    assert!(refused(&["--ci", "auto"], &built).contains("`BUILDKITE_COMMIT` is `HEAD`, which does not say it"));
    let two = refused(&["--ci", "auto"], &[("CIRCLECI", "true"), ("BUILDKITE", "true")]);
    assert!(two.contains("`buildkite`, `circleci`"), "{two}");
    assert!(
        refused(&["--ci", "travis"], &[]).contains("auto, azure, buildkite, circleci, github, gitlab, jenkins, none")
    );
    assert!(refused(&["--ci", "github", "--git"], &[]).contains("give one of them"));
}

#[test]
fn git_says_what_is_checked_out_and_whether_that_is_all() {
    let place = Place::new();
    let git = |args: &[&str]| {
        let who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main"];
        let ended =
            std::process::Command::new("git").args(who).args(args).current_dir(place.path("")).output().unwrap();
        assert!(ended.status.success(), "{ended:?}");
        String::from_utf8(ended.stdout).unwrap().trim().to_owned()
    };
    place.file("in.xml", suite(FAILED));
    let convert = || place.dome(&[CONVERT, &["--git", "--out", "o.jsonl"]].concat(), b"");
    let nowhere = convert();
    assert_eq!(nowhere.code, 2);
    assert!(nowhere.stderr.contains("`--git` cannot tell what was tested"), "{}", nowhere.stderr);
    git(&["init"]);
    assert!(convert().stderr.contains("finds no commit here"));
    place.file("a.rs", "1");
    git(&["add", "a.rs"]);
    git(&["commit", "-m", "one"]);
    git(&["remote", "add", "origin", "git@github.com:acme/app.git"]);
    let said = || {
        let converted = convert();
        assert_eq!(converted.code, 0, "{}", converted.stderr);
        let line = std::fs::read_to_string(place.path("o.jsonl")).unwrap();
        let envelope: serde_json::Value = serde_json::from_str(&line).unwrap();
        ["lane", "subject"].map(|name| envelope.get(name).cloned().unwrap_or_default().to_string()).join(" ")
    };
    let head = git(&["rev-parse", "HEAD"]);
    let subject =
        |dirty: bool| format!(r#"{{"dirty":{dirty},"repository":"github.com/acme/app","revision":"{head}"}}"#);
    assert_eq!(said(), format!(r#""main" {}"#, subject(false)), "the report itself makes nothing dirty");
    place.file("b.rs", "2");
    assert_eq!(said(), format!(r#""main" {}"#, subject(true)), "nor committed nor ignored");
    std::fs::remove_file(place.path("b.rs")).unwrap();
    git(&["checkout", "--detach"]);
    place.file("a.rs", "3");
    assert_eq!(said(), format!("null {}", subject(true)));
}

#[test]
fn a_file_that_does_not_convert_is_named_and_the_others_convert() {
    let place = Place::new();
    place.file("in/good.xml", suite(PASSED));
    place.file("in/cut.xml", "<testsuite><testcase name='a'>");
    place.file("in/other.xml", "<html/>");
    let args = ["convert", "junit", "in", "--run-id", "r", "--ts", "2026-01-01T00:00:00Z"];
    let converted = place.dome(&args, b"");
    assert_eq!((converted.code, converted.stdout.lines().count()), (3, 1), "{}", converted.stderr);
    for said in ["cut.xml:byte 30", "other.xml:byte 7", "2 of 3 files did not convert:\n  cut.xml\n  other.xml"] {
        assert!(converted.stderr.contains(said), "{}", converted.stderr);
    }
}

#[test]
fn auto_finds_formats_by_content_and_says_when_it_cannot() {
    let place = Place::new();
    place.file("in/a.xml", suite(PASSED));
    place.file("in/b.json", "{\"some\": \"thing\"}");
    let trial = project("dome-adapters/data/terminal-bench/qwen3-32b_grok-fast-1.json");
    let metadata = project("dome-adapters/data/terminal-bench/qwen3-32b_grok-fast-1_meta.json");
    let args = ["convert", "auto", "in", trial.to_str().unwrap(), metadata.to_str().unwrap(), "--run-id", "r"];
    let converted = place.dome(&[&args[..], &["--ts", "2026-01-01T00:00:00Z"]].concat(), b"");
    assert_eq!((converted.code, converted.stdout.lines().count()), (3, 31), "{}", converted.stderr);
    assert!(converted.stderr.contains("b.json: nothing in it says which format it is; expected one of `"));
}

#[test]
fn compressed_files_and_stdin_give_the_same_outcomes() {
    let place = Place::new();
    let text = suite(FAILED);
    place.file("plain/r.xml", &text);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gzip, text.as_bytes()).unwrap();
    place.file("gzip/r.xml.gz", gzip.finish().unwrap());
    place.file("zstd/r.xml.zst", zstd::encode_all(text.as_bytes(), 1).unwrap());
    let outcome = |input: &str, stdin: &[u8]| {
        let args = ["convert", "auto", input, "--run-id", "r", "--ts", "2026-01-01T00:00:00Z"];
        let converted = place.dome(&args, stdin);
        assert_eq!(converted.code, 0, "{}", converted.stderr);
        let envelope: serde_json::Value = serde_json::from_str(&converted.stdout).unwrap();
        (envelope.get("task_spec").cloned(), envelope.pointer("/evidence/0/sha256").cloned())
    };
    let plain = outcome("plain", b"");
    assert_eq!(
        [outcome("gzip", b""), outcome("zstd", b""), outcome("-", text.as_bytes())],
        [(); 3].map(|()| plain.clone())
    );
}

#[test]
fn the_order_of_files_is_what_the_user_says() {
    let place = Place::new();
    for (name, case) in [("b.xml", PASSED), ("a.xml", FAILED)] {
        place.file(name, suite(case));
    }
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let file = std::fs::File::options().write(true).open(place.path("b.xml")).unwrap();
    file.set_modified(old).unwrap();
    let first = |args: &[&str]| {
        let converted = place.dome(&[&["convert", "junit", "b.xml", "a.xml", "--run-id", "r"], args].concat(), b"");
        assert_eq!(converted.code, 0, "{}", converted.stderr);
        let envelope: serde_json::Value = serde_json::from_str(converted.stdout.lines().next().unwrap()).unwrap();
        ["/signal", "/ts"].map(|pointer| envelope.pointer(pointer).unwrap().as_str().unwrap().to_owned())
    };
    let ts = "2026-01-01T00:00:00Z";
    assert_eq!(first(&["--ts", ts]), ["failure", ts]);
    assert_eq!(first(&["--ts", ts, "--sequence-from", "files"]), ["success", ts]);
    assert_eq!(first(&["--sequence-from", "mtime"]), ["success", "2001-09-09T01:46:40Z"]);
}

const CONVERT: &[&str] = &["convert", "junit", "in.xml", "--run-id", "r", "--ts", "2026-01-01T00:00:00Z"];

#[test]
fn what_is_no_regular_file_is_written_through() {
    let place = Place::new();
    place.file("in.xml", suite(PASSED));
    let fifo = place.path("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let reader = {
        let fifo = fifo.clone();
        std::thread::spawn(move || std::fs::read_to_string(fifo).unwrap())
    };
    let converted = place.dome(&[CONVERT, &["--out", "fifo"]].concat(), b"");
    assert_eq!(converted.code, 0, "{}", converted.stderr);
    let kind = std::fs::symlink_metadata(&fifo).unwrap().file_type();
    assert!(std::os::unix::fs::FileTypeExt::is_fifo(&kind), "the FIFO was replaced by a file");
    assert_eq!(reader.join().unwrap(), place.dome(CONVERT, b"").stdout);
}

#[test]
fn links_are_followed_and_files_are_as_open_as_the_user_has_it() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let place = Place::new();
    place.file("in.xml", suite(PASSED));
    place.file("far/there.jsonl", "old");
    std::fs::set_permissions(place.path("far/there.jsonl"), std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink("far/there.jsonl", place.path("there")).unwrap();
    symlink("far/new.json", place.path("new")).unwrap();
    let converted = place.dome(&[CONVERT, &["--out", "there", "--codes", "new"]].concat(), b"");
    assert_eq!(converted.code, 0, "{}", converted.stderr);
    for link in ["there", "new"] {
        assert!(std::fs::symlink_metadata(place.path(link)).unwrap().is_symlink(), "{link}");
    }
    assert_eq!(std::fs::read_to_string(place.path("far/there.jsonl")).unwrap(), place.dome(CONVERT, b"").stdout);
    let mode = |name: &str| std::fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    // `in.xml` was made by this process, under its umask.
    assert_eq!([mode("far/there.jsonl"), mode("far/new.json")], [0o640, mode("in.xml")]);
}

#[test]
fn a_good_file_outlives_an_input_of_which_nothing_converts() {
    let place = Place::new();
    place.file("in.xml", "<html/>");
    place.file("o.jsonl", "good\n");
    place.file("c.json", "{}\n");
    let converted = place.dome(&[CONVERT, &["--out", "o.jsonl", "--codes", "c.json"]].concat(), b"");
    assert_eq!(converted.code, 3, "{}", converted.stderr);
    let kept = ["o.jsonl", "c.json"].map(|name| std::fs::read_to_string(place.path(name)).unwrap());
    assert_eq!(kept, ["good\n", "{}\n"]);
}

#[test]
fn one_file_for_two_kinds_of_output_is_refused() {
    let place = Place::new();
    place.file("in.xml", suite(PASSED));
    let both = place.dome(&[CONVERT, &["--out", "x", "--codes", "./x"]].concat(), b"");
    assert_eq!((both.code, place.path("x").exists()), (2, false), "{}", both.stderr);
}

#[test]
fn every_finding_can_be_had() {
    let place = Place::new();
    let bad: String = (0..25).map(|_| "<testcase/>").collect();
    place.file("in.xml", suite(&format!("{PASSED}{bad}")));
    let converted = place.dome(&[CONVERT, &["--findings", "f.jsonl", "--out", "o.jsonl"]].concat(), b"");
    assert_eq!(converted.code, 100, "{}", converted.stderr);
    let found = std::fs::read_to_string(place.path("f.jsonl")).unwrap();
    let found: Vec<serde_json::Value> = found.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let problems = found.iter().filter(|found| found.get("kind").unwrap() == "problem");
    let mut places: Vec<_> = problems.map(|found| found.get("place").unwrap().as_str().unwrap()).collect();
    places.dedup();
    assert_eq!(places.len(), 25, "{found:?}");
    let members: Vec<_> = found.first().unwrap().as_object().unwrap().keys().collect();
    assert_eq!(members, ["code", "expected", "input", "kind", "message", "place"]);
    assert!(converted.stderr.contains("and 15 more (`--findings FILE` has all)"), "{}", converted.stderr);
    // One without findings is empty, and none of an earlier run stays.
    place.file("in.xml", suite(PASSED));
    assert_eq!(place.dome(&[CONVERT, &["--findings", "f.jsonl"]].concat(), b"").code, 0);
    assert_eq!(std::fs::read(place.path("f.jsonl")).unwrap(), b"");
    assert_eq!(place.dome(&[CONVERT, &["--findings", "f.jsonl", "--codes", "f.jsonl"]].concat(), b"").code, 2);
}

#[test]
fn a_file_name_forges_no_workflow_command() {
    let place = Place::new();
    place.file("in/a\n::error::forged\u{1b}[31m.xml", "<html/>");
    let args = ["convert", "junit", "in", "--run-id", "r", "--ts", "2026-01-01T00:00:00Z"];
    let converted = place.dome(&args, b"");
    assert_eq!(converted.code, 3, "{}", converted.stderr);
    assert!(!converted.stderr.contains("\n::") && !converted.stderr.contains('\u{1b}'), "{}", converted.stderr);
    assert_eq!(converted.stderr.matches("a\\u{a}::error::forged\\u{1b}[31m.xml").count(), 3, "{}", converted.stderr);
    // Nor does one that cannot be read.
    let gone = place.dome(&["check", "gone\n::error::forged"], b"");
    assert!(gone.stderr.contains("gone\\u{a}::error::forged"), "{}", gone.stderr);
}

#[test]
fn a_table_of_codes_grows_and_a_contradiction_leaves_it_as_it_is() {
    let place = Place::new();
    let error = |kind: &str| suite(&FAILED.replace("AssertionError", kind));
    place.file("a/1.xml", error("a.MyFirstError"));
    place.file("b/1.xml", error("a.MySecondError"));
    let convert = |input: &str, codes: &str| {
        let args = ["convert", "junit", input, "--run-id", "r", "--ts", "2026-01-01T00:00:00Z", "--out", "o.jsonl"];
        place.dome(&[&args[..], &["--codes", codes]].concat(), b"")
    };
    let table = |name: &str| std::fs::read_to_string(place.path(name)).unwrap();
    for (input, codes) in [("a", "ab.json"), ("b", "ab.json"), ("b", "ba.json"), ("a", "ba.json"), ("b", "b.json")] {
        let ended = convert(input, codes);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    assert_eq!(table("ab.json"), table("ba.json"), "the order of the nights changes nothing");
    assert_ne!(table("ab.json"), table("b.json"), "the first night's codes are kept");
    let mut other: serde_json::Value = serde_json::from_str(&table("b.json")).unwrap();
    let codes = other["codes"].as_object_mut().unwrap();
    for entry in codes.values_mut() {
        let class = if entry["class"] == "stop" { "advisory" } else { "stop" };
        entry["class"] = class.into();
    }
    place.file("other.json", other.to_string());
    std::fs::remove_file(place.path("o.jsonl")).unwrap();
    let refused = convert("b", "other.json");
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(refused.stderr.contains("/codes/"), "{}", refused.stderr);
    assert_eq!(table("other.json"), other.to_string());
    assert!(!place.path("o.jsonl").exists());
}
