//! Layers: what a run said, what was derived, what an owner promoted; only the owner's grants side effects.

use serde_json::{Value, json};

use super::enforced::{ASK, asked, earned, ended_json, history};
use crate::harness::{Ended, Place};

const BY: &str = "Ada, release team";

fn memory(place: &Place, store: &str, flags: &[&str]) -> Ended {
    place.dome(&[&["memory"], flags, &["--store", store, "--format", "json"]].concat(), b"")
}

fn said(place: &Place, flags: &[&str]) -> Ended {
    memory(place, "s", &[flags, &["--by", BY, "--why", "reviewed"]].concat())
}

/// Layer, verdict and side effects of the best prior, asked by a run of its own.
fn stands(place: &Place, run: &str, flags: &[&str]) -> (String, String, bool) {
    let answer = asked(place, &[&["--run", run], flags].concat());
    let prior = &answer["priors"][0];
    let text = |member: &str| prior[member].as_str().unwrap().to_owned();
    (text("layer"), text("verdict"), prior["side_effects"].as_bool().unwrap())
}

fn standing(layer: &str, verdict: &str, side_effects: bool) -> (String, String, bool) {
    (layer.to_owned(), verdict.to_owned(), side_effects)
}

/// The key of the best prior, and its first remedy.
fn best(place: &Place) -> (String, Value) {
    let prior = asked(place, &["--run", "first"])["priors"][0].clone();
    (prior["derived_key"].as_str().unwrap().to_owned(), prior["remedies"][0]["identity"].clone())
}

#[test]
fn only_what_an_owner_promoted_has_side_effects_and_only_while_it_is_prescribed() {
    let place = earned();
    let (key, remedy) = best(&place);
    assert_eq!(stands(&place, "a", &[]), standing("derived", "prescriptive", false));
    let before = place.files("s/log");
    let promoted = said(&place, &["promote", &key[..12]]);
    assert_eq!(promoted.code, 0, "{}", promoted.stderr);
    let promotion = ended_json(&promoted)["promotions"][0].clone();
    assert_eq!((&promotion["key"], &promotion["remedy"]), (&json!(key), &remedy));
    assert_eq!(stands(&place, "b", &[]), standing("owner", "prescriptive", true));
    // Whose word it is stands in the answer, the brief one as well.
    let answer = asked(&place, &["--run", "c"]);
    assert_eq!(answer["priors"][0]["promoted"]["by"], BY);
    let expected = json!([{"key": key, "promoted": promotion["promoted"], "record": "promotion", "remedy": remedy}]);
    assert_eq!(answer["store_holds"], expected);
    // A second time in one run it is advice, and advice has no side effects; nor has what is only guided.
    assert_eq!(stands(&place, "c", &[]), standing("owner", "advisory", false));
    let guided = ended_json(&place.dome(&[&ASK[..], &["--run", "d", "--rollout", "guided"]].concat(), b""));
    let prior = &guided["priors"][0];
    assert_eq!(
        [&prior["layer"], &prior["verdict"], &prior["side_effects"]],
        [&json!("owner"), &json!("advisory"), &json!(false)]
    );
    // The owner lifts nothing: what holds it back holds it back.
    assert_eq!(stands(&place, "e", &["--as-of", "2031-01-01T00:00:00Z"]), standing("owner", "advisory", false));
    // Taken back, it stays listed, and grants nothing.
    let again = said(&place, &["promote", &key]);
    assert!(again.code == 2 && again.stderr.contains("was promoted by Ada, release team at"), "{}", again.stderr);
    assert_eq!(said(&place, &["retract", &key[..8]]).code, 0);
    assert_eq!(stands(&place, "f", &[]), standing("derived", "prescriptive", false));
    assert!(asked(&place, &["--run", "g"]).get("store_holds").is_none());
    let listed = ended_json(&memory(&place, "s", &["list"]));
    assert_eq!(listed["layers"]["owner"], 0);
    assert_eq!(listed["promotions"][0]["retracted"]["by"], BY);
    assert_eq!(said(&place, &["retract", &key]).code, 2, "nothing is promoted any more");
    assert_eq!(said(&place, &["promote", &key]).code, 0, "and it may be promoted again");
    assert_eq!(stands(&place, "h", &[]), standing("owner", "prescriptive", true));
    // Nothing of it is in the log, or in what is derived.
    assert_eq!(place.files("s/log"), before);
    assert_eq!(place.dome(&["store", "verify", "--store", "s"], b"").code, 0);
    let remedies = place.dome(&["store", "export", "--store", "s", "--out", "e"], b"");
    assert_eq!(remedies.code, 0);
    assert!(!String::from_utf8_lossy(&place.files("e")["manifest.json"]).contains("promot"));
}

