//! How far a store lets dome go: earned, overridden, limited, and prescribed once in a run.

use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use super::disk::Small;
use crate::harness::{Ended, Place};

/// Runs from `from` on that failed and were got over in the same way, two days apart.
pub(super) fn history(from: u64, runs: u64) -> String {
    let mut lines = String::new();
    for run in from..from + runs {
        for (sequence, signal, code) in [(1, "failure", "TESTS_FAILED"), (2, "success", "NONE")] {
            let mut envelope = json!({
                "envelope_version": "1", "event_id": format!("e{sequence}"), "sequence": sequence,
                "run_id": format!("r{run}"), "task_id": "unit", "group_id": format!("g{sequence}"),
                "ts": format!("2026-01-{:02}T00:0{sequence}:00Z", 2 * run), "signal": signal,
                "wrapper_policy": "strict", "evidence": [{"path": "unit.log"}],
                "tool": {"name": "pytest", "version": "8.3.2"},
                "task_spec": {
                    "scope": "repo", "target": {"kind": "repo", "id": "acme/app"}, "action": {"kind": "test"},
                    "failure_reason_code": code,
                },
            });
            if signal == "success" {
                envelope["remedy"] = json!({"kind": "call_first", "ref": "recipes/rebuild"});
            }
            lines.push_str(&format!("{envelope}\n"));
        }
    }
    lines
}

pub(super) const ASK: [&str; 15] = [
    "priors",
    "--store",
    "s",
    "--scope",
    "repo",
    "--target-kind",
    "repo",
    "--target-id",
    "acme/app",
    "--action-kind",
    "test",
    "--detail",
    "full",
    "--format",
    "json",
];

pub(super) fn ended_json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{}{}", ended.stdout, ended.stderr))
}

