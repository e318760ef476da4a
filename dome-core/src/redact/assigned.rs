//! `name = secret` in all the ways in which it is written: assignments, JSON, YAML, XML, headers, netrc.

use std::ops::Range;

use super::shape::{Alphabet, SearchedText, has_entropy};

/// A sign of assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sign {
    /// A colon without a quote before it: prose writes one as well.
    is_prose: bool,
    /// Where the value starts, quotes included.
    pub(super) end: usize,
}

/// `=`, `=>`, `:=`, `:` behind a name, which may be quoted.
pub(super) fn sign(text: &mut SearchedText<'_>, name_end: usize) -> Option<Sign> {
    let quoted = text.while_in(name_end, 1, |byte| matches!(byte, b'"' | b'\''));
    let at = text.run(Alphabet::SPACE, quoted);
    let length = ["=>", ":=", "=", ":"].iter().find(|sign| text.literal(sign.as_bytes(), at, false))?.len();
    let is_prose = quoted == name_end && text.byte(at) == Some(b':') && length == 1;
    Some(Sign { is_prose, end: text.run(Alphabet::SPACE, at + length) })
}

/// How much of a name may follow the word that tells: `token_of_the_build = `.
const TAIL: usize = 20;

/// Behind the name of a service: the sign, whatever it is, and where the value may start, quotes passed over or not.
pub(super) fn service_value(text: &mut SearchedText<'_>, word_end: usize) -> Option<std::ops::RangeInclusive<usize>> {
    const SIGNS: [&str; 10] = ["=>", ":::=", "::=", ":=", "||", "?=", "=", ">", ":", ","];
    let name = text.while_in(word_end, TAIL, |byte| is_of_name(byte) || matches!(byte, b' ' | b'\t'));
    let name = text.run(Alphabet::SPACE, name);
    let at = text.while_in(name, 3, |byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\''));
    let sign = SIGNS.iter().find(|sign| text.literal(sign.as_bytes(), at, false))?;
    let behind = text.run(Alphabet::SPACE, at + sign.len());
    Some(
        behind
            ..=text
                .while_in(behind, 5, |byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'=')),
    )
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// How much the word in a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    /// `password`: whatever stands behind a sign of assignment.
    Surely,
    /// `token`: behind a colon prose stands as well.
    UnlessProse,
    /// `key`: only what chance wrote.
    IfRandom,
}

fn telling(before: &[u8], word: &[u8]) -> Telling {
    let (before, word) = (before.to_ascii_lowercase(), word.to_ascii_lowercase());
    let joined = before.strip_suffix(b"_").or_else(|| before.strip_suffix(b"-")).unwrap_or(&before);
    let follows = |words: &[&[u8]]| words.iter().any(|word| joined.ends_with(word));
    match word.as_slice() {
        b"passwd" | b"password" | b"passphrase" | b"passcode" => Telling::Surely,
        b"pwd" if before.ends_with(b";") || before.len() > joined.len() => Telling::UnlessProse,
        b"secret" if follows(&[b"client"]) => Telling::Surely,
        b"token" if follows(&[b"auth", b"access", b"refresh", b"api", b"bearer", b"private", b"deploy", b"vault"]) => {
            Telling::Surely
        }
        b"key" if follows(&[b"api", b"access", b"secret", b"private", b"signing", b"encryption"]) => Telling::Surely,
        // Of a .NET assembly; it is public.
        b"token" if follows(&[b"publickey"]) => Telling::IfRandom,
        b"secret" | b"token" | b"credential" | b"creds" => Telling::UnlessProse,
        _ => Telling::IfRandom,
    }
}

/// Bytes before a word that say more about it.
const BEFORE: usize = 12;

/// The secret that is assigned to a name with this word in it.
pub(super) fn secret(text: &mut SearchedText<'_>, word: Range<usize>) -> Option<Range<usize>> {
    let telling = telling(text.part(word.start.saturating_sub(BEFORE)..word.start), text.part(word.clone()));
    let plural = text.while_in(word.end, 1, |byte| matches!(byte, b's' | b'S'));
    let name_end = if text.part(word.clone()).eq_ignore_ascii_case(b"credential") { plural } else { word.end };
    if telling != Telling::IfRandom {
        if let Some(sign) = sign(text, name_end) {
            let secret = value(text, sign.end, sign.is_prose)?;
            let is_sure = telling == Telling::Surely || !sign.is_prose;
            return (is_sure || is_random(text.part(secret.clone()), 300)).then_some(secret);
        }
        if let Some(secret) = element(text, word.start, name_end).or_else(|| netrc(text, word.start, name_end)) {
            let is_sure = telling == Telling::Surely || is_random(text.part(secret.clone()), 250);
            return is_sure.then_some(secret);
        }
    }
    let start = *service_value(text, word.end)?.end();
    let end = text.run(Alphabet::TOKEN, start);
    let is_whole =
        !text.byte(end).is_some_and(|byte| matches!(byte, b'.' | b'(' | b':' | b'[' | b'$' | b'%' | b'@' | b'{'));
    let found = text.part(start..end);
    (is_whole && (10..=200).contains(&found.len()) && is_random(found, 350) && is_mixed(found)).then_some(start..end)
}

