//! One gate: a private folder, the interpreter, the tool, and the runs so far.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use dome_contracts::conform::{Run, TelemetryMember};
use serde_json::{Value, json};

use crate::error::Error;
use crate::exec::{EVENTS, ExecSpec, FILTER, Kernel, Rules};
use crate::gate::Options;
use crate::runner::{self, Job};
use crate::surroundings::Surroundings;
use crate::tool::ToolOnDisk;

/// The run and the task that every run is told.
pub(crate) const RUN_ID: &str = "conform-run";
pub(crate) const TASK_ID: &str = "conform-task";

const LAUNCHER: &str = include_str!("launcher.py");
const ROUNDTRIP: &str = include_str!("roundtrip.py");

/// A gate at work.
pub(crate) struct Session<'t> {
    pub(crate) tool: &'t ToolOnDisk,
    launcher: &'t [OsString],
    pub(crate) python: Python,
    /// Gone when the gate ends.
    folder: tempfile::TempDir,
    /// What the kernel did in every run so far, and whether programs were locked out.
    pub(crate) kernel: RefCell<Vec<(Kernel, bool)>>,
    pub(crate) runs: RefCell<u64>,
    /// Every run of the tool so far that was observed, without its output.
    pub(crate) seen: RefCell<Vec<Run>>,
}

impl<'t> Session<'t> {
    pub(crate) fn begin(tool: &'t ToolOnDisk, options: &Options<'t>) -> Result<Self, Error> {
        let folder = tempfile::Builder::new().prefix("dome-conform-").tempdir();
        let folder = folder.map_err(Error::doing("no room for runs"))?;
        std::fs::write(folder.path().join("launcher.py"), LAUNCHER)?;
        std::fs::write(folder.path().join("roundtrip.py"), ROUNDTRIP)?;
        let python = Python::find(options.python)?;
        Ok(Self {
            tool,
            launcher: options.launcher,
            python,
            folder,
            kernel: RefCell::new(Vec::new()),
            runs: RefCell::new(0),
            seen: RefCell::new(Vec::new()),
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs the tool on a document.
    pub(crate) fn run(&self, config: &Value, input: &Value) -> Result<Run, Error> {
        self.run_in(config, input, &Surroundings::plain(self.folder()))
    }

    /// Runs the tool on a document, in surroundings of its own.
    pub(crate) fn run_in(&self, config: &Value, input: &Value, around: &Surroundings) -> Result<Run, Error> {
        let stdin = json!({
            "config": config, "input": input,
            TelemetryMember::RunId.as_str(): RUN_ID, TelemetryMember::TaskId.as_str(): TASK_ID,
        });
        let stdin = serde_json::to_vec(&stdin)?;
        *self.runs.borrow_mut() += 1;
        let (run, kernel, locked) = self.start(&self.tool.entry(), stdin, around)?;
        self.kernel.borrow_mut().push((kernel, locked));
        self.seen.borrow_mut().push(Run { stdout: Vec::new(), stderr: String::new(), ..run.clone() });
        Ok(run)
    }

    /// What Python's own `json` makes of documents, one per line.
    pub(crate) fn round_trip(&self, documents: &[Vec<u8>]) -> Result<Vec<Option<Result<String, String>>>, Error> {
        let around = Surroundings::plain(self.folder());
        let (run, ..) = self.start(&self.folder().join("roundtrip.py"), documents.join(&b'\n'), &around)?;
        let told = |line: &str| -> Option<Result<String, String>> {
            let line: BTreeMap<String, String> = serde_json::from_str(line).ok()?;
            line.get("ok").cloned().map(Ok).or_else(|| line.get("error").cloned().map(Err))
        };
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        let mut lines: Vec<_> = text.lines().map(told).collect();
        lines.resize_with(documents.len(), || Some(Err(format!("nothing came back: {}", run.complaint()))));
        Ok(lines)
    }

    fn start(&self, entry: &Path, stdin: Vec<u8>, around: &Surroundings) -> Result<(Run, Kernel, bool), Error> {
        around.lay(self.tool)?;
        let nonce = nonce(*self.runs.borrow(), self.folder());
        let (events, status) = (self.folder().join("events"), self.folder().join("status"));
        let limits = self.tool.manifest.limits;
        let root = format!("{}/", self.tool.folder.display());
        let named: Vec<String> = self.tool.manifest.files.iter().map(|file| format!("{root}{file}")).collect();
        let launcher = self.folder().join("launcher.py").display().to_string();
        // Compiled files beside the tool are not what its digest is of: none are read.
        let compiled = format!("pycache_prefix={}", self.folder().join("compiled").display());
        let flags = [
            "-s",
            "-P",
            "-B",
            "-X",
            &compiled,
            &launcher,
            EVENTS,
            &nonce,
            &root,
            &around.clock,
            FILTER,
            &named.join("\n"),
        ];
        let spec = ExecSpec {
            program: self.python.program.clone(),
            args: flags.iter().map(|flag| (*flag).to_owned()).chain([entry.display().to_string()]).collect(),
            env: around.env.clone(),
            cwd: around.cwd.clone(),
            events: events.clone(),
            status: status.clone(),
            memory_bytes: limits.memory_bytes,
            time_s: limits.time_ms.div_ceil(1_000),
            umask: around.umask,
            cores: around.cores,
            host_name: around.host_name.clone(),
            rules: self.rules(around),
        };
        let path = self.folder().join("spec");
        std::fs::write(&path, serde_json::to_vec(&spec)?)?;
        let launcher = self.launcher;
        let job = Job { launcher, spec: &path, events: &events, status: &status, stdin, limits, nonce: &nonce };
        runner::run(&job, around, self.folder())
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

/// An interpreter that was found.
pub(crate) struct Python {
    /// The binary itself: what is found on the way to it may be a script.
    pub(crate) program: PathBuf,
    /// Its version.
    pub(crate) version: String,
}

/// The oldest version with `-P`.
const OLDEST: (u32, u32) = (3, 11);

impl Python {
    /// Asks an interpreter for its binary and version.
    fn find(named: &Path) -> Result<Self, Error> {
        let asked = "import sys; print(sys.executable); print('.'.join(map(str, sys.version_info[:3])))";
        let output = Command::new(named).args(["-s", "-c", asked]).output();
        let output = output.map_err(|why| Error::InterpreterStart { program: named.to_owned(), why })?;
        let text = String::from_utf8(output.stdout).map_err(Error::InterpreterPath)?;
        let mut lines = text.lines();
        let parsed = lines.next().zip(lines.next()).and_then(|(program, version)| {
            let mut numbers = version.split('.').map(str::parse::<u32>);
            Some((program, version, (numbers.next()?.ok()?, numbers.next()?.ok()?)))
        });
        let Some((program, version, found)) = parsed else {
            return Err(Error::NotPython { program: named.to_owned() });
        };
        if found < OLDEST {
            return Err(Error::PythonTooOld { version: version.to_owned() });
        }
        Ok(Self { program: PathBuf::from(program), version: version.to_owned() })
    }

    /// What has to be executable for it to start: itself, and the loader that the kernel starts it by.
    pub(crate) fn executables(&self) -> Vec<PathBuf> {
        let loaders = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1"];
        let loaders = loaders.iter().map(PathBuf::from).filter(|path| path.exists());
        std::iter::once(self.program.clone()).chain(loaders).collect()
    }
}
