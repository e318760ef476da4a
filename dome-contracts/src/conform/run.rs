//! One run of a tool, as whoever ran it saw it.

use super::event::Event;
use super::manifest::Fixture;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal.
    Signalled(i32),
    /// It took longer than it may.
    TimedOut,
    /// It wrote more than it may.
    TooMuchOutput,
}

/// What was seen of a run from outside its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// Paths in its folders that were there before or after and differ.
    pub changed: Vec<String>,
    /// What the interpreter reported, in order.
    pub events: Vec<Event>,
    /// Whether the reports go on to the very end: whoever leaves the interpreter, or blinds it, is not seen.
    pub complete: bool,
    /// The folder that it started in.
    pub cwd: String,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// How it ended.
    pub ending: Ending,
    /// What was seen of it.
    pub observation: Observation,
    /// The end of what it wrote to stderr.
    pub stderr: String,
    /// What it wrote to stdout.
    pub stdout: Vec<u8>,
}

/// The first run of a fixture.
#[derive(Clone, Copy, Debug)]
pub struct FixtureRun<'r> {
    /// The fixture.
    pub fixture: &'r Fixture,
    /// The run.
    pub run: &'r Run,
}

impl Run {
    /// The last line of stderr that says something, for a message.
    #[must_use]
    pub fn complaint(&self) -> &str {
        self.stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim()
    }
}
