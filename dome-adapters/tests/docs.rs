//! The pages on formats say what the code does.

use dome_adapters::{FindingCode, Format};

const TERMINAL_BENCH: &str = include_str!("../../docs/formats/terminal-bench.md");

#[test]
fn the_page_lists_every_code_with_its_class_and_meaning() {
    for meaning in Format::TerminalBench.code_meanings() {
        let row = format!("| `{}` | {} | {} |", meaning.code, meaning.class, meaning.meaning);
        assert!(TERMINAL_BENCH.contains(&row), "{row}");
    }
}

#[test]
fn the_page_names_every_finding() {
    for code in FindingCode::ALL {
        assert!(TERMINAL_BENCH.contains(&format!("`{code}`")), "{code}");
    }
}