/// A quoted text to its closing quote, or a word.
fn value(text: &mut SearchedText<'_>, start: usize, is_prose: bool) -> Option<Range<usize>> {
    if let Some(quote @ (b'"' | b'\'')) = text.byte(start) {
        let mut end = start + 1;
        loop {
            end = text.while_in(end, usize::MAX, |byte| byte != quote && byte != b'\\' && byte != b'\n');
            if text.byte(end) != Some(b'\\') || text.byte(end + 1).is_none_or(|byte| byte == b'\n') {
                break;
            }
            end += 2;
        }
        return (end > start + 1).then_some(start + 1..end);
    }
    if text.byte(start).is_some_and(|byte| byte == b'=' || (is_prose && byte == b':')) {
        return None;
    }
    let end = text.run(Alphabet::VALUE, start);
    (end > start).then_some(start..end)
}

/// `<password>x</password>`, and an attribute `value` beside a name that tells.
fn element(text: &mut SearchedText<'_>, word: usize, name_end: usize) -> Option<Range<usize>> {
    let close = text.while_in(name_end, TAIL, is_of_name);
    if text.byte(close) == Some(b'>') {
        let name = text.run_before(Alphabet::TOKEN, word, 64);
        let open = word - name;
        (open > 0 && text.byte(open - 1) == Some(b'<')).then_some(())?;
        let end = text.find(close + 1, usize::MAX, |byte| byte == b'<')?;
        return (end > close + 1 && text.byte(end + 1) == Some(b'/')).then_some(close + 1..end);
    }
    let quote = text.byte(close).filter(|byte| matches!(byte, b'"' | b'\''))?;
    let at = text.run(Alphabet::SPACE, close + 1);
    text.literal(b"value", at, true).then_some(())?;
    let sign = sign(text, at + 5).filter(|sign| text.byte(sign.end) == Some(quote))?;
    value(text, sign.end, false)
}

/// `machine x login x password x`
fn netrc(text: &mut SearchedText<'_>, word: usize, name_end: usize) -> Option<Range<usize>> {
    const KEYS: [&[u8]; 4] = [b"login", b"user", b"account", b"machine"];
    const LONGEST: usize = 160;
    let start = text.run(Alphabet::SPACE, name_end);
    (start > name_end).then_some(())?;
    let line = text.part(word.saturating_sub(LONGEST)..word);
    text.steps += line.len() as u64;
    let mut words = line.rsplit(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let _name = words.next()?;
    let key = words.next()?;
    KEYS.iter().any(|known| key.eq_ignore_ascii_case(known)).then(|| value(text, start, false)).flatten()
}

/// Whether a member's text is a secret by the member's name: `DB_PASSWORD`, `apiKey`, `Authorization`.
pub(super) fn is_secret_name(name: &[u8]) -> bool {
    const WORDS: [&[u8]; 10] = [
        b"passwd",
        b"password",
        b"passphrase",
        b"passcode",
        b"pwd",
        b"secret",
        b"token",
        b"key",
        b"creds",
        b"credential",
    ];
    let lower = name.to_ascii_lowercase();
    let stem = lower.strip_suffix(b"s").filter(|stem| stem.ends_with(b"credential")).unwrap_or(&lower);
    let word = WORDS.iter().find(|word| stem.ends_with(word));
    let tells = word.is_some_and(|word| telling(stem.split_at(stem.len() - word.len()).0, word) != Telling::IfRandom);
    tells || stem.ends_with(b"authorization") || stem == b"cookie" || stem == b"set-cookie"
}

/// Bytes of a secret that are looked at to tell whether chance wrote it: what tells stands at the start.
const LOOKED_AT: usize = 256;

/// Letters and digits, at least twelve, and as many different ones as chance would write. A name that ends in a number has one
/// digit, or few.
pub(super) fn is_random(found: &[u8], hundredths: u64) -> bool {
    let found = found.get(..LOOKED_AT).unwrap_or(found);
    let digits = found.iter().filter(|byte| byte.is_ascii_digit()).count();
    found.len() >= 12 && digits >= 2 && found.iter().any(u8::is_ascii_alphabetic) && has_entropy(found, hundredths)
}

pub(super) fn has_digit(found: &[u8]) -> bool {
    found.iter().take(LOOKED_AT).any(u8::is_ascii_digit)
}

pub(super) fn is_mixed(found: &[u8]) -> bool {
    let found = found.get(..LOOKED_AT).unwrap_or(found);
    has_digit(found) && found.iter().any(u8::is_ascii_uppercase) && found.iter().any(u8::is_ascii_lowercase)
}
