//! Conformance before trust: what a remedy runs is said beside the log, and has to conform.

use dome_core::Sha256Hash;
use dome_core::conformance::{ConformanceReport, PresentTool};
use dome_store::records;
use serde_json::{Value, json};

use super::enforced::{ASK, asked, earned, ended_json, verdict};
use crate::conform::tools::copy;
use crate::harness::{Ended, Place};

/// A store that prescribes, with the manifest of a tool beside it, and the identity of the remedy that it prescribes.
fn place() -> (Place, String) {
    let place = earned();
    copy(&place, "good");
    let answer = asked(&place, &["--run", "first"]);
    assert_eq!(verdict(&answer), ("prescriptive", "-"));
    assert!(answer.get("store_holds").is_none(), "nothing is said of tools");
    let remedy = answer["priors"][0]["remedies"][0]["identity"].as_str().unwrap().to_owned();
    (place, remedy)
}

fn tool(place: &Place, flags: &[&str]) -> Ended {
    place.dome(&[&["store", "tool"], flags, &["--store", "s", "--format", "json"]].concat(), b"")
}

fn read(place: &Place, file: &str) -> Vec<u8> {
    std::fs::read(place.path(file)).unwrap()
}

/// Says that the remedy runs the tool as it is now.
#[track_caller]
fn set(place: &Place, remedy: &str) -> Value {
    let ended = tool(place, &["set", "--remedy", remedy, "--tool-manifest", "good/manifest.json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    ended_json(&ended)
}

/// The tool that the store says to be behind its one remedy.
fn kept(place: &Place) -> PresentTool {
    records::read(&place.path("s")).unwrap().tools[0].tool.clone()
}

/// A report without checks, as another gate would write it.
fn report(tool: &PresentTool, conformant: bool, valid_until: Option<&str>) -> ConformanceReport {
    let (files, manifest, any) = (tool.files, tool.manifest, Sha256Hash::of(b""));
    let mut report = json!({
        "report_version": "1", "conformant": conformant, "tool": {"name": tool.name, "version": tool.version},
        "digests": {
            "config_schema": any, "input_schema": any, "manifest": manifest, "output_schema": any, "tool": files,
        },
    });
    if let Some(until) = valid_until {
        report["valid_until"] = json!(until);
    }
    ConformanceReport::parse(report.to_string().as_bytes()).unwrap()
}

fn put(place: &Place, report: &ConformanceReport) {
    records::put_report(&place.path("s"), report.clone()).unwrap();
}

/// How the best prior stands under `prescriptive`, and what holds it back.
fn stands(place: &Place, flags: &[&str]) -> (String, Vec<String>) {
    // Each question is a run of its own.
    let run = Sha256Hash::of(format!("{flags:?}{:?}", std::time::Instant::now()).as_bytes()).to_string();
    let answer = asked(place, &[&["--run", &run[..16]], flags].concat());
    let held = answer["priors"][0]["held"].as_array().unwrap().iter();
    let held =
        held.map(|held| format!("{}: {}", held["hold"].as_str().unwrap(), held["detail"].as_str().unwrap_or_default()));
    (verdict(&answer).0.to_owned(), held.collect())
}

fn held(why: &str) -> (String, Vec<String>) {
    ("blocked".to_owned(), vec![format!("tool_not_conformant: `word-count` 1.0.0 {why}")])
}

fn free() -> (String, Vec<String>) {
    ("prescriptive".to_owned(), Vec::new())
}

#[test]
fn m92_a_remedy_that_runs_a_tool_is_held_until_a_current_report_on_its_bytes_is_there() {
    let (place, remedy) = place();
    let set_to = set(&place, &remedy);
    assert_eq!((&set_to["tools"][0]["detail"], &set_to["reports"]), (&json!("has no report"), &json!([])));
    assert_eq!(stands(&place, &[]), held("has no report"));
    // Of other bytes, of another time, and one that says no.
    let present = kept(&place);
    let other = PresentTool { files: Sha256Hash::of(b"other"), ..present.clone() };
    put(&place, &report(&other, true, None));
    assert_eq!(stands(&place, &[]), held("has no report on its bytes"));
    put(&place, &report(&present, true, Some("2026-01-22T00:01:59Z")));
    assert_eq!(stands(&place, &[]), held("has no current report"));
    put(&place, &report(&present, false, None));
    assert_eq!(stands(&place, &[]), held("does not conform"));
    // The last one on these bytes is what counts, to the instant.
    put(&place, &report(&present, true, Some("2026-01-22T00:02:00Z")));
    assert_eq!(stands(&place, &[]), free());
    assert_eq!(stands(&place, &["--as-of", "2026-01-22T00:02:01Z"]), held("has no current report"));
    // The tool changes, by as much as a comment: what runs now is not what was judged.
    let source = std::fs::read_to_string(place.path("good/tool.py")).unwrap();
    place.file("good/tool.py", format!("{source}# changed\n"));
    assert_eq!(stands(&place, &["--tool-manifest", "good/manifest.json"]), held("has no report on its bytes"));
    set(&place, &remedy);
    assert_eq!(stands(&place, &[]), held("has no report on its bytes"));
    // A question may bring a report.
    let brought = report(&kept(&place), true, None);
    place.file("report.json", serde_json::to_vec(&brought).unwrap());
    assert_eq!(stands(&place, &["--conformance", "report.json"]), free());
    assert_eq!(tool(&place, &["remove", "--remedy", &remedy]).code, 0);
    assert_eq!(stands(&place, &[]), free());
    let again = tool(&place, &["remove", "--remedy", &remedy]);
    assert!(again.code == 2 && again.stderr.contains("no tool is said to be behind"), "{}", again.stderr);
}

#[test]
fn m92_the_tool_that_failed_is_asked_for_no_report() {
    let (place, remedy) = place();
    let any = Sha256Hash::of(b"");
    let failed =
        PresentTool { files: any, manifest: any, name: "pytest".parse().unwrap(), version: "8.3.2".to_owned() };
    put(&place, &report(&failed, false, None));
    assert_eq!(stands(&place, &[]), free(), "no remedy runs it");
    // Nor does its report vouch for the tool that the remedy runs.
    set(&place, &remedy);
    put(&place, &report(&failed, true, None));
    assert_eq!(stands(&place, &[]), held("has no report"));
    put(&place, &report(&failed, false, None));
    put(&place, &report(&kept(&place), true, None));
    assert_eq!(stands(&place, &[]), free());
}

#[test]
fn what_the_store_holds_is_named_in_every_answer_and_the_brief_one_keeps_its_size() {
    let (place, remedy) = place();
    set(&place, &remedy);
    let ask = |flags: &[&str]| ended_json(&place.dome(&[&ASK[..11], &["--format", "json"], flags].concat(), b""));
    let full = asked(&place, &["--run", "r"]);
    let present = serde_json::to_value(kept(&place)).unwrap();
    let expected = json!([{
        "detail": "has no report", "hold": "tool_not_conformant", "record": "tool", "remedy": remedy, "reports": [],
        "tool": present,
    }]);
    assert_eq!(full["store_holds"], expected);
    let short = &remedy[..12];
    let brief = ask(&[]);
    assert_eq!(brief["store_holds"], json!([format!("`word-count` 1.0.0 has no report; remedy {short} runs it")]));
    assert_eq!(brief["priors"][0]["held"], json!(["tool_not_conformant"]));
    assert!(brief.to_string().len() <= 2048, "{brief}");
    let human = place.dome(&ASK[..11], b"").stdout;
    assert!(human.contains(&format!("store: `word-count` 1.0.0 has no report; remedy {short} runs it")), "{human}");
    // Where it lets through, it is named as well, by its report.
    let good = report(&kept(&place), true, None);
    put(&place, &good);
    let full = asked(&place, &["--run", "q"]);
    assert_eq!(full["store_holds"][0].get("hold"), None);
    assert_eq!(full["store_holds"][0]["reports"], json!([good.digest().to_string()]));
    assert_eq!(ask(&[])["store_holds"], json!([format!("`word-count` 1.0.0 conforms; remedy {short} runs it")]));
    // Nothing is said in shadow.
    assert_eq!(place.dome(&["store", "rollout", "set", "shadow", "--store", "s"], b"").code, 0);
    assert_eq!(ask(&[]).get("store_holds"), None);
}

#[test]
fn a_long_version_does_not_make_the_brief_answer_too_long() {
    let (place, remedy) = place();
    let manifest = std::fs::read_to_string(place.path("good/manifest.json")).unwrap();
    let mut manifest: Value = serde_json::from_str(&manifest).unwrap();
    manifest["tool"]["version"] = json!("\"1".repeat(64));
    place.file("good/manifest.json", manifest.to_string());
    set(&place, &remedy);
    let brief = place.dome(&[&ASK[..11], &["--format", "json"]].concat(), b"").stdout;
    assert!(brief.contains("store_holds") && brief.len() <= 2048 + 1, "{} bytes: {brief}", brief.len());
}

#[test]
fn records_shape_answers_and_nothing_else() {
    let (place, remedy) = place();
    let export = |to: &str| {
        assert_eq!(place.dome(&["store", "export", "--store", "s", "--out", to], b"").code, 0);
        place.files(to)
    };
    let before = export("before");
    set(&place, &remedy);
    put(&place, &report(&kept(&place), false, None));
    let kept = read(&place, "s/records.json");
    assert_eq!(export("after"), before, "artifacts are those of the facts");
    assert_eq!(place.dome(&["store", "rebuild", "--store", "s"], b"").code, 0);
    assert_eq!(place.dome(&["store", "compact", "--store", "s"], b"").code, 0);
    assert_eq!(read(&place, "s/records.json"), kept, "a rebuild leaves them as they are");
    assert_eq!(stands(&place, &[]), held("does not conform"));
    assert_eq!(place.dome(&["store", "verify", "--store", "s"], b"").code, 0);
}

#[test]
fn records_that_are_damaged_are_refused_until_they_are_cleared() {
    let (place, remedy) = place();
    set(&place, &remedy);
    let sound = String::from_utf8(read(&place, "s/records.json")).unwrap();
    for (bytes, said) in [
        (sound.replace("word-count", "word-cOunt"), "is damaged"),
        (sound.replace("\"tools\":[", "\"tools\":[]"), "is damaged"),
        ("{}".to_owned(), "is damaged"),
        (String::new(), "is damaged"),
    ] {
        place.file("s/records.json", &bytes);
        let set =
            ["store", "tool", "set", "--store", "s", "--remedy", &remedy, "--tool-manifest", "good/manifest.json"];
        let merge = ["store", "merge", "s", "s", "--out", "both"];
        for verb in [&ASK[..], &["store", "tool", "list", "--store", "s"], &set, &merge] {
            let refused = place.dome(verb, b"");
            assert_eq!(refused.code, 3, "{verb:?}: {}{}", refused.stdout, refused.stderr);
            assert!(refused.stderr.contains(said) && refused.stderr.contains("dome store tool clear"), "{bytes}");
        }
        assert!(!place.path("both").exists(), "nothing half is left");
        assert_eq!(read(&place, "s/records.json"), bytes.as_bytes(), "nothing was written over");
        let verified = place.dome(&["store", "verify", "--store", "s"], b"");
        assert!(verified.code == 5 && verified.stdout.contains("records.json"), "{}", verified.stdout);
    }
    let cleared = tool(&place, &["clear"]);
    assert!(cleared.code == 0 && cleared.stderr.contains("aside/records.json"), "{}", cleared.stderr);
    assert_eq!(stands(&place, &[]), free());
    assert_eq!(place.dome(&["store", "verify", "--store", "s"], b"").code, 0);
    // What was copied from another store says nothing of this one.
    set(&place, &remedy);
    let foreign = sound.replace(&records::read(&place.path("s")).unwrap().store, &"0".repeat(32));
    let mut foreign: Value = serde_json::from_str(&foreign).unwrap();
    let digest = Sha256Hash::of(&dome_core::canonical::to_vec(&foreign["records"]).unwrap());
    foreign["digest"] = json!(digest.to_string());
    place.file("s/records.json", foreign.to_string());
    let refused = place.dome(&ASK, b"");
    assert!(refused.code == 3 && refused.stderr.contains("is of another store"), "{}", refused.stderr);
}

#[test]
fn records_that_are_lost_are_found() {
    let (place, remedy) = place();
    set(&place, &remedy);
    let before = read(&place, "s/records.json");
    put(&place, &report(&kept(&place), false, None));
    let refused = |said: &str| {
        for verb in
            [&ASK[..], &["store", "tool", "list", "--store", "s"], &["store", "merge", "s", "s", "--out", "both"]]
        {
            let refused = place.dome(verb, b"");
            assert!(
                refused.code == 3 && refused.stderr.contains(said),
                "{verb:?}: {}{}",
                refused.stdout,
                refused.stderr
            );
        }
        let verified = place.dome(&["store", "verify", "--store", "s", "--format", "json"], b"");
        assert!(verified.code == 5 && ended_json(&verified)["records"].as_str().unwrap().contains(said));
    };
    // Without them the remedy would be prescribed: a file that is gone is not one that never was.
    let last = read(&place, "s/records.json");
    std::fs::remove_file(place.path("s/records.json")).unwrap();
    refused("is gone, and revision 2 was kept: records are lost");
    // Older ones have a digest that is right, and lack what was kept last.
    place.file("s/records.json", before);
    refused("is of revision 1, and revision 2 was kept: records are lost");
    place.file("s/records.json", last);
    assert_eq!(stands(&place, &[]), held("does not conform"));
    place.file("s/records.head", "two");
    refused("`records.head`, which is damaged");
    // A process that ended between the two files lost nothing.
    place.file("s/records.head", "1\n");
    assert_eq!(stands(&place, &[]), held("does not conform"));
    std::fs::remove_file(place.path("s/records.json")).unwrap();
    assert_eq!(tool(&place, &["clear"]).code, 0);
    assert_eq!(stands(&place, &[]), free());
    assert_eq!(place.dome(&["store", "verify", "--store", "s"], b"").code, 0);
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let (place, _) = place();
    let remedies: Vec<String> = (0..12).map(|number| Sha256Hash::of(&[number]).to_string()).collect();
    let ask = |remedy: &String| {
        let ended = tool(&place, &["set", "--remedy", remedy, "--tool-manifest", "good/manifest.json"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        // Whoever asks meanwhile finds records that are whole.
        assert_eq!(stands(&place, &[]), free());
    };
    std::thread::scope(|scope| {
        let asking: Vec<_> = remedies.iter().map(|remedy| scope.spawn(|| ask(remedy))).collect();
        asking.into_iter().for_each(|asking| asking.join().unwrap());
    });
    let kept = records::read(&place.path("s")).unwrap();
    let mut said: Vec<String> = kept.tools.iter().map(|said| said.remedy.to_string()).collect();
    said.sort_unstable();
    let mut expected = remedies;
    expected.sort_unstable();
    assert_eq!((said, kept.revision), (expected, 12));
}

#[test]
fn a_merged_store_holds_back_what_either_of_the_two_does() {
    let (place, remedy) = place();
    let copied = std::process::Command::new("cp").args(["-r", "s", "t"]).current_dir(place.path(".")).status();
    assert!(copied.unwrap().success());
    set(&place, &remedy);
    put(&place, &report(&kept(&place), true, None));
    let merge = |a: &str, b: &str, out: &str| {
        assert_eq!(place.dome(&["store", "merge", a, b, "--out", out], b"").code, 0);
        read(&place, &format!("{out}/records.json"))
    };
    assert_eq!(merge("s", "t", "st"), merge("t", "s", "ts"), "in any order");
    let merged = records::read(&place.path("st")).unwrap();
    assert_eq!((merged.tools.len(), merged.reports.len()), (1, 1));
    // The other one says that the remedy runs other bytes: both have to conform.
    let other = PresentTool { files: Sha256Hash::of(b"other"), ..kept(&place) };
    let said = dome_core::conformance::RemedyTool { remedy: remedy.parse().unwrap(), tool: other };
    records::set_tool(&place.path("t"), said).unwrap();
    merge("s", "t", "both");
    let listed = place.dome(&["store", "tool", "list", "--store", "both", "--format", "json"], b"");
    let tools = ended_json(&listed)["tools"].clone();
    let details: Vec<Option<&str>> = tools.as_array().unwrap().iter().map(|tool| tool["detail"].as_str()).collect();
    assert!(details.contains(&None) && details.contains(&Some("has no report on its bytes")), "{tools}");
}

#[test]
fn what_cannot_be_said_of_a_tool_is_refused() {
    let (place, remedy) = place();
    for (flags, code) in [
        (&["set", "--remedy", "call_first", "--tool-manifest", "good/manifest.json"][..], 2),
        (&["set", "--remedy", &remedy], 2),
        (&["set", "--remedy", &remedy, "--tool-manifest", "night.jsonl"], 3),
        (&["set", "--remedy", &remedy, "--tool-manifest", "absent.json"], 1),
    ] {
        assert_eq!(tool(&place, flags).code, code, "{flags:?}");
    }
    assert!(!place.path("s/records.json").exists());
    let nowhere = place.dome(&["store", "tool", "list", "--store", "nowhere"], b"");
    assert_eq!(nowhere.code, 3, "{}", nowhere.stderr);
    // A result does not say what a remedy runs.
    assert_eq!(place.dome(&["replay", "night.jsonl", "--out", "o"], b"").code, 0);
    place.file("report.json", r#"{"report_version":"1","tool":{"name":"a","version":"1"},"conformant":true}"#);
    let ask = [&["priors", "--from", "o"], &ASK[3..], &["--conformance", "report.json"]].concat();
    let refused = place.dome(&ask, b"");
    assert!(refused.code == 2 && refused.stderr.contains("--remedy-tool"), "{}", refused.stderr);
}
