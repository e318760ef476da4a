//! Message templates: what a message says without numbers, paths, times and ids (M-53).

use compact_str::CompactString;

use super::scan::{ESCAPES, PHRASES, QUOTES, ScanRule, replace, words};
use crate::choice::BinderVersion;
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
    message_template_under(BinderVersion::V1, message)
}

/// The template of a message under a binder, by the rules of its normaliser (M-53).
///
/// ```
/// use dome_core::{BinderVersion, message_template_under};
/// let message = "KeyError: 'user_7' isn't in \"/etc/app.toml\"";
/// assert_eq!(message_template_under(BinderVersion::V2, message), "KeyError: <str> isn\u{2019}t in <str>");
/// ```
#[must_use]
pub fn message_template_under(binder: BinderVersion, message: &str) -> CompactString {
    CompactString::from(Templates::default().of(binder, message))
}

/// Makes templates one after the other, in memory that is kept.
#[derive(Default)]
pub(crate) struct Templates {
    escaped: String,
    text: String,
    spare: String,
    template: String,
}

impl Templates {
    /// The template of a message under a binder (M-53).
    pub(crate) fn of(&mut self, binder: BinderVersion, message: &str) -> &str {
        let quotes: &[ScanRule] = match binder {
            BinderVersion::V1 => &[],
            BinderVersion::V2 => &QUOTES,
        };
        let Self { escaped, text, spare, template } = self;
        template.clear();
        let (mut count, mut rest) = (0, Some(apply(&ESCAPES, message, escaped, spare)));
        while let Some(whole) = rest {
            if count == TEMPLATE_LINES || template.len() >= TEMPLATE_BYTES {
                break;
            }
            let end = memchr::memchr(b'\n', whole.as_bytes());
            let (line, after) = end.and_then(|end| Some((whole.get(..end)?, whole.get(end + 1..)?))).unzip();
            rest = after;
            let line = apply(quotes.iter().chain(&PHRASES), line.unwrap_or(whole), text, spare);
            spare.clear();
            words(line, spare);
            let line = trim(spare);
            if !line.is_empty() {
                template.push_str(if count == 0 { "" } else { "\n" });
                template.push_str(line);
                count += 1;
            }
        }
        cut(template, TEMPLATE_BYTES)
    }
}

