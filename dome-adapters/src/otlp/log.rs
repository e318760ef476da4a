//! Log records: those of severity ERROR and FATAL.

use dome_core::CodeClass::Repairable;
use dome_core::Signal;
use serde_json::Value;

use super::attributes::{attribute, enumeration, integer, text};
use super::scope::Scope;
use crate::codes::coded;
use crate::out::Out;
use crate::record::Record;
use crate::when::When;

/// The names of severities from 1, by their number.
const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/// The number that ERROR begins with, and FATAL.
const ERROR: u64 = 17;
const FATAL: u64 = 21;

/// The record of an error; `None` for everything below it.
pub(super) fn record(place: &str, scope: &Scope<'_>, log: &Value, out: &Out<'_>) -> Option<Record> {
    let severity = severity(log).filter(|severity| *severity >= ERROR)?;
    let target = scope.service.clone();
    let mut record = Record::new(place, Signal::Failure, ("service", &target), "run");
    let named = |prefix: &str, key: &str| coded(prefix, &attribute(log, key)?);
    let code = named("EXCEPTION", "exception.type").or_else(|| named("ERROR", "error.type"));
    let plain = if severity >= FATAL { "LOG.FATAL" } else { "LOG.ERROR" };
    record.code = Some((code.unwrap_or_else(|| plain.to_owned()), Repairable));
    let body = log.pointer("/body/stringValue").and_then(Value::as_str).map(str::to_owned);
    record.message = attribute(log, "exception.message").or(body);
    let time = ["timeUnixNano", "observedTimeUnixNano"]
        .iter()
        .find_map(|name| integer(log.get(name)).filter(|time| *time > 0));
    record.when = time.map_or(When::Unknown, When::of_unix_nanoseconds);
    scope.says(&mut record, log, out);
    record.label("severity", text(log, "severityText"));
    record.label("event_name", text(log, "eventName"));
    Some(record)
}

/// The severity's number: itself, its name, or, where there is none, the text where that is such a name.
fn severity(log: &Value) -> Option<u64> {
    let mut names = vec![String::from("UNSPECIFIED")];
    for level in LEVELS {
        names.extend(["", "2", "3", "4"].map(|step| format!("{level}{step}")));
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let number = enumeration(log.get("severityNumber"), "SEVERITY_NUMBER_", &names).filter(|number| *number > 0);
    number.or_else(|| {
        let said = text(log, "severityText")?.to_ascii_uppercase();
        names.iter().position(|name| *name == said).and_then(|place| u64::try_from(place).ok())
    })
}
