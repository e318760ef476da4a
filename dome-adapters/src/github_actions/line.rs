//! One line of a log.

use dome_core::Timestamp;

/// What the runner writes before what it has to say.
const ERROR: &str = "##[error]";

/// A line with its job, its step and its time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LogLine<'l> {
    pub(super) job: &'l str,
    pub(super) step: &'l str,
    pub(super) at: Timestamp,
    pub(super) text: &'l str,
}

impl<'l> LogLine<'l> {
    /// `JOB`, a tab, `STEP`, a tab, a time, a space and text; the first line of a step has a byte
    /// order mark before its time.
    pub(super) fn of(line: &'l str) -> Option<Self> {
        let mut parts = line.splitn(3, '\t');
        let [job, step, rest] = [parts.next()?, parts.next()?, parts.next()?];
        let rest = rest.strip_prefix('\u{feff}').unwrap_or(rest);
        let (time, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let at = time.parse().ok()?;
        (!job.trim().is_empty()).then(|| Self { job, step, at, text: text.trim_end() })
    }

    /// What stands behind the runner's mark of an error.
    pub(super) fn error(&self) -> Option<&'l str> {
        self.text.strip_prefix(ERROR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_job_step_time_and_text() {
        let line =
            LogLine::of("unit-tests\tRun Unit Tests\t\u{feff}2025-07-11T09:08:50.1629267Z ##[error]Process ended.\r");
        let said = line.as_ref().map(|line| (line.job, line.step, line.error()));
        assert_eq!(said, Some(("unit-tests", "Run Unit Tests", Some("Process ended."))));
        assert!(LogLine::of("a\tb\t2025-07-11T09:08:50Z").is_some_and(|line| line.text.is_empty()));
        for other in ["", "a\tb", "a\tb\tyesterday x", "\tb\t2025-07-11T09:08:50Z x"] {
            assert_eq!(LogLine::of(other), None, "{other}");
        }
    }
}
