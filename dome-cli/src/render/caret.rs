//! Pointing at a place as a compiler does: file and line, the text, a caret under it.

use std::ops::Range;

use dome_core::{Problem, escaped};
use unicode_width::UnicodeWidthStr;

/// Characters of the line that are shown before and behind the place.
const CONTEXT_CHARS: usize = 40;
/// Characters of the place itself that are shown.
const PLACE_CHARS: usize = 60;

const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[1;31m";
const BLUE: &str = "\x1b[1;34m";
const RESET: &str = "\x1b[0m";

/// One problem of one line, as a compiler would show it.
pub(crate) fn show(path: &str, number: u64, line: &str, problem: &Problem, color: bool) -> String {
    let paint = |style: &str, text: &str| if color { format!("{style}{text}{RESET}") } else { text.to_owned() };
    let window = Window::around(line, problem.span.clone());
    let number = number.to_string();
    let margin = " ".repeat(number.len());
    let [arrow, bar] = ["-->", "|"].map(|sign| paint(BLUE, sign));
    let title =
        format!("{}: {}", paint(RED, &format!("error[{}]", problem.code)), paint(BOLD, &escaped(&problem.message)));
    let carets = paint(RED, &"^".repeat(window.place.width().max(1)));
    let indent = " ".repeat(window.before.width());
    let text = format!("{}{}{}", window.before, window.place, window.behind);
    format!(
        "{title}\n{margin}{arrow} {path}:{number}:{column}\n{margin} {bar}\n{numbered} {bar} {text}\n{margin} {bar} {indent}{carets} {pointer}\n",
        column = window.column,
        numbered = paint(BLUE, &number),
        path = escaped(path),
        pointer = escaped(&problem.pointer),
    )
}

/// The part of a line around a place: lines may have a million bytes, terminals do not.
struct Window {
    before: String,
    place: String,
    behind: String,
    /// The place on the line, in characters from 1.
    column: usize,
}

impl Window {
    fn around(line: &str, span: Range<usize>) -> Self {
        let start = (0..=span.start).rev().find(|place| line.is_char_boundary(*place)).unwrap_or(0);
        let end = (span.end..line.len()).find(|place| line.is_char_boundary(*place)).unwrap_or(line.len()).max(start);
        let part = |range: Range<usize>| line.get(range).unwrap_or("");
        let before = part(0..start);
        Self {
            before: printable(&last_chars(before, CONTEXT_CHARS)),
            place: printable(&first_chars(part(start..end), PLACE_CHARS)),
            behind: printable(&first_chars(part(end..line.len()), CONTEXT_CHARS)),
            column: before.chars().count() + 1,
        }
    }
}

/// The text with a visible sign for each control character, which a terminal would obey.
fn printable(text: &str) -> String {
    let visible = |character: char| match u32::from(character) {
        code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or('\u{FFFD}'),
        _ if character.is_control() => '\u{FFFD}',
        _ => character,
    };
    text.chars().map(visible).collect()
}

fn first_chars(text: &str, count: usize) -> String {
    match text.char_indices().nth(count) {
        Some((cut, _)) => format!("{}…", text.split_at(cut).0),
        None => text.to_owned(),
    }
}

fn last_chars(text: &str, count: usize) -> String {
    match text.char_indices().rev().nth(count) {
        Some((cut, character)) => format!("…{}", text.split_at(cut + character.len_utf8()).1),
        None => text.to_owned(),
    }
}
