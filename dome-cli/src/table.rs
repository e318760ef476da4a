//! Tables that fit the terminal.

use std::borrow::Cow;

use dome_core::escaped;
use textwrap::{Options, WordSplitter};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What a column does when the table is too wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Kept,
    /// As [`Column::Kept`], aligned to the right.
    Number,
    Cut,
    /// It is left out, the last one first, then its cells are cut.
    Spare,
}

/// Cells are never cut below this.
const LEAST: usize = 8;
/// While a cell of a column would be cut below this, spare columns are left out.
const COMFORTABLE: usize = 24;
const GAP: usize = 2;
/// The width where neither a terminal nor `COLUMNS` says one.
const WIDTH: usize = 100;

pub(crate) struct TextTable {
    columns: Vec<(&'static str, Column)>,
    rows: Vec<Vec<String>>,
}

impl TextTable {
    pub(crate) fn new(columns: Vec<(&'static str, Column)>) -> Self {
        let titles = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
        Self { columns, rows: vec![titles] }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|cell| escaped(cell)).collect());
    }

    /// The table, no line of it wider than `width` unless what is kept alone is.
    pub(crate) fn render(&self, width: usize) -> String {
        let mut shown: Vec<(usize, Column, usize)> = Vec::new();
        for (place, (_, column)) in self.columns.iter().enumerate() {
            let widest = self.rows.iter().filter_map(|row| row.get(place)).map(|cell| cell.width()).max();
            if *column != Column::Spare || self.says_something(place) {
                shown.push((place, *column, widest.unwrap_or(0)));
            }
        }
        while comfortable(&shown) > width {
            let Some(spare) = shown.iter().rposition(|(_, column, _)| *column == Column::Spare) else { break };
            shown.remove(spare);
        }
        narrow(&mut shown, width);
        self.rows.iter().map(|row| line(row, &shown)).collect()
    }

    fn says_something(&self, place: usize) -> bool {
        let mut cells = self.rows.iter().skip(1).filter_map(|row| row.get(place));
        cells.any(|cell| !cell.is_empty() && cell != "-")
    }
}

fn together(widths: impl Iterator<Item = usize> + Clone) -> usize {
    widths.clone().sum::<usize>() + widths.count().saturating_sub(1) * GAP
}

/// How wide columns are together before a spare one is left out.
fn comfortable(shown: &[(usize, Column, usize)]) -> usize {
    together(shown.iter().map(|(_, column, width)| match column {
        Column::Kept | Column::Number => *width,
        Column::Cut | Column::Spare => (*width).min(COMFORTABLE),
    }))
}

/// Takes a character from the widest column that can be cut until all fit.
fn narrow(shown: &mut [(usize, Column, usize)], width: usize) {
    while together(shown.iter().map(|(_, _, width)| *width)) > width {
        let cut = shown.iter_mut().filter(|(_, column, _)| matches!(column, Column::Cut | Column::Spare));
        let Some((_, _, widest)) = cut.max_by_key(|(_, _, width)| *width).filter(|(_, _, width)| *width > LEAST) else {
            return;
        };
        *widest -= 1;
    }
}

fn line(row: &[String], shown: &[(usize, Column, usize)]) -> String {
    let cells = shown.iter().map(|(place, column, width)| {
        let cell = cut(row.get(*place).map_or("", String::as_str), *width);
        let pad = " ".repeat(width.saturating_sub(cell.width()));
        if *column == Column::Number { format!("{pad}{cell}") } else { format!("{cell}{pad}") }
    });
    let cells: Vec<String> = cells.collect();
    format!("{}\n", cells.join(&" ".repeat(GAP)).trim_end())
}

/// A text of at most `width` columns of a terminal, with `…` where it was cut.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for character in text.chars() {
        if kept.width() + character.width().unwrap_or(0) + 1 > width {
            break;
        }
        kept.push(character);
    }
    format!("{kept}…")
}

/// A text as lines of at most `width` columns, broken at spaces where there are any; what goes on is indented by four.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let start = text.trim_start_matches(' ');
    let indent = " ".repeat(text.len() - start.len());
    let further = format!("{indent}    ");
    let options = Options::new(width).initial_indent(&indent).subsequent_indent(&further);
    textwrap::wrap(start, options.word_splitter(WordSplitter::NoHyphenation)).into_iter().map(Cow::into_owned).collect()
}

pub(crate) fn short_key(key: &str) -> String {
    key.get(..12).unwrap_or(key).to_owned()
}

/// A time to the second, as people read it; UTC.
pub(crate) fn short_time(time: &str) -> String {
    time.get(..19).unwrap_or(time).replace('T', " ")
}

/// How wide a line may be: what `COLUMNS` says, then the terminal.
pub(crate) fn width() -> usize {
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let seen = || rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col));
    set.or_else(seen).filter(|width| *width > 0).unwrap_or(WIDTH)
}
