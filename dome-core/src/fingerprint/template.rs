//! Message templates: what a message says without numbers, paths, times and ids (M-53).

use std::borrow::Cow;
use std::sync::LazyLock;

use compact_str::CompactString;
use regex::Regex;
use serde::Deserialize;

use crate::limits::{TEMPLATE_BYTES, TEMPLATE_LINES};
use crate::text::{cut, trim};

/// The rules as data: the model's own document, compiled in.
const RULES: &str = include_str!("../data/normalizer-v1.json");

#[derive(Deserialize)]
struct Document {
    normalizer_version: String,
    rules: Vec<RuleDocument>,
}

#[derive(Deserialize)]
struct RuleDocument {
    name: String,
    pattern: String,
    replacement: String,
}

struct Rule {
    pattern: Regex,
    replacement: String,
    /// Bytes of which a text must hold one for the rule to match anywhere.
    needs: &'static [u8],
}

/// One byte set a rule, so that most rules are passed over without running their pattern.
fn needs(name: &str) -> &'static [u8] {
    match name {
        "terminal_title" | "ansi" => b"\x1b",
        "timestamp" | "uuid" => b"-",
        "url" | "windows_path" => b":",
        "path" => b"/",
        "hex_literal" => b"xX",
        "hex_run" => b"0123456789abcdefABCDEF",
        "short_hash" | "number" => b"0123456789",
        _ => b" \t",
    }
}

static COMPILED: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let document = serde_json::from_str(RULES);
    let Document { rules, normalizer_version } =
        document.unwrap_or(Document { normalizer_version: String::new(), rules: Vec::new() });
    debug_assert_eq!(normalizer_version, super::NORMALIZER_VERSION);
    let compile = |rule: RuleDocument| {
        let pattern = Regex::new(&rule.pattern).ok()?;
        Some(Rule { pattern, needs: needs(&rule.name), replacement: rule.replacement })
    };
    rules.into_iter().filter_map(compile).collect()
});

/// The template of a message (M-53): at most 8 lines and 1,024 bytes.
///
/// ```
/// use dome_core::message_template;
/// let message = "AssertionError: expected 3 got 0xe7 at /srv/build/3/test_app.py:12\n\n  in 0.3s";
/// assert_eq!(message_template(message), "AssertionError: expected <n> got <hex> at <path>:<n>\nin <n>s");
/// ```
#[must_use]
pub fn message_template(message: &str) -> CompactString {
    let mut text = Cow::Borrowed(message);
    for rule in COMPILED.iter() {
        if !text.bytes().any(|byte| rule.needs.contains(&byte)) {
            continue;
        }
        if let Cow::Owned(replaced) = rule.pattern.replace_all(&text, rule.replacement.as_str()) {
            text = Cow::Owned(replaced);
        }
    }
    let mut template = CompactString::with_capacity(text.len().min(TEMPLATE_BYTES));
    for (count, line) in text.split('\n').map(trim).filter(|line| !line.is_empty()).take(TEMPLATE_LINES).enumerate() {
        if count > 0 {
            template.push('\n');
        }
        template.push_str(line);
    }
    let kept = cut(&template, TEMPLATE_BYTES).len();
    template.truncate(kept);
    template
}

#[cfg(test)]
mod tests {
    use super::*;

    /// M-53 word for word: every rule on every text.
    fn by_the_book(message: &str) -> String {
        let replaced = COMPILED.iter().fold(message.to_owned(), |text, rule| {
            rule.pattern.replace_all(&text, rule.replacement.as_str()).into_owned()
        });
        let lines = replaced.split('\n').map(trim).filter(|line| !line.is_empty());
        let joined = lines.take(8).collect::<Vec<_>>().join("\n");
        cut(&joined, 1_024).to_owned()
    }

    #[test]
    fn m53_every_rule_of_the_document_is_compiled() {
        assert_eq!(COMPILED.len(), RULES.matches("\"pattern\"").count());
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(2_000))]
        #[test]
        fn m53_a_rule_that_is_passed_over_would_not_have_matched(
            message in "([ -~]|\\n|\\t|\\x1b\\[|[0-9a-f]{5}|/[a-z]|[0-9]{4}-[0-9]{2}-[0-9]{2} |::|//|é){0,40}",
        ) {
            proptest::prop_assert_eq!(message_template(&message), by_the_book(&message));
        }
    }
}
