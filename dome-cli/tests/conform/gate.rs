//! Each tool that ships, and what the gate says of it.

use serde_json::{Value, json};

use super::tools::{can_judge, copy, judged, part, shipped};
use crate::harness::{Place, left_out};

/// What an environment runs at the start of Python is foreign code before anybody observes: here it would spoil each answer.
#[test]
fn what_packages_do_at_the_start_of_python_is_no_part_of_a_run() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let mut made = std::process::Command::new("python3");
    let made = made.args(["-m", "venv", "--without-pip"]).arg(place.path("venv")).status();
    if !made.is_ok_and(|status| status.success()) {
        return left_out("no module `venv` in this Python");
    }
    let python = place.path("venv/bin/python3").display().to_string();
    let asked = "import sysconfig; print(sysconfig.get_path('purelib'), end='')";
    let folder = std::process::Command::new(&python).args(["-c", asked]).output().unwrap().stdout;
    let folder = std::path::PathBuf::from(String::from_utf8(folder).unwrap());
    std::fs::write(folder.join("spoils.pth"), "import sys; sys.stdout.write('spoilt, ')\n").unwrap();
    std::fs::write(folder.join("sitecustomize.py"), "import sys; sys.stdout.write('and again')\n").unwrap();
    let seen = std::process::Command::new(&python).args(["-c", "pass"]).output().unwrap().stdout;
    assert!(String::from_utf8_lossy(&seen).ends_with("spoilt, and again"), "Python itself runs both: {seen:?}");
    let (report, ended) = judged(&place, &shipped("good"), &["--python", &python]);
    assert_eq!((ended.code, &report["conformant"]), (0, &json!(true)), "{}", ended.stdout);
}

#[test]
fn a_good_tool_conforms_and_a_part_of_the_gate_says_the_same_and_never_enough() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let (report, ended) = judged(&place, &shipped("good"), &["--out", "report.json"]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    let outcomes: Vec<&Value> = report["checks"].as_array().unwrap().iter().map(|check| &check["outcome"]).collect();
    assert_eq!(outcomes, ["pass"; 6]);
    for (name, by) in [
        ("write", json!(["landlock"])),
        ("attributes", json!(["seccomp"])),
        ("connection", json!(["seccomp"])),
        ("process", json!(["landlock", "seccomp"])),
    ] {
        let parts = report["checks"][3]["parts"].as_array().unwrap();
        assert_eq!(parts.iter().find(|part| part["name"] == name).unwrap()["enforced_by"], by, "{name}");
    }
    let written = std::fs::read_to_string(place.path("report.json")).unwrap();
    assert_eq!(written, ended.stdout, "canonical JSON, in both places");
    let only = ["--only", "observability", "--only", "side_effects"];
    let again = judged(&place, &shipped("good"), &only).0;
    let both = report["checks"].as_array().unwrap()[3..5].to_vec();
    assert_eq!(again["checks"].as_array().unwrap(), &both, "the same parts, alone");
    assert_eq!(again["conformant"], false, "a report without the others never conforms");
}

#[test]
fn each_bad_tool_fails_where_it_is_bad() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    for (tool, check, name, why) in [
        ("hash_order", "determinism", "hash_seed", "`tags` comes out otherwise"),
        ("clock", "determinism", "clock", "`tags` comes out otherwise"),
        ("writes_outside", "side_effects", "write", "undeclared: open ./tags.log"),
        ("opens_socket", "side_effects", "connection", "undeclared: socket.connect 127.0.0.1:9"),
        ("mixed_codes", "observability", "reason_codes_apart", "`SECRET_IN_TEXT` is a denial, reported as a failure"),
    ] {
        let (report, ended) = judged(&place, &shipped(tool), &["--only", check]);
        assert_eq!(ended.code, 100, "{tool}");
        let (outcome, found) = part(&report, check, name);
        assert_eq!(outcome, "fail", "{tool}");
        assert!(found.contains(why), "{tool}: {found}");
        // And what is not bad about it passes: the gate does not fail tools as a whole.
        let parts = report["checks"][0]["parts"].as_array().unwrap();
        let others = parts.iter().filter(|part| part["outcome"] == "fail").count();
        assert_eq!(others, 1, "{tool}: {parts:?}");
    }
}

