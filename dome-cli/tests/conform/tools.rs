//! Tools to judge, and what the machine has to have for it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

use crate::harness::{Ended, Place, left_out, project};

/// Whether the gate can work here. Where it cannot, the test is left out and says so.
pub(crate) fn can_judge() -> bool {
    // Asked once for all tests of one process.
    static MISSING: LazyLock<Option<&str>> = LazyLock::new(missing);
    if let Some(missing) = *MISSING {
        left_out(&format!("no {missing} on this machine"));
    }
    MISSING.is_none()
}

fn missing() -> Option<&'static str> {
    let asked = "import sys; sys.exit(sys.version_info < (3, 11))";
    let python = Command::new("python3").args(["-c", asked]).status().is_ok_and(|status| status.success());
    if !python {
        return Some("Python 3.11");
    }
    (landlock_abi() < 6).then_some("Landlock version 6 in the kernel")
}

/// The version of Landlock that the gate itself finds; 0 without.
fn landlock_abi() -> u64 {
    let place = Place::new();
    let ended = place.dome(&["conform", &shipped("mixed_codes"), "--only", "contract", "--format", "json"], b"");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_default();
    report.pointer("/gate/landlock_abi").and_then(Value::as_u64).unwrap_or(0)
}

/// The folder of the tools that ship.
pub(crate) fn folder() -> PathBuf {
    project("dome-cli/tests/data/tools")
}

/// The manifest of one of them.
pub(crate) fn shipped(name: &str) -> String {
    folder().join(name).join("manifest.json").to_str().unwrap().to_owned()
}

/// Judges a tool; the report, and how the command ended.
pub(crate) fn judged(place: &Place, manifest: &str, more: &[&str]) -> (Value, Ended) {
    let ended = place.dome(&[&["conform", manifest, "--format", "json"], more].concat(), b"");
    assert!([0, 100].contains(&ended.code), "{}", ended.stderr);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["conformant"], ended.code == 0);
    (report, ended)
}

/// One part of a report: its outcome and why.
pub(crate) fn part(report: &Value, check: &str, name: &str) -> (String, String) {
    let checks = report["checks"].as_array().unwrap();
    let check = checks.iter().find(|found| found["name"] == check).unwrap();
    let found = check["parts"].as_array().unwrap().iter().find(|part| part["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no `{name}` in {check}"));
    let text = |member: &str| found[member].as_str().unwrap_or_default().to_owned();
    (text("outcome"), text("why"))
}

/// A copy of a tool that ships, to be changed.
pub(crate) fn copy(place: &Place, name: &str) -> String {
    for entry in walkdir::WalkDir::new(folder().join(name)).into_iter().map(Result::unwrap) {
        if entry.file_type().is_file() {
            let below = entry.path().strip_prefix(folder()).unwrap();
            place.file(below.to_str().unwrap(), std::fs::read(entry.path()).unwrap());
        }
    }
    format!("{name}/manifest.json")
}
