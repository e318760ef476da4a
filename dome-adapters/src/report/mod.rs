//! What test reports share: one outcome of one test, and the codes of failures
//! (`docs/formats/tests.md`).

mod codes;

pub(crate) use codes::CODES;

use std::collections::BTreeMap;

use dome_core::{CodeClass, Signal, Status};

use crate::record::Record;
use crate::when::When;

/// The gate of every test: it passed, it failed, or it was skipped.
const GATE: &str = "test";

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// What was tested is not as it should be.
    Failed,
    /// The test could not be carried out as it should.
    Errored,
    /// It ran out of time, by the report's own word for it.
    TimedOut,
    /// It ended in a way that is not an end of tests: a signal, an abort, a crash.
    Aborted,
    /// It did not run, or its result does not count.
    Skipped,
}

/// One outcome of one test.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Where in the file.
    pub(crate) place: String,
    /// The class, module, package or file that the test's name is unique in.
    pub(crate) class: Option<String>,
    pub(crate) name: String,
    /// A suite that is not part of the test's name.
    pub(crate) suite: Option<String>,
    pub(crate) outcome: Outcome,
    /// The type of the exception, or another word for what failed that is a name and not prose.
    pub(crate) kind: Option<String>,
    /// What the test says about its failure.
    pub(crate) message: Option<String>,
    pub(crate) when: When,
    pub(crate) duration_ms: Option<u64>,
    /// Which attempt of the run at this test it is, from 1, where there are several.
    pub(crate) attempt: Option<u64>,
    /// Whether another attempt of the run ended otherwise.
    pub(crate) flaky: bool,
    pub(crate) run_id: Option<String>,
    pub(crate) event_id: Option<String>,
    pub(crate) lane: Option<String>,
    pub(crate) commit: Option<String>,
    pub(crate) tool: Option<(String, String)>,
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) labels: BTreeMap<String, String>,
}

impl Case {
    /// A test of this name, with nothing else said.
    pub(crate) fn new(place: impl Into<String>, name: impl Into<String>, outcome: Outcome) -> Self {
        Self {
            place: place.into(),
            class: None,
            name: name.into(),
            suite: None,
            outcome,
            kind: None,
            message: None,
            when: When::Unknown,
            duration_ms: None,
            attempt: None,
            flaky: false,
            run_id: None,
            event_id: None,
            lane: None,
            commit: None,
            tool: None,
            versions: BTreeMap::new(),
            env: BTreeMap::new(),
            labels: BTreeMap::new(),
        }
    }

    /// The test: `CLASS::NAME`, or the name alone where there is no class or the name begins with it.
    fn target(&self) -> String {
        match self.class.as_deref().map(str::trim).filter(|class| !class.is_empty()) {
            Some(class) if !self.name.starts_with(class) => format!("{class}::{}", self.name),
            _ => self.name.clone(),
        }
    }

    /// The record. A test without a name is about nothing, which [`crate::out::Out`] reports.
    pub(crate) fn record(self) -> Record {
        let target = if self.name.trim().is_empty() { String::new() } else { self.target() };
        let (signal, status) = match self.outcome {
            Outcome::Passed => (Signal::Success, Status::Pass),
            Outcome::Skipped => (Signal::Observation, Status::Skip),
            _ => (Signal::Failure, Status::Fail),
        };
        let mut record = Record::new(&*self.place, signal, ("test", &target), "test");
        record.code = codes::code(self.outcome, self.kind.as_deref());
        record.gates = vec![(GATE.to_owned(), status)];
        record.labels = self.labels.clone();
        for (name, value) in [("suite", &self.suite), ("type", &self.kind)] {
            record.label(name, value.as_deref());
        }
        record.label("flaky", self.flaky.then_some("true"));
        // What passes only when tried again was not mended by the commit at which it failed.
        record.remedied = !self.flaky;
        Record {
            event_id: self.event_id,
            run_id: self.run_id,
            lane: self.lane,
            commit: self.commit,
            when: self.when,
            tool: self.tool,
            versions: self.versions,
            env: self.env,
            attempts: self.attempt,
            duration_ms: self.duration_ms,
            message: self.message,
            ..record
        }
    }
}

/// A code with its class.
pub(crate) type Coded = (String, CodeClass);
