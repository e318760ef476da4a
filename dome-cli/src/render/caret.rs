//! Pointing at a place as a compiler does: file and line, the text, a caret under it.

use dome_core::{Problem, escaped, is_obeyed};
use unicode_width::UnicodeWidthStr;

const CONTEXT_CHARS: usize = 40;
const PLACE_CHARS: usize = 60;

const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[1;31m";
const BLUE: &str = "\x1b[1;34m";
const RESET: &str = "\x1b[0m";

/// One problem of a line, as a compiler would show it; only the part around it, since lines may have a million bytes.
pub(crate) fn show(path: &str, number: u64, line: &str, problem: &Problem, color: bool) -> String {
    let paint = |style: &str, text: &str| if color { format!("{style}{text}{RESET}") } else { text.to_owned() };
    let [mut start, mut end] = [problem.span.start, problem.span.end].map(|place| place.min(line.len()));
    while !line.is_char_boundary(start) {
        start -= 1;
    }
    while !line.is_char_boundary(end) {
        end += 1;
    }
    let (before, rest) = line.split_at(start);
    let (place, behind) = rest.split_at(end.saturating_sub(start));
    let column = before.chars().count() + 1;
    let before = printable(&last_chars(before, CONTEXT_CHARS));
    let place = printable(&first_chars(place, PLACE_CHARS));
    let behind = printable(&first_chars(behind, CONTEXT_CHARS));
    let margin = " ".repeat(number.to_string().len());
    let [arrow, bar] = ["-->", "|"].map(|sign| paint(BLUE, sign));
    let title = paint(RED, &format!("error[{}]", problem.code));
    let message = paint(BOLD, &escaped(&problem.message));
    let carets = paint(RED, &"^".repeat(place.width().max(1)));
    let indent = " ".repeat(before.width());
    let (numbered, path, pointer) = (paint(BLUE, &number.to_string()), escaped(path), escaped(&problem.pointer));
    format!(
        "{title}: {message}\n{margin}{arrow} {path}:{number}:{column}\n{margin} {bar}\n\
         {numbered} {bar} {before}{place}{behind}\n{margin} {bar} {indent}{carets} {pointer}\n"
    )
}

/// The text with a visible sign for each control character, which a terminal would obey.
fn printable(text: &str) -> String {
    let visible = |character: char| match u32::from(character) {
        code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or('\u{FFFD}'),
        _ if is_obeyed(character) => '\u{FFFD}',
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
