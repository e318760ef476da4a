//! Every real JUnit report and TRX file: counted by searching for tags, and converted.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use super::support;

/// How often a tag opens, outside of comments and CDATA. No parser.
fn count(text: &str, tags: &[&str]) -> u64 {
    let mut bare = text.to_owned();
    for (from, to) in [("<!--", "-->"), ("<![CDATA[", "]]>")] {
        while let Some(start) = bare.find(from) {
            let end = bare[start..].find(to).map_or(bare.len(), |end| start + end + to.len());
            bare.replace_range(start..end, "");
        }
    }
    let opens = |tag: &&str| {
        let tag = format!("<{tag}");
        bare.match_indices(&tag)
            .filter(|(place, _)| bare[place + tag.len()..].starts_with([' ', '>', '/', '\n', '\r', '\t']))
            .count() as u64
    };
    tags.iter().map(opens).sum()
}

#[test]
fn every_real_report_of_nunit_and_xunit_net_converts_whole() {
    let Some(root) = support::real() else { return };
    let mut sums = [0; 4];
    for (name, bytes) in support::files(&root.join("junit")) {
        let tags = match dome_adapters::Head::of(&bytes).root() {
            Some("assemblies" | "assembly") => ["test", "error"],
            Some("test-results" | "test-run" | "test-suite") => ["test-case", "error"],
            _ => continue,
        };
        let done = support::one("junit", &name, &bytes);
        let counted = count(&String::from_utf8_lossy(&bytes), &tags);
        assert_eq!(done.counts.records, counted, "{name}: {}", support::shown(&done));
        for finding in done.problems.iter().chain(&done.notes) {
            println!("{finding}");
        }
        for (sum, number) in sums.iter_mut().zip([1, counted, done.envelopes.len() as u64, done.counts.left_out]) {
            *sum += number;
        }
    }
    assert_eq!(sums, [48, 775, 772, 3]);
}

#[test]
fn every_real_trx_file_converts_whole() {
    let Some(root) = support::real() else { return };
    let mut sums = [0; 3];
    for (name, bytes) in support::files(&root.join("junit")) {
        if dome_adapters::Head::of(&bytes).root() != Some("TestRun") {
            continue;
        }
        let done = support::one("trx", &name, &bytes);
        if name == "jenkins-xunit/customTool/testcase1/input.xml" {
            assert_eq!(support::codes(&done.problems), ["wrong_format"], "a `<TestRun>` of another tool");
            continue;
        }
        let counted = count(&String::from_utf8_lossy(&bytes), &["UnitTestResult"]);
        assert_eq!((done.counts.records, done.envelopes.len() as u64), (counted, counted), "{name}");
        assert_eq!((support::shown(&done).as_str(), done.notes.len()), ("", 0), "{name}");
        for (sum, number) in sums.iter_mut().zip([1, counted, done.envelopes.len() as u64]) {
            *sum += number;
        }
    }
    assert_eq!(sums, [8, 143, 143]);
}

const OUTCOMES: [&str; 5] = ["testcase", "rerunFailure", "rerunError", "flakyFailure", "flakyError"];

#[test]
fn every_real_report_converts_whole() {
    let Some(root) = support::real() else { return };
    let mut table = BTreeMap::new();
    for folder in ["junit", "libtest-json"] {
        for (name, bytes) in support::files(&root.join(folder)) {
            let text = String::from_utf8_lossy(&bytes);
            let head = dome_adapters::Head::of(&bytes);
            if !matches!(head.root(), Some("testsuites" | "testsuite")) {
                continue;
            }
            let done = support::one("junit", &name, &bytes);
            let set = format!("{folder}/{}", name.split('/').next().filter(|first| *first != name).unwrap_or_default());
            let row: &mut [u64; 4] = table.entry(set).or_default();
            let counted = count(&text, &OUTCOMES);
            assert_eq!(done.counts.records, counted, "{folder}/{name}: {}", support::shown(&done));
            let envelopes = done.envelopes.len() as u64;
            for (cell, number) in row.iter_mut().zip([1, counted, envelopes, done.counts.left_out]) {
                *cell += number;
            }
            for problem in &done.problems {
                println!("{folder}/{problem}");
            }
        }
    }
    for (set, [files, counted, envelopes, left_out]) in &table {
        println!("| {set} | {files} | {counted} | {envelopes} | {left_out} |");
    }
    let sum = |cell: usize| table.values().map(|row| row.get(cell).unwrap()).sum::<u64>();
    assert_eq!([0, 1, 2, 3].map(sum), [103, 1_740, 1_736, 4]);
}
