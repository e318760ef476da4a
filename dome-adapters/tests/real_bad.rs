//! Every real bad file as every format: a problem with its place, and never a panic.

use std::collections::BTreeMap;

use dome_adapters::{Format, Head};

use super::support;

#[test]
fn every_bad_file_as_every_format_is_reported_or_gives_sound_envelopes() {
    let Some(root) = support::real() else { return };
    let files = support::files(&root.join("bad"));
    assert!(files.len() > 190, "{}", files.len());
    for (name, bytes) in &files {
        let known = Format::of(&Head::of(bytes)).count();
        assert!(known <= 1, "{name}: one format at most");
        for format in Format::all() {
            let done = support::one(format.name(), name, bytes);
            let said = done.problems.len() + done.notes.len() + done.envelopes.len();
            assert!(said > 0 || format.is_together(), "{name} as {format}: not a word");
        }
    }
}

#[test]
fn bad_reports_are_refused_for_what_is_wrong_with_them() {
    let Some(root) = support::real() else { return };
    let mut found = BTreeMap::new();
    for (name, bytes) in support::files(&root.join("bad")) {
        if name.ends_with(".xml") {
            let done = support::one("junit", &name, &bytes);
            let said = done.problems.iter().map(|problem| problem.code.as_str()).collect::<Vec<_>>().join(" ");
            found.insert(name, (done.envelopes.len(), said));
        }
    }
    let shown: Vec<_> = found
        .iter()
        .map(|(name, (envelopes, said))| format!("{name}: {envelopes} {said}").trim_end().to_owned())
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    EnricoMi/junit-xml/no-cases-but-tests.xml: 0 outcome_missing
    EnricoMi/junit-xml/non-junit.xml: 0 wrong_format
    EnricoMi/junit-xml/pytest/corrupt-xml.xml: 1 xml_invalid
    EnricoMi/junit-xml/unsupported-unicode.xml: 7
    EnricoMi/junit-xml/with-xml-entities.xml: 4
    EnricoMi/junit-xml/xunit/xunit.xml: 2
    EnricoMi/nunit/nunit3/jenkins/NUnit-issue17521.xml: 2
    EnricoMi/nunit/nunit3/jenkins/NUnit-issue47367.xml: 0 xml_invalid
    EnricoMi/nunit/nunit3/jenkins/NUnit-sec1752-file.xml: 0 xml_invalid
    EnricoMi/xml/non-xml.xml: 0 xml_invalid
    jenkins-junit/JENKINS-30413.xml: 2
    jenkins-junit/junit-report-empty-testcasename.xml: 1
    jenkins-junit/testXxe-oob.xml: 0 xml_invalid
    jenkins-xunit/boosttest/testcase2/testlog-testresult.xml: 0 wrong_format
    jenkins-xunit/boosttest/testcase21/testlog-testresult.xml: 0 wrong_format
    jenkins-xunit/cunit/testcase1/input.xml: 0 wrong_format
    jenkins-xunit/cunit/testcase3/input.xml: 0 wrong_format
    jenkins-xunit/fpcunit/testcase1/input.xml: 0 wrong_format
    mikepenz/TEST-test.CorruptTest.xml: 0 xml_invalid
    "#);
}
