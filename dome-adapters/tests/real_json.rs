//! Every real report in JSON and every real log: counted by lines and by what reports say of
//! themselves, and converted.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::Value;

use super::support;

/// Files, counted records, envelopes, records left out.
type Sums = [u64; 4];

fn every(
    format: &str,
    folder: &str,
    ending: &str,
    count: impl Fn(&str, &str) -> Option<u64>,
) -> Option<(Sums, Vec<String>)> {
    let root = support::real()?;
    let (mut sums, mut refused) = ([0; 4], Vec::new());
    for (name, bytes) in support::files(&root.join(folder)) {
        if !name.ends_with(ending) {
            continue;
        }
        let done = support::one(format, &name, &bytes);
        let Some(counted) = count(&name, &String::from_utf8_lossy(&bytes)) else {
            assert_eq!((done.envelopes.len(), support::codes(&done.problems)), (0, vec!["wrong_format"]), "{name}");
            refused.push(name);
            continue;
        };
        assert_eq!(done.counts.records, counted, "{name}: {}", support::shown(&done));
        for (sum, number) in sums.iter_mut().zip([1, counted, done.envelopes.len() as u64, done.counts.left_out]) {
            *sum += number;
        }
        for finding in done.problems.iter().chain(&done.notes) {
            println!("{finding}");
        }
    }
    println!("{format}: {sums:?}, {} refused", refused.len());
    Some((sums, refused))
}

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn every_real_ctrf_report() {
    let counted = |_: &str, text: &str| {
        let attempts = text.matches("\"attempt\":").count() as u64;
        let tests = document(text).pointer("/results/summary/tests").unwrap().as_u64().unwrap();
        // Of two attempts the second is the test itself.
        Some(tests + attempts / 2)
    };
    let Some(found) = every("ctrf", "ctrf", ".json", counted) else { return };
    assert_eq!(found, ([3, 6, 6, 0], vec![]));
}

#[test]
fn every_real_pytest_report() {
    let counted = |_: &str, text: &str| document(text).pointer("/summary/total").unwrap().as_u64();
    let Some(found) = every("pytest-json", "pytest-json", ".json", counted) else { return };
    assert_eq!(found, ([12, 36, 36, 0], vec![]));
}

#[test]
fn every_real_stream_of_libtest() {
    let counted = |_: &str, text: &str| {
        let text = text.replace("\": \"", "\":\"");
        let ended = |line: &&str| line.contains("\"type\":\"test\"") && !line.contains("\"event\":\"started\"");
        Some(text.lines().filter(ended).count() as u64)
    };
    let Some(found) = every("libtest", "libtest-json", ".jsonl", counted) else { return };
    assert_eq!(found, ([5, 123, 123, 0], vec![]));
}

#[test]
fn every_real_stream_of_go_test() {
    let counted = |name: &str, text: &str| {
        let ended = ["pass", "fail", "skip"].map(|action| format!("\"Action\":\"{action}\""));
        let count = text.lines().filter(|line| ended.iter().any(|end| line.contains(end))).count() as u64;
        // Tests that were running when their package failed.
        let running = match name {
            "testdata_input_go-test-json-missing-test-fail.out" | "testdata_input_go-test-json-panic-race-2.out" => 1,
            _ => 0,
        };
        text.contains("\"Action\"").then_some(count + running)
    };
    let Some((sums, refused)) = every("go-test", "go-test2json", ".out", counted) else { return };
    assert_eq!((sums, refused.len()), ([10, 242, 242, 0], 18));
}

#[test]
fn every_real_log_of_github_actions() {
    let counted = |name: &str, text: &str| {
        let step = |line: &str| line.splitn(3, '\t').take(2).map(str::to_owned).collect::<Vec<_>>();
        let steps: Vec<_> = text.lines().map(step).collect();
        (!name.ends_with(".rec")).then(|| steps.chunk_by(|a, b| a == b).count() as u64)
    };
    let Some((sums, refused)) = every("github-actions", "github-actions", "", counted) else { return };
    assert_eq!((sums, refused), ([5, 74, 74, 0], vec!["otel-cicd-action/run.rec".to_owned()]));
}
