//! The pages on formats say what the code does.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::disallowed_methods, reason = "the test reads what the crate is documented by")]

use dome_adapters::{FindingCode, Format};

fn page(name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/formats");
    std::fs::read_to_string(folder.join(format!("{name}.md"))).unwrap()
}

#[test]
fn every_page_lists_every_code_with_its_class_and_meaning() {
    for format in Format::all() {
        let mut text = page(format.name());
        if text.contains("(tests.md)") {
            text.push_str(&page("tests"));
        }
        for meaning in format.code_meanings() {
            let row = format!("| `{}` | {} | {} |", meaning.code, meaning.class, meaning.meaning);
            assert!(text.contains(&row), "{format}.md: {row}");
        }
    }
}

#[test]
fn the_list_of_formats_has_every_one_with_its_summary() {
    let text = page("README");
    for format in Format::all() {
        let row = format!("| [`{format}`]({format}.md) | {} |", format.summary());
        assert!(text.contains(&row), "{row}");
    }
}

#[test]
fn the_page_on_all_formats_names_every_finding() {
    let text = page("README");
    for code in FindingCode::ALL {
        assert!(text.contains(&format!("| `{code}` |")), "{code}");
    }
}