#[test]
fn both_outputs_show_what_a_factor_changed() {
    if !can_judge() {
        return;
    }
    let (report, _) = judged(&Place::new(), &shipped("hash_order"), &["--only", "determinism"]);
    let parts = report["checks"][0]["parts"].as_array().unwrap();
    let found = parts.iter().find(|part| part["name"] == "hash_seed").unwrap()["found"].as_array().unwrap();
    assert_eq!(found.len(), 2);
    assert_ne!(found[0], found[1]);
    assert!(found.iter().all(|output| output.as_str().unwrap().contains("pear")));
}

/// One tool says what each factor changes, each in a tag of its own: what a factor varies is that tag and no other.
#[test]
fn each_factor_is_really_varied() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let manifest = copy(&place, "hash_order");
    let source = std::fs::read_to_string(place.path("hash_order/tool.py")).unwrap();
    place.file("hash_order/files/a", "");
    place.file("hash_order/files/b", "");
    let changed = std::fs::read_to_string(place.path(&manifest)).unwrap();
    let mut changed: Value = serde_json::from_str(&changed).unwrap();
    changed["workdir"] = json!("files");
    changed["fixtures"].as_array_mut().unwrap().truncate(1);
    place.file(&manifest, changed.to_string());
    let judge = |factors: &[(&str, &str)]| {
        let tags: Vec<String> = factors.iter().map(|(factor, tag)| format!("'{factor} ' + {tag}")).collect();
        place.file("hash_order/tool.py", source.replace("list(set(words))", &format!("[{}]", tags.join(", "))));
        judged(&place, &manifest, &["--only", "determinism"]).0
    };
    let factors = [
        ("clock", "__import__('datetime').date.today().isoformat()"),
        ("hash_seed", "str(hash('a'))"),
        ("time_zone", "str(__import__('time').timezone)"),
        ("locale", "str(__import__('locale').setlocale(__import__('locale').LC_ALL, ''))"),
        ("working_directory", "__import__('os').getcwd()"),
        ("home", "__import__('os').path.expanduser('~')"),
        ("host_name", "__import__('os').uname().nodename"),
        ("umask", "str(__import__('os').umask(0))"),
        ("directory_order", "' '.join(__import__('os').listdir())"),
        ("cores", "str(len(__import__('os').sched_getaffinity(0)))"),
    ];
    let report = judge(&factors);
    for (factor, _) in factors {
        let (outcome, why) = part(&report, "determinism", factor);
        if outcome == "not_run" && ["namespace", "one core", "of its own"].iter().any(|lack| why.contains(lack)) {
            println!("skipped: {factor}, {why}");
            continue;
        }
        assert_eq!(outcome, "fail", "{factor}: {why}: {report}");
        let parts = report["checks"][0]["parts"].as_array().unwrap();
        let found = parts.iter().find(|part| part["name"] == factor).unwrap()["found"].as_array().unwrap();
        let [one, other] = [0, 1].map(|number| -> Value {
            let output: Value = serde_json::from_str(found[number].as_str().unwrap()).unwrap();
            output["output"]["tags"].clone()
        });
        let pairs = one.as_array().unwrap().iter().zip(other.as_array().unwrap());
        let varied: Vec<&str> =
            pairs.filter(|(a, b)| a != b).map(|(tag, _)| tag.as_str().unwrap().split(' ').next().unwrap()).collect();
        assert!(varied.contains(&factor), "{factor}: {varied:?}");
    }
    // What no two runs share leaves nothing to vary.
    let report = judge(&[("repeat", "__import__('os').urandom(4).hex()")]);
    assert_eq!(part(&report, "determinism", "repeat").0, "fail", "{report}");
}