/// Asks in the mode `prescriptive`, with further flags.
pub(super) fn asked(place: &Place, flags: &[&str]) -> Value {
    let ended = place.dome(&[&ASK[..], &["--rollout", "prescriptive"], flags].concat(), b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended_json(&ended)
}

pub(super) fn verdict(answer: &Value) -> (&str, &str) {
    let prior = &answer["priors"][0];
    (prior["verdict"].as_str().unwrap(), prior["advisory_because"].as_str().unwrap_or("-"))
}

/// Why the answer is in a lesser mode.
fn reasons(answer: &Value) -> Vec<&str> {
    let limits = answer["rollout_terms"]["limits"].as_array();
    limits.into_iter().flatten().map(|limit| limit["reason"].as_str().unwrap()).collect()
}

/// A store that eleven runs are in, and a rollout policy that so small a history can meet.
fn place() -> Place {
    let place = Place::new();
    place.file("night.jsonl", history(1, 11));
    ingested(&place, "night.jsonl");
    let mut policy = ended_json(&place.dome(&["rollout", "policy"], b""));
    for step in ["guided", "prescriptive"] {
        let least = ["min_decisions", "min_offered", "min_precision_ppm", "min_recorded", "min_recorded_precision_ppm"];
        for member in least {
            policy[step][member] = json!(0);
        }
        policy[step]["min_offered"] = json!(3);
    }
    place.file("easy.json", policy.to_string());
    place
}

fn ingested(place: &Place, name: &str) {
    let ended = place.dome(&["ingest", name, "--store", "s", "--not-after", "off"], b"");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

fn set(place: &Place, flags: &[&str]) -> Ended {
    place.dome(&[&["store", "rollout", "set"], flags, &["--store", "s", "--format", "json"]].concat(), b"")
}

/// A store that prescribes, since it earned it.
pub(super) fn earned() -> Place {
    let place = place();
    earn(&place);
    place
}

/// A rollout with the digest that dome would write.
fn signed(body: &Value) -> String {
    let digest = dome_core::Sha256Hash::of(&dome_core::canonical::to_vec(body).unwrap());
    json!({"digest": digest.to_string(), "rollout": body}).to_string()
}

/// Sets what is earned by the easy policy.
#[track_caller]
fn earn(place: &Place) {
    let ended = set(place, &["prescriptive", "--policy", "easy.json"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
}

fn shown(place: &Place) -> Value {
    ended_json(&place.dome(&["store", "rollout", "show", "--store", "s", "--format", "json"], b""))
}

#[test]
fn a_store_answers_at_most_in_its_mode_and_prescribes_only_what_it_earned() {
    let place = place();
    let answer = asked(&place, &["--run", "r"]);
    assert_eq!((answer["rollout"].as_str(), verdict(&answer)), (Some("guided"), ("advisory", "-")));
    assert_eq!((reasons(&answer), &answer["rollout_terms"]["asked"]), (vec!["store_mode"], &json!("prescriptive")));
    assert_eq!(answer["priors"][0]["would_be_prescriptive"], true);
    // By the default policy nothing is earned, and nothing is written.
    let refused = set(&place, &["prescriptive"]);
    let status = ended_json(&refused);
    assert_eq!((refused.code, &status["earned"]), (100, &json!(false)));
    assert!(status["missing"].as_array().is_some_and(|missing| !missing.is_empty()));
    assert!(!place.path("s/rollout.json").exists());
    assert_eq!(shown(&place)["answers_in"], "guided");
    // By one that can be met, it prescribes: once in a run, and in no run that is not named.
    let earned = set(&place, &["prescriptive", "--policy", "easy.json"]);
    assert_eq!((earned.code, &ended_json(&earned)["answers_in"]), (0, &json!("prescriptive")));
    assert_eq!(verdict(&asked(&place, &["--run", "r"])), ("prescriptive", "-"));
    assert_eq!(verdict(&asked(&place, &["--run", "r"])), ("advisory", "answered_in_run"));
    let answer = asked(&place, &["--run", "q"]);
    assert_eq!(verdict(&answer), ("prescriptive", "-"));
    let earned = &ended_json(&earned)["rollout"]["earned"];
    assert_eq!(
        answer["rollout_terms"],
        json!({
            "asked": "prescriptive", "earned_on": earned["snapshot_digest"], "limits": [], "run_id": "q",
        })
    );
    assert_eq!(verdict(&asked(&place, &[])), ("advisory", "run_not_named"));
    assert_eq!(shown(&place)["prescribed"], 2);
    // Who asks for less gets less, and nothing is used up by it.
    let advice = ended_json(&place.dome(&[&ASK[..], &["--run", "p"]].concat(), b""));
    assert_eq!((verdict(&advice), reasons(&advice)), (("advisory", "-"), vec![]));
    assert_eq!(verdict(&asked(&place, &["--run", "p"])), ("prescriptive", "-"));
    // In shadow it says nothing, whatever is asked for.
    assert_eq!(set(&place, &["shadow"]).code, 0);
    let silent = asked(&place, &["--run", "z"]);
    assert_eq!((&silent["rollout"], &silent["priors"]), (&json!("shadow"), &json!([])));
    let human = place.dome(&[&ASK[..11], &["--rollout", "guided"]].concat(), b"");
    assert!(human.stdout.contains("rollout: asked in guided, answered in shadow:"), "{}", human.stdout);
    assert!(!place.path("s/rollout.facts").exists(), "what nothing rests on any more is gone");
}

#[test]
fn what_was_earned_is_bound_to_policy_model_and_age() {
    let place = earned();
    let mut policy: Value =
        ended_json(&place.dome(&["backtest", "--store", "s", "--format", "json"], b""))["policy"].clone();
    place.file("before.json", policy.to_string());
    policy["min_support"] = json!(3);
    place.file("stricter.json", policy.to_string());
    let rebuilt = |file| place.dome(&["store", "rebuild", "--store", "s", "--policy", file], b"").code;
    assert_eq!(rebuilt("stricter.json"), 0);
    let limited = asked(&place, &["--run", "a"]);
    assert_eq!((reasons(&limited), verdict(&limited)), (vec!["policy_changed"], ("advisory", "-")));
    assert_eq!(shown(&place)["limits"][0]["reason"], "policy_changed");
    assert_eq!(rebuilt("before.json"), 0);
    assert_eq!(verdict(&asked(&place, &["--run", "a"])), ("prescriptive", "-"), "it is what it was earned under");
    // Later facts leave the snapshot an ancestor, until there are too many, or they are too late.
    place.file("more.jsonl", history(12, 2));
    ingested(&place, "more.jsonl");
    assert_eq!(verdict(&asked(&place, &["--run", "b"])), ("prescriptive", "-"));
    let again = |flags: &[&str]| set(&place, &[&["prescriptive", "--policy", "easy.json"], flags].concat()).code;
    assert_eq!(again(&["--max-age-facts", "3", "--max-age-s", "345600"]), 0);
    place.file("later.jsonl", history(14, 2));
    let lines: Vec<String> = history(14, 2).lines().map(str::to_owned).collect();
    place.file("part.jsonl", format!("{}\n{}\n", lines[0], lines[1]));
    ingested(&place, "part.jsonl");
    assert_eq!(verdict(&asked(&place, &["--run", "c"])), ("prescriptive", "-"), "two more facts");
    ingested(&place, "later.jsonl");
    let limited = asked(&place, &["--run", "d"]);
    assert_eq!((reasons(&limited), verdict(&limited).0), (vec!["too_old"], "advisory"), "{limited}");
    assert!(limited["rollout_terms"]["limits"][0]["detail"].as_str().unwrap().contains("4 facts came"), "{limited}");
    // Four days exactly are not too old; asked about later, they are.
    assert_eq!(again(&["--max-age-facts", "100"]), 0);
    assert_eq!(shown(&place)["rollout"]["max_age"], json!({"facts": 100, "seconds": 345_600}));
    assert_eq!(reasons(&asked(&place, &["--run", "e", "--as-of", "2026-02-03T00:02:00Z"])), Vec::<&str>::new());
    assert_eq!(reasons(&asked(&place, &["--run", "e", "--as-of", "2026-02-03T00:02:00.1Z"])), ["too_old"]);
}

#[test]
fn what_was_earned_under_another_model_or_on_other_facts_is_not_believed() {
    let place = earned();
    let sound: Value = serde_json::from_slice(&std::fs::read(place.path("s/rollout.json")).unwrap()).unwrap();
    let with = |pointer: &str, value: Value| {
        let mut body = sound["rollout"].clone();
        *body.pointer_mut(pointer).unwrap() = value;
        place.file("s/rollout.json", signed(&body));
        let answer = asked(&place, &["--run", "r"]);
        assert_eq!(verdict(&answer).0, "advisory");
        reasons(&answer).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(with("/earned/model_version", json!("1")), ["model_changed"]);
    assert_eq!(with("/earned/settings_digest", json!("0".repeat(64))), ["policy_changed"]);
    assert_eq!(with("/earned/snapshot_digest", json!("0".repeat(64))), ["not_ancestor"]);
    assert_eq!(with("/earned/as_of", json!("2025-01-01T00:00:00Z")), ["too_old"]);
    place.file("s/rollout.json", sound.to_string());
    assert_eq!(verdict(&asked(&place, &["--run", "r"])), ("prescriptive", "-"));
}

#[test]
fn nothing_is_earned_on_a_damaged_log() {
    let place = place();
    let log = place.path("s/log/000000000001.jsonl");
    let mut bytes = std::fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    let refused = set(&place, &["prescriptive", "--policy", "easy.json"]);
    assert_eq!(refused.code, 5, "{}{}", refused.stdout, refused.stderr);
    assert!(refused.stderr.contains("nothing is earned on a damaged log"), "{}", refused.stderr);
    assert!(!place.path("s/rollout.json").exists());
}

#[test]
fn the_memory_of_prescriptions_is_bounded_and_forgets_the_oldest() {
    let place = earned();
    let runs = place.path("s/rollout.runs");
    assert_eq!(verdict(&asked(&place, &["--run", "first"])), ("prescriptive", "-"));
    let first = std::fs::read(&runs).unwrap();
    let most = dome_store::rollout::REMEMBERED_PRESCRIPTIONS;
    let others: String = (1..most).map(|number| format!("{number:064x}\n")).collect();
    std::fs::write(&runs, [&first, others.as_bytes()].concat()).unwrap();
    assert_eq!(verdict(&asked(&place, &["--run", "first"])), ("advisory", "answered_in_run"), "it is full");
    assert_eq!(verdict(&asked(&place, &["--run", "next"])), ("prescriptive", "-"));
    assert_eq!(verdict(&asked(&place, &["--run", "next"])), ("advisory", "answered_in_run"));
    assert_eq!(shown(&place)["prescribed"], json!(most / 2 + 1));
    // A file with a second name would change elsewhere with it.
    std::fs::hard_link(&runs, place.path("other")).unwrap();
    assert_eq!(verdict(&asked(&place, &["--run", "last"])), ("advisory", "not_remembered"));
}

#[test]
fn a_fact_that_is_gone_takes_what_was_earned_with_it() {
    // Withdrawn: the last line had no end when it was judged, and was completed to another one.
    let place = place();
    let whole = history(12, 1);
    let (begun, _) = whole.split_at(whole.len() - 1);
    place.file("live.jsonl", begun);
    ingested(&place, "live.jsonl");
    earn(&place);
    assert_eq!(verdict(&asked(&place, &["--run", "a"])), ("prescriptive", "-"));
    place.file("live.jsonl", format!("{begun} x\n"));
    ingested(&place, "live.jsonl");
    let limited = asked(&place, &["--run", "b"]);
    assert_eq!((reasons(&limited), verdict(&limited).0), (vec!["not_ancestor"], "advisory"));
    let detail = limited["rollout_terms"]["limits"][0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("1 fact that it was earned on"), "{detail}");
    // Ruled out: a late line of a run takes the outcome of one that was a fact (M-41).
    earn(&place);
    let late = history(3, 1).lines().next_back().unwrap().replace("\"sequence\":2", "\"sequence\":1");
    place.file("late.jsonl", late.replace("2026-01-06T00:02:00Z", "2026-01-06T00:00:30Z") + "\n");
    ingested(&place, "late.jsonl");
    assert_eq!(reasons(&asked(&place, &["--run", "c"])), ["not_ancestor"]);
    // The list of facts is gone or another one.
    earn(&place);
    place.file("more.jsonl", history(13, 1));
    ingested(&place, "more.jsonl");
    assert_eq!(reasons(&asked(&place, &["--run", "d"])), Vec::<&str>::new());
    let mut facts = std::fs::read(place.path("s/rollout.facts")).unwrap();
    facts[7] ^= 1;
    place.file("s/rollout.facts", &facts);
    assert_eq!(reasons(&asked(&place, &["--run", "e"])), ["not_ancestor"]);
    std::fs::remove_file(place.path("s/rollout.facts")).unwrap();
    assert_eq!(reasons(&asked(&place, &["--run", "f"])), ["not_ancestor"]);
}

#[test]
fn an_override_says_who_and_why_in_every_answer() {
    let place = place();
    for (flags, code) in [
        (&["prescriptive", "--override", "Ada"][..], 2),
        (&["prescriptive", "--why", "a freeze"], 2),
        (&["prescriptive", "--override", " ", "--why", "a freeze"], 2),
        (&["guided", "--override", "Ada", "--why", "a freeze"], 2),
        (&["prescriptive", "--override", "Ada", "--why", "a freeze", "--policy", "easy.json"], 2),
    ] {
        assert_eq!(set(&place, flags).code, code, "{flags:?}");
    }
    assert_eq!(set(&place, &["prescriptive", "--override", "Ada", "--why", "a freeze"]).code, 0);
    for flags in [&["--run", "r", "--rollout", "prescriptive"][..], &[], &["--rollout", "guided"]] {
        let answer = ended_json(&place.dome(&[&ASK[..], flags].concat(), b""));
        let said = &answer["rollout_terms"]["override"];
        assert_eq!((said["by"].as_str(), said["why"].as_str()), (Some("Ada"), Some("a freeze")), "{flags:?}");
        assert!(said["ts"].is_string());
    }
    let human = place.dome(&ASK[..11], b"").stdout;
    assert!(human.contains("rollout: not earned, overridden by Ada at 2"), "{human}");
    assert_eq!(verdict(&asked(&place, &["--run", "r"])).0, "advisory", "prescribed above");
    assert_eq!(verdict(&asked(&place, &["--run", "s"])), ("prescriptive", "-"));
    assert_eq!(set(&place, &["guided"]).code, 0);
    assert!(asked(&place, &[])["rollout_terms"].get("override").is_none());
}

#[test]
fn a_rollout_that_was_tampered_with_is_refused() {
    let place = place();
    assert_eq!(set(&place, &["shadow"]).code, 0);
    let sound = String::from_utf8(std::fs::read(place.path("s/rollout.json")).unwrap()).unwrap();
    let mut unearned: Value = serde_json::from_str::<Value>(&sound).unwrap()["rollout"].clone();
    let mut foreign = unearned.clone();
    unearned["mode"] = json!("prescriptive");
    foreign["store"] = json!("0123456789abcdef0123456789abcdef");
    for (bytes, said) in [
        (sound.replace("shadow", "guided"), "is damaged"),
        (sound.replace("shadow", "prescriptive"), "is damaged"),
        (signed(&unearned), "is damaged"),
        (signed(&foreign), "is of another store"),
        ("{}".to_owned(), "is damaged"),
        (String::new(), "is damaged"),
        (sound.replace("\"format_version\":\"1\"", "\"format_version\":\"9\""), "is damaged"),
    ] {
        place.file("s/rollout.json", &bytes);
        for verb in [&ASK[..], &["store", "rollout", "show", "--store", "s"]] {
            let refused = place.dome(verb, b"");
            assert_eq!(refused.code, 3, "{bytes}: {}", refused.stdout);
            assert!(refused.stderr.contains(said) && refused.stderr.contains("dome store rollout set"), "{bytes}");
        }
    }
    std::fs::remove_file(place.path("s/rollout.json")).unwrap();
    symlink(place.path("easy.json"), place.path("s/rollout.json")).unwrap();
    assert_eq!(place.dome(&ASK, b"").code, 3, "a link is none");
    assert_eq!(set(&place, &["guided"]).code, 0, "setting it mends it");
    assert_eq!(place.dome(&ASK, b"").code, 0);
    // The log is as true as before.
    assert_eq!(place.dome(&["store", "verify", "--store", "s"], b"").code, 0);
}

#[test]
fn of_many_that_ask_in_one_run_one_is_prescribed_to() {
    let place = earned();
    asked(&place, &["--run", "warm"]);
    let told: Vec<Value> = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..8).map(|_| scope.spawn(|| asked(&place, &["--run", "r"]))).collect();
        askers.into_iter().map(|asker| asker.join().unwrap()).collect()
    });
    let prescribed = told.iter().filter(|answer| verdict(answer).0 == "prescriptive").count();
    let before = told.iter().filter(|answer| verdict(answer).1 == "answered_in_run").count();
    assert_eq!((prescribed, before), (1, 7));
}

#[test]
fn what_cannot_be_remembered_is_not_prescribed() {
    let place = earned();
    assert_eq!(verdict(&asked(&place, &["--run", "a"])), ("prescriptive", "-"));
    // A line that a killed process left half: it was never answered.
    let runs = place.path("s/rollout.runs");
    let mut bytes = std::fs::read(&runs).unwrap();
    bytes.extend(b"0123");
    std::fs::write(&runs, &bytes).unwrap();
    assert_eq!(verdict(&asked(&place, &["--run", "b"])), ("prescriptive", "-"));
    assert_eq!(verdict(&asked(&place, &["--run", "b"])), ("advisory", "answered_in_run"));
    assert_eq!(verdict(&asked(&place, &["--run", "a"])), ("advisory", "answered_in_run"));
    assert_eq!(std::fs::read(&runs).unwrap().len(), 2 * 65);
    // What is no memory: anything may have been prescribed.
    std::fs::write(&runs, format!("{}\n", "x".repeat(64))).unwrap();
    let ended = place.dome(&[&ASK[..], &["--rollout", "prescriptive", "--run", "c"]].concat(), b"");
    assert_eq!((ended.code, verdict(&ended_json(&ended))), (0, ("advisory", "not_remembered")));
    assert!(ended.stderr.contains("rollout.runs` is damaged"), "{}", ended.stderr);
    std::fs::remove_file(&runs).unwrap();
    std::fs::remove_file(place.path("s/rollout.lock")).unwrap();
    std::fs::create_dir(place.path("s/rollout.lock")).unwrap();
    assert_eq!(verdict(&asked(&place, &["--run", "d"])), ("advisory", "not_remembered"));
}

#[test]
fn a_store_that_cannot_be_written_gives_advice_and_says_so() {
    let place = earned();
    let Some(disk) = Small::mount(&place, "disk") else { return };
    let copied = std::process::Command::new("cp").args(["-r", "s", "disk/s"]).current_dir(place.path(".")).status();
    assert!(copied.unwrap().success());
    let ask = [&["priors", "--store", "disk/s"], &ASK[3..], &["--rollout", "prescriptive", "--run", "r"]].concat();
    disk.again("ro");
    let ended = place.dome(&ask, b"");
    assert_eq!((ended.code, verdict(&ended_json(&ended))), (0, ("advisory", "not_remembered")));
    assert!(ended.stderr.contains("Read-only file system"), "{}", ended.stderr);
    let refused = place.dome(&["store", "rollout", "set", "guided", "--store", "disk/s"], b"");
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    disk.again("rw");
    assert_eq!(verdict(&ended_json(&place.dome(&ask, b""))), ("prescriptive", "-"));
}

#[test]
fn the_settings_of_a_project_let_less_and_never_more() {
    let place = earned();
    assert_eq!(place.dome(&["replay", "night.jsonl", "--out", "o"], b"").code, 0);
    let result = [&["priors", "--from", "o"], &ASK[3..], &["--rollout", "prescriptive"]].concat();
    assert_eq!(verdict(&ended_json(&place.dome(&result, b""))), ("prescriptive", "-"), "a result has no mode");
    let refused = place.dome(&[&result[..], &["--run", "r"]].concat(), b"");
    assert!(refused.code == 2 && refused.stderr.contains("remembers nothing"), "{}", refused.stderr);
    place.file("dome.toml", "[priors]\nrollout = \"guided\"\n");
    for answer in [ended_json(&place.dome(&result, b"")), asked(&place, &["--run", "r"])] {
        assert_eq!((verdict(&answer), reasons(&answer)), (("advisory", "-"), vec!["project_setting"]));
    }
    place.file("dome.toml", "[priors]\nrollout = \"prescriptive\"\n");
    assert_eq!(set(&place, &["guided"]).code, 0);
    assert_eq!(reasons(&asked(&place, &["--run", "r"])), ["store_mode"]);
    place.file("dome.toml", "[priors]\nrollout = \"bold\"\n");
    let refused = place.dome(&ASK, b"");
    assert!(refused.code == 3 && refused.stderr.contains("priors.rollout: expected `shadow`"), "{}", refused.stderr);
}

#[test]
fn what_is_not_answered_is_not_used_up() {
    let place = earned();
    let unwritable =
        place.dome(&[&ASK[..], &["--rollout", "prescriptive", "--run", "r1", "--record", "s"]].concat(), b"");
    assert_eq!(unwritable.code, 1, "a store is no file: {}", unwritable.stdout);
    let past =
        ["--rollout", "prescriptive", "--run", "r1", "--record", "kept.jsonl", "--as-of", "2026-01-02T00:00:00Z"];
    assert_eq!(place.dome(&[&ASK[..], &past].concat(), b"").code, 2);
    assert_eq!(verdict(&asked(&place, &["--run", "r1"])), ("prescriptive", "-"));
}

#[test]
fn a_brief_answer_prescribes_what_it_shows() {
    let place = earned();
    let quotes = "\"".repeat(512);
    assert_eq!(set(&place, &["prescriptive", "--override", &quotes, "--why", &quotes]).code, 0);
    let run = "\"".repeat(400);
    let brief: Vec<&str> = ASK.iter().map(|word| if *word == "full" { "brief" } else { word }).collect();
    let ended = place.dome(&[&brief[..], &["--rollout", "prescriptive", "--run", &run]].concat(), b"");
    assert!(ended.stdout.len() <= 2_048, "{}", ended.stdout.len());
    assert_eq!(verdict(&ended_json(&ended)), ("prescriptive", "-"));
}

#[test]
fn what_was_earned_on_no_facts_does_not_last() {
    let place = Place::new();
    place.file("none.jsonl", "");
    ingested(&place, "none.jsonl");
    let mut policy = ended_json(&place.dome(&["rollout", "policy"], b""));
    for step in ["guided", "prescriptive"] {
        for (_, least) in policy[step].as_object_mut().unwrap().iter_mut().filter(|(name, _)| name.starts_with("min_"))
        {
            *least = json!(0);
        }
    }
    place.file("easy.json", policy.to_string());
    earn(&place);
    place.file("night.jsonl", history(1, 11));
    ingested(&place, "night.jsonl");
    assert_eq!(reasons(&asked(&place, &["--run", "r1"])), ["too_old"]);
}
