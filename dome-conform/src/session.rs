//! What runs of a tool share (a private folder, the interpreter, the tool), and one run: starting it, watching it, ending it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use dome_contracts::conform::{AuditEvent, RunEnding, RunLimits, RunObservation, TelemetryMember, ToolPolicy, ToolRun};
use rustix::fs::{FileType, Mode};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{ConformError, Result};
use crate::exec::{Confinement, EVENTS, ExecSpec, FILTER, Kernel};
use crate::gate::JudgeOptions;
use crate::tool::ToolOnDisk;

pub(crate) const RUN_ID: &str = "conform-run";
pub(crate) const TASK_ID: &str = "conform-task";

const LAUNCHER: &str = include_str!("launcher.py");
const LAUNCHER_FILE: &str = "launcher.py";
const ROUNDTRIP: &str = include_str!("roundtrip.py");
/// It reads lines and writes lines, whatever the tool is.
pub(crate) const ROUNDTRIP_FILE: &str = "roundtrip.py";
/// What stands for the private folder in everything that is told of a run.
const NEUTRAL: &str = "/(run)";

/// How much of stderr is kept, and how much of the reports.
const STDERR_BYTES: u64 = 64 << 10;
const EVENTS_BYTES: u64 = 8 << 20;
/// How long a process is given to end once its output has.
const LINGER: Duration = Duration::from_millis(500);
/// How often whoever waits for a run looks whether it is to be ended.
const GLANCE: Duration = Duration::from_millis(100);

/// What all runs of a tool have in common.
pub(crate) struct RunSetup {
    pub(crate) tool: ToolOnDisk,
    launcher: Vec<OsString>,
    pub(crate) python: Python,
    /// Private, and gone when the last run has ended.
    folder: tempfile::TempDir,
}

/// One run that is to be made.
pub(crate) struct OneRun<'r> {
    /// The script.
    pub(crate) entry: &'r Path,
    pub(crate) stdin: Vec<u8>,
    pub(crate) around: &'r Surroundings,
    /// Where its papers lie. Only one run at a time has it.
    pub(crate) folder: &'r Path,
    /// How many runs had it before.
    pub(crate) number: usize,
    pub(crate) limits: RunLimits,
    /// Whether the run is to be ended before its time.
    pub(crate) stop: &'r dyn Fn() -> bool,
}

/// One gate: its runs, one after the other.
pub(crate) struct GateSession<'t> {
    pub(crate) setup: RunSetup,
    pub(crate) tool: &'t ToolOnDisk,
    /// Every run of the tool so far, without its output, and what the kernel did in it.
    pub(crate) runs: RefCell<Vec<(ToolRun, Kernel)>>,
}

impl<'t> GateSession<'t> {
    pub(crate) fn begin(tool: &'t ToolOnDisk, options: &JudgeOptions<'t>) -> Result<Self> {
        let setup = RunSetup::begin(tool.clone(), options.python, options.launcher)?;
        Ok(Self { setup, tool, runs: RefCell::new(Vec::new()) })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.setup.folder()
    }

    pub(crate) fn run(&self, config: &Value, input: &Value) -> Result<ToolRun> {
        self.run_in(config, input, &Surroundings::plain(self.folder()))
    }

    pub(crate) fn run_in(&self, config: &Value, input: &Value, around: &Surroundings) -> Result<ToolRun> {
        let stdin = json!({
            "config": config, "input": input,
            TelemetryMember::RunId.as_str(): RUN_ID, TelemetryMember::TaskId.as_str(): TASK_ID,
        });
        let (run, kernel) = self.start(&self.setup.entry(), serde_json::to_vec(&stdin)?, around)?;
        self.runs.borrow_mut().push((ToolRun { stdout: Vec::new(), stderr: String::new(), ..run.clone() }, kernel));
        Ok(run)
    }

    /// What Python's own `json` makes of documents, one per line.
    pub(crate) fn round_trip(&self, documents: &[Vec<u8>]) -> Result<Vec<Option<Result<String, String>>>> {
        let around = Surroundings::plain(self.folder());
        let (run, _) = self.start(&self.folder().join(ROUNDTRIP_FILE), documents.join(&b'\n'), &around)?;
        let read = |line: &str| -> Option<Result<String, String>> {
            let mut line: BTreeMap<String, String> = serde_json::from_str(line).ok()?;
            line.remove("ok").map(Ok).or_else(|| line.remove("error").map(Err))
        };
        let mut lines: Vec<_> = String::from_utf8_lossy(&run.stdout).lines().map(read).collect();
        lines.resize_with(documents.len(), || Some(Err(format!("nothing came back: {}", run.complaint()))));
        Ok(lines)
    }

