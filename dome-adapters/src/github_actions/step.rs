//! Jobs and their steps: where one ends and how.

use dome_core::limits::MESSAGE_BYTES;
use dome_core::{Signal, Status, Timestamp};

use super::codes::{self, End};
use super::line::LogLine;
use crate::finding::{FindingCode, quote};
use crate::out::Out;
use crate::record::{Record, cut};
use crate::when::When;

/// The step with which every job that came to its end ends.
const LAST: &str = "Complete job";
/// What `gh` writes where it cannot tell the step.
const UNKNOWN: &str = "UNKNOWN STEP";
/// What the action that checks out asks git for: the commit, in the line behind it.
const ASKS_FOR_COMMIT: &str = "log -1 --format=%H";

/// A job that is being read.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) name: String,
    step: Option<Step>,
    commit: Option<String>,
    lane: Option<String>,
    /// Whether the next line is the commit.
    asked: bool,
}

/// The step that is being read.
#[derive(Debug)]
struct Step {
    name: String,
    place: String,
    from: Timestamp,
    to: Timestamp,
    errors: String,
    end: Option<End>,
}

impl Job {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), step: None, commit: None, lane: None, asked: false }
    }

    /// A line of the job.
    pub(super) fn take(&mut self, line: &LogLine<'_>, place: &str, out: &mut Out<'_>) {
        if let Some(step) = self.step.take_if(|step| step.name != line.step) {
            self.push(step, out);
        }
        self.checkout(line.text);
        let step = self.step.get_or_insert_with(|| Step::new(line, place));
        step.take(line);
    }

    /// The end of the job's lines. A job that did not come to its own end leaves its last step open,
    /// unless the runner said how that ended.
    pub(super) fn end(mut self, out: &mut Out<'_>) {
        let Some(step) = self.step.take() else { return };
        let ended = step.name == LAST || matches!(step.end, Some(End::Failed(_)));
        if ended || step.name == UNKNOWN {
            return self.push(step, out);
        }
        let message = format!("the log of job {} ends inside of step {}", quote(&self.name), quote(&step.name));
        let problem = out.at(&step.place).found(FindingCode::OutcomeMissing, message, format!("its step `{LAST}`"));
        out.left_out(problem);
    }

    /// The commit and the branch, where the step that checks out names them.
    fn checkout(&mut self, text: &str) {
        if std::mem::take(&mut self.asked) {
            let commit = text.trim().trim_matches('\'');
            let hex = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            self.commit = hex.then(|| commit.to_owned()).or(self.commit.take());
        }
        let Some(command) = text.strip_prefix("[command]") else { return };
        self.asked = command.trim_end_matches('\'').ends_with(ASKS_FOR_COMMIT);
        if command.contains(" checkout --progress --force ") {
            let branch = command.split(' ').find_map(|word| word.strip_prefix("refs/remotes/"));
            self.lane = branch.map(|branch| branch.strip_prefix("origin/").unwrap_or(branch).to_owned());
        }
    }

    fn push(&self, step: Step, out: &mut Out<'_>) {
        let name = step.name.trim();
        let target =
            if name.is_empty() || name == UNKNOWN { self.name.clone() } else { format!("{}::{name}", self.name) };
        let (signal, status, code) = match step.end {
            None => (Signal::Success, Status::Pass, None),
            Some(End::Failed(code)) => (Signal::Failure, Status::Fail, Some(code)),
            Some(End::Reported) => (Signal::Anomaly, Status::Skip, Some("STEP.ERROR_REPORTED".to_owned())),
        };
        let mut record = Record::new(format!("line {}", step.place), signal, ("ci_step", &target), "run");
        record.code = code.map(|code| (code.clone(), codes::class(&code)));
        record.gates = vec![("step".to_owned(), status)];
        record.when = When::At(step.to);
        record.commit.clone_from(&self.commit);
        record.lane.clone_from(&self.lane);
        record.duration_ms = u64::try_from(step.to.nanoseconds_since(step.from) / 1_000_000).ok();
        record.message = (!step.errors.is_empty()).then_some(step.errors);
        record.label("job", Some(&self.name));
        out.push(&record);
    }
}

impl Step {
    fn new(line: &LogLine<'_>, place: &str) -> Self {
        let (name, place) = (line.step.to_owned(), place.to_owned());
        Self { name, place, from: line.at, to: line.at, errors: String::new(), end: None }
    }

    fn take(&mut self, line: &LogLine<'_>) {
        self.to = self.to.max(line.at);
        let Some(error) = line.error() else { return };
        let room = MESSAGE_BYTES.saturating_sub(self.errors.len() + 1);
        if !self.errors.is_empty() && room > 0 {
            self.errors.push('\n');
        }
        self.errors.push_str(cut(error, room));
        // The runner's own word outranks what the step wrote, whichever came first.
        match (codes::of(error), &self.end) {
            (End::Reported, Some(_)) => {}
            (end, _) => self.end = Some(end),
        }
    }
}
