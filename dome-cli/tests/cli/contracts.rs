//! `dome contracts`: pins and compatibility, by exit codes and files.

use crate::harness::{Ended, Place, project};

const SCHEMA: &str = "pinned/schemas/helper_event.schema.json";
const NOTE: &str = "docs/migrations/xtrlv2-0.1-to-0.2.md";

/// A place with the owner's two versions, the first of them pinned.
fn place() -> Place {
    let place = Place::new();
    for (version, folder) in [("v0.1", "pinned"), ("v0.1", "v0.1"), ("v0.2", "v0.2")] {
        copied(&place, version, folder);
    }
    assert_eq!(contracts(&place, &["update", "--from", "pinned"]).code, 0);
    place
}

/// Copies one of the owner's versions into a folder.
fn copied(place: &Place, version: &str, folder: &str) {
    let root = project("xtrlv2-fixtures").join(version);
    let entries = walkdir::WalkDir::new(&root).into_iter().map(Result::unwrap);
    for entry in entries.filter(|entry| entry.file_type().is_file()) {
        let inside = entry.path().strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        place.file(&format!("{folder}/{inside}"), std::fs::read(entry.path()).unwrap());
    }
}

fn contracts(place: &Place, args: &[&str]) -> Ended {
    place.dome(&[&["contracts"], args].concat(), b"")
}

fn edit(place: &Place, name: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(place.path(name)).unwrap();
    assert!(text.contains(from), "{name}");
    place.file(name, text.replacen(from, to, 1));
}