    fn start(&self, entry: &Path, stdin: Vec<u8>, around: &Surroundings) -> Result<(ToolRun, Kernel)> {
        let (folder, number, limits) = (self.folder(), self.runs.borrow().len(), self.tool.manifest.limits);
        let (run, kernel) =
            self.setup.start(OneRun { entry, stdin, around, folder, number, limits, stop: &|| false })?;
        // The private folder has another name each time; what is reported of a run does not depend on it.
        let root = folder.display().to_string();
        let stdout = String::from_utf8_lossy(&run.stdout).replace(&root, NEUTRAL);
        Ok((ToolRun { stdout: stdout.into_bytes(), ..run }, kernel))
    }
}

impl RunSetup {
    pub(crate) fn begin(tool: ToolOnDisk, python: &Path, launcher: &[OsString]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("dome-conform-").tempdir();
        let folder = folder.map_err(ConformError::doing("no room for runs"))?;
        std::fs::write(folder.path().join(LAUNCHER_FILE), LAUNCHER)?;
        std::fs::write(folder.path().join(ROUNDTRIP_FILE), ROUNDTRIP)?;
        let setup = Self { tool, launcher: launcher.to_vec(), python: Python::find(python)?, folder };
        setup.compile_once();
        Ok(setup)
    }

    /// Compiled files beside the tool are not in its digest, so none are read: all stand here.
    fn compiled(&self) -> String {
        format!("pycache_prefix={}", self.folder().join("compiled").display())
    }

    /// Compiles the launcher, and what it and tools often import of Python's own library: else every run would do so, which
    /// takes longer than most runs. Nothing of the tool is looked at, and no restricted run may write here.
    fn compile_once(&self) {
        const OFTEN: &str = "argparse ast atexit base64 collections contextlib copy csv ctypes dataclasses datetime \
            decimal encodings.ascii encodings.latin_1 enum functools glob hashlib html inspect io itertools json locale \
            logging math operator os pathlib platform random re shutil signal socket statistics string struct subprocess \
            tempfile textwrap threading time traceback types typing unicodedata urllib.request uuid zipfile zoneinfo";
        // Each by itself: a distribution may lack some.
        const COMPILE: &str = "import importlib, py_compile, sys\nfor name in sys.argv[2].split():\n    \
            try:\n        importlib.import_module(name)\n    except ImportError:\n        pass\n\
            py_compile.compile(sys.argv[1], sys.argv[1] + 'c', doraise=True)\n";
        let source = self.folder().join(LAUNCHER_FILE);
        let mut python = Command::new(&self.python.program);
        python.args(["-s", "-P", "-X", &self.compiled(), "-c", COMPILE]).arg(source).arg(OFTEN).env_clear();
        // Where it fails, runs are slower, and otherwise the same.
        let _slower = python.output();
    }

