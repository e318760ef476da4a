//! JUnit, case by case.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use dome_adapters::ConvertOptions;

use super::support::{codes, many, one, options, outcomes, shown};

fn report(cases: &str) -> String {
    format!("<testsuites><testsuite name='s' timestamp='2026-01-01T10:00:00Z'>{cases}</testsuite></testsuites>")
}

#[test]
fn every_way_to_end_is_an_outcome() {
    let cases = r#"
        <testcase classname="c" name="passed" time="1,234.5"/>
        <testcase classname="c" name="failed" time="0.25"><failure type="java.lang.AssertionError" message="1 is not 2">trace</failure></testcase>
        <testcase classname="c" name="prose"><failure type="test failure with exit code 101">at line 1</failure></testcase>
        <testcase classname="c" name="error"><error>broken &amp; <![CDATA[<gone>]]></error></testcase>
        <testcase classname="c" name="timeout"><failure type="test timeout"/></testcase>
        <testcase classname="c" name="abort"><failure type="test abort"/></testcase>
        <testcase classname="c" name="skipped"><skipped message="not today"/></testcase>
        <testcase classname="c" name="notrun" status="notrun"/>
        <testcase classname="c" name="disabled" status="disabled"><failure type="X">no matter</failure></testcase>
        <testcase classname="c" name="both"><failure type="AssertionError" message="one"/><error type="TypeError" message="two"/></testcase>
        <testcase name="of its suite"/>
        <testcase classname="c" name="c.full"/>
        <testcase classname="c"/>"#;
    let done = one("junit", "r.xml", report(cases).as_bytes());
    assert_eq!(shown(&done), "");
    insta::assert_snapshot!(outcomes(&done), @r#"
    success c::passed 1234500 ms
    failure c::failed EXCEPTION.ASSERTION_ERROR 250 ms `1 is not 2`
    failure c::prose TEST.FAILED `at line 1`
    failure c::error TEST.ERROR `broken & <gone>`
    failure c::timeout TEST.TIMEOUT
    failure c::abort TEST.ABORTED
    observation c::skipped `not today`
    observation c::notrun
    observation c::disabled
    failure c::both EXCEPTION.ASSERTION_ERROR `one`
    success s::of its suite
    success c.full
    success c
    "#);
}

#[test]
fn a_case_that_was_tried_again_is_as_many_outcomes_in_order() {
    let cases = r#"
        <testcase classname="c" name="flaky" time="0.3" timestamp="2026-01-01T10:00:02Z">
            <flakyFailure message="first" time="0.1" timestamp="2026-01-01T10:00:00Z" type="AssertionError"><stackTrace>t</stackTrace><system-out>noise</system-out></flakyFailure>
            <flakyError message="second" time="0.2" timestamp="2026-01-01T10:00:01Z" type="IOException"/>
        </testcase>
        <testcase classname="c" name="lost">
            <failure message="first"/><rerunFailure message="second"/><rerunError type="X" message="third"/>
        </testcase>"#;
    let options = ConvertOptions { revision: Some("46ea5e0".parse().unwrap()), ..options() };
    let done = many("junit", &[("r.xml", report(cases).as_bytes())], &options);
    insta::assert_snapshot!(outcomes(&done), @r#"
    failure c::flaky EXCEPTION.ASSERTION_ERROR attempt 1 100 ms `first`
    failure c::flaky EXCEPTION.IO_EXCEPTION attempt 2 200 ms `second`
    success c::flaky attempt 3 300 ms
    failure c::lost TEST.FAILED attempt 1 `first`
    failure c::lost TEST.FAILED attempt 2 `second`
    failure c::lost EXCEPTION.X attempt 3 `third`
    "#);
    let flaky = &done.envelopes[2];
    assert_eq!((flaky.labels.get("flaky"), flaky.remedy.is_some()), (Some("true"), false), "the commit mended nothing");
    assert!(done.envelopes.iter().all(|one| one.subject == flaky.subject), "all at one subject");
    assert_eq!(flaky.subject.as_ref().unwrap().revision.as_str(), "46ea5e0");
    assert!(done.envelopes[..3].is_sorted_by_key(|envelope| envelope.ts));
}

#[test]
fn an_outcome_says_what_was_tested_as_the_user_has_it() {
    let options = ConvertOptions {
        revision: Some("46EA5E0".parse().unwrap()),
        repository: Some("github.com/acme/app".parse().unwrap()),
        job: Some("linux".parse().unwrap()),
        base_revision: Some("b0b".parse().unwrap()),
        dirty: Some(false),
        lane: Some("main".parse().unwrap()),
        ..options()
    };
    let done = many("junit", &[("r.xml", report("<testcase classname='c' name='n'/>").as_bytes())], &options);
    insta::assert_snapshot!(String::from_utf8(done.envelopes[0].to_canonical()).unwrap(), @r#"{"env":{},"envelope_version":"1","event_id":"r.xml@f13cc34efdce#1 [linux]","evidence":[{"bytes":124,"path":"r.xml","sha256":"f13cc34efdce1cf229961f3fa5a3ba2ddc547ecd87f0605f97153551cd7de521"}],"gates":[{"gate_id":"test","status":"PASS"}],"group_id":"r.xml@f13cc34efdce#1 [linux]","guard_evals":[],"labels":{"suite":"s"},"lane":"main","run_id":"run/r.xml","sequence":1,"signal":"success","subject":{"base_revision":"b0b","dirty":false,"job":"linux","repository":"github.com/acme/app","revision":"46EA5E0"},"task_id":"c::n","task_spec":{"action":{"kind":"test"},"failure_reason_code":"NONE","scope":"task","target":{"id":"c::n","kind":"test"}},"ts":"2026-01-01T10:00:00Z","wrapper_policy":"strict"}"#);
}

#[test]
fn run_and_time_come_from_the_data_or_the_user_and_from_nowhere_else() {
    let untimed = "<testsuite name='s'><testcase name='a'/><testcase name='b'/></testsuite>";
    let local = "<testsuite name='s' timestamp='2026-01-01T10:00:00'><testcase name='a'/></testsuite>";
    let own = "<testsuites uuid='u'><testsuite timestamp='2026-01-01T10:00:00+01:00'><testcase name='a'/></testsuite></testsuites>";
    let none = ConvertOptions::default();
    let run = ConvertOptions { run_id: Some("r".parse().unwrap()), ..ConvertOptions::default() };
    let done = |text: &str, options: &ConvertOptions| many("junit", &[("r.xml", text.as_bytes())], options);
    insta::assert_snapshot!(shown(&done(untimed, &none)), @"r.xml:testcase 1: nothing says which run this is (and 1 more); expected `--run-id ID`, or `--run-id {name}` to make each file a run [run_missing]");
    insta::assert_snapshot!(shown(&done(untimed, &run)), @"r.xml:testcase 1: the record has no time (and 1 more); expected `--ts TIME`, or `--sequence-from mtime` [time_missing]");
    insta::assert_snapshot!(shown(&done(local, &run)), @"r.xml:testcase 1: the time `2026-01-01T10:00:00` has no offset, so that it is no instant; expected `--zone OFFSET` such as `--zone Z`; or `--ts TIME`, or `--sequence-from mtime`, which stand in for it [time_missing]");
    let zoned = ConvertOptions { zone: Some("-02:00".parse().unwrap()), ..run };
    assert_eq!(done(local, &zoned).envelopes[0].ts.to_string(), "2026-01-01T12:00:00Z");
    let found = done(own, &none);
    assert_eq!(
        (found.envelopes[0].run_id.as_str(), found.envelopes[0].ts.to_string()),
        ("u", "2026-01-01T09:00:00Z".into())
    );
}

#[test]
fn what_is_said_of_no_revision_is_left_out_and_the_missing_option_named() {
    let text = report("<testcase name='a'/><testcase name='b'/>");
    let done = |options: ConvertOptions| many("junit", &[("r.xml", text.as_bytes())], &options);
    let job = ConvertOptions { job: Some("linux".parse().unwrap()), ..options() };
    insta::assert_snapshot!(shown(&done(job.clone())), @"r.xml:testcase 1: `--job` given, and nothing says of which revision (and 1 more); expected `--revision REVISION`: a subject is a revision, and the rest is about it [revision_missing]");
    let whole = done(ConvertOptions { revision: Some("v1".parse().unwrap()), ..job });
    assert_eq!((whole.envelopes.len(), shown(&whole).as_str()), (2, ""));
    let clean = done(ConvertOptions { dirty: Some(false), ..options() });
    assert!(clean.envelopes.iter().all(|one| one.subject.is_none()), "nothing is said of it");
}

#[test]
fn files_of_one_run_follow_each_other_by_name_whatever_their_order() {
    let [a, b] = ["<testcase name='x'/>", "<testcase name='x'/><testcase name='y'/>"].map(report);
    let options = ConvertOptions { run_id: Some("r".parse().unwrap()), ..options() };
    let files = [("a.xml", a.as_bytes()), ("b.xml", b.as_bytes())];
    let done = many("junit", &files, &options);
    let sequences: Vec<_> = done.envelopes.iter().map(|one| (one.sequence, one.event_id.as_str())).collect();
    assert!(sequences.iter().map(|(sequence, _)| *sequence).eq([1, 2, 3]), "{sequences:?}");
    assert_eq!(many("junit", &[files[1], files[0]], &options), done);
    let twice = many("junit", &[files[0], files[0]], &options);
    assert_eq!((twice.envelopes.len(), twice.notes[0].code.as_str()), (1, "record_repeated"));
}

#[test]
fn reports_are_read_in_their_own_encoding() {
    let utf16: Vec<u8> =
        "<?xml version='1.0' encoding='utf-16'?><testsuite name='s'><testcase name='é😀'/></testsuite>"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><testsuite name='s'><testcase name='\xE9'/></testsuite>";
    let name = |bytes: &[u8]| one("junit", "r.xml", bytes).envelopes[0].task_spec.target.id.to_string();
    assert_eq!((name(&utf16), name(latin)), ("s::é😀".to_owned(), "s::é".to_owned()));
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_was_expected() {
    let bomb = format!(
        "<!DOCTYPE l [<!ENTITY a 'ha'>{}]><testsuite><testcase name='a'><failure>&a9;</failure></testcase></testsuite>",
        (1..10).map(|n| format!("<!ENTITY a{n} '{}'>", format!("&a{};", n - 1).repeat(10))).collect::<String>()
    );
    let outside = "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><testsuite><testcase name='&e;'/></testsuite>";
    let said = |text: &[u8]| shown(&one("junit", "r.xml", text));
    let mut all = String::new();
    for text in [
        bomb.as_bytes(),
        outside.as_bytes(),
        b"",
        b"no xml",
        b"{\"a\": 1}",
        b"<html/>",
        b"<testsuite><testcase name='a'>",
        b"<testsuite><testcase name='a'/></testsuites>",
        b"<testsuite><testcase name='a'/>\xE9</testsuite>",
        b"<testsuite><testcase name=a/></testsuite>",
        b"<testsuite><testcase name='a' name='b'/></testsuite>",
        b"<testsuite/><testsuite/>",
        b"<testsuite tests='2' failures='1'/>",
        b"<testsuite><testcase/></testsuite>",
        b"<testsuite><testcase name='&#0;'/></testsuite>",
    ] {
        all.push_str(&said(text));
        all.push('\n');
    }
    insta::assert_snapshot!(all, @r#"
    r.xml:byte 569: the entity `&a9;` is not expanded; expected `&lt;`, `&gt;`, `&amp;`, `&apos;`, `&quot;` or a character reference [xml_invalid]
    r.xml:byte 87: not XML: at 1..2: unrecognized entity `e`; expected an XML document [xml_invalid]
    r.xml:byte 0: the document has no element; expected JUnit XML of any tool (`testsuites`, `testsuite`), and the XML of NUnit and xUnit.net [xml_invalid]
    r.xml:byte 6: text outside of elements: `no xml`; expected an XML document [xml_invalid]
    r.xml:byte 8: text outside of elements: `{"a": 1}`; expected an XML document [xml_invalid]
    r.xml:byte 7: the root element is `<html>`; expected `<testsuites>`, `<testsuite>`, or a root of NUnit or xUnit.net [wrong_format]
    r.xml:byte 30: the document ends inside of `<testcase>`; expected `</testcase>` [xml_invalid]
    r.xml:byte 31: not XML: ill-formed document: expected `</testsuite>`, but `</testsuites>` was found; expected an XML document [xml_invalid]
    r.xml: byte 31 does not begin a character in UTF-8; expected text in the encoding that the file declares [encoding_invalid]
    r.xml:byte 29: not XML: position 14: attribute value must be enclosed in `"` or `'`; expected an XML document [xml_invalid]
    r.xml:byte 40: not XML: an element has the attribute `name` twice; expected an XML document [xml_invalid]
    r.xml:byte 24: a second root element, `<testsuite>`; expected the end of the document [xml_invalid]
    r.xml:byte 35: the suite counts failures among 2 tests and holds no `<testcase>`; expected the cases that are counted [outcome_missing]
    r.xml:testcase 1: the record names nothing that it is about; expected a name [record_malformed]
    r.xml:byte 34: not XML: invalid character reference: 0x0 character is not permitted in XML; expected an XML document [xml_invalid]
    "#);
}

/// Declarations of namespaces are attributes: holding each against all before it would take the square of their number.
#[test]
fn an_element_has_no_more_attributes_than_it_may() {
    let report = |name: &str, count: usize| {
        let attributes: String = (0..count).map(|number| format!(" {name}{number}='x'")).collect();
        one("junit", "r.xml", report(&format!("<testcase name='a'{attributes}/>")).as_bytes())
    };
    for name in ["a", "xmlns:a"] {
        assert_eq!(outcomes(&report(name, 1_023)), "success s::a", "{name}");
        for many in [1_024, 100_000] {
            let done = report(name, many);
            assert!(
                shown(&done).contains("an element has more than 1024 attributes"),
                "{name} {many}: {}",
                shown(&done)
            );
        }
    }
}

#[test]
fn a_report_that_is_cut_off_keeps_the_cases_before_the_cut() {
    let whole = report("<testcase name='a'/><testcase name='b'/>");
    let cut = whole.find("<testcase name='b'").unwrap() + 4;
    let done = one("junit", "r.xml", &whole.as_bytes()[..cut]);
    assert_eq!((outcomes(&done).as_str(), codes(&done.problems)), ("success s::a", vec!["xml_invalid"]));
}

#[test]
fn nunit_and_xunit_net_say_how_a_case_ended_in_attributes() {
    let nunit3 = r#"<test-run id="2" start-time="2026-01-01 10:00:00Z"><test-suite><test-case fullname="N.C.A" classname="N.C"
        result="Passed" duration="0.25" start-time="2026-01-01 10:00:05Z"/><test-case fullname="N.C.B" classname="N.C"
        result="Failed" label="Error"><failure><message>no</message><stack-trace>at</stack-trace></failure></test-case>
        <test-case fullname="N.C.C" result="Failed"/><test-case fullname="N.C.D" result="Skipped" label="Ignored"><reason>
        <message>later</message></reason></test-case><test-case fullname="N.C.E" result="Failed" label="Cancelled"/>
        <test-case fullname="N.C.F" result="Odd"/><test-case fullname="N.C.G"/></test-suite></test-run>"#;
    let nunit2 = r#"<test-results date="2026-01-01" time="10:00:00"><test-suite><results><test-case name="N.A" executed="True"
        success="True" time="0.5"/><test-case name="N.B" executed="True" success="False"><failure><message>no</message>
        </failure></test-case><test-case name="N.C" executed="False"/></results></test-suite></test-results>"#;
    let xunit = r#"<assemblies><assembly run-date="2026-01-01" run-time="10:00:00"><errors><error type="cleanup" name="x">
        <failure exception-type="System.Exception"><message>gone</message></failure></error></errors><collection>
        <test name="N.C.A" type="N.C" result="Pass" time="1.5"/><test name="shown" type="N.C" result="Fail"><failure
        exception-type="Xunit.Sdk.TrueException"><message>no</message></failure></test><test name="N.C.S" type="N.C"
        result="Skip"><reason>later</reason></test></collection></assembly></assemblies>"#;
    let mut all = String::new();
    for text in [nunit3, nunit2, xunit] {
        let done = one("junit", "r.xml", text.as_bytes());
        all.push_str(&format!("{}\n{}\n", outcomes(&done), shown(&done)));
    }
    insta::assert_snapshot!(all, @r#"
    success N.C.A 250 ms
    failure N.C.B TEST.ERROR `no`
    failure N.C.C TEST.FAILED
    observation N.C.D `later`
    failure N.C.E TEST.ABORTED
    r.xml:test-case 6: the result is `Odd`; expected a result that is final [status_unknown]
    r.xml:test-case 7: the case has no `result`; expected a result that is final [status_unknown]
    success N.A 500 ms
    failure N.B TEST.FAILED `no`
    observation N.C

    failure cleanup::x EXCEPTION.EXCEPTION `gone`
    success N.C.A 1500 ms
    failure N.C::shown EXCEPTION.TRUE_EXCEPTION `no`
    observation N.C.S `later`
    "#);
}