#[test]
fn a_promotion_is_for_one_remedy() {
    let place = earned();
    let (key, remedy) = best(&place);
    assert_eq!(said(&place, &["promote", &key]).code, 0);
    assert_eq!(stands(&place, "a", &[]), standing("owner", "prescriptive", true));
    // More runs in which another one worked: it comes first now, and nobody promoted it.
    let more = history(1, 14).replace("2026-01", "2026-02").replace("\"run_id\":\"r", "\"run_id\":\"q");
    place.file("more.jsonl", more.replace("recipes/rebuild", "recipes/other"));
    assert_eq!(place.dome(&["ingest", "more.jsonl", "--store", "s", "--not-after", "off"], b"").code, 0);
    let answer = asked(&place, &["--run", "b"]);
    let prior = &answer["priors"][0];
    assert_eq!(prior["derived_key"], key);
    assert_ne!(prior["remedies"][0]["identity"], remedy, "{prior}");
    assert_eq!((&prior["layer"], &prior["side_effects"]), (&json!("derived"), &json!(false)));
    assert_eq!((prior.get("promoted"), answer.get("store_holds")), (None, None));
}

#[test]
fn what_one_run_said_is_the_layer_run() {
    let place = Place::new();
    place.file("one.jsonl", dome_core::EXAMPLE_LINE);
    assert_eq!(place.dome(&["ingest", "one.jsonl", "--store", "s", "--not-after", "off"], b"").code, 0);
    let spec: Value = serde_json::from_slice::<Value>(dome_core::EXAMPLE_LINE).unwrap()["task_spec"].clone();
    let text = |pointer: &str| spec.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let [scope, kind, id, action] = ["/scope", "/target/kind", "/target/id", "/action/kind"].map(text);
    let flags = ["--scope", &scope, "--target-kind", &kind, "--target-id", &id, "--action-kind", &action];
    let ask = |more: &[&str]| place.dome(&[&["priors", "--store", "s"], &flags[..], more].concat(), b"");
    let brief = ended_json(&ask(&["--format", "json"]));
    assert_eq!((&brief["priors"][0]["layer"], brief["priors"][0].get("side_effects")), (&json!("run"), None));
    assert!(ask(&[]).stdout.contains("layer run: one run said so"), "{}", ask(&[]).stdout);
    let key = brief["priors"][0]["key"].as_str().unwrap();
    let refused = said(&place, &["promote", key]);
    assert!(refused.code == 2 && refused.stderr.contains("has no remedy"), "{}", refused.stderr);
    let listed = ended_json(&memory(&place, "s", &["list"]));
    assert_eq!(listed["layers"], json!({"derived": 1, "owner": 0, "run": 1}));
}

#[test]
fn what_is_no_word_of_an_owner_is_refused() {
    let place = earned();
    let (key, _) = best(&place);
    let cases: [(&[&str], i32, &str); 6] = [
        (&["promote", &key, "--by", BY], 2, "--why"),
        (&["promote", &key, "--by", " ", "--why", "x"], 2, "an owner says who"),
        (&["promote", &key, "--by", BY, "--why", "a\nb"], 2, "an owner says why"),
        (&["promote", "ffffffffffff", "--by", BY, "--why", "x"], 2, "nothing in the store has the key"),
        (&["promote", "night.jsonl:1", "--by", BY, "--why", "x"], 2, "expected a derived or concept key"),
        (&["retract", &key[..7], "--by", BY, "--why", "x"], 2, "nothing is promoted under"),
    ];
    for (flags, code, why) in cases {
        let ended = memory(&place, "s", flags);
        assert!(ended.code == code && ended.stderr.contains(why), "{flags:?}: {} {}", ended.code, ended.stderr);
    }
    assert!(!place.path("s/records.json").exists(), "a refusal writes nothing");
    assert_eq!(memory(&place, "nowhere", &["list"]).code, 3);
}

#[test]
fn a_merged_store_has_the_words_of_both_and_what_either_took_back_is_taken_back() {
    let place = earned();
    let (key, _) = best(&place);
    assert_eq!(said(&place, &["promote", &key]).code, 0);
    let copied = std::process::Command::new("cp").args(["-r", "s", "t"]).current_dir(place.path(".")).status();
    assert!(copied.unwrap().success());
    let merge = |a: &str, b: &str, out: &str| {
        assert_eq!(place.dome(&["store", "merge", a, b, "--out", out], b"").code, 0);
        std::fs::read(place.path(&format!("{out}/records.json"))).unwrap()
    };
    let live = |store: &str| ended_json(&memory(&place, store, &["list"]))["layers"]["owner"].clone();
    assert_eq!(merge("s", "t", "st"), merge("t", "s", "ts"), "in any order");
    assert_eq!(live("st"), 1);
    assert_eq!(memory(&place, "t", &["retract", &key, "--by", BY, "--why", "no more"]).code, 0);
    assert_eq!(merge("s", "t", "st2"), merge("t", "s", "ts2"), "in any order");
    assert_eq!(live("st2"), 0);
}