    /// What Python starts: compiled, where that succeeded.
    fn launcher_file(&self) -> PathBuf {
        let source = self.folder().join(LAUNCHER_FILE);
        let compiled = source.with_extension("pyc");
        if compiled.exists() { compiled } else { source }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The tool's script.
    pub(crate) fn entry(&self) -> PathBuf {
        self.tool.folder.join(&self.tool.manifest.entry)
    }

    /// Makes one run; its output as the tool wrote it, everything else without the name of the private folder.
    pub(crate) fn start(&self, one: OneRun<'_>) -> Result<(ToolRun, Kernel)> {
        let (around, folder) = (one.around, one.folder);
        around.lay(&self.tool)?;
        // What only the launcher knows, since the folder's name is random: a line that ends a report without it is
        // not the launcher's.
        let known = format!("{} {}", one.number, folder.display());
        let nonce = dome_core::Sha256Hash::of(known.as_bytes()).to_string();
        let spec = self.spec(&one, &nonce);
        let path = folder.join("spec");
        std::fs::write(&path, serde_json::to_vec(&spec)?)?;
        let before = around.listing();
        let reports = Reports::open(&spec.events)?;
        let mut child = self.spawn(&path)?;
        let (ending, stdout, stderr) = watch(&mut child, one.stdin, one.limits, one.stop)?;
        let lines = reports.close();
        let mut kernel = Kernel::read(&std::fs::read(&spec.status)?);
        if let Some(why) = kernel.error {
            return Err(ConformError::Setup { why });
        }
        let root = folder.display().to_string();
        let neutral = |text: &str| text.replace(&root, NEUTRAL);
        let mut observation = observation(&lines, &nonce, &neutral);
        kernel.locked = observation.events.iter().any(|event| event.name == "dome.lock" && event.args == ["ok"]);
        observation.events.retain(|event| event.name != "dome.lock");
        observation.cwd = neutral(&around.cwd.display().to_string());
        let after = around.listing();
        let differs = before.iter().filter(|(path, was)| after.get(*path) != Some(was));
        let made = after.iter().filter(|(path, _)| !before.contains_key(*path));
        observation.changed = differs.chain(made).map(|(path, _)| neutral(&path.display().to_string())).collect();
        let stderr = neutral(&String::from_utf8_lossy(&stderr));
        Ok((ToolRun { ending, observation, stderr, stdout }, kernel))
    }

    fn spec(&self, one: &OneRun<'_>, nonce: &str) -> ExecSpec {
        let around = one.around;
        let manifest = &self.tool.manifest;
        let policy = &manifest.side_effects;
        let root = format!("{}/", self.tool.folder.display());
        let named: Vec<String> = manifest.files.iter().map(|file| format!("{root}{file}")).collect();
        let launcher = self.launcher_file().display().to_string();
        let compiled = self.compiled();
        let args = ["-s", "-S", "-P", "-B", "-X", &compiled, &launcher, EVENTS, nonce, &root, &around.clock, FILTER];
        let last = [named.join("\n"), one.entry.display().to_string()];
        ExecSpec {
            program: self.python.program.clone(),
            args: args.iter().map(|argument| (*argument).to_owned()).chain(last).collect(),
            around: around.clone(),
            events: one.folder.join("events"),
            status: one.folder.join("status"),
            memory_bytes: one.limits.memory_bytes,
            time_s: one.limits.time_ms.div_ceil(1_000),
            // Reading is not restricted, nor is anything where the policy is `unrestricted`.
            confinement: (!policy.is_unrestricted()).then(|| Confinement {
                writable: [around.writable(policy), vec![PathBuf::from("/dev/null")]].concat(),
                executable: self.python.executables().chain(policy.allow_commands.iter().map(PathBuf::from)).collect(),
                deny_processes: policy.allow_commands.is_empty(),
                deny_connections: policy.allow_domains.is_empty(),
            }),
        }
    }

    fn spawn(&self, spec: &Path) -> Result<Child> {
        let (program, args) =
            self.launcher.split_first().ok_or(std::io::Error::from(std::io::ErrorKind::InvalidInput))?;
        Command::new(program)
            .args(args)
            .arg(spec)
            .env_clear()
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(ConformError::doing("cannot start a run"))
    }
}

pub(crate) struct Python {
    /// The binary itself: what is found on the way to it may be a script.
    program: PathBuf,
    pub(crate) version: String,
}

/// The oldest version with `-P`.
const OLDEST: (u32, u32) = (3, 11);

impl Python {
    fn find(named: &Path) -> Result<Self> {
        let asked = "import sys; print(sys.executable); print('.'.join(map(str, sys.version_info[:3])))";
        let interpreter = |why: String| ConformError::Interpreter { why };
        let output = Command::new(named).args(["-s", "-S", "-c", asked]).output();
        let output = output.map_err(|why| interpreter(format!("cannot start `{}`: {why}", named.display())))?;
        let text = String::from_utf8(output.stdout);
        let text = text.map_err(ConformError::doing("the interpreter's path is not UTF-8"))?;
        let mut lines = text.lines();
        let parsed = lines.next().zip(lines.next()).and_then(|(program, version)| {
            let mut numbers = version.split('.').map(str::parse::<u32>);
            Some((program, version, (numbers.next()?.ok()?, numbers.next()?.ok()?)))
        });
        match parsed {
            None => Err(interpreter(format!("`{}` is no Python", named.display()))),
            Some((_, version, found)) if found < OLDEST => {
                Err(interpreter(format!("{version}; 3.11 or later is needed, for `-P`")))
            }
            Some((program, version, _)) => Ok(Self { program: program.into(), version: version.to_owned() }),
        }
    }

