//! What masking costs grows with the line and no faster: steps are counted, not time.

use dome_core::redact::Redaction;

use super::built_in;

/// Twice the line may cost as much again as it cost, and an eighth.
fn grows_with_the_line(what: &str, piece: &str) {
    let at_once = 6_000 / piece.len().max(1) + 1;
    let steps = |times: usize| built_in().steps(piece.repeat(times).as_bytes());
    let (once, twice, four) = (steps(at_once), steps(2 * at_once), steps(4 * at_once));
    assert!(twice * 8 <= once * 17 + 8_000 && four * 8 <= twice * 17 + 16_000, "{what}: {once}, {twice}, {four} steps");
    let bytes = (at_once * piece.len()) as u64;
    assert!(once <= MOST * bytes, "{what}: {once} steps for {bytes} bytes");
}

/// Steps for one byte: two passes, nine levels of three ways, a few rules that look ahead.
const MOST: u64 = 1_000;

#[test]
fn secrets_side_by_side() {
    for rule in Redaction::samples() {
        grows_with_the_line(rule.name, &format!("{} ", rule.sample));
        grows_with_the_line(rule.name, &rule.sample);
        grows_with_the_line(rule.name, &format!("{} ", rule.counter));
        grows_with_the_line(rule.name, &rule.counter);
    }
}

#[test]
fn what_rules_begin_with_again_and_again() {
    for rule in Redaction::samples() {
        for length in [2, 3, 4, 5, 7, 9, 12, 16] {
            if let Some(start) = rule.sample.get(..length) {
                grows_with_the_line(rule.name, start);
            }
        }
    }
}

#[test]
fn text_that_is_hard_on_those_who_look_ahead() {
    for piece in [
        "a",
        "0",
        "=",
        "-",
        " ",
        "\\",
        "\"",
        "'",
        "%",
        "[",
        ".",
        ".ey",
        "eyJ",
        "AAAAAAAAAA",
        "sk-",
        "-----",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "token:",
        "token=",
        "token: \"",
        "password=\"\\\\",
        "secret ",
        "curl ",
        "curl -u ",
        "curl -H \"",
        "cookie: a=b;",
        "://",
        "://a:b",
        "a@",
        ":@",
        "kind: secret ",
        "data:",
        "\\u0041",
        "\\\\u0041",
        "&amp;",
        "%41",
        "\u{1b}[3",
        "\u{1b}[31m",
        "[31m",
        "41",
        "41 ",
        "6a",
        "\0",
        "t\0o\0k\0e\0n\0=\0",
        "login a password ",
        "<token>",
        "key value=\"",
        "basic ",
        "bearer ",
        "authorization:",
        "authorization=basic ",
        "LS0tLS1CRUdJTi",
        "adobe ",
        "adobe=",
        "adobe,",
        "{\"token\":",
        "[\"a\",",
    ] {
        grows_with_the_line(piece, piece);
        let quoted = format!("\"{}\",", piece.escape_default());
        grows_with_the_line(&quoted, &quoted);
    }
}

#[test]
fn sixty_thousand_secrets_in_a_line() {
    for secret in ["password=x", "npm_0123456789abcdefghijABCDEFGHIJ012345", "https://a:b@c"] {
        let line = format!("{{\"m\":[\"{secret}\"{}]}}", format!(",\"{secret}\"").repeat(60_000));
        let steps = built_in().steps(line.as_bytes());
        assert!(steps < 60 * line.len() as u64, "{secret}: {steps} steps for {} bytes", line.len());
    }
}
