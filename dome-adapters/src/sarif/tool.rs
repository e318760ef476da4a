//! How the tool itself did: its invocations, and the errors that it reports of itself.

use dome_core::CodeClass::Advisory;
use dome_core::{Signal, Status};
use serde_json::Value;

use super::run::Run;
use super::text::{message, text};
use crate::codes::coded;
use crate::out::Out;
use crate::record::Record;
use crate::when::When;

/// The gate of an invocation: whether the tool ran as it should.
const GATE: &str = "execution";

pub(super) fn invocations(run: &Run<'_>, out: &mut Out<'_>) {
    let invocations = run.value.get("invocations").and_then(Value::as_array);
    for (number, invocation) in invocations.into_iter().flatten().enumerate() {
        let place = format!("{}/invocations/{number}", run.place);
        let mut erred = false;
        for list in ["toolConfigurationNotifications", "toolExecutionNotifications"] {
            let notifications = invocation.get(list).and_then(Value::as_array);
            for (number, notification) in notifications.into_iter().flatten().enumerate() {
                if notification.get("level").and_then(Value::as_str) == Some("error") {
                    erred = true;
                    error(run, &format!("{place}/{list}/{number}"), notification, out);
                }
            }
        }
        if let Some(successful) = invocation.get("executionSuccessful").and_then(Value::as_bool) {
            ended(run, &place, invocation, (successful, erred), out);
        }
    }
}

fn record(run: &Run<'_>, place: &str, signal: Signal) -> Record {
    let mut record = Record::new(place, signal, ("tool", run.tool), "analyse");
    if signal == Signal::Failure {
        record.gates = vec![(GATE.to_owned(), Status::Fail)];
    }
    record
}

/// An error of the tool: the kind of its exception says what it is, else its own id.
fn error(run: &Run<'_>, place: &str, notification: &Value, out: &mut Out<'_>) {
    let mut record = record(run, place, Signal::Failure);
    let name = notification.pointer("/exception/kind").or_else(|| notification.pointer("/descriptor/id"));
    let code = name.and_then(text).and_then(|name| coded("TOOL", name));
    record.code = Some((code.unwrap_or_else(|| "TOOL.NOTIFICATION".to_owned()), Advisory));
    record.when = notification.get("timeUtc").and_then(text).map_or(When::Unknown, When::of);
    record.message = notification.get("message").and_then(|said| message(said, None));
    run.says(&mut record);
    out.push(&record);
}

/// The end of an invocation. One that ended well and reported errors says neither.
fn ended(run: &Run<'_>, place: &str, invocation: &Value, (successful, erred): (bool, bool), out: &mut Out<'_>) {
    let signal = match (successful, erred) {
        (true, false) => Signal::Success,
        (true, true) => Signal::Observation,
        (false, _) => Signal::Failure,
    };
    let mut record = record(run, place, signal);
    match signal {
        Signal::Success => record.gates = vec![(GATE.to_owned(), Status::Pass)],
        Signal::Failure => record.code = Some(("TOOL.EXECUTION_FAILED".to_owned(), Advisory)),
        _ => {}
    }
    let said = |name: &str| invocation.get(name).filter(|value| !value.is_null());
    record.label("exit_code", said("exitCode").map(Value::to_string).as_deref());
    record.label("exit_signal", said("exitSignalName").and_then(text));
    record.message = said("exitCodeDescription").and_then(text).filter(|_| !successful).map(str::to_owned);
    run.says(&mut record);
    out.push(&record);
}