    /// What has to be executable for it to start: itself, and the loader that the kernel starts it by.
    fn executables(&self) -> impl Iterator<Item = PathBuf> {
        let loaders = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1"];
        let loaders = loaders.into_iter().map(PathBuf::from).filter(|path| path.exists());
        std::iter::once(self.program.clone()).chain(loaders)
    }
}

fn observation(lines: &str, nonce: &str, neutral: &dyn Fn(&str) -> String) -> RunObservation {
    let (mut events, mut counted, mut ended) = (Vec::new(), 0_u64, None);
    let mut whole = true;
    for line in lines.lines() {
        match AuditEvent::parse(line) {
            Some(event) if event.name == "dome.end" => {
                let said = event.args.get(1).and_then(|count| count.parse::<u64>().ok());
                if event.args.first().is_some_and(|given| given == nonce) {
                    ended = ended.or(said.map(|said| (said, counted)));
                }
            }
            Some(mut event) => {
                counted += u64::from(event.name != "dome.lock");
                event.args = event.args.iter().map(|arg| neutral(arg)).collect();
                events.push(event);
            }
            None => whole = false,
        }
    }
    // A process that was forked counts on from where it was, and both write.
    let forked = events.iter().any(|event| matches!(event.name.as_str(), "os.fork" | "os.forkpty"));
    let complete = whole && ended.is_some_and(|(said, seen)| forked || said == seen);
    RunObservation { changed: Vec::new(), complete, cwd: String::new(), events }
}

struct Reports {
    /// As long as it is open, the pipe has a writer, and reading goes on.
    writer: File,
    reader: JoinHandle<Vec<u8>>,
}

impl Reports {
    fn open(path: &Path) -> Result<Self> {
        let is_pipe = std::fs::metadata(path).is_ok_and(|about| about.file_type().is_fifo());
        if !is_pipe {
            rustix::fs::mknodat(rustix::fs::CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
                .map_err(std::io::Error::from)?;
        }
        let writer = File::options().read(true).write(true).open(path)?;
        let mut source = File::open(path)?;
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let kept = Read::by_ref(&mut source).take(EVENTS_BYTES).read_to_end(&mut bytes);
            // What comes after that is read and dropped, so that nobody waits; the count shows it.
            let _drained = kept.and_then(|_| std::io::copy(&mut source, &mut std::io::sink()));
            bytes
        });
        Ok(Self { writer, reader })
    }

    fn close(self) -> String {
        drop(self.writer);
        String::from_utf8_lossy(&joined(self.reader)).into_owned()
    }
}

#[expect(clippy::expect_used, reason = "these threads read into memory and have nothing that panics")]
fn joined(reader: JoinHandle<Vec<u8>>) -> Vec<u8> {
    reader.join().expect("a thread that reads does not panic")
}

/// Reads a stream to its end or to its limit, and says when it is there.
fn reader(stream: Option<impl Read + Send + 'static>, limit: u64) -> (Receiver<bool>, JoinHandle<Vec<u8>>) {
    let (done, heard) = channel();
    let handle = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(stream) = stream {
            let _read = stream.take(limit.saturating_add(1)).read_to_end(&mut bytes);
        }
        let _heard = done.send(bytes.len() as u64 > limit);
        bytes
    });
    (heard, handle)
}