#[test]
fn a_drift_is_shrunk_and_feeds_the_memory() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let manifest = copy(&place, "good");
    let source = std::fs::read_to_string(place.path("good/tool.py")).unwrap();
    // The tool forgets a boundary, and takes members that its schema does not have.
    let drifted = source.replace("<= 2000", "<= 2001").replace("set(given) <= {\"text\", \"language\"}", "True");
    place.file("good/tool.py", drifted);
    let more = ["--only", "spec_as_test", "--envelopes", "drift.jsonl", "--ts", "2026-02-15T03:04:05Z"];
    let (report, ended) = judged(&place, &manifest, &more);
    assert_eq!(ended.code, 100);
    for name in ["boundaries", "unknown_members"] {
        let (outcome, why) = part(&report, "spec_as_test", name);
        assert_eq!((outcome.as_str(), why.contains("invalid input is accepted")), ("fail", true), "{name}: {why}");
    }
    let lines = std::fs::read_to_string(place.path("drift.jsonl")).unwrap();
    let envelopes: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let smallest = r#"{"config":{},"input":{"dome_unknown_member":0,"text":"a"}}"#;
    let messages: Vec<&str> = envelopes.iter().map(|envelope| envelope["message"].as_str().unwrap()).collect();
    assert!(messages.iter().any(|message| message.ends_with(smallest)), "{messages:?}");
    assert!(envelopes.iter().all(|envelope| envelope["task_spec"]["failure_reason_code"] == "SPEC_DRIFT"));
    assert_eq!(place.dome(&["check", "drift.jsonl"], b"").code, 0);
    let codes = place.dome(&["conform", "--reason-codes"], b"").stdout;
    place.file("codes.json", codes);
    let ended = place.dome(&["replay", "drift.jsonl", "--out", "memory", "--reason-codes", "codes.json"], b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let capsules = String::from_utf8(place.files("memory").remove("capsules.jsonl").unwrap()).unwrap();
    assert!(capsules.contains("\"target_id\":\"word-count\"") && capsules.contains("\"reason_code_known\":true"));
    assert_eq!(place.dome(&["ingest", "drift.jsonl", "--store", "store"], b"").code, 0);
}

#[test]
fn limits_end_a_run() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let manifest = copy(&place, "hash_order");
    let source = std::fs::read_to_string(place.path("hash_order/tool.py")).unwrap();
    let mut limited: Value = serde_json::from_slice(&std::fs::read(place.path(&manifest)).unwrap()).unwrap();
    limited["limits"] = json!({"time_ms": 3000, "memory_bytes": 268_435_456, "output_bytes": 4096});
    limited["fixtures"].as_array_mut().unwrap().truncate(1);
    place.file(&manifest, limited.to_string());
    for (more, why) in [
        ("while True: pass\n", "no answer in time"),
        ("import time; time.sleep(60)\n", "no answer in time"),
        ("import os; os.close(1); time = __import__('time'); time.sleep(60)\n", "no answer in time"),
        ("print('x' * 10000)\n", "more output than its limit"),
        ("b = bytearray(1 << 30)\n", "MemoryError"),
        ("raise SystemExit('oh')\n", "oh"),
        ("import os; os.kill(os.getpid(), 9)\n", "ended by signal 9"),
    ] {
        place.file("hash_order/tool.py", format!("{more}{source}"));
        let start = std::time::Instant::now();
        let (report, _) = judged(&place, &manifest, &["--only", "observability"]);
        let (outcome, found) = part(&report, "observability", "answers");
        assert_eq!(outcome, "fail", "{more}");
        assert!(found.contains(why), "{more}: {found}");
        assert!(start.elapsed().as_secs() < 30, "{more}");
    }
}