#[test]
fn a_changed_byte_is_named_with_its_digests_and_put_back() {
    let place = place();
    assert_eq!(contracts(&place, &["verify", "--locked"]).code, 0);
    edit(&place, SCHEMA, "{7,40}", "{6,40}");
    let found = contracts(&place, &["verify"]);
    assert_eq!(found.code, 3);
    for said in ["content_changed", "expected:", "actual:", "likely:", "git restore -- pinned/schemas/helper_event"] {
        assert!(found.stdout.contains(said), "{said}: {}", found.stdout);
    }
    let json = contracts(&place, &["verify", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json.pointer("/verdict").unwrap(), "mismatch");
    assert_eq!(json.pointer("/mismatches/0/kind").unwrap(), "content_changed");
    assert_eq!(contracts(&place, &["update", "--from", "v0.2"]).code, 3, "what is pinned is not what the lock says");
    assert_eq!(contracts(&place, &["update", "--from", "v0.1"]).code, 0);
    assert_eq!(contracts(&place, &["verify"]).code, 0);
}

#[test]
fn verify_writes_nothing() {
    let place = place();
    let before = place.files(".");
    edit(&place, SCHEMA, "{7,40}", "{6,40}");
    let changed = place.files(".");
    contracts(&place, &["verify", "--locked"]);
    assert_eq!(place.files("."), changed);
    assert_ne!(before, changed);
}

#[test]
fn the_move_takes_its_note_and_leaves_the_new_version_behind() {
    let place = place();
    let before = place.files(".");
    let refused = contracts(&place, &["update", "--from", "v0.2"]);
    assert_eq!(refused.code, 100);
    assert!(refused.stderr.contains(NOTE), "{}", refused.stderr);
    assert_eq!(place.files("."), before, "a refusal writes nothing");

    place.file(NOTE, std::fs::read(project(NOTE)).unwrap());
    std::fs::copy(place.path("contracts.lock"), place.path("before.lock")).unwrap();
    assert_eq!(contracts(&place, &["update", "--from", "v0.2"]).code, 0);
    assert_eq!(place.files("pinned"), place.files("v0.2"));
    assert_eq!(contracts(&place, &["verify", "--locked", "--since", "before.lock"]).code, 0);

    std::fs::remove_file(place.path(NOTE)).unwrap();
    let missing = contracts(&place, &["verify", "--locked"]);
    assert_eq!(missing.code, 3);
    assert!(missing.stdout.contains(&format!("write {NOTE}")), "{}", missing.stdout);
    place.file("since.lock", "{}");
    assert_eq!(contracts(&place, &["verify", "--since", "since.lock"]).code, 3, "no lock is invalid input");
}

#[test]
fn compat_and_diff_end_by_their_verdict() {
    let place = place();
    let path = |version: &str, name: &str| format!("{version}/schemas/{name}.schema.json");
    let compat = |old: &str, new: &str, direction: &str| {
        contracts(&place, &["compat", old, new, "--direction", direction, "--format", "json"])
    };
    let (old, new) = (path("v0.1", "gate_decision"), path("v0.2", "gate_decision"));
    let safe = compat(&old, &new, "backward");
    assert_eq!((safe.code, safe.stdout.contains("\"verdict\":\"compatible\"")), (0, true), "{}", safe.stdout);
    assert_eq!(compat(&old, &new, "full").code, 100);
    let broken = compat(&path("v0.1", "helper_event"), &path("v0.2", "helper_event"), "backward");
    assert_eq!((broken.code, broken.stdout.contains("\"witness\"")), (100, true), "{}", broken.stdout);
    place.file("wrong.json", r#"{"properties": {"a": {"type": "strong"}}}"#);
    let wrong = compat("wrong.json", "wrong.json", "backward");
    assert_eq!(wrong.code, 3);
    assert!(wrong.stderr.contains("/properties/a/type"), "{}", wrong.stderr);
    assert_eq!(compat("absent.json", "wrong.json", "backward").code, 1);
    assert_eq!(contracts(&place, &["diff", "v0.1", "v0.1"]).code, 0);
    let diff = contracts(&place, &["diff", "v0.1", "v0.2"]);
    assert_eq!(diff.code, 100);
    assert!(diff.stdout.ends_with("incompatible: asks for a major version\n"), "{}", diff.stdout);
}

#[test]
fn what_holds_no_contracts_is_not_compared_and_not_pinned() {
    let place = place();
    std::fs::create_dir(place.path("empty")).unwrap();
    place.file("other/registry.json", r#"{"owner": "me", "version": "0.1", "contracts": []}"#);
    copied(&place, "v0.1", "torn");
    place.file("torn/schemas/run_manifest.schema.json", r#"{"type": "strong"}"#);
    place.file("torn/reason_codes.json", "{");
    let refusals = [
        (
            "empty",
            vec!["`empty` holds no contracts: neither `control/ssot/registry.json` nor `registry.json` is there"],
        ),
        ("contracts.lock", vec!["`contracts.lock` is no folder"]),
        ("other", vec!["#/schema_version`: expected", "#/artifacts`: expected an object that names contracts"]),
        ("torn", vec!["`reason_codes.json` is not JSON", "schemas/run_manifest.schema.json#/type`"]),
    ];
    let before = place.files("pinned");
    for (name, said) in refusals {
        for ended in [
            contracts(&place, &["diff", name, "v0.1"]),
            contracts(&place, &["diff", "v0.1", name]),
            contracts(&place, &["diff", name, name]),
            contracts(&place, &["update", "--from", name]),
        ] {
            assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "{name}");
            said.iter().for_each(|said| assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr));
        }
    }
    assert_eq!(place.files("pinned"), before);
}

#[test]
fn a_folder_of_other_files_is_not_pinned_over() {
    let place = place();
    place.file("src/main.rs", "fn main() {}");
    let before = place.files(".");
    for lock in ["contracts.lock", "other.lock"] {
        let refused = contracts(&place, &["update", "--from", "v0.1", "--into", "src", "--lock", lock]);
        assert_eq!(refused.code, 2);
        assert!(refused.stderr.contains("`src` is not pinned, and 1 of its files"), "{}", refused.stderr);
        assert!(refused.stderr.contains("`main.rs` among them: name an empty folder"), "{}", refused.stderr);
    }
    assert_eq!(place.files("."), before);
}

/// Version 0.1 as the owner lays it out: paths from the root of the checkout, and nobody who owns it.
fn laid_out(place: &Place, checkout: &str) {
    let folder = format!("{checkout}/control/ssot");
    copied(place, "v0.1", &folder);
    let path = format!("{folder}/registry.json");
    let registry = std::fs::read_to_string(place.path(&path)).unwrap().replace("  \"owner\": \"xtrlv2\",\n", "");
    place.file(&path, registry.replace("\"schemas/", "\"control/ssot/schemas/"));
}

fn git(place: &Place, args: &[&str]) -> String {
    let who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main"];
    let ended =
        std::process::Command::new("git").args(who).args(args).current_dir(place.path("xtrlv2")).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    String::from_utf8(ended.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_checkout_is_pinned_with_its_commit() {
    let place = Place::new();
    laid_out(&place, "xtrlv2");
    let update =
        |more: &[&str]| contracts(&place, &[&["update", "--from", "xtrlv2", "--into", "pinned"], more].concat());
    let refused = |ended: &Ended, code: i32, said: &str| {
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
        assert!(!place.path("contracts.lock").exists() && !place.path("pinned").exists());
    };
    refused(&update(&[]), 2, "there is no git in `xtrlv2`: name its commit with --commit");
    refused(&update(&["--commit", "v0.1"]), 2, "expected 7 to 64 hexadecimal digits in lower case");
    git(&place, &["init"]);
    refused(&update(&[]), 2, "cannot tell the commit of `xtrlv2`");
    git(&place, &["add", "."]);
    git(&place, &["commit", "-m", "one"]);
    let head = git(&place, &["rev-parse", "HEAD"]);
    refused(&update(&["--commit", "0000000"]), 2, &format!("--commit says 0000000, and `xtrlv2` is at {head}"));
    place.file("xtrlv2/control/ssot/notes.md", "not committed");
    refused(&update(&[]), 3, "are not those of its commit");
    std::fs::remove_file(place.path("xtrlv2/control/ssot/notes.md")).unwrap();
    place.file("xtrlv2/notes.md", "beside the contracts");

    let pinned = update(&["--commit", &head[..7]]);
    assert_eq!(pinned.code, 0, "{}", pinned.stderr);
    assert!(pinned.stdout.contains(&format!("of xtrlv2 0.1 at {head}\n")), "{}", pinned.stdout);
    assert_eq!(document_of_lock(&place).pointer("/source/commit").unwrap(), &*head);
    assert_eq!(place.files("pinned"), place.files("xtrlv2/control/ssot"));
    let verified = contracts(&place, &["verify", "--locked"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
    assert!(verified.stdout.contains(&format!("at {head} are as pinned\nconsumed: 9 of 9")), "{}", verified.stdout);
    assert_eq!(contracts(&place, &["diff", "xtrlv2", "pinned"]).code, 0);

    // The same files, of another commit, by the owner's place instead of the root.
    git(&place, &["commit", "--allow-empty", "-m", "two"]);
    assert_eq!(contracts(&place, &["update", "--from", "xtrlv2/control/ssot"]).code, 0);
    assert_eq!(document_of_lock(&place).pointer("/source/commit").unwrap(), &*git(&place, &["rev-parse", "HEAD"]));

    let theirs = contracts(&place, &["update", "--from", "xtrlv2", "--repository", "another"]);
    assert_eq!(theirs.code, 0, "a registry that names no owner leaves it to the user: {}", theirs.stderr);
    copied(&place, "v0.1", "named");
    let named = contracts(&place, &["update", "--from", "named", "--lock", "n.lock", "--repository", "another"]);
    assert_eq!(named.code, 2);
    assert!(named.stderr.contains("--repository says another, and the registry says xtrlv2"), "{}", named.stderr);
}

fn document_of_lock(place: &Place) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(place.path("contracts.lock")).unwrap()).unwrap()
}

/// The owner's own files are no part of the project: `DOME_OWNER_DATA` names the folder that holds a checkout `xtrlv2`.
#[test]
fn the_owners_own_checkout_is_pinned_and_gone_by() {
    let Some(root) = std::env::var_os("DOME_OWNER_DATA") else {
        println!("skipped: DOME_OWNER_DATA is not set");
        return;
    };
    let root = std::path::Path::new(&root).join("xtrlv2");
    let owner = root.to_str().unwrap();
    let place = place();
    let commit = ["--commit", "de3f0b9d403e50c4c52951abbbc46dfe2ef239a9"];
    let commit = if root.join(".git").exists() { &[][..] } else { &commit };
    let update = contracts(&place, &[&["update", "--from", owner], commit].concat());
    assert_eq!(update.code, 0, "from the fixtures to the owner's own, nothing breaks: {}", update.stderr);
    let verified = contracts(&place, &["verify", "--locked"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
    assert!(verified.stdout.contains("at de3f0b9d403e50c4c52951abbbc46dfe2ef239a9"), "{}", verified.stdout);
    assert!(verified.stdout.contains("consumed: 9 of 25 contracts: evidence_capsule, "), "{}", verified.stdout);
    assert_eq!(replayed(&place, "contracts.lock", "o").code, 0);
    place.file("context.json", r#"{"context_version": "1"}"#);
    for bundle in ["policies/guardrails/default.guardrails.json", "examples/guardrails_bundle.example.json"] {
        let bundle = format!("pinned/{bundle}");
        let args =
            ["guard", "eval", "--guardrails", &bundle, "--context", "context.json", "--contracts", "contracts.lock"];
        let judged = place.dome(&args, b"");
        assert_eq!(judged.code, 100, "nothing is known, so it denies: {}", judged.stderr);
    }
}

/// A replay of one failure by the contracts of a lock.
fn replayed(place: &Place, lock: &str, out: &str) -> Ended {
    place.file("in.jsonl", dome_core::EXAMPLE_LINE);
    place.dome(&["replay", "in.jsonl", "--out", out, "--contracts", lock], b"")
}

fn document(place: &Place, name: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(place.path(name)).unwrap();
    serde_json::from_str(text.lines().next().unwrap()).unwrap()
}

#[test]
fn what_is_pinned_is_what_is_gone_by() {
    let place = place();
    assert_eq!(replayed(&place, "contracts.lock", "o").code, 0);
    let (before, manifest) = (document(&place, "o/capsules.jsonl"), document(&place, "o/manifest.json"));
    let lock = contracts(&place, &["verify", "--format", "json"]);
    let lock: serde_json::Value = serde_json::from_str(&lock.stdout).unwrap();
    let named = &manifest["contracts"];
    assert_eq!((&named["owner"], &named["version"]), (&"xtrlv2".into(), &"0.1".into()));
    assert_eq!(named["lock_digest"], lock["lock_digest"]);
    let built_in = place.dome(&["replay", "in.jsonl", "--out", "b"], b"");
    assert_eq!(built_in.code, 0, "{}", built_in.stderr);
    assert_eq!(
        document(&place, "b/manifest.json")["contracts"]["digest"],
        named["digest"],
        "what is compiled in is 0.1"
    );

    // The owner moves a code to the class that stops.
    let code = before["failure_reason_code"].as_str().unwrap();
    copied(&place, "v0.1", "moved");
    edit(&place, "moved/reason_codes.json", "\"repairable\"\n    },\n    \"LINT", "\"stop\"\n    },\n    \"LINT");
    let update = ["update", "--from", "moved", "--lock", "moved.lock", "--into", "moved", "--commit", "4bd21ef"];
    assert_eq!(contracts(&place, &update).code, 0);
    assert_eq!(replayed(&place, "moved.lock", "m").code, 0);
    let after = document(&place, "m/capsules.jsonl");
    assert_eq!(code, "TESTS_FAILED");
    assert_eq!([&before["class"], &before["verdict"]], ["repairable", "advisory"]);
    assert_eq!([&after["class"], &after["verdict"]], ["stop", "blocked"]);
    assert_eq!(document(&place, "m/manifest.json")["contracts"]["commit"], "4bd21ef");
    assert_eq!(place.dome(&["verify", "m"], b"").code, 0);

    // A store keeps what it was made with, until it is derived anew.
    assert_eq!(
        place
            .dome(&["ingest", "in.jsonl", "--store", "s", "--contracts", "contracts.lock", "--not-after", "off"], b"")
            .code,
        0
    );
    assert_eq!(place.dome(&["store", "rebuild", "--store", "s", "--contracts", "moved.lock"], b"").code, 0);
    assert_eq!(place.dome(&["store", "export", "--store", "s", "--out", "e"], b"").code, 0);
    assert_eq!(document(&place, "e/capsules.jsonl")["verdict"], "blocked");
    assert_eq!(document(&place, "e/manifest.json")["contracts"]["commit"], "4bd21ef");

    // One byte, and nothing is replayed.
    edit(&place, "moved/reason_codes.json", "\"advisory\"", "\"Advisory\"");
    let tampered = replayed(&place, "moved.lock", "t");
    assert_eq!(tampered.code, 3);
    assert!(
        tampered.stderr.contains("is not as it was pinned") && tampered.stderr.contains("content_changed"),
        "{}",
        tampered.stderr
    );
    assert!(!place.path("t").exists());
}

/// A table that says where the codes of a fact may stand, and one fact whose three codes all stand elsewhere.
#[test]
fn m97_a_code_stands_where_the_table_says() {
    let place = Place::new();
    let mut line: serde_json::Value = serde_json::from_slice(dome_core::EXAMPLE_LINE).unwrap();
    line["policy_reason_code"] = "LINT_FAILED".into();
    line["guard_evals"] = serde_json::json!([{"guard_id": "g", "status": "FAIL", "reason_codes": ["LINT_FAILED"]}]);
    place.file("in.jsonl", format!("{line}\n"));
    let table = |places: [&str; 2]| {
        let entry = |places: &str| serde_json::json!({"class": "repairable", "places": [places]});
        let codes = serde_json::json!({"TESTS_FAILED": entry(places[0]), "LINT_FAILED": entry(places[1])});
        let classes = ["stop", "structural", "repairable", "advisory"];
        serde_json::json!({"schema_version": "0.1", "version": "0.1", "classes_precedence": classes, "codes": codes,
            "restart_mode_by_class": {"repairable": "REITERATE_FROM_CANDIDATE"}})
    };
    place.file("wrong.json", table(["policy", "failure"]).to_string());
    place.file("right.json", table(["failure", "policy"]).to_string());
    let counts = |out: &str| document(&place, &format!("{out}/manifest.json"))["counts"].clone();

    assert_eq!(place.dome(&["replay", "in.jsonl", "--out", "unsaid"], b"").code, 0);
    assert_eq!([&counts("unsaid")["facts"], &counts("unsaid")["codes_unplaced"]], [1, 1], "accepted, and counted");
    assert_eq!(place.dome(&["replay", "in.jsonl", "--out", "right", "--reason-codes", "right.json"], b"").code, 0);
    assert_eq!([&counts("right")["facts"], &counts("right")["codes_unplaced"]], [1, 0]);
    let wrong = ["replay", "in.jsonl", "--out", "wrong", "--reason-codes", "wrong.json"];
    assert_eq!(place.dome(&wrong, b"").code, 0);
    assert_eq!([&counts("wrong")["facts"], &counts("wrong")["quarantined"]], [0, 1]);
    let problems = document(&place, "wrong/quarantine.jsonl")["problems"].clone();
    let told: Vec<(&str, &str)> = problems
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| (problem["code"].as_str().unwrap(), problem["pointer"].as_str().unwrap()))
        .collect();
    let pointers = ["/guard_evals", "/policy_reason_code", "/task_spec/failure_reason_code"];
    assert_eq!(told, pointers.map(|pointer| ("reason_code_misplaced", pointer)));
    assert_eq!(place.dome(&["verify", "wrong"], b"").code, 0);
    for (table, code) in [("right.json", 0), ("wrong.json", 100)] {
        assert_eq!(place.dome(&["check", "in.jsonl", "--reason-codes", table], b"").code, code, "{table}");
        place.file("spec.json", line["task_spec"].to_string());
        let spec = place.dome(&["check", "--task-spec", "spec.json", "--reason-codes", table], b"");
        assert_eq!(spec.code, code, "{}", spec.stdout);
    }

    // A store keeps the line, whatever the table: what is said of it follows the table.
    let ingest = ["ingest", "in.jsonl", "--store", "s", "--reason-codes", "wrong.json", "--not-after", "off"];
    assert_eq!(place.dome(&ingest, b"").code, 0);
    let exported = |out: &str| {
        assert_eq!(place.dome(&["store", "export", "--store", "s", "--out", out], b"").code, 0);
        assert_eq!(place.dome(&["verify", out], b"").code, 0);
        place.files(out)
    };
    let same = |out: &str, replayed: &str| {
        // A store masks secrets, and its manifest says so.
        for (name, bytes) in place.files(replayed).into_iter().filter(|(name, _)| name != "manifest.json") {
            assert_eq!(exported(out).get(&name), Some(&bytes), "{name}");
        }
    };
    same("e1", "wrong");
    assert_eq!(place.dome(&["store", "rebuild", "--store", "s", "--reason-codes", "right.json"], b"").code, 0);
    same("e2", "right");
}

#[test]
fn a_bundle_fits_the_schema_that_is_pinned() {
    let place = place();
    let bundle = "v0.1/examples/valid/guardrails_bundle.json";
    place.file("context.json", r#"{"context_version": "1"}"#);
    let eval = |lock: &str| {
        place.dome(&["guard", "eval", "--guardrails", bundle, "--context", "context.json", "--contracts", lock], b"")
    };
    assert_ne!(eval("contracts.lock").code, 3, "{}", eval("contracts.lock").stderr);
    copied(&place, "v0.1", "narrow");
    edit(
        &place,
        "narrow/schemas/guardrails_bundle.schema.json",
        "\"required\": [",
        "\"maxProperties\": 1, \"required\": [",
    );
    assert_eq!(contracts(&place, &["update", "--from", "narrow", "--lock", "narrow.lock", "--into", "narrow"]).code, 0);
    let narrow = eval("narrow.lock");
    assert_eq!(narrow.code, 3);
    assert!(narrow.stderr.contains("is no `guardrails_bundle` of xtrlv2 0.1:"), "{}", narrow.stderr);
}
