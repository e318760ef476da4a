//! Message templates held to their documents.

use std::sync::LazyLock;

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
struct Document {
    normalizer_version: String,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
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
        let document: Document = serde_json::from_str(text).ok()?;
        let rules = document.rules.into_iter();
        let rules = rules.filter_map(|rule| Some((Regex::new(&rule.pattern).ok()?, rule.replacement))).collect();
        Some(Book { binder, version: document.normalizer_version, rules })
    };
    RULES.into_iter().filter_map(book).collect()
});

/// M-53 word for word: every rule of the document on the whole text, one after the other.
fn by_the_book(book: &Book, message: &str) -> String {
    let replaced = book
        .rules
        .iter()
        .fold(message.to_owned(), |text, (pattern, replacement)| pattern.replace_all(&text, replacement).into_owned());
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
