//! What the tests of ingesting share.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{Ended, Place};

/// An envelope of a run: a failing test, at a second of 2026-02-01.
pub(crate) fn failure(run: &str, sequence: u64) -> Value {
    json!({
        "envelope_version": "1", "event_id": format!("e{sequence}"), "sequence": sequence, "run_id": run,
        "task_id": "unit", "group_id": format!("try-{sequence}"),
        "ts": format!("2026-02-01T10:{:02}:{:02}Z", sequence / 60 % 60, sequence % 60),
        "signal": "failure", "wrapper_policy": "strict",
        "task_spec": {
            "scope": "task", "target": {"kind": "test_suite", "id": "unit"}, "action": {"kind": "run_tests"},
            "failure_reason_code": "TESTS_FAILED"
        },
        "gates": [{"gate_id": "unit", "status": "FAIL"}],
        "evidence": [{"path": "logs/unit.txt"}]
    })
}

/// The same with other members.
pub(crate) fn with(mut envelope: Value, members: Value) -> Value {
    for (name, member) in members.as_object().unwrap() {
        envelope[name] = member.clone();
    }
    envelope
}

/// JSON Lines.
pub(crate) fn lines(envelopes: &[Value]) -> String {
    envelopes.iter().map(|envelope| format!("{envelope}\n")).collect()
}

impl Place {
    /// Runs `dome` and expects an exit code.
    pub(crate) fn ends(&self, code: i32, args: &[&str]) -> Ended {
        let ended = self.dome(args, b"");
        assert_eq!(ended.code, code, "{args:?}: {}{}", ended.stdout, ended.stderr);
        ended
    }

    pub(crate) fn ingest(&self, inputs: &[&str]) -> Ended {
        self.ends(0, &[&["ingest", "--store", "s"], inputs].concat())
    }

    /// What a verb prints with `--format json`, the last line of it.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let ended = self.dome(&[args, &["--format", "json"]].concat(), b"");
        serde_json::from_str(ended.stdout.lines().last().unwrap_or_else(|| panic!("{}", ended.stderr))).unwrap()
    }

    pub(crate) fn status(&self) -> Value {
        self.json(&["store", "status", "--store", "s"])
    }

    /// The source of this name in the status.
    pub(crate) fn source(&self, name: &str) -> Value {
        let status = self.status();
        let sources = status["sources"].as_array().unwrap().clone();
        sources.into_iter().find(|source| source["name"] == name).unwrap_or_else(|| panic!("{name}: {status}"))
    }

    pub(crate) fn log(&self) -> BTreeMap<String, Vec<u8>> {
        self.files("s/log")
    }

    /// The store verifies, and its export.
    pub(crate) fn exported(&self) -> BTreeMap<String, String> {
        self.ends(0, &["store", "verify", "--store", "s"]);
        self.ends(0, &["store", "export", "--store", "s", "--out", "exported", "--force"]);
        texts(self.files("exported"))
    }

    /// Holds the export to a replay of these inputs, to the last byte.
    pub(crate) fn equals_a_replay_of(&self, inputs: &[&str]) {
        let exported = self.exported();
        let manifest: Value = serde_json::from_str(&exported["manifest.json"]).unwrap();
        let mut args = [&["replay", "--out", "replayed", "--force", "--redact", "built-in"], inputs].concat();
        let not_after = manifest["not_after"].as_str().unwrap_or_default().to_owned();
        if !not_after.is_empty() {
            args.extend(["--not-after", &not_after]);
        }
        self.ends(0, &args);
        assert_eq!(exported, texts(self.files("replayed")));
    }

    /// Holds what an export derives to a replay of these inputs: where a source was read under another
    /// name, only lineage, quarantine and manifest may differ (M-120).
    pub(crate) fn derives_as_a_replay_of(&self, inputs: &[&str]) {
        let mut exported = self.exported();
        self.ends(0, &[&["replay", "--out", "replayed", "--force"], inputs].concat());
        let mut replayed = texts(self.files("replayed"));
        for may_differ in ["lineage.jsonl", "quarantine.jsonl", "manifest.json"] {
            exported.remove(may_differ);
            replayed.remove(may_differ);
        }
        assert_eq!(exported, replayed);
    }
}

fn texts(files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, String> {
    files.into_iter().map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
}
