//! The failure codes: one for each way in which the harness says that a trial failed.

use std::borrow::Cow;

use dome_core::CodeClass::{Advisory, Repairable, Structural};

use crate::codes::means;
use crate::format::CodeMeaning;

/// The code of a trial whose tests ran and did not all pass.
pub(super) const TESTS_FAILED: &str = "TESTS_FAILED";

/// What the codes mean, by code.
pub(crate) const CODE_MEANINGS: &[CodeMeaning] = &[
    means("AGENT.CONTEXT_LENGTH_EXCEEDED", Structural, "the agent's conversation outgrew the context of its model"),
    means("AGENT.FATAL_LLM_PARSE_ERROR", Repairable, "the model kept giving answers that the agent could not read"),
    means("AGENT.INSTALLATION_FAILED", Advisory, "the agent could not be installed in the task's container"),
    means("AGENT.OUTPUT_LENGTH_EXCEEDED", Structural, "the model's answer outgrew the length that it may have"),
    means("AGENT.TIMEOUT", Repairable, "the agent used up its time, and the tests did not all pass afterwards"),
    means("AGENT.UNKNOWN_ERROR", Advisory, "the agent or the harness around it broke off with an error"),
    means("TESTS.PARSE_ERROR", Repairable, "the harness found no readable test results in what the tests printed"),
    means("TESTS.TIMEOUT", Repairable, "the tests did not end in their time"),
    means(TESTS_FAILED, Repairable, "the tests ran, and not all of them passed"),
    means("TRIAL.UNKNOWN", Advisory, "the trial failed, and the harness says that it does not know why"),
];

/// The failure code of a `failure_mode`, where that says that something failed.
///
/// `unset` and `none` name no failure of their own. A mode that this build does not know becomes
/// `TRIAL.` with the mode in upper case, if that is a code (M-04).
pub(super) fn code_of(mode: &str) -> Option<Cow<'static, str>> {
    let known = match mode {
        "unset" | "none" => return None,
        "agent_installation_failed" => "AGENT.INSTALLATION_FAILED",
        "agent_timeout" => "AGENT.TIMEOUT",
        "context_length_exceeded" => "AGENT.CONTEXT_LENGTH_EXCEEDED",
        "fatal_llm_parse_error" => "AGENT.FATAL_LLM_PARSE_ERROR",
        "output_length_exceeded" => "AGENT.OUTPUT_LENGTH_EXCEEDED",
        "parse_error" => "TESTS.PARSE_ERROR",
        "test_timeout" => "TESTS.TIMEOUT",
        "unknown" => "TRIAL.UNKNOWN",
        "unknown_agent_error" => "AGENT.UNKNOWN_ERROR",
        other => return Some(format!("TRIAL.{}", other.to_ascii_uppercase()).into()),
    };
    Some(known.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The failure modes of terminal-bench 0.2.18.
    const MODES: [&str; 11] = [
        "agent_installation_failed",
        "agent_timeout",
        "context_length_exceeded",
        "fatal_llm_parse_error",
        "none",
        "output_length_exceeded",
        "parse_error",
        "test_timeout",
        "unknown",
        "unknown_agent_error",
        "unset",
    ];

    #[test]
    fn every_mode_of_the_harness_has_a_code_with_a_meaning_of_its_own() {
        let mut codes: Vec<_> = MODES.iter().filter_map(|mode| code_of(mode)).collect();
        codes.push(TESTS_FAILED.into());
        codes.sort();
        assert_eq!(codes, CODE_MEANINGS.iter().map(|meaning| meaning.code).collect::<Vec<_>>());
    }

    #[test]
    fn the_table_beside_this_file_is_the_one_that_is_printed() {
        let table = dome_core::CodeTable::parse(include_bytes!("reason-codes.json"));
        assert_eq!(table, Ok(crate::codes::table(CODE_MEANINGS.iter().map(|known| (known.code, known.class)))));
    }

    #[test]
    fn a_mode_of_a_later_harness_keeps_its_name() {
        assert_eq!(code_of("setup_timeout").as_deref(), Some("TRIAL.SETUP_TIMEOUT"));
    }
}