fn watch(
    child: &mut Child,
    stdin: Vec<u8>,
    limits: RunLimits,
    stop: &dyn Fn() -> bool,
) -> Result<(RunEnding, Vec<u8>, Vec<u8>)> {
    let deadline = Instant::now() + Duration::from_millis(limits.time_ms);
    let mut pipe = child.stdin.take();
    let feeder = std::thread::spawn(move || {
        if let Some(pipe) = &mut pipe {
            // A tool may end without reading.
            let _taken = pipe.write_all(&stdin);
        }
    });
    let (done, stdout) = reader(child.stdout.take(), limits.output_bytes);
    let (_, stderr) = reader(child.stderr.take(), STDERR_BYTES);
    let ending = loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match done.recv_timeout(left.min(GLANCE)) {
            Ok(true) => break RunEnding::TooMuchOutput,
            Err(RecvTimeoutError::Timeout) if left > GLANCE && !stop() => {}
            Err(RecvTimeoutError::Timeout) => break RunEnding::TimedOut,
            Ok(false) | Err(RecvTimeoutError::Disconnected) => {
                break settled(child, deadline.max(Instant::now() + LINGER))?;
            }
        }
    };
    // Whatever is left of the run ends: its process, and those that it started.
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _gone = kill_process_group(group, Signal::KILL);
    }
    child.wait()?;
    let _fed = feeder.join();
    Ok((ending, joined(stdout), joined(stderr)))
}

fn settled(child: &mut Child, deadline: Instant) -> Result<RunEnding> {
    loop {
        if let Some(status) = child.try_wait()? {
            #[expect(clippy::expect_used, reason = "a process that was waited for exited or was signalled")]
            let signalled = || status.signal().expect("a process without an exit code ended by a signal");
            return Ok(status.code().map_or_else(|| RunEnding::Signalled(signalled()), RunEnding::Exited));
        }
        if Instant::now() >= deadline {
            return Ok(RunEnding::TimedOut);
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Surroundings {
    /// What the launcher does to Python's clocks; nothing, if it is empty.
    pub(crate) clock: String,
    /// All, where it is not said.
    pub(crate) cores: Option<usize>,
    pub(crate) cwd: PathBuf,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) home: PathBuf,
    pub(crate) host_name: Option<String>,
    /// Whether files are laid in the other order.
    pub(crate) reversed: bool,
    pub(crate) umask: u32,
}

impl Surroundings {
    /// The plain ones: nothing of the machine or of its user is in them.
    pub(crate) fn plain(folder: &Path) -> Self {
        let home = folder.join("home");
        let env = [
            ("HOME", home.display().to_string()),
            ("HOSTNAME", "dome".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("PYTHONHASHSEED", "0".to_owned()),
            ("TZ", "UTC".to_owned()),
        ];
        Self {
            clock: String::new(),
            cores: None,
            cwd: folder.join("work"),
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            home,
            host_name: None,
            reversed: false,
            umask: 0o022,
        }
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    fn lay(&self, tool: &ToolOnDisk) -> Result<()> {
        for folder in [&self.cwd, &self.home] {
            if folder.exists() {
                std::fs::remove_dir_all(folder)?;
            }
            std::fs::create_dir_all(folder)?;
        }
        if let Some(workdir) = &tool.manifest.workdir {
            let from = tool.folder.join(workdir);
            let copied = copy(&from, &self.cwd, self.reversed);
            copied.map_err(ConformError::doing(format!("cannot copy `{}`", from.display())))?;
        }
        for path in self.writable(&tool.manifest.side_effects) {
            if path.starts_with(&self.cwd) {
                std::fs::create_dir_all(&path)?;
            }
        }
        Ok(())
    }

    fn writable(&self, policy: &ToolPolicy) -> Vec<PathBuf> {
        policy.allow_paths.iter().map(|path| self.cwd.join(path)).collect()
    }

    /// Everything below the folders of a run, each with what shows a change.
    fn listing(&self) -> BTreeMap<PathBuf, (u64, Option<SystemTime>)> {
        let below = [&self.cwd, &self.home].into_iter().flat_map(|root| walkdir::WalkDir::new(root).min_depth(1));
        let entries = below.filter_map(Result::ok).filter_map(|entry| {
            let about = entry.metadata().ok()?;
            // A folder changes when what is in it does, and that is listed by itself.
            let state = if about.is_dir() { (0, None) } else { (about.len(), about.modified().ok()) };
            Some((entry.into_path(), state))
        });
        entries.collect()
    }
}

/// Copies a folder, its files in name order or against it.
fn copy(from: &Path, to: &Path, reversed: bool) -> std::io::Result<()> {
    let mut entries = std::fs::read_dir(from)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    if reversed {
        entries.reverse();
    }
    for entry in entries {
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir(&target)?;
            copy(&entry.path(), &target, reversed)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
