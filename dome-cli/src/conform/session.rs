//! One gate: a private folder, the interpreter, the tool, and the runs so far.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use dome_contracts::conform::{Run, TelemetryMember};
use serde_json::{Value, json};

use super::exec::{EVENTS, ExecSpec, FILTER, Kernel, Rules};
use super::python::Python;
use super::runner::{self, Job};
use super::surroundings::Surroundings;
use super::tool::ToolOnDisk;

/// The run and the task that every run is told.
pub(super) const RUN_ID: &str = "conform-run";
pub(super) const TASK_ID: &str = "conform-task";

const LAUNCHER: &str = include_str!("launcher.py");
const ROUNDTRIP: &str = include_str!("roundtrip.py");

/// A gate at work.
pub(super) struct Session<'t> {
    pub(super) tool: &'t ToolOnDisk,
    pub(super) python: Python,
    /// Gone when the gate ends.
    folder: tempfile::TempDir,
    /// What the kernel did in every run so far, and whether programs were locked out.
    pub(super) kernel: RefCell<Vec<(Kernel, bool)>>,
    pub(super) runs: RefCell<u64>,
    /// Every run of the tool so far that was observed, without its output.
    pub(super) seen: RefCell<Vec<Run>>,
}

/// How a run differs from the plain one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mode {
    pub(super) observed: bool,
    pub(super) enforced: bool,
}

pub(super) const FULL: Mode = Mode { observed: true, enforced: true };

impl<'t> Session<'t> {
    pub(super) fn begin(tool: &'t ToolOnDisk, python: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("dome-conform-").tempdir().context("no room for runs")?;
        std::fs::write(folder.path().join("launcher.py"), LAUNCHER)?;
        std::fs::write(folder.path().join("roundtrip.py"), ROUNDTRIP)?;
        let python = Python::find(python)?;
        Ok(Self {
            tool,
            python,
            folder,
            kernel: RefCell::new(Vec::new()),
            runs: RefCell::new(0),
            seen: RefCell::new(Vec::new()),
        })
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the tool on a document.
    pub(super) fn run(&self, config: &Value, input: &Value) -> anyhow::Result<Run> {
        self.run_in(config, input, &Surroundings::plain(self.folder()), FULL)
    }

    /// Runs the tool on a document, in surroundings of its own.
    pub(super) fn run_in(
        &self,
        config: &Value,
        input: &Value,
        around: &Surroundings,
        mode: Mode,
    ) -> anyhow::Result<Run> {
        let stdin = json!({
            "config": config, "input": input,
            TelemetryMember::RunId.as_str(): RUN_ID, TelemetryMember::TaskId.as_str(): TASK_ID,
        });
        let stdin = serde_json::to_vec(&stdin)?;
        *self.runs.borrow_mut() += 1;
        let (run, kernel, locked) = self.start(&self.tool.entry(), stdin, around, mode)?;
        if mode.enforced && mode.observed {
            self.kernel.borrow_mut().push((kernel, locked));
            self.seen.borrow_mut().push(Run { stdout: Vec::new(), stderr: String::new(), ..run.clone() });
        }
        Ok(run)
    }

    /// What Python's own `json` makes of documents, one a line.
    pub(super) fn round_trip(&self, documents: &[Vec<u8>]) -> anyhow::Result<Vec<Option<Result<String, String>>>> {
        let around = Surroundings::plain(self.folder());
        let (run, ..) = self.start(&self.folder().join("roundtrip.py"), documents.join(&b'\n'), &around, FULL)?;
        let told = |line: &str| -> Option<Result<String, String>> {
            let line: BTreeMap<String, String> = serde_json::from_str(line).ok()?;
            line.get("ok").cloned().map(Ok).or_else(|| line.get("error").cloned().map(Err))
        };
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        let mut lines: Vec<_> = text.lines().map(told).collect();
        lines.resize_with(documents.len(), || Some(Err(format!("nothing came back: {}", run.complaint()))));
        Ok(lines)
    }

    fn start(
        &self,
        entry: &Path,
        stdin: Vec<u8>,
        around: &Surroundings,
        mode: Mode,
    ) -> anyhow::Result<(Run, Kernel, bool)> {
        around.lay(self.tool)?;
        let nonce = nonce(*self.runs.borrow(), self.folder());
        let (events, status) = (self.folder().join("events"), self.folder().join("status"));
        let limits = self.tool.manifest.limits;
        let root = format!("{}/", self.tool.folder.display());
        let named: Vec<String> = self.tool.manifest.files.iter().map(|file| format!("{root}{file}")).collect();
        let launcher = self.folder().join("launcher.py").display().to_string();
        let (fd, filter) = if mode.observed { (EVENTS, FILTER) } else { ("-1", "") };
        // Compiled files beside the tool are not what its digest is of: none are read.
        let compiled = format!("pycache_prefix={}", self.folder().join("compiled").display());
        let flags =
            ["-s", "-P", "-B", "-X", &compiled, &launcher, fd, &nonce, &root, &around.clock, filter, &named.join("\n")];
        let spec = ExecSpec {
            program: self.python.program.clone(),
            args: flags.iter().map(|flag| (*flag).to_owned()).chain([entry.display().to_string()]).collect(),
            env: around.env.clone(),
            cwd: around.cwd.clone(),
            events: mode.observed.then(|| events.clone()),
            status: status.clone(),
            memory_bytes: limits.memory_bytes,
            time_s: limits.time_ms.div_ceil(1_000),
            umask: around.umask,
            cores: around.cores,
            host_name: around.host_name.clone(),
            rules: if mode.enforced { self.rules(around) } else { None },
        };
        let path = self.folder().join("spec");
        std::fs::write(&path, serde_json::to_vec(&spec)?)?;
        let job = Job { spec: &path, events: &events, status: &status, stdin, limits, nonce: &nonce };
        let observed = mode.observed.then_some(around);
        runner::run(&job, observed, self.folder())
    }

    fn rules(&self, around: &Surroundings) -> Option<Rules> {
        let policy = &self.tool.manifest.side_effects;
        if policy.is_unrestricted() {
            return None;
        }
        let mut executable = self.python.executables();
        executable.extend(policy.allow_commands.iter().map(PathBuf::from));
        let mut writable = around.writable(policy);
        writable.push(PathBuf::from("/dev/null"));
        Some(Rules {
            writable,
            executable,
            deny_processes: policy.allow_commands.is_empty(),
            deny_connections: policy.allow_domains.is_empty(),
        })
    }
}

/// What only the launcher knows: a line that ends a report without it is not the launcher's. The name of
/// the private folder is random.
fn nonce(run: u64, folder: &Path) -> String {
    dome_core::Sha256Hash::of(format!("{run} {}", folder.display()).as_bytes()).to_string()
}
