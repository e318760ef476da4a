//! The pages on formats say what the code does.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::disallowed_methods, reason = "the test reads what the crate is documented by")]

use dome_adapters::{ConvertOptions, FindingCode, Format, ToolFile, convert};

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

/// The example of a page: what goes in, the options, and the first envelope that comes out.
fn example(page: &str) -> Option<(String, Vec<String>, String)> {
    let (_, example) = page.split_once("## Example\n")?;
    let (options, _) = example.split_once("wrapped here:")?;
    let option = |name: &str| {
        let (_, value) =
            options.split_once(&format!("`{name} ")).or_else(|| options.split_once(&format!(" {name} ")))?;
        value.split(['`', ' ']).next().map(str::to_owned)
    };
    let blocks: Vec<String> = example
        .split("\n\n")
        .filter(|block| block.trim_start_matches('\n').starts_with("    "))
        .map(|block| block.trim_matches('\n').lines().map(|line| line.get(4..).unwrap()).collect::<Vec<_>>().join("\n"))
        .collect();
    let [into, out] = blocks.as_slice() else { return None };
    let given = ["--run-id", "--ts"].map(|name| option(name).unwrap_or_default());
    Some((format!("{into}\n"), given.to_vec(), out.replace('\n', "")))
}

#[test]
fn the_example_of_every_page_comes_out_as_it_stands_there() {
    for format in Format::all().filter(|format| !format.is_together()) {
        let (into, given, out) = example(&page(format.name())).unwrap();
        let expected: serde_json::Value = serde_json::from_str(&out).unwrap();
        let name = expected.pointer("/evidence/0/path").and_then(serde_json::Value::as_str).unwrap();
        let [run_id, ts] = given.as_slice() else { unreachable!("two options") };
        let options = ConvertOptions { run_id: run_id.parse().ok(), ts: ts.parse().ok(), ..ConvertOptions::default() };
        let done = convert(format, &[ToolFile { name, bytes: into.as_bytes() }], &options);
        let found = done.envelopes.first().map(dome_core::Envelope::to_canonical).unwrap_or_default();
        assert_eq!(String::from_utf8(found).unwrap(), out, "{format}.md {:?}", done.problems);
    }
}
