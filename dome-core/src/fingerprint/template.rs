//! Message templates: what a message says without numbers, paths, times and ids (M-53).

use compact_str::CompactString;

use super::scan::{ESCAPES, PHRASES, Rule, replace, words};
use crate::limits::{TEMPLATE_BYTES, TEMPLATE_LINES};
use crate::text::{cut, trim};

/// The template of a message (M-53): at most 8 lines and 1,024 bytes.
///
/// ```
/// use dome_core::message_template;
/// let message = "AssertionError: expected 3 got 0xe7 at /srv/build/3/test_app.py:12\n\n  in 0.3s";
/// assert_eq!(message_template(message), "AssertionError: expected <n> got <hex> at <path>:<n>\nin <n>s");
/// ```
#[must_use]
pub fn message_template(message: &str) -> CompactString {
    let [mut text, mut spare] = [(); 2].map(|()| String::with_capacity(message.len() + 16));
    let mut escaped = String::new();
    let message = if message.contains('\x1b') {
        escaped.push_str(message);
        apply(&ESCAPES, &mut escaped, &mut spare);
        &escaped
    } else {
        message
    };
    let (mut template, mut count) = (CompactString::with_capacity(message.len().min(TEMPLATE_BYTES)), 0);
    for line in message.split('\n') {
        if count == TEMPLATE_LINES || template.len() >= TEMPLATE_BYTES {
            break;
        }
        text.clear();
        text.push_str(line);
        apply(&PHRASES, &mut text, &mut spare);
        spare.clear();
        words(&text, &mut spare);
        let line = trim(&spare);
        if !line.is_empty() {
            template.push_str(if count == 0 { "" } else { "\n" });
            template.push_str(line);
            count += 1;
        }
    }
    let kept = cut(&template, TEMPLATE_BYTES).len();
    template.truncate(kept);
    template
}

/// The rules in order, each on what the one before left.
fn apply(rules: &[Rule], text: &mut String, spare: &mut String) {
    for rule in rules {
        if replace(text, *rule, spare) {
            std::mem::swap(text, spare);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use regex::Regex;
    use serde::Deserialize;

    use super::*;

    /// The rules as data: the model's own document.
    const RULES: &str = include_str!("../data/normalizer-v1.json");

    #[derive(Deserialize)]
    struct Document {
        normalizer_version: String,
        rules: Vec<Rule>,
    }

    #[derive(Deserialize)]
    struct Rule {
        pattern: String,
        replacement: String,
    }

    static DOCUMENT: LazyLock<Option<Document>> = LazyLock::new(|| serde_json::from_str(RULES).ok());
    static COMPILED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        let rules = DOCUMENT.iter().flat_map(|document| &document.rules);
        rules.filter_map(|rule| Some((Regex::new(&rule.pattern).ok()?, rule.replacement.as_str()))).collect()
    });

    /// M-53 word for word: every rule of the document on the whole text, one after the other.
    fn by_the_book(message: &str) -> String {
        let replaced = COMPILED.iter().fold(message.to_owned(), |text, (pattern, replacement)| {
            pattern.replace_all(&text, *replacement).into_owned()
        });
        let lines = replaced.split('\n').map(trim).filter(|line| !line.is_empty());
        let joined = lines.take(8).collect::<Vec<_>>().join("\n");
        cut(&joined, 1_024).to_owned()
    }

    #[test]
    fn m53_the_document_is_the_one_that_the_scanners_were_written_for() {
        let version = DOCUMENT.as_ref().map(|document| document.normalizer_version.as_str());
        assert_eq!(version, Some(crate::NORMALIZER_VERSION));
        assert_eq!(COMPILED.len(), RULES.matches("\"pattern\"").count());
    }

    #[test]
    fn m53_hashes_and_numbers_meet_as_the_rules_say() {
        for message in [
            "1.2abcdef0",
            "1.2Aa12345678",
            "12ab34 v1.2.3. 1..2 _7 x7 \u{e9}7 7\u{e9}",
            "123456789012 12345678901 A12345678901",
            "abcdef1 abcdef12 abcdef12345 1abcdef Aabcdef12345 0xfg 00x1",
            "00000000-0000-0000-0000-0000000000001.5",
            "2026-01-01T00:00:00,5+01:003 2026-01-01 00:00:60-0 12026-01-01T00:00",
            "a1://x 1a://x ://x a://\u{e9} a://<x a:b://c c:\\x \u{e9}:\\x c:\\\\|",
            "/a/b//c/d/ /a /a//b/c //a/b/",
            "\u{1b}\u{1b}]0;x\u{7}[1m \u{1b}]0;\n\u{1b}\\ \u{1b}]\u{1b}[1;?2 !m\u{1b}[",
        ] {
            assert_eq!(message_template(message), by_the_book(message), "{message:?}");
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(4_000))]
        #[test]
        fn m53_the_scanners_do_what_the_document_says(
            message in "([ -~]|\\n|[ \\t\\r]{2}|\\x1b\\[|\\x1b\\]|[0-9a-f]{5}|[0-9]{1,4}|[0-9a-fA-F]{1,13}|/[a-z]|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]|[0-9]{2}:[0-9]{2}|://|:\\\\|0x|[.:/-]|é){0,40}",
        ) {
            proptest::prop_assert_eq!(message_template(&message), by_the_book(&message));
        }

        #[test]
        fn m53_the_scanners_agree_on_dense_texts(
            message in "[0-1a-bA-BxXTZz:./+,_ \\\\-]{0,40}|[0a1F.x_ ]{0,30}|[\\x1b\\x07\\]\\[\\\\0;?!@m\\n]{0,20}",
        ) {
            proptest::prop_assert_eq!(message_template(&message), by_the_book(&message));
        }

        #[test]
        fn m53_the_scanners_agree_on_times_and_ids(
            message in "([0-9]{3,5}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{0,3})?)?(Z|[+-][0-9]{2}:?[0-9]{1,2})?|[0-9a-f]{7,9}-[0-9a-fA-F]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{11,13}|[a -]){0,4}",
        ) {
            proptest::prop_assert_eq!(message_template(&message), by_the_book(&message));
        }
    }
}
