//! The failure codes of steps: the runner's own words on how a step ended, and nothing else.

use dome_core::CodeClass::{self, Advisory, Repairable};

use crate::codes::means;
use crate::format::CodeMeaning;

/// What the codes mean, by code.
pub(super) const CODES: &[CodeMeaning] = &[
    means("STEP.CANCELED", Advisory, "the run was canceled while the step was running"),
    means("STEP.ERROR_REPORTED", Advisory, "the step reported an error, and the log does not say whether it failed"),
    means("STEP.EXIT_1", Repairable, "the step's process ended with exit code 1"),
    means(
        "STEP.EXIT_101",
        Repairable,
        "the step's process ended with exit code 101: a panic, or tests of cargo that failed",
    ),
    means("STEP.EXIT_126", Repairable, "the step's process ended with exit code 126: a command could not be run"),
    means("STEP.EXIT_127", Repairable, "the step's process ended with exit code 127: a command was not found"),
    means("STEP.EXIT_128", Repairable, "the step's process ended with exit code 128"),
    means("STEP.EXIT_130", Advisory, "the step's process ended with exit code 130: it was interrupted"),
    means("STEP.EXIT_134", Repairable, "the step's process ended with exit code 134: it aborted"),
    means(
        "STEP.EXIT_137",
        Repairable,
        "the step's process ended with exit code 137: it was killed, often for want of memory",
    ),
    means("STEP.EXIT_139", Repairable, "the step's process ended with exit code 139: a fault of memory"),
    means("STEP.EXIT_143", Advisory, "the step's process ended with exit code 143: it was asked to end"),
    means("STEP.EXIT_2", Repairable, "the step's process ended with exit code 2"),
    means("STEP.TIMEOUT", Repairable, "the step or its job ran longer than it may"),
];

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The runner says that it failed, and how.
    Failed(String),
    /// An error was written that a step that succeeds can write too.
    Reported,
}

/// What an error line says. The wording is the runner's, and has been the same since 2019.
pub(super) fn of(error: &str) -> End {
    let error = error.trim();
    let between = |start: &str, end: &str| error.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    let exit = between("Process completed with exit code ", ".").and_then(|code| code.parse::<i64>().ok());
    if let Some(code) = exit {
        return End::Failed(format!("STEP.EXIT_{}", code.rem_euclid(1 << 32)));
    }
    let minutes = |rest: Option<&str>| rest.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let late = |mark: &str| minutes(error.split_once(mark).and_then(|(_, rest)| rest.strip_suffix(" minutes.")));
    if error == "The operation was canceled." {
        End::Failed("STEP.CANCELED".to_owned())
    } else if late("has exceeded the maximum execution time of ") || late("has timed out after ") {
        End::Failed("STEP.TIMEOUT".to_owned())
    } else {
        End::Reported
    }
}

/// The class of a code.
pub(super) fn class(code: &str) -> CodeClass {
    CODES.iter().find(|known| known.code == code).map_or(Repairable, |known| known.class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_runners_own_words_say_that_a_step_failed() {
        let failed = |code: &str| End::Failed(code.to_owned());
        for (error, end) in [
            ("Process completed with exit code 1.", failed("STEP.EXIT_1")),
            ("Process completed with exit code -1073741819.", failed("STEP.EXIT_3221225477")),
            ("The operation was canceled.", failed("STEP.CANCELED")),
            ("The action 'Run tests' has timed out after 5 minutes.", failed("STEP.TIMEOUT")),
            (
                "The job running on runner X has exceeded the maximum execution time of 360 minutes.",
                failed("STEP.TIMEOUT"),
            ),
            ("Process completed with exit code x.", End::Reported),
            ("src/a.rs#L3: unused", End::Reported),
        ] {
            assert_eq!(of(error), end, "{error}");
        }
    }
}