#[test]
fn an_invalid_manifest_is_refused_with_every_problem() {
    let place = Place::new();
    let manifest = copy(&place, "good");
    let mut wrong: Value = serde_json::from_slice(&std::fs::read(place.path(&manifest)).unwrap()).unwrap();
    wrong["entry"] = json!("../tool.py");
    wrong["fixtures"][1]["name"] = json!("counts");
    wrong["fixtures"][1]["expect"] = json!({"failure_reason_code": "NOT_DECLARED"});
    wrong["side_effects"] = json!({"mode": "none", "allow_paths": ["out"]});
    wrong["schemas"]["input"]["type"] = json!("strong");
    place.file(&manifest, wrong.to_string());
    let ended = place.dome(&["conform", &manifest], b"");
    assert_eq!(ended.code, 3);
    for pointer in
        ["/entry", "/fixtures/1/name", "/fixtures/1/expect", "/side_effects/allow_paths", "/schemas/input/type"]
    {
        assert!(ended.stderr.contains(&format!("`{pointer}`")), "{pointer}: {}", ended.stderr);
    }
    place.file(&manifest, r#"{"manifest_version": "1", "tool": {"name": 1}, "other": true}"#);
    let ended = place.dome(&["conform", &manifest], b"");
    assert_eq!(ended.code, 3);
    for word in ["`other`", "\"fixtures\"", "\"version\"", "`/tool/name`"] {
        assert!(
            ended.stderr.contains(word) || ended.stderr.contains(&word.replace('`', "'")),
            "{word}: {}",
            ended.stderr
        );
    }
}

#[test]
fn a_schema_that_is_odd_fails_the_contract() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let manifest = copy(&place, "good");
    let sound: Value = serde_json::from_slice(&std::fs::read(place.path(&manifest)).unwrap()).unwrap();
    for (pointer, value, name, why) in [
        ("/schemas/output", json!({"type": "object", "requird": ["a"]}), "keywords", "`required` was probably meant"),
        ("/schemas/output", json!({"type": "integer", "minimum": 2, "maximum": 1}), "satisfiable", "nothing fits it"),
        ("/schemas/output/properties/total/minimum", json!(5), "outputs", "`/total`"),
        ("/fixtures/0/input/language", json!("fr"), "fixtures", "`/language`"),
        ("/fixtures/3/input/text", json!("a"), "fixtures", "its input fits the schema"),
        ("/fixtures/0/expect/output/total", json!(5), "outputs", "expected the output"),
    ] {
        let mut odd = sound.clone();
        *odd.pointer_mut(pointer).unwrap() = value;
        place.file(&manifest, odd.to_string());
        let (report, _) = judged(&place, &manifest, &["--only", "contract"]);
        let (outcome, found) = part(&report, "contract", name);
        assert_eq!((outcome.as_str(), found.contains(why)), ("fail", true), "{pointer}: {found}");
    }
}

#[test]
fn documents_without_canonical_bytes_fail() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let manifest = copy(&place, "hash_order");
    let source = std::fs::read_to_string(place.path("hash_order/tool.py")).unwrap();
    place.file("hash_order/tool.py", source.replace("{\"tags\": list(set(words))}", "{\"tags\": 0.1 + 0.2}"));
    let (report, _) = judged(&place, &manifest, &["--only", "canonical_serialisation"]);
    let (outcome, why) = part(&report, "canonical_serialisation", "output");
    assert_eq!((outcome.as_str(), why.contains("holds no float")), ("fail", true), "{why}");
}

