//! Starting a run, feeding it, watching it, ending it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dome_contracts::conform::{Ending, Event, Limits, Observation, Run};
use rustix::fs::{FileType, Mode};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::error::Error;
use crate::exec::Kernel;
use crate::surroundings::Surroundings;

/// How much of stderr is kept, and how much of the reports.
const STDERR_BYTES: u64 = 64 << 10;
const EVENTS_BYTES: u64 = 8 << 20;
/// How long a process is given to end once its output has.
const LINGER: Duration = Duration::from_millis(500);

/// What to run.
pub(crate) struct Job<'j> {
    pub(crate) launcher: &'j [OsString],
    pub(crate) spec: &'j Path,
    pub(crate) events: &'j Path,
    pub(crate) status: &'j Path,
    pub(crate) stdin: Vec<u8>,
    pub(crate) limits: Limits,
    pub(crate) nonce: &'j str,
}

/// Runs a job and observes it. What the kernel enforced comes with it, and whether the launcher locked
/// programs out.
pub(crate) fn run(job: &Job<'_>, around: &Surroundings, root: &Path) -> Result<(Run, Kernel, bool), Error> {
    let before = around.listing();
    let reports = Reports::open(job.events)?;
    let mut launcher = job.launcher.iter();
    let mut child =
        Command::new(launcher.next().ok_or(std::io::ErrorKind::InvalidInput).map_err(std::io::Error::from)?)
            .args(launcher)
            .arg(job.spec)
            .env_clear()
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Error::doing("cannot start a run"))?;
    let (ending, stdout, stderr) = watch(&mut child, job)?;
    let lines = reports.close();
    let kernel = Kernel::read(&std::fs::read(job.status)?);
    if let Some(why) = kernel.error {
        return Err(Error::Setup { why });
    }
    let place = Place { root: root.display().to_string() };
    let mut observation = place.observation(&lines, job.nonce);
    let locked = observation.events.iter().any(|event| event.name == "dome.lock" && event.args == ["ok"]);
    observation.events.retain(|event| event.name != "dome.lock");
    observation.cwd = place.told(&around.cwd.display().to_string());
    let after = around.listing();
    let differs = before.iter().filter(|(path, was)| after.get(*path) != Some(was));
    let made = after.iter().filter(|(path, _)| !before.contains_key(*path));
    observation.changed = differs.chain(made).map(|(path, _)| place.told(&path.display().to_string())).collect();
    let [stdout, stderr] = [stdout, stderr].map(|bytes| place.told(&String::from_utf8_lossy(&bytes)));
    Ok((Run { ending, observation, stderr, stdout: stdout.into_bytes() }, kernel, locked))
}

/// The private folder has another name each time; what is reported of a run does not depend on it.
struct Place {
    root: String,
}

impl Place {
    fn told(&self, text: &str) -> String {
        text.replace(&self.root, "/(run)")
    }

    fn observation(&self, lines: &str, nonce: &str) -> Observation {
        let (mut events, mut counted, mut ended) = (Vec::new(), 0_u64, None);
        let mut whole = true;
        for line in lines.lines() {
            match Event::parse(line) {
                Some(event) if event.name == "dome.end" => {
                    let said = event.args.get(1).and_then(|count| count.parse::<u64>().ok());
                    if event.args.first().is_some_and(|told| told == nonce) {
                        ended = ended.or(said.map(|said| (said, counted)));
                    }
                }
                Some(mut event) => {
                    counted += u64::from(event.name != "dome.lock");
                    event.args = event.args.iter().map(|arg| self.told(arg)).collect();
                    events.push(event);
                }
                None => whole = false,
            }
        }
        // A process that was forked counts on from where it was, and both write.
        let forked = events.iter().any(|event| matches!(event.name.as_str(), "os.fork" | "os.forkpty"));
        let complete = whole && ended.is_some_and(|(said, seen)| forked || said == seen);
        Observation { changed: Vec::new(), complete, cwd: String::new(), events }
    }
}

/// The pipe that the launcher reports through.
struct Reports {
    /// While it is open, the pipe has a writer, and reading goes on.
    writer: File,
    reader: JoinHandle<Vec<u8>>,
}

impl Reports {
    fn open(path: &Path) -> Result<Self, Error> {
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

/// What a reading thread read.
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
        let over = bytes.len() as u64 > limit;
        let _heard = done.send(over);
        bytes
    });
    (heard, handle)
}

fn watch(child: &mut Child, job: &Job<'_>) -> Result<(Ending, Vec<u8>, Vec<u8>), Error> {
    let deadline = Instant::now() + Duration::from_millis(job.limits.time_ms);
    let (mut pipe, bytes) = (child.stdin.take(), job.stdin.clone());
    let feeder = std::thread::spawn(move || {
        if let Some(pipe) = &mut pipe {
            // A tool may end without reading.
            let _taken = pipe.write_all(&bytes);
        }
    });
    let (done, stdout) = reader(child.stdout.take(), job.limits.output_bytes);
    let (_, stderr) = reader(child.stderr.take(), STDERR_BYTES);
    let over = match done.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(over) => over.then_some(Ending::TooMuchOutput),
        Err(RecvTimeoutError::Timeout) => Some(Ending::TimedOut),
        Err(RecvTimeoutError::Disconnected) => None,
    };
    let ending = match over {
        Some(ending) => ending,
        None => settled(child, deadline.max(Instant::now() + LINGER))?,
    };
    kill(child);
    child.wait()?;
    let _fed = feeder.join();
    Ok((ending, joined(stdout), joined(stderr)))
}

/// How it ended, by itself and in time.
fn settled(child: &mut Child, deadline: Instant) -> Result<Ending, Error> {
    loop {
        if let Some(status) = child.try_wait()? {
            #[expect(clippy::expect_used, reason = "a process that was waited for exited or was signalled")]
            let signalled = || status.signal().expect("a process without an exit code ended by a signal");
            return Ok(status.code().map_or_else(|| Ending::Signalled(signalled()), Ending::Exited));
        }
        if Instant::now() >= deadline {
            return Ok(Ending::TimedOut);
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Ends whatever is left of the run: its process, and those that it started.
fn kill(child: &Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // Nobody is left: nothing to do.
        let _gone = kill_process_group(group, Signal::KILL);
    }
}
