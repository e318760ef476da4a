//! TRX, case by case.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use super::support::{one, outcomes, shown};

fn run(results: &str) -> String {
    format!(
        "<TestRun id='run' xmlns='http://microsoft.com/schemas/VisualStudio/TeamTest/2010'>
           <Times finish='2026-01-01T10:00:09+01:00'/><Results>{results}</Results>
           <TestDefinitions><UnitTest id='t'><TestMethod className='N.C, Assembly, Version=1' name='M'/></UnitTest>
           </TestDefinitions></TestRun>"
    )
}

#[test]
fn every_outcome_is_one_or_is_refused() {
    let all = [
        "Passed",
        "PassedButRunAborted",
        "Failed",
        "Error",
        "NotRunnable",
        "Timeout",
        "Aborted",
        "Disconnected",
        "NotExecuted",
        "Inconclusive",
        "InProgress",
        "Warning",
    ];
    let results: String = all
        .iter()
        .map(|outcome| format!("<UnitTestResult testId='t' testName='{outcome}' outcome='{outcome}'/>"))
        .collect();
    let done = one("trx", "r.trx", run(&format!("{results}<UnitTestResult testName='none'/>")).as_bytes());
    insta::assert_snapshot!(outcomes(&done), @r#"
    success N.C::Passed
    success N.C::PassedButRunAborted
    failure N.C::Failed TEST.FAILED
    failure N.C::Error TEST.ERROR
    failure N.C::NotRunnable TEST.ERROR
    failure N.C::Timeout TEST.TIMEOUT
    failure N.C::Aborted TEST.ABORTED
    failure N.C::Disconnected TEST.ABORTED
    observation N.C::NotExecuted
    observation N.C::Inconclusive
    "#);
    insta::assert_snapshot!(shown(&done), @r#"
    r.trx:result 11: the outcome is `InProgress`; expected `Passed`, `Failed`, `Error`, `Timeout`, `Aborted`, `NotExecuted` or another one that is final [status_unknown]
    r.trx:result 12: the outcome is `Warning`; expected `Passed`, `Failed`, `Error`, `Timeout`, `Aborted`, `NotExecuted` or another one that is final [status_unknown]
    r.trx:result 13: the result has no `outcome`; expected `Passed`, `Failed`, `Error`, `Timeout`, `Aborted`, `NotExecuted` or another one that is final [outcome_missing]
    "#);
}

#[test]
fn a_result_has_its_run_id_time_duration_and_message() {
    let result = "<UnitTestResult executionId='e' testId='t' testName='N.C.M' computerName='host' duration='00:00:01.5'
        startTime='2026-01-01T10:00:00+01:00' endTime='2026-01-01T10:00:02+01:00' outcome='Failed'>
        <Output><StdOut>noise</StdOut><ErrorInfo><Message>1 is not 2</Message><StackTrace>at</StackTrace></ErrorInfo></Output>
        </UnitTestResult>";
    let done = one("trx", "r.trx", run(result).as_bytes());
    insta::assert_snapshot!(String::from_utf8(done.envelopes[0].to_canonical()).unwrap(), @r#"{"duration_ms":1500,"env":{},"envelope_version":"1","event_id":"e","evidence":[{"bytes":666,"path":"r.trx","sha256":"97844d5f07de03f62d90ea85c169314dbe42f37a62f05f165dc04a5d16fb5af0"}],"gates":[{"gate_id":"test","status":"FAIL"}],"group_id":"e","guard_evals":[],"labels":{"hostname":"host"},"message":"1 is not 2","run_id":"run","sequence":1,"signal":"failure","task_id":"N.C.M","task_spec":{"action":{"kind":"test"},"failure_reason_code":"TEST.FAILED","scope":"task","target":{"id":"N.C.M","kind":"test"}},"ts":"2026-01-01T09:00:02Z","wrapper_policy":"strict"}"#);
}

#[test]
fn results_inside_of_a_result_are_outcomes_of_their_own() {
    let result = "<UnitTestResult executionId='e' testName='all' outcome='Failed'><InnerResults>
        <UnitTestResult executionId='f' testName='row 0' outcome='Passed'/>
        <UnitTestResult executionId='g' testName='row 1' outcome='Failed'><Output><ErrorInfo><Message>no</Message></ErrorInfo></Output></UnitTestResult>
        </InnerResults></UnitTestResult>";
    let done = one("trx", "r.trx", run(&format!("{result}{result}")).as_bytes());
    insta::assert_snapshot!(outcomes(&done), @r#"
    failure all TEST.FAILED
    success row 0
    failure row 1 TEST.FAILED `no`
    "#);
    assert_eq!((done.counts.records, done.counts.repeated), (6, 3), "an id that stands twice is one outcome");
}

#[test]
fn an_id_that_stands_for_two_outcomes_is_a_conflict() {
    let results = "<UnitTestResult executionId='e' testName='a' outcome='Passed'/>
        <UnitTestResult executionId='e' testName='a' outcome='Failed'/>";
    let done = one("trx", "r.trx", run(results).as_bytes());
    insta::assert_snapshot!(shown(&done), @"r.trx:result 2: another record of the run has the id `e` and says something else; expected each record once [record_conflict]");
}

#[test]
fn a_file_that_is_cut_off_keeps_the_results_before_the_cut() {
    let whole = run("<UnitTestResult testName='a' outcome='Passed'/><UnitTestResult testName='b' outcome='Passed'/>");
    let cut = whole.find("'b'").unwrap();
    let done = one("trx", "r.trx", &whole.as_bytes()[..cut]);
    assert_eq!(outcomes(&done), "success a");
    assert!(shown(&done).contains("[xml_invalid]"), "{}", shown(&done));
}
