//! Logs of runs of GitHub Actions, as `gh run view --log` prints them.
//! `docs/formats/github-actions.md` has the mapping.

use dome_core::CodeClass::{Advisory, Repairable};
use dome_core::limits::MESSAGE_BYTES;
use dome_core::{Signal, Status, Timestamp};

use crate::ci::lane;
use crate::codes::means;
use crate::finding::{Finding, FindingCode, quote};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;
use crate::out::Out;
use crate::reading::FileReader;
use crate::record::{OutcomeRecord, cut};
use crate::subject::SaidSubject;
use crate::when::When;

pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "github-actions",
    summary: "logs of runs of GitHub Actions (`gh run view --log`)",
    endings: &[".txt", ".log"],
    codes: CODES,
    sniff: |head: &Head| head.lines().next().and_then(LogLine::of).is_some(),
    converts: Converts::Each(convert),
};

/// The runner's own words on how a step ended, and nothing else.
const CODES: &[CodeMeaning] = &[
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

/// The step with which every job that came to its end ends.
const LAST: &str = "Complete job";
/// What `gh` writes where it cannot tell the step.
const UNKNOWN: &str = "UNKNOWN STEP";
/// What the action that checks out asks git for: the commit, in the line behind it.
const ASKS_FOR_COMMIT: &str = "log -1 --format=%H";
/// How it tells git where the commit is from.
const ADDS_REPOSITORY: &str = " remote add origin ";

fn convert(reading: &mut FileReader<'_>, out: &mut Out<'_>) -> Result<(), Finding> {
    let expected = "lines of `JOB`, a tab, `STEP`, a tab, a time, a space and text";
    let (mut buffer, mut job) = (Vec::new(), None::<CiJob>);
    while let Some(line) = reading.line(&mut buffer)? {
        if line.is_blank() {
            continue;
        }
        let place = line.number.to_string();
        // What a program printed need not be text, and what is not read of it changes nothing.
        let text = String::from_utf8_lossy(line.bytes);
        let Some(line) = LogLine::of(&text) else {
            if job.is_none() {
                return Err(out.at(&place).found(FindingCode::WrongFormat, "not a line of a run's log", expected));
            }
            // A text of several lines has its time in the first one.
            let goes_on = job.as_ref().is_some_and(|job| text.starts_with(&format!("{}\t", job.name)));
            if !goes_on {
                let message = "the line has no job, step and time and was passed over";
                out.note(FindingCode::LinePassedOver, &place, message);
            }
            continue;
        };
        if let Some(other) = job.take_if(|job| job.name != line.job) {
            other.end(out);
        }
        job.get_or_insert_with(|| CiJob::new(line.job)).take(&line, &place, out);
    }
    match job {
        Some(job) => job.end(out),
        None => return Err(out.at("").found(FindingCode::WrongFormat, "the file has no line", expected)),
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
struct LogLine<'l> {
    job: &'l str,
    step: &'l str,
    at: Timestamp,
    text: &'l str,
}

impl<'l> LogLine<'l> {
    /// `JOB`, a tab, `STEP`, a tab, a time, a space and text; in a step's first line a byte order mark before it.
    fn of(line: &'l str) -> Option<Self> {
        let mut parts = line.splitn(3, '\t');
        let [job, step, rest] = [parts.next()?, parts.next()?, parts.next()?];
        let rest = rest.strip_prefix('\u{feff}').unwrap_or(rest);
        let (time, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let at = time.parse().ok()?;
        (!job.trim().is_empty()).then(|| Self { job, step, at, text: text.trim_end() })
    }
}

#[derive(Debug)]
struct CiJob {
    name: String,
    step: Option<CiStep>,
    tested: SaidSubject,
    lane: Option<String>,
    /// Whether the next line is the commit.
    asked: bool,
}

#[derive(Debug)]
struct CiStep {
    name: String,
    place: String,
    from: Timestamp,
    to: Timestamp,
    errors: String,
    end: Option<StepEnd>,
}

impl CiJob {
    fn new(name: &str) -> Self {
        let tested = SaidSubject { job: Some(name.to_owned()), ..SaidSubject::default() };
        Self { name: name.to_owned(), step: None, tested, lane: None, asked: false }
    }

    fn take(&mut self, line: &LogLine<'_>, place: &str, out: &mut Out<'_>) {
        if let Some(step) = self.step.take_if(|step| step.name != line.step) {
            self.push(step, out);
        }
        self.checkout(line.text);
        let step = self.step.get_or_insert_with(|| CiStep::new(line, place));
        step.take(line);
    }

    /// A job that did not come to its own end leaves its last step open, unless the runner said how that ended.
    fn end(mut self, out: &mut Out<'_>) {
        let Some(step) = self.step.take() else { return };
        let ended = step.name == LAST || matches!(step.end, Some(StepEnd::Failed(_)));
        if ended || step.name == UNKNOWN {
            return self.push(step, out);
        }
        let message = format!("the log of job {} ends inside of step {}", quote(&self.name), quote(&step.name));
        out.leave_out(&step.place, FindingCode::OutcomeMissing, message, &format!("its step `{LAST}`"));
    }

    fn checkout(&mut self, text: &str) {
        if std::mem::take(&mut self.asked) {
            let commit = text.trim().trim_matches('\'');
            let hex = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            self.tested.revision = hex.then(|| commit.to_owned()).or(self.tested.revision.take());
        }
        let Some(command) = text.strip_prefix("[command]") else { return };
        if let Some((_, address)) = command.split_once(ADDS_REPOSITORY) {
            self.tested.repository = Some(address.trim().to_owned());
        }
        self.asked = command.trim_end_matches('\'').ends_with(ASKS_FOR_COMMIT);
        if command.contains(" checkout --progress --force ") {
            let branch = command.split(' ').find(|word| word.starts_with("refs/remotes/"));
            self.lane = branch.map(|branch| lane(branch).to_owned());
        }
    }

    fn push(&self, step: CiStep, out: &mut Out<'_>) {
        let name = step.name.trim();
        let target =
            if name.is_empty() || name == UNKNOWN { self.name.clone() } else { format!("{}::{name}", self.name) };
        let (signal, status, code) = match step.end {
            None => (Signal::Success, Status::Pass, None),
            Some(StepEnd::Failed(code)) => (Signal::Failure, Status::Fail, Some(code)),
            Some(StepEnd::Reported) => (Signal::Anomaly, Status::Skip, Some("STEP.ERROR_REPORTED".to_owned())),
        };
        let mut record = OutcomeRecord::new(format!("line {}", step.place), signal, ("ci_step", &target), "run");
        record.code = code.map(|code| (code, Repairable));
        record.gates = vec![("step".to_owned(), status)];
        record.when = When::At(step.to);
        record.subject.clone_from(&self.tested);
        record.lane.clone_from(&self.lane);
        record.duration_ms = u64::try_from(step.to.nanoseconds_since(step.from) / 1_000_000).ok();
        record.message = (!step.errors.is_empty()).then_some(step.errors);
        record.label("job", Some(&self.name));
        out.push(&record);
    }
}

impl CiStep {
    fn new(line: &LogLine<'_>, place: &str) -> Self {
        let (name, place) = (line.step.to_owned(), place.to_owned());
        Self { name, place, from: line.at, to: line.at, errors: String::new(), end: None }
    }

    fn take(&mut self, line: &LogLine<'_>) {
        self.to = self.to.max(line.at);
        let Some(error) = line.text.strip_prefix("##[error]") else { return };
        let room = MESSAGE_BYTES.saturating_sub(self.errors.len() + 1);
        if !self.errors.is_empty() && room > 0 {
            self.errors.push('\n');
        }
        self.errors.push_str(cut(error, room));
        // The runner's own word outranks what the step wrote, whichever came first.
        match (step_end(error), &self.end) {
            (StepEnd::Reported, Some(_)) => {}
            (end, _) => self.end = Some(end),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum StepEnd {
    Failed(String),
    /// An error was written that a step that succeeds can write too.
    Reported,
}

/// What an error line says. The wording is the runner's, and has been the same since 2019.
fn step_end(error: &str) -> StepEnd {
    let error = error.trim();
    let between = |start: &str, end: &str| error.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    let exit = between("Process completed with exit code ", ".").and_then(|code| code.parse::<i64>().ok());
    if let Some(code) = exit {
        return StepEnd::Failed(format!("STEP.EXIT_{}", code.rem_euclid(1 << 32)));
    }
    let minutes = |rest: Option<&str>| rest.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let late = |mark: &str| minutes(error.split_once(mark).and_then(|(_, rest)| rest.strip_suffix(" minutes.")));
    if error == "The operation was canceled." {
        StepEnd::Failed("STEP.CANCELED".to_owned())
    } else if late("has exceeded the maximum execution time of ") || late("has timed out after ") {
        StepEnd::Failed("STEP.TIMEOUT".to_owned())
    } else {
        StepEnd::Reported
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_job_step_time_and_text() {
        let line =
            LogLine::of("unit-tests\tRun Unit Tests\t\u{feff}2025-07-11T09:08:50.1629267Z ##[error]Process ended.\r");
        let said = line.as_ref().map(|line| (line.job, line.step, line.text.strip_prefix("##[error]")));
        assert_eq!(said, Some(("unit-tests", "Run Unit Tests", Some("Process ended."))));
        assert!(LogLine::of("a\tb\t2025-07-11T09:08:50Z").is_some_and(|line| line.text.is_empty()));
        for other in ["", "a\tb", "a\tb\tyesterday x", "\tb\t2025-07-11T09:08:50Z x"] {
            assert_eq!(LogLine::of(other), None, "{other}");
        }
    }

    #[test]
    fn only_the_runners_own_words_say_that_a_step_failed() {
        let failed = |code: &str| StepEnd::Failed(code.to_owned());
        for (error, end) in [
            ("Process completed with exit code 1.", failed("STEP.EXIT_1")),
            ("Process completed with exit code -1073741819.", failed("STEP.EXIT_3221225477")),
            ("The operation was canceled.", failed("STEP.CANCELED")),
            ("The action 'Run tests' has timed out after 5 minutes.", failed("STEP.TIMEOUT")),
            (
                "The job running on runner X has exceeded the maximum execution time of 360 minutes.",
                failed("STEP.TIMEOUT"),
            ),
            ("Process completed with exit code x.", StepEnd::Reported),
            ("src/a.rs#L3: unused", StepEnd::Reported),
        ] {
            assert_eq!(step_end(error), end, "{error}");
        }
    }
}
