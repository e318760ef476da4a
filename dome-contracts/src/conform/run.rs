//! One run of a tool, as its runner saw it: what the tool answers, and what it does.

use std::fmt;

use schema_compat::json;
use serde_json::{Map, Value};

use super::manifest::Fixture;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnding {
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
pub struct RunObservation {
    /// Paths in its folders that were there before or after and differ.
    pub changed: Vec<String>,
    /// What the interpreter reported, in order.
    pub events: Vec<AuditEvent>,
    /// Whether the reports go on to the very end: a tool that leaves the interpreter, or blinds it, is not seen.
    pub complete: bool,
    /// The folder that it started in.
    pub cwd: String,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolRun {
    /// How it ended.
    pub ending: RunEnding,
    /// What was seen of it.
    pub observation: RunObservation,
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
    pub run: &'r ToolRun,
}

impl ToolRun {
    /// The last line of stderr that says something, for a message.
    #[must_use]
    pub fn complaint(&self) -> &str {
        self.stderr.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("")
    }
}

dome_core::choice! {
    /// The result of a run, as the tool reports it.
    AnswerStatus {
        /// It worked, and there is an output.
        Success = "success",
        /// It did not work.
        Failure = "failure",
        /// It was not allowed.
        Denial = "denial",
    }
}

/// What a tool answers: one JSON document on stdout.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolAnswer {
    /// The whole document.
    pub document: Value,
    /// What went wrong; `None` where nothing did (`NONE`).
    pub failure_reason_code: Option<String>,
    /// The output, where there is one.
    pub output: Option<Value>,
    /// Why it was not allowed.
    pub policy_reason_code: Option<String>,
    /// The result.
    pub status: AnswerStatus,
    /// The telemetry.
    pub telemetry: Map<String, Value>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// It took longer than it may.
    #[error("no answer in time")]
    TimedOut,
    /// It wrote more than it may.
    #[error("more output than its limit")]
    TooMuch,
    /// A signal ended it.
    #[error("ended by signal {signal}: {complaint}")]
    Signalled {
        /// The signal.
        signal: i32,
        /// The last line of stderr.
        complaint: String,
    },
    /// What it wrote is not one JSON document.
    #[error("no JSON document on stdout ({message}), exit code {code}: {complaint}")]
    NotJson {
        /// What the reader said.
        message: String,
        /// The exit code.
        code: i32,
        /// The last line of stderr.
        complaint: String,
    },
    /// The document is not an answer.
    #[error("`{pointer}`: {message}")]
    Shape {
        /// Where.
        pointer: &'static str,
        /// What.
        message: String,
    },
}

impl ToolRun {
    /// The answer that the run gave.
    ///
    /// # Errors
    ///
    /// [`AnswerError`], when it gave none.
    pub fn answer(&self) -> Result<ToolAnswer, AnswerError> {
        let complaint = || self.complaint().to_owned();
        let code = match self.ending {
            RunEnding::TimedOut => return Err(AnswerError::TimedOut),
            RunEnding::TooMuchOutput => return Err(AnswerError::TooMuch),
            RunEnding::Signalled(signal) => return Err(AnswerError::Signalled { signal, complaint: complaint() }),
            RunEnding::Exited(code) => code,
        };
        let not_json =
            |why: serde_json::Error| AnswerError::NotJson { message: why.to_string(), code, complaint: complaint() };
        read(json::parse(&self.stdout).map_err(not_json)?)
    }
}

fn shape(pointer: &'static str, message: impl Into<String>) -> AnswerError {
    AnswerError::Shape { pointer, message: message.into() }
}

fn read(document: Value) -> Result<ToolAnswer, AnswerError> {
    let members = document.as_object().ok_or_else(|| shape("", "an answer is an object"))?;
    if let Some(other) = members.keys().find(|name| !["message", "output", "telemetry"].contains(&name.as_str())) {
        return Err(shape("", format!("`{other}` is no member of an answer")));
    }
    let telemetry = members.get("telemetry").and_then(Value::as_object).cloned();
    let telemetry = telemetry.ok_or_else(|| shape("/telemetry", "the member is missing, or no object"))?;
    let status = telemetry.get("status").and_then(Value::as_str).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| shape("/telemetry/status", "expected `success`, `failure` or `denial`"))?;
    let output = members.get("output").cloned();
    if status == AnswerStatus::Success && output.is_none() {
        return Err(shape("/output", "a success has an output"));
    }
    let code = |name| telemetry.get(name).and_then(Value::as_str).filter(|code| *code != "NONE").map(str::to_owned);
    Ok(ToolAnswer {
        failure_reason_code: code("failure_reason_code"),
        output,
        policy_reason_code: code("policy_reason_code"),
        status,
        telemetry,
        document,
    })
}

/// One report of the audit hook: a name, and its arguments as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// The arguments.
    pub args: Vec<String>,
    /// The name, such as `open`.
    pub name: String,
}

/// A kind of effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EffectKind {
    /// A file or folder is made, changed, moved or removed.
    Write,
    /// Its mode, owner, times or attributes are changed.
    Attributes,
    /// Something is sent, received or looked up.
    Connection,
    /// A program or a process is started.
    Process,
    /// Native code is loaded or called by hand.
    NativeCode,
    /// The observation is tampered with.
    Tampering,
    /// A file of the tool that its manifest does not name is read.
    UnnamedFile,
}

