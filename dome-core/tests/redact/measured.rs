//! Figures: what is masked of the kinds of a public list, and what of ordinary lines.
//!
//! Both read what is not part of the project, and are left out without it: `DOME_SECRET_LIST` is the path of a list in the form
//! of gitleaks (`config/gitleaks.toml`), `DOME_REAL_DATA` a folder with real files. `docs/redaction.md` has the figures.

use std::collections::BTreeMap;
use std::path::Path;

use dome_core::redact::RedactionCounts;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::built_in;

/// A kind of secret of the list.
struct ListedKind {
    id: String,
    /// Its expression, without what a generator cannot follow: places between characters.
    expression: String,
    /// If it is known by a name beside it alone: the expressions of the name and of what stands behind it.
    named: Option<[String; 2]>,
}

impl ListedKind {
    fn new(id: &str, expression: &str) -> Self {
        let ends = [r#"(?:[\x60'"\s;]|\\[nr]|$)"#, r"|\z", "|$", "^|", "$|", r"\b"];
        let plain = ends.iter().fold(expression.to_owned(), |text, end| text.replace(end, ""));
        let flags = if plain.starts_with("(?i)") { "(?i-u)" } else { "(?-u)" };
        let parts = plain.rsplit_once("{0,5}").filter(|_| plain.contains("{0,50}?") && !plain.contains("ATATT3"));
        let named = parts.map(|(name, value)| [format!("(?-u){name}{{0,5}}"), format!("{flags}{value}")]);
        // The list means ASCII.
        Self { id: id.to_owned(), expression: format!("(?-u){plain}"), named }
    }
}

fn kinds(list: &str) -> Vec<ListedKind> {
    let mut id = "";
    let rules = list.split_once("[[rules]]").map_or("", |(_, rules)| rules);
    let kind = |line: &'_ str| -> Option<(bool, String)> {
        let said = line.strip_prefix("id = ").map(|text| (true, text.trim_matches('"').to_owned()));
        let expression = || line.strip_prefix("regex = '''")?.strip_suffix("'''").map(|text| (false, text.to_owned()));
        said.or_else(expression)
    };
    let said: Vec<_> = rules.lines().filter_map(kind).collect();
    let mut kinds = Vec::new();
    for (is_id, text) in &said {
        if *is_id {
            id = text;
        } else {
            kinds.push(ListedKind::new(id, text));
        }
    }
    kinds
}

/// Samples of an expression that hold to printed characters; none where the generator cannot follow it.
fn samples(expression: &str, runner: &mut TestRunner) -> Vec<String> {
    let Ok(shape) = proptest::string::string_regex(expression) else { return Vec::new() };
    let made = (0..400).filter_map(|_| Some(shape.new_tree(runner).ok()?.current()));
    made.filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')).take(20).collect()
}

/// Whether nothing is left of the last stretch that chance wrote.
fn is_gone(sample: &str, line: &str) -> bool {
    let masked = built_in().redact(line.as_bytes(), &mut RedactionCounts::default());
    let masked = String::from_utf8_lossy(&masked);
    let mut parts = sample.rsplit(|character: char| !character.is_ascii_alphanumeric());
    let last = parts.find(|part| part.len() >= 6 && part.bytes().any(|byte| byte.is_ascii_digit())).unwrap_or(sample);
    masked.contains("[redacted:") && !masked.contains(last)
}

/// What is told of one form: kinds, and those that were not masked in every sample.
#[derive(Default)]
struct FormFigures {
    kinds: usize,
    missed: Vec<String>,
}

impl FormFigures {
    fn add(&mut self, kind: &ListedKind, samples: &[String], line: impl Fn(&str) -> String) {
        let masked = samples.iter().filter(|sample| is_gone(sample, &line(sample))).count();
        self.kinds += usize::from(!samples.is_empty());
        if masked < samples.len() {
            self.missed.push(format!("{} {masked}/{}", kind.id, samples.len()));
        }
    }
}

#[test]
fn of_a_public_list_nineteen_kinds_in_twenty_are_masked() {
    let Some(path) = std::env::var_os("DOME_SECRET_LIST") else {
        println!("skipped: DOME_SECRET_LIST is not set");
        return;
    };
    let (mut runner, list) = (TestRunner::deterministic(), std::fs::read_to_string(path).unwrap());
    let mut told: BTreeMap<&str, FormFigures> = BTreeMap::new();
    for kind in kinds(&list) {
        let [names, secrets] = match &kind.named {
            None => [vec![String::new()], samples(&kind.expression, &mut runner)],
            Some(named) => named.each_ref().map(|expression| samples(expression, &mut runner)),
        };
        let form =
            if kind.named.is_some() { "by its own name, in running text" } else { "by its shape, in running text" };
        let name = names.first().map_or("", String::as_str);
        told.entry(form).or_default().add(&kind, &secrets, |secret| format!("wrote {name}{secret} and went on"));
        let name = kind.id.to_uppercase().replace('-', "_");
        told.entry("beside a name").or_default().add(&kind, &secrets, |secret| format!("export {name}={secret}"));
    }
    for (form, FormFigures { kinds, missed }) in told {
        println!(
            "{form}: {} of {kinds} kinds masked in every sample; not: {}",
            kinds - missed.len(),
            missed.join(", ")
        );
        assert!(missed.len() * 20 <= kinds, "{form}: {missed:?}");
    }
}

/// The bytes of every file below a folder, in the order of their paths.
fn files(folder: &Path, each: &mut impl FnMut(&[u8])) {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let paths: std::collections::BTreeSet<_> = entries.collect();
    for path in paths {
        if path.is_dir() {
            files(&path, each);
        } else {
            each(&std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn of_ordinary_lines_less_than_one_in_a_hundred_is_touched() {
    let Some(folder) = std::env::var_os("DOME_REAL_DATA") else {
        println!("skipped: DOME_REAL_DATA is not set");
        return;
    };
    let (mut lines, mut touched, mut counts) = (0_u64, 0_u64, RedactionCounts::default());
    files(Path::new(&folder), &mut |bytes| {
        for line in dome_core::lines(bytes, 1, 0).filter(|line| !line.bytes.is_empty()) {
            let before = counts.total();
            let _masked = built_in().redact(line.bytes, &mut counts);
            (lines, touched) = (lines + 1, touched + u64::from(counts.total() > before));
        }
    });
    println!("{touched} of {lines} lines touched: {:?}", counts.iter().collect::<Vec<_>>());
    assert!(lines > 100_000 && touched * 100 <= lines, "{touched} of {lines}");
}
