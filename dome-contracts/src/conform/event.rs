//! What the interpreter reports, and which effect that is.

use std::fmt;

/// One report of the audit hook: a name, and its arguments as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The arguments.
    pub args: Vec<String>,
    /// The name, such as `open`.
    pub name: String,
}

/// What kind of effect.
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
pub struct Effect {
    /// Its kind.
    pub kind: EffectKind,
    /// What it touches: a path, an address, a program.
    pub what: String,
    /// The report that it comes from.
    pub by: String,
}

impl fmt::Display for Effect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.by, self.what)
    }
}

impl Event {
    /// Reads a line of the launcher: a name and arguments in hexadecimal digits, separated by tabs.
    ///
    /// ```
    /// use dome_contracts::conform::Event;
    /// let event = Event::parse("open\t2f746d70").unwrap();
    /// assert_eq!((event.name.as_str(), event.args[0].as_str()), ("open", "/tmp"));
    /// ```
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
        let args = fields.map(decoded).collect::<Option<Vec<_>>>()?;
        Some(Self { args, name })
    }

    fn arg(&self, index: usize) -> String {
        self.args.get(index).cloned().unwrap_or_default()
    }

    /// The effects that it reports; relative paths are taken from `cwd`.
    #[must_use]
    pub fn effects(&self, cwd: &str) -> Vec<Effect> {
        let effect = |kind, what: String| Effect { kind, what, by: self.name.clone() };
        let (path, address) = (|index| resolved(cwd, &self.arg(index)), |index| self.arg(index));
        match self.name.as_str() {
            "open" | "os.mkdir" | "os.rmdir" | "os.remove" | "os.truncate" | "sqlite3.connect" => {
                vec![effect(EffectKind::Write, path(0))]
            }
            "os.rename" | "os.link" => (0..2).map(|index| effect(EffectKind::Write, path(index))).collect(),
            "os.symlink" => vec![effect(EffectKind::Write, path(1))],
            "os.chmod" | "os.chown" | "os.utime" | "os.setxattr" | "os.removexattr" | "os.chflags" => {
                vec![effect(EffectKind::Attributes, path(0))]
            }
            "socket.connect" | "socket.bind" | "socket.sendto" | "socket.sendmsg" => {
                vec![effect(EffectKind::Connection, address(1))]
            }
            name if name.starts_with("socket.get") => vec![effect(EffectKind::Connection, address(0))],
            "subprocess.Popen" | "os.system" | "os.exec" | "os.posix_spawn" | "os.spawn" | "pty.spawn" => {
                let at = usize::from(self.name == "os.spawn");
                vec![effect(EffectKind::Process, address(at))]
            }
            "os.fork" | "os.forkpty" | "os.kill" | "os.killpg" => vec![effect(EffectKind::Process, address(0))],
            // The library is an object; the name that is looked up in it says more.
            "ctypes.dlsym" => vec![effect(EffectKind::NativeCode, address(1))],
            name if name.starts_with("ctypes.") || name == "sqlite3.load_extension" => {
                vec![effect(EffectKind::NativeCode, address(0))]
            }
            "dome.tamper" => vec![effect(EffectKind::Tampering, address(0))],
            "dome.read" => vec![effect(EffectKind::UnnamedFile, path(0))],
            _ => Vec::new(),
        }
    }
}

/// All effects of a run, each once, in order.
pub(super) fn effects(events: &[Event], start: &str) -> Vec<Effect> {
    let (mut cwd, mut found) = (start.to_owned(), Vec::new());
    for event in events {
        if event.name == "os.chdir" {
            cwd = resolved(&cwd, &event.arg(0));
        }
        for effect in event.effects(&cwd) {
            if !found.contains(&effect) {
                found.push(effect);
            }
        }
    }
    found
}

/// A path from a folder, without `.` and `..`.
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

    fn event(name: &str, args: &[&str]) -> Event {
        Event { name: name.to_owned(), args: args.iter().map(|arg| (*arg).to_owned()).collect() }
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
        assert_eq!(Event::parse("open\t2f61").unwrap(), event("open", &["/a"]));
        for line in ["", "open\t2", "open\t2g", "\t2f"] {
            assert_eq!(Event::parse(line), None, "{line:?}");
        }
    }
}
