//! What is printed: results on stdout, diagnostics on stderr.

use std::io::{self, BufWriter, IsTerminal, Write};

use dome_core::{canonical, escaped};
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

    /// Nobody listens.
    #[cfg(test)]
    pub(crate) fn silent(args: OutputArgs) -> Self {
        Self { writer: BufWriter::new(Box::new(io::sink())), ..Self::new(args) }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    pub(crate) fn is_github(&self) -> bool {
        self.format == Format::Github
    }

    /// Whether it is a format that only reports of the gate have.
    pub(crate) fn is_report(&self) -> bool {
        matches!(self.format, Format::Junit | Format::Sarif)
    }

    #[cfg(feature = "conform")]
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

/// Tells notes on stderr.
pub(crate) struct Notes;

impl dome_replay::Watch for Notes {
    fn note(&self, text: &str) {
        note(&format!("dome: note: {text}"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_cannot_act() {
        assert_eq!(lines_escaped("dome: a\n  because: \u{1b}"), "dome: a\n  because: \\u{1b}");
        assert_eq!(lines_escaped("dome: a\n \u{85}::error::x"), "dome: a\\u{a} \\u{85}::error::x");
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let shown = [0, 999, 1_000, 1_234_567].map(super::grouped);
        assert_eq!(shown, ["0", "999", "1 000", "1 234 567"]);
    }
}