/// One effect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ToolEffect {
    /// Its kind.
    pub kind: EffectKind,
    /// What it touches: a path, an address, a program.
    pub what: String,
    /// The report that it comes from.
    pub by: String,
}

impl fmt::Display for ToolEffect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.by, self.what)
    }
}

impl AuditEvent {
    /// Reads a line of the launcher: a name and arguments in hexadecimal digits, separated by tabs.
    ///
    /// ```
    /// use dome_contracts::conform::AuditEvent;
    /// let event = AuditEvent::parse("open\t2f746d70").unwrap();
    /// assert_eq!((event.name.as_str(), event.args[0].as_str()), ("open", "/tmp"));
    /// ```
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
        let args = fields.map(decoded).collect::<Option<Vec<_>>>()?;
        Some(Self { args, name })
    }

    /// An argument; one that is not there is empty, as the address of an unnamed socket is.
    fn arg(&self, index: usize) -> &str {
        self.args.get(index).map_or("", String::as_str)
    }

    /// The effects that it reports; relative paths are taken from `cwd`.
    #[must_use]
    pub fn effects(&self, cwd: &str) -> Vec<ToolEffect> {
        use EffectKind::{Attributes, Connection, NativeCode, Process, Tampering, UnnamedFile, Write};
        let (kind, args): (_, &[usize]) = match self.name.as_str() {
            "open" | "os.mkdir" | "os.rmdir" | "os.remove" | "os.truncate" | "sqlite3.connect" => (Write, &[0]),
            "os.rename" | "os.link" => (Write, &[0, 1]),
            "os.symlink" => (Write, &[1]),
            "os.chmod" | "os.chown" | "os.utime" | "os.setxattr" | "os.removexattr" | "os.chflags" => {
                (Attributes, &[0])
            }
            "socket.connect" | "socket.bind" | "socket.sendto" | "socket.sendmsg" => (Connection, &[1]),
            name if name.starts_with("socket.get") => (Connection, &[0]),
            "os.spawn" => (Process, &[1]),
            "subprocess.Popen" | "os.system" | "os.exec" | "os.posix_spawn" | "pty.spawn" => (Process, &[0]),
            "os.fork" | "os.forkpty" | "os.kill" | "os.killpg" => (Process, &[0]),
            // The library is an object; the name that is looked up in it says more.
            "ctypes.dlsym" => (NativeCode, &[1]),
            name if name.starts_with("ctypes.") || name == "sqlite3.load_extension" => (NativeCode, &[0]),
            "dome.tamper" => (Tampering, &[0]),
            "dome.read" => (UnnamedFile, &[0]),
            _ => return Vec::new(),
        };
        let touched = args.iter().map(|index| match kind {
            Write | Attributes | UnnamedFile => resolved(cwd, self.arg(*index)),
            Connection | Process | NativeCode | Tampering => self.arg(*index).to_owned(),
        });
        touched.map(|what| ToolEffect { kind, what, by: self.name.clone() }).collect()
    }
}

/// All effects of a run, each once, in order.
pub(super) fn effects(events: &[AuditEvent], start: &str) -> Vec<ToolEffect> {
    let (mut cwd, mut found) = (start.to_owned(), Vec::new());
    for event in events {
        if event.name == "os.chdir" {
            cwd = resolved(&cwd, event.arg(0));
        }
        for effect in event.effects(&cwd) {
            if !found.contains(&effect) {
                found.push(effect);
            }
        }
    }
    found
}

pub(super) fn resolved(cwd: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{cwd}/{path}") };
    let mut segments: Vec<&str> = Vec::new();
    for segment in whole.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    format!("/{}", segments.join("/"))
}

fn decoded(hex: &str) -> Option<String> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = hex.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(high)?.saturating_mul(16).saturating_add(digit(low)?)),
        _ => None,
    });
    let bytes = pairs.collect::<Option<Vec<u8>>>()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    fn event(name: &str, args: &[&str]) -> AuditEvent {
        AuditEvent { name: name.to_owned(), args: args.iter().map(|arg| (*arg).to_owned()).collect() }
    }

    #[test]
    fn a_path_is_told_from_the_folder_that_the_tool_is_in() {
        let events = [
            event("open", &["a"]),
            event("os.chdir", &["/x/y"]),
            event("os.rename", &["../b", "./c"]),
            event("open", &["/x/b"]),
            event("os.rename", &["../b", "c"]),
        ];
        let found: Vec<String> = effects(&events, "/w").iter().map(ToString::to_string).collect();
        assert_eq!(found, ["open /w/a", "os.rename /x/b", "os.rename /x/y/c", "open /x/b"]);
    }

    #[test]
    fn a_line_that_is_none_is_not_an_event() {
        assert_eq!(AuditEvent::parse("open\t2f61").unwrap(), event("open", &["/a"]));
        for line in ["", "open\t2", "open\t2g", "\t2f"] {
            assert_eq!(AuditEvent::parse(line), None, "{line:?}");
        }
    }
}
