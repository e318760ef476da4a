//! What is printed: results on stdout, diagnostics on stderr.

use std::fmt::Arguments;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Read, Seek, SeekFrom, Stdout, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use dome_core::{canonical, escaped, escaped_path};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::args::{Color, OutputArgs, OutputFormat};

pub(crate) struct Printer {
    writer: BufWriter<Stdout>,
    pub(crate) format: OutputFormat,
    pub(crate) color: bool,
}

impl Printer {
    pub(crate) fn new(args: OutputArgs) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = match args.color {
            Some(Color::Always) => true,
            Some(Color::Never) => false,
            Some(Color::Auto) | None => io::stdout().is_terminal() && !plain,
        };
        Self { writer: BufWriter::new(io::stdout()), format: args.format.unwrap_or(OutputFormat::Human), color }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == OutputFormat::Json
    }

    /// Prints a value as JSON, or for people as `print` does.
    pub(crate) fn show<T: Serialize>(
        &mut self,
        value: &T,
        print: impl FnOnce(&T, &mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if self.is_json() { self.object(value) } else { print(value, self) }
    }

    /// Prints a document that is JSON in every format: canonical for machines, indented for people.
    pub(crate) fn document<T: Serialize>(&mut self, value: &T) -> anyhow::Result<()> {
        self.show(value, |value, output| output.line(&serde_json::to_string_pretty(value)?))
    }

    /// Prints one canonical object and a line feed.
    pub(crate) fn object<T: Serialize>(&mut self, value: &T) -> anyhow::Result<()> {
        let bytes = canonical::to_vec(value)?;
        self.bytes(&bytes)?;
        self.bytes(b"\n")
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(self.writer.write_all(bytes)?)
    }

    /// Prints a line for people, as [`Printer::write_fmt`] does.
    pub(crate) fn line(&mut self, text: &str) -> anyhow::Result<()> {
        self.as_is(&lines_escaped(text))
    }

    /// Prints lines for people, by `writeln!`: what would act on a terminal or a runner of workflows is escaped.
    pub(crate) fn write_fmt(&mut self, text: Arguments<'_>) -> anyhow::Result<()> {
        self.bytes(lines_escaped(&text.to_string()).as_bytes())
    }

    /// Prints lines that are for machines, or that were escaped before they got their colours.
    pub(crate) fn as_is(&mut self, text: &str) -> anyhow::Result<()> {
        self.bytes(text.as_bytes())?;
        self.bytes(b"\n")
    }

    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        Ok(self.writer.flush()?)
    }
}

/// Says on stderr why a command could not be done: what, then why, each cause once.
pub(crate) fn complain(error: &anyhow::Error) {
    let causes = error.chain().skip(1).map(|cause| format!("\n  because: {cause}"));
    note(&format!("dome: {error}{}", causes.collect::<String>()));
}

/// Says something on stderr; nothing that counts is lost where that cannot be written. Names and messages of
/// others in it come [`escaped`]; here the line feeds are dome's own.
pub(crate) fn note(message: &str) {
    let _heard = writeln!(io::stderr(), "{}", lines_escaped(message));
}

/// A file that lines are appended to. It is opened before there is anything to say, so that what cannot be kept is not
/// asked for; where nothing was said it is as if it had not been opened.
pub(crate) struct LineFile {
    file: File,
    path: PathBuf,
    is_new: bool,
}

impl LineFile {
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let is_new = !path.exists();
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("cannot append to `{}`", escaped_path(path)))?;
        Ok(Self { file, path: path.to_owned(), is_new })
    }

    /// Appends whole lines; a last line that has no end yet gets it first (M-121).
    pub(crate) fn append(&mut self, lines: &[u8]) -> anyhow::Result<()> {
        let written = self.begun().and_then(|begun| self.file.write_all(&[begun, lines].concat()));
        self.is_new = false;
        written.with_context(|| format!("cannot append to `{}`", escaped_path(&self.path)))
    }

    /// What ends the line that the file ends with.
    fn begun(&self) -> io::Result<&'static [u8]> {
        let metadata = self.file.metadata()?;
        if !metadata.is_file() || metadata.len() == 0 {
            return Ok(b"");
        }
        let (mut file, mut last) = (File::open(&self.path)?, [0]);
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        Ok(if last == *b"\n" { b"" } else { b"\n" })
    }
}

impl Drop for LineFile {
    fn drop(&mut self) {
        if self.is_new {
            let _left = std::fs::remove_file(&self.path);
        }
    }
}

/// Notes on stderr while work goes on, and a progress bar when that is a terminal and the work takes over a second.
pub(crate) struct Watching {
    bar: ProgressBar,
    start: Instant,
}

const PATIENCE: Duration = Duration::from_secs(1);

impl Watching {
    #[expect(clippy::expect_used, reason = "the template is a constant")]
    pub(crate) fn new(what: &'static str) -> Self {
        let style = ProgressStyle::with_template("{spinner} {msg} {bytes} ({bytes_per_sec})").expect("a template");
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_style(style);
        Self { bar: bar.with_message(what), start: Instant::now() }
    }
}

impl dome_replay::Watch for Watching {
    /// The target hides itself where stderr is no terminal.
    fn read(&self, bytes: u64) {
        if self.bar.is_hidden() && self.start.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.inc(bytes);
    }

    fn note(&self, text: &str) {
        self.bar.suspend(|| note(&format!("dome: note: {text}")));
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// As [`escaped`] but for line feeds; one before what a runner would take for a command is none of dome's.
fn lines_escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (place, line) in text.split('\n').enumerate() {
        if place > 0 {
            shown.push_str(if line.trim_start().starts_with("::") { "\\u{a}" } else { "\n" });
        }
        shown.push_str(&escaped(line));
    }
    shown
}

/// A number with a thin grouping that terminals can print: `1 234 567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// Names that a reader may have meant, to be added to a message that nothing has the one that was given.
pub(crate) fn near_it(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { String::new() } else { format!("; near it: {}", names.join(", ")) }
}
