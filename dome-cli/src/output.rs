//! What is printed: results on stdout, diagnostics on stderr.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::time::{Duration, Instant};

use dome_core::{canonical, escaped};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::args::{Color, Format, OutputArgs};

/// Where results go, and how they look.
pub(crate) struct Output {
    writer: BufWriter<Box<dyn Write>>,
    format: Format,
    color: bool,
}

impl Output {
    pub(crate) fn new(args: OutputArgs) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = match args.color {
            Some(Color::Always) => true,
            Some(Color::Never) => false,
            Some(Color::Auto) | None => io::stdout().is_terminal() && !plain,
        };
        let writer: Box<dyn Write> = Box::new(io::stdout());
        Self { writer: BufWriter::new(writer), format: args.format.unwrap_or(Format::Human), color }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    pub(crate) const fn color(&self) -> bool {
        self.color
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

    /// Where results go, for who renders them by themselves.
    pub(crate) fn writer(&mut self) -> &mut dyn Write {
        &mut self.writer
    }

    /// Prints lines for people: what would act on a terminal or a runner of workflows is escaped.
    pub(crate) fn line(&mut self, text: &str) -> anyhow::Result<()> {
        self.as_is(&lines_escaped(text))
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
    let mut message = format!("dome: {error}");
    for cause in error.chain().skip(1) {
        message.push_str(&format!("\n  because: {cause}"));
    }
    note(&message);
}

/// Says something on stderr; who does not listen misses nothing that counts. Names and messages of
/// others in it come [`escaped`]; here the line feeds are dome's own.
pub(crate) fn note(message: &str) {
    let _heard = writeln!(io::stderr(), "{}", lines_escaped(message));
}

/// What is told on stderr while work goes on: notes, and a progress bar when that is a terminal and the work takes over
/// a second.
pub(crate) struct Watching {
    bar: ProgressBar,
    start: Instant,
}

/// Work that takes less shows no bar.
const PATIENCE: Duration = Duration::from_secs(1);

impl Watching {
    pub(crate) fn new(what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_message(what);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {bytes} ({bytes_per_sec})") {
            bar.set_style(style);
        }
        Self { bar, start: Instant::now() }
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

/// The bar goes, and leaves no trace.
impl Drop for Watching {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// As [`escaped`], but for line feeds; one before what a runner would take for a command is no line
/// feed of dome's.
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
