//! Values of single members, as they are written.

use proptest::prelude::*;

use dome_core::{Sha256Hash, Timestamp, limits};

/// Plain characters, and those that escapes, sorting and pointers stumble over, from every plane.
fn identifier_char() -> impl Strategy<Value = char> + Clone {
    let odd = "\"\\/~ :é\u{e000}\u{fb33}\u{1f600}\u{1d4b3}\u{2028}\u{feff}\u{301}\u{ffff}\u{10ffff}";
    let odd = prop::sample::select(odd.chars().collect::<Vec<_>>());
    prop_oneof![
        8 => prop::char::range('a', 'z'),
        2 => prop::char::range('0', '9'),
        2 => prop::sample::select(vec!['-', '_', '.', 'A']),
        2 => odd,
    ]
}

/// Identifiers (M-03): of any plane, up to the longest that is allowed.
pub fn identifier() -> impl Strategy<Value = String> + Clone {
    let short = prop::collection::vec(identifier_char(), 1..12).prop_map(|characters| {
        let text: String = characters.into_iter().collect();
        let trimmed = text.trim();
        if trimmed.is_empty() { "x".to_owned() } else { trimmed.to_owned() }
    });
    prop_oneof![40 => short, 1 => Just("x".repeat(limits::IDENTIFIER_BYTES)), 1 => Just("é".repeat(256))]
}

/// `kind` tokens (M-03).
pub fn token() -> impl Strategy<Value = String> + Clone {
    prop_oneof![30 => "[a-z][a-z0-9_]{0,6}", 1 => Just("z".repeat(limits::TOKEN_BYTES))]
}

fn code() -> impl Strategy<Value = String> + Clone {
    prop_oneof![30 => "[A-Z][A-Z0-9_]{0,5}(\\.[A-Z0-9_]{1,3}){0,2}", 1 => Just("Z".repeat(limits::REASON_CODE_BYTES))]
}

/// Codes for `failure_reason_code` (M-04), with `NONE`.
pub fn failure_reason_code() -> impl Strategy<Value = String> + Clone {
    prop_oneof![3 => code(), 1 => Just("NONE".to_owned())]
}

/// Codes for `policy_reason_code` (M-04), never `NONE`.
pub fn policy_reason_code() -> impl Strategy<Value = String> + Clone {
    code().prop_map(|code| if code == "NONE" { "NONE.AT_ALL".to_owned() } else { code })
}

/// Times (M-05) with fractions and offsets, from year 1 to 9999, mostly of these days.
pub fn timestamp() -> impl Strategy<Value = String> + Clone {
    let year = prop_oneof![8 => 2020_u32..2030, 1 => 1_u32..=9999, 1 => Just(1), 1 => Just(9999)];
    let date = (year, 1_u32..=12, prop_oneof![6 => 1_u32..=28, 1 => 29_u32..=31]);
    let time = (0_u32..24, 0_u32..60, 0_u32..60);
    let fraction = prop_oneof![2 => Just(String::new()), 1 => "\\.[0-9]{1,9}", 1 => "\\.[0-9]{0,3}0{1,3}"];
    let offset = prop_oneof![
        3 => Just("Z".to_owned()),
        1 => Just("-00:00".to_owned()),
        2 => ("[+-]", 0_u32..24, 0_u32..60).prop_map(|(sign, hours, minutes)| format!("{sign}{hours:02}:{minutes:02}")),
    ];
    (date, time, fraction, offset).prop_map(|((year, month, day), (hour, minute, second), fraction, offset)| {
        let local = |day: u32| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}");
        let written = [local(day) + &offset, local(28) + &offset];
        let is_time = |text: &String| text.parse::<Timestamp>().is_ok();
        written.into_iter().find(is_time).unwrap_or_else(|| local(28) + "Z")
    })
}

/// Any text at all, with control characters, quotes, line ends and characters of every plane.
pub fn any_text() -> impl Strategy<Value = String> + Clone {
    let character = prop_oneof![
        6 => identifier_char(),
        1 => prop::char::range('\0', '\u{1f}'),
        1 => prop::sample::select(vec!['\u{7f}', '\u{85}', '\n', '\r', '\t', '\u{8}', '\u{c}', '\u{b}']),
        1 => any::<char>(),
    ];
    prop::collection::vec(character, 0..12).prop_map(|characters| characters.into_iter().collect())
}

/// SHA-256 values as hex (M-02); few different ones, so that they meet.
pub fn sha256() -> impl Strategy<Value = String> + Clone {
    (0_u8..6).prop_map(|seed| Sha256Hash::of(&[seed]).to_string())
}

/// Evidence paths and remedy references (M-12).
pub fn path() -> impl Strategy<Value = String> + Clone {
    let segment = prop_oneof![4 => "[a-z0-9_]{1,6}", 1 => Just("...".to_owned()), 1 => Just("é b\u{1f600}".to_owned())];
    let relative = prop::collection::vec(segment, 1..4).prop_map(|segments| segments.join("/"));
    let uri = ("[a-z][a-z0-9+.-]{0,3}", relative.clone()).prop_map(|(scheme, rest)| {
        let scheme = if scheme == "file" { "s3" } else { &scheme };
        format!("{scheme}://{rest}?x=a:b#/")
    });
    prop_oneof![6 => relative, 3 => uri, 1 => Just("p".repeat(limits::PATH_BYTES))]
}

/// Versions of tools and data sets (M-51): releases, commits, names, padding.
pub fn version() -> impl Strategy<Value = String> + Clone {
    let known = ["8.3.2", " V8.3.2+local ", "8", "v1", "c111e39", "1.0rc1", "nightly", "2024-01-05", "", "v", "1.x"];
    prop_oneof![
        3 => prop::sample::select(known.map(str::to_owned).to_vec()),
        1 => "[ \t\u{b}]?[vV]?[0-9]{0,3}\\.?[0-9]{0,2}[-+a-z.]?[a-f0-9]{0,8}",
        1 => any_text(),
    ]
}

/// Messages of failures, with what the normaliser looks for (M-53).
pub fn message() -> impl Strategy<Value = String> + Clone {
    let part = prop_oneof![
        Just("expected 3, got 0xe7".to_owned()),
        Just("error[E0308] at /srv/build/3/a.rs:12:5\n".to_owned()),
        Just("2026-02-15T00:00:01.5Z \u{1b}[31mFAIL\u{1b}[0m".to_owned()),
        Just("see https://example.org/x?y=1 or C:\\tmp\\x\r\n".to_owned()),
        Just("id 123e4567-e89b-12d3-a456-426614174000 of c111e39ab".to_owned()),
        any_text(),
    ];
    prop::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}
