//! Twelve whole runs, where they are at hand: `DOME_REAL_DATA` names the folder that holds them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use dome_adapters::ConvertOptions;

use super::support::terminal_bench::{bytes, run};
use super::support::{codes, real_files};

#[test]
fn twelve_real_runs_convert_whole_and_to_the_same_bytes_in_any_order() {
    let Some(mut folder) = real_files("terminal-bench/danau5tin") else { return };
    let done = run(&folder, &ConvertOptions::default());
    assert_eq!((codes(&done.problems), codes(&done.notes)), (vec![], vec![]));
    assert_eq!((folder.len(), done.counts.records, done.envelopes.len()), (24, 3_440, 3_440));
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for envelope in &done.envelopes {
        let mode = envelope.labels.get("failure_mode").unwrap();
        let code = envelope.task_spec.failure_reason_code.as_str();
        *counts.entry((mode, envelope.signal.as_str(), code)).or_default() += 1;
    }
    let expected = [
        (("agent_timeout", "failure", "AGENT.TIMEOUT"), 1_020),
        (("agent_timeout", "success", "NONE"), 86),
        (("parse_error", "failure", "TESTS.PARSE_ERROR"), 102),
        (("test_timeout", "failure", "TESTS.TIMEOUT"), 63),
        (("unknown_agent_error", "failure", "AGENT.UNKNOWN_ERROR"), 91),
        (("unset", "failure", "TESTS_FAILED"), 1_727),
        (("unset", "success", "NONE"), 351),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
    assert_eq!(done.envelopes.chunk_by(|a, b| a.run_id == b.run_id).count(), 43, "attempts of twelve runs");
    let untimed = done.envelopes.iter().filter(|envelope| envelope.duration_ms.is_none()).count();
    assert_eq!(untimed, 91, "trials that happened when their run ended, for all that is known");
    let lines = bytes(&done);
    for step in [1, 7, 11] {
        folder.rotate_left(step);
        assert!(bytes(&run(&folder, &ConvertOptions::default())) == lines, "rotated by {step} more");
    }
    folder.reverse();
    assert!(bytes(&run(&folder, &ConvertOptions::default())) == lines, "reversed");
}