#[test]
fn telemetry_that_is_missing_or_wrong_is_named() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let manifest = copy(&place, "hash_order");
    let source = std::fs::read_to_string(place.path("hash_order/tool.py")).unwrap();
    for (from, to, why) in [
        ("\"attempts\": 1,", "", "`/telemetry/attempts` is missing"),
        ("\"attempts\": 1,", "\"attempts\": 0,", "expected a count from 1"),
        ("asked[\"run_id\"]", "\"mine\"", "expected `conform-run`, as it was given"),
        ("\"duration_ms\": 0", "\"duration_ms\": 0.5", "expected whole milliseconds"),
        ("{\"tags\": \"1.0.0\"}", "{}", "at least one"),
    ] {
        let changed = source.replacen(from, to, 1);
        assert_ne!(changed, source, "{from}");
        place.file("hash_order/tool.py", changed);
        let (report, _) = judged(&place, &manifest, &["--only", "observability"]);
        let (outcome, found) = part(&report, "observability", "telemetry");
        assert_eq!((outcome.as_str(), found.contains(why)), ("fail", true), "{from}: {found}");
    }
}

#[test]
fn other_programs_read_the_report() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let manifest = copy(&place, "opens_socket");
    let run = |format: &str| {
        let ended = place.dome(&["conform", &manifest, "--only", "side_effects", "--format", format], b"");
        assert_eq!(ended.code, 100, "{}", ended.stderr);
        ended.stdout
    };
    let junit = run("junit");
    assert!(
        junit.contains("<testsuites name=\"opens-socket 1.0.0\" tests=\"5\" failures=\"1\" skipped=\"0\">"),
        "{junit}"
    );
    let case = "<testcase classname=\"side_effects\" name=\"connection\"><failure type=\"fail\" message=\"undeclared: socket.connect 127.0.0.1:9;";
    assert!(junit.contains(case), "{junit}");
    let sarif: Value = serde_json::from_str(&run("sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "side_effects.connection");
    assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], manifest.as_str());
    let github = run("github");
    let first =
        "::error file=opens_socket/manifest.json,line=1,col=1,title=side_effects.connection::undeclared: socket";
    assert!(github.starts_with(first), "{github}");
    assert!(run("human").contains("FAIL        connection  by seccomp"));
    for (verb, format) in [("check", "junit"), ("verify", "sarif")] {
        assert_eq!(place.dome(&[verb, &manifest, "--format", format], b"").code, 2);
    }
}

/// What cannot be enforced is told as such, and is no pass.
#[test]
fn what_the_kernel_cannot_enforce_is_unenforced() {
    if !can_judge() {
        return;
    }
    let place = Place::new();
    let manifest = copy(&place, "hash_order");
    let sound: Value = serde_json::from_slice(&std::fs::read(place.path(&manifest)).unwrap()).unwrap();
    for (policy, unenforced) in [
        (json!({"mode": "scoped", "allow_domains": ["example.org"]}), &["connection"][..]),
        (json!({"mode": "scoped", "allow_commands": ["/usr/bin/true"]}), &["process"]),
        (json!({"mode": "unrestricted"}), &["write", "attributes", "connection", "process"]),
    ] {
        let mut changed = sound.clone();
        changed["side_effects"] = policy;
        place.file(&manifest, changed.to_string());
        let (report, ended) = judged(&place, &manifest, &["--only", "side_effects"]);
        assert_eq!(ended.code, 100);
        assert_eq!(report["checks"][0]["outcome"], "unenforced");
        for name in ["write", "attributes", "connection", "process", "observation"] {
            let expected = if unenforced.contains(&name) { "unenforced" } else { "pass" };
            assert_eq!(part(&report, "side_effects", name).0, expected, "{name}");
        }
    }
}

#[test]
fn what_xml_cannot_say_is_replaced() {
    let version = "a<\"&\u{0}\n\u{1F600}";
    let report = json!({"report_version": "1", "conformant": false, "tool": {"name": "t", "version": version}});
    let junit = dome_conform::junit(&serde_json::from_value(report).unwrap());
    assert!(junit.contains("<testsuites name=\"t a&lt;&quot;&amp;\u{FFFD}&#10;\u{1F600}\" "), "{junit}");
}