/// The rules in order, each on what the one before left; `text` and `spare` are written over.
fn apply<'r, 't>(
    rules: impl IntoIterator<Item = &'r ScanRule>,
    line: &'t str,
    text: &'t mut String,
    spare: &mut String,
) -> &'t str {
    let mut rules = rules.into_iter();
    // Most lines have nothing for most rules, and are not copied before something is replaced.
    if !rules.any(|rule| replace(line, *rule, text)) {
        return line;
    }
    for rule in rules {
        if replace(text, *rule, spare) {
            std::mem::swap(text, spare);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use dome_arbitrary::steps::assert_linear;
    use proptest::prelude::*;
    use regex::Regex;
    use serde::Deserialize;

    use super::*;

    /// The rules as data: the model's own document, and the one of binder v2.
    const RULES: [(BinderVersion, &str); 2] = [
        (BinderVersion::V1, include_str!("../data/normalizer-v1.json")),
        (BinderVersion::V2, include_str!("../data/normalizer-v2.json")),
    ];

    #[derive(Deserialize)]
    struct NormalizerDocument {
        normalizer_version: String,
        rules: Vec<NormalizerRule>,
    }

    #[derive(Deserialize)]
    struct NormalizerRule {
        pattern: String,
        replacement: String,
    }

    struct Book {
        binder: BinderVersion,
        version: String,
        rules: Vec<(Regex, String)>,
    }

    static BOOKS: LazyLock<Vec<Book>> = LazyLock::new(|| {
        let book = |(binder, text): (BinderVersion, &str)| {
            let document: NormalizerDocument = serde_json::from_str(text).ok()?;
            let rules = document.rules.into_iter();
            let rules = rules.filter_map(|rule| Some((Regex::new(&rule.pattern).ok()?, rule.replacement))).collect();
            Some(Book { binder, version: document.normalizer_version, rules })
        };
        RULES.into_iter().filter_map(book).collect()
    });

    /// M-53 word for word: every rule of the document on the whole text, one after the other.
    fn by_the_book(book: &Book, message: &str) -> String {
        let replaced = book.rules.iter().fold(message.to_owned(), |text, (pattern, replacement)| {
            pattern.replace_all(&text, replacement).into_owned()
        });
        let lines = replaced.split('\n').map(trim).filter(|line| !line.is_empty());
        let joined = lines.take(8).collect::<Vec<_>>().join("\n");
        cut(&joined, 1_024).to_owned()
    }

    /// Holds the scanners of every binder to its document.
    fn agree(message: &str) -> Result<(), TestCaseError> {
        for book in &*BOOKS {
            let found = message_template_under(book.binder, message);
            prop_assert_eq!(found.as_str(), by_the_book(book, message), "{} on {:?}", book.binder, message);
        }
        Ok(())
    }

    #[test]
    fn m53_the_documents_are_the_ones_that_the_scanners_were_written_for() {
        let versions: Vec<_> = BOOKS.iter().map(|book| (book.binder, book.version.as_str())).collect();
        let known: Vec<_> = BinderVersion::ALL.iter().map(|binder| (*binder, binder.normalizer_version())).collect();
        assert_eq!(versions, known);
        for (book, (_, text)) in BOOKS.iter().zip(RULES) {
            assert_eq!(book.rules.len(), text.matches("\"pattern\"").count(), "{}", book.binder);
        }
    }

    /// Under v2 the rules of v1 stand unchanged, in their order.
    #[test]
    fn m53_version_2_adds_two_rules_and_changes_none() {
        let texts: Vec<Vec<&str>> =
            RULES.iter().map(|(_, text)| text.lines().filter(|line| line.contains("pattern")).collect()).collect();
        let [v1, v2] = texts.as_slice() else { unreachable!("two documents") };
        let added = ["\"apostrophe\"", "\"quoted\""];
        let kept: Vec<&str> = v2.iter().filter(|line| !added.iter().any(|name| line.contains(name))).copied().collect();
        assert_eq!((&kept, v2.len()), (v1, v1.len() + added.len()));
    }

    #[test]
    fn m53_version_2_masks_what_stands_in_quotes() {
        for (message, template) in [
            ("no module named 'requests' in \"prod\"", "no module named <str> in <str>"),
            ("can't find `x y`, don't ask", "can\u{2019}t find <str>, don\u{2019}t ask"),
            ("the users' choice 'a' 'b'", "the users' choice <str> <str>"),
            ("a 5\" pipe and a 7\" one", "a <n>\" pipe and a <n>\" one"),
            ("\"it's 'x'\" '' \"\"", "<str> '' \"\""),
            ("'open\nend'", "'open\nend'"),
            ("b'raw' f\"x\" key=\"v\"", "b\u{2019}raw' f\"x\" key=<str>"),
        ] {
            assert_eq!(message_template_under(BinderVersion::V2, message), template, "{message}");
        }
        let long = |chars: usize| message_template_under(BinderVersion::V2, &format!("'{}'", "\u{e9}".repeat(chars)));
        assert_eq!(long(256), "<str>");
        assert!(long(257).starts_with("'\u{e9}"));
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
            assert!(agree(message).is_ok(), "{:?}", agree(message));
        }
    }

    /// Whatever a message repeats, as long as it may be, and however its end differs.
    #[test]
    fn m53_a_message_of_twice_the_length_takes_twice_the_work() {
        let pieces = [
            "1:",
            "::",
            "://",
            "C:\\",
            "aa:bb:",
            "a::b::",
            "10:22:31:",
            "a",
            ":",
            "/",
            "\\",
            "-",
            "0",
            "f",
            "x",
            "0x",
            ".",
            "\u{1b}",
            "\u{1b}]",
            "\u{1b}[",
            "'",
            "\"",
            "`",
            "\n",
            " ",
            "1.",
            "a1",
            "+",
            "\u{e9}",
            "2026-01-01T00:00",
            "00000000-0000-",
            "/a",
            "//a",
        ];
        let both = |first: &str, second: &str, size: usize| {
            let message = format!("{}{second}", format!("{first}{second}").repeat(size));
            BinderVersion::ALL.iter().for_each(|binder| drop(message_template_under(*binder, &message)));
        };
        for first in pieces {
            for second in pieces {
                assert_linear(&format!("{first:?} {second:?}"), 400, |size| both(first, second, size));
                let apart = |size: usize| {
                    let message = format!("{}{}", first.repeat(size), second.repeat(size));
                    BinderVersion::ALL.iter().for_each(|binder| drop(message_template_under(*binder, &message)));
                };
                assert_linear(&format!("{first:?}, then {second:?}"), 400, apart);
            }
        }
    }

    proptest! {
        #[test]
        fn m53_the_scanners_do_what_the_document_says(
            message in "([ -~]|\\n|[ \\t\\r]{2}|\\x1b\\[|\\x1b\\]|[0-9a-f]{5}|[0-9]{1,4}|[0-9a-fA-F]{1,13}|/[a-z]|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]|[0-9]{2}:[0-9]{2}|://|:\\\\|0x|[.:/-]|é){0,40}",
        ) {
            agree(&message)?;
        }

        #[test]
        fn m53_the_scanners_agree_on_dense_texts(
            message in "[0-1a-bA-BxXTZz:./+,_ \\\\-]{0,40}|[0a1F.x_ ]{0,30}|[\\x1b\\x07\\]\\[\\\\0;?!@m\\n]{0,20}",
        ) {
            agree(&message)?;
        }

        #[test]
        fn m53_the_scanners_agree_on_quotes(
            message in "([a'\"` é1.\\n\\r_-]|'[a-z]{1,3}'|\"[ -~]{0,5}\"|/a/b|don't|\\x1b\\[1m|['\"`][xé]{254,258}['\"`]){0,24}",
        ) {
            agree(&message)?;
        }

        #[test]
        fn m53_the_scanners_agree_on_times_and_ids(
            message in "([0-9]{3,5}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{0,3})?)?(Z|[+-][0-9]{2}:?[0-9]{1,2})?|[0-9a-f]{7,9}-[0-9a-fA-F]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{11,13}|[a -]){0,4}",
        ) {
            agree(&message)?;
        }
    }
}
