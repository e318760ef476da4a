//! The rules of the message normaliser as scanners (M-53, `normalizer-v1.json`).
//!
//! Each does what its regular expression does, in one walk and without backtracking: inside every
//! rule, what may follow a repetition is never of the repeated class. Tests hold the scanners to
//! the expressions of the document.

use std::ops::Range;

use memchr::{memchr, memchr2, memchr3};

use crate::steps::walked;

type Find = fn(&[u8], usize) -> Option<Range<usize>>;

/// A rule: what it finds, and what stands there afterwards.
pub(super) type ScanRule = (Find, &'static str);

/// The rules that look at the whole text, since they may reach beyond a line.
pub(super) const ESCAPES: [ScanRule; 2] = [(terminal_title, ""), (ansi, "")];

/// The rules up to `hex_literal`, which look at one line.
pub(super) const PHRASES: [ScanRule; 6] = [
    (timestamp, "<ts>"),
    (uuid, "<uuid>"),
    (url, "<url>"),
    (windows_path, "<path>"),
    (path, "<path>"),
    (hex_literal, "<hex>"),
];

/// What normaliser 2 adds (`normalizer-v2.json`), for one line: quoted text differs from run to run. A quote opens
/// at the start of the text or behind what is no word, so that the apostrophes of `users'` and `5"` open nothing;
/// those inside words (`don't`) are set apart first.
pub(super) const QUOTES: [ScanRule; 2] = [(apostrophe, "\u{2019}"), (quoted, "<str>")];

const QUOTED_CHARS: usize = 256;

/// Replaces every match, left to right; `false` when there is none and `into` is left alone. A match
/// begins and ends with whole characters: rules begin with ASCII, and end with it or before it.
pub(super) fn replace(text: &str, (find, with): ScanRule, into: &mut String) -> bool {
    let Some(mut found) = find(text.as_bytes(), 0) else { return false };
    into.clear();
    let mut copied = 0;
    loop {
        into.push_str(&text[copied..found.start]);
        into.push_str(with);
        copied = found.end;
        match find(text.as_bytes(), copied) {
            Some(next) => found = next,
            None => break,
        }
    }
    into.push_str(&text[copied..]);
    true
}

fn is(bytes: &[u8], at: usize, class: impl Fn(u8) -> bool) -> bool {
    bytes.get(at).is_some_and(|byte| class(*byte))
}

/// The end of the longest run of a class.
fn run(bytes: &[u8], from: usize, class: impl Fn(u8) -> bool) -> usize {
    let length = bytes.get(from..).unwrap_or_default().iter().take_while(|byte| class(**byte)).count();
    walked(1 + length);
    from + length
}

fn all(bytes: &[u8], range: Range<usize>, class: impl Fn(u8) -> bool) -> bool {
    bytes.get(range).is_some_and(|bytes| bytes.iter().all(|byte| class(*byte)))
}

/// The first place of one of these bytes at which `check` finds a match.
#[inline(always)]
fn first<const N: usize>(
    bytes: &[u8],
    mut from: usize,
    needles: [u8; N],
    check: impl Fn(usize) -> Option<Range<usize>>,
) -> Option<Range<usize>> {
    const { assert!(1 <= N && N <= 3, "`memchr` looks for one to three bytes at once") };
    loop {
        let rest = bytes.get(from..)?;
        let place = match needles.as_slice() {
            [one] => memchr(*one, rest),
            [one, two] => memchr2(*one, *two, rest),
            [one, two, three] => memchr3(*one, *two, *three, rest),
            _ => unreachable!("one to three needles"),
        };
        walked(1 + place.unwrap_or(rest.len()));
        let place = from + place?;
        if let Some(found) = check(place) {
            return Some(found);
        }
        from = place + 1;
    }
}

const fn digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

const fn lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

const fn hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

/// `\x1b\][^\x07\x1b]*(\x07|\x1b\\)`
fn terminal_title(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    first(bytes, from, [0x1B], |start| {
        let rest = bytes.get(start + 2..).filter(|_| is(bytes, start + 1, |byte| byte == b']'))?;
        let end = start + 2 + memchr2(0x07, 0x1B, rest)?;
        match bytes.get(end..end + 2) {
            _ if is(bytes, end, |byte| byte == 0x07) => Some(start..end + 1),
            Some(b"\x1B\\") => Some(start..end + 2),
            _ => None,
        }
    })
}

/// `\x1b\[[0-9;?]*[ -/]*[@-~]`
fn ansi(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    first(bytes, from, [0x1B], |start| {
        let parameters = start + 2;
        let middle = run(bytes, parameters, |byte| digit(byte) || matches!(byte, b';' | b'?'));
        let end = run(bytes, middle, |byte| matches!(byte, b' '..=b'/'));
        let sound = is(bytes, start + 1, |byte| byte == b'[') && is(bytes, end, |byte| matches!(byte, b'@'..=b'~'));
        sound.then_some(start..end + 1)
    })
}

/// `[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?`
fn timestamp(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    first(bytes, from, [b'-'], |dash| {
        let start = dash.checked_sub(4).filter(|start| *start >= from)?;
        let two = |at: usize| all(bytes, at..at + 2, digit);
        let mark = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
        let date = all(bytes, start..dash, digit) && two(dash + 1) && mark(dash + 3, b'-') && two(dash + 4);
        let between = mark(dash + 6, b'T') || mark(dash + 6, b' ');
        if !(date && between && two(dash + 7) && mark(dash + 9, b':') && two(dash + 10)) {
            return None;
        }
        let mut end = dash + 12;
        if mark(end, b':') && two(end + 1) {
            end += 3;
            let fraction = run(bytes, end + 1, digit);
            if (mark(end, b'.') || mark(end, b',')) && fraction > end + 1 {
                end = fraction;
            }
        }
        let signed = (mark(end, b'+') || mark(end, b'-')) && two(end + 1);
        let minutes = end + 3 + usize::from(mark(end + 3, b':'));
        if mark(end, b'Z') {
            end += 1;
        } else if signed && two(minutes) {
            end = minutes + 2;
        }
        Some(start..end)
    })
}

/// `[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`
fn uuid(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    first(bytes, from, [b'-'], |dash| {
        let start = dash.checked_sub(8).filter(|start| *start >= from)?;
        let dashes = [dash, dash + 5, dash + 10, dash + 15].into_iter().all(|at| bytes.get(at) == Some(&b'-'));
        let groups = [start..dash, dash + 1..dash + 5, dash + 6..dash + 10, dash + 11..dash + 15, dash + 16..dash + 28];
        (dashes && groups.into_iter().all(|group| all(bytes, group, hex))).then_some(start..dash + 28)
    })
}

const fn in_url(byte: u8) -> bool {
    !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'<' | b'>')
}

/// `[a-zA-Z][a-zA-Z0-9+.-]*://[^ \t\r\n"'<>]+`
fn url(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    first(bytes, from, [b':'], |colon| {
        // What reaches far comes last: a place that has no scheme is not worth a walk to the end of the text.
        if bytes.get(colon..colon + 3) != Some(b"://") {
            return None;
        }
        let before = bytes.get(from..colon)?;
        let in_scheme = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'+' | b'.' | b'-');
        let length = before.iter().rev().take_while(in_scheme).count();
        walked(length);
        let scheme = before.get(before.len() - length..)?;
        let start = colon - length + scheme.iter().position(u8::is_ascii_alphabetic)?;
        let end = run(bytes, colon + 3, in_url);
        (end > colon + 3).then_some(start..end)
    })
}

/// `[A-Za-z]:\\[^ \t\r\n"'<>|]+`
fn windows_path(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    first(bytes, from, [b':'], |colon| {
        let start = colon.checked_sub(1).filter(|start| *start >= from)?;
        if bytes.get(colon + 1) != Some(&b'\\') || !is(bytes, start, |byte| byte.is_ascii_alphabetic()) {
            return None;
        }
        let end = run(bytes, colon + 2, |byte| in_url(byte) && byte != b'|');
        (end > colon + 2).then_some(start..end)
    })
}

/// `(/[A-Za-z0-9._@+-]+){2,}/?`
fn path(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    let in_segment = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'@' | b'+' | b'-');
    first(bytes, from, [b'/'], |start| {
        let (mut end, mut segments) = (start, 0);
        while is(bytes, end, |byte| byte == b'/') && is(bytes, end + 1, in_segment) {
            end = run(bytes, end + 1, in_segment);
            segments += 1;
        }
        (segments >= 2).then(|| start..end + usize::from(is(bytes, end, |byte| byte == b'/')))
    })
}

/// `0[xX][0-9a-fA-F]+`
fn hex_literal(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    first(bytes, from, [b'x', b'X'], |x| {
        let start = x.checked_sub(1).filter(|start| *start >= from)?;
        let end = run(bytes, x + 1, hex);
        (bytes.get(start) == Some(&b'0') && end > x + 1).then_some(start..end)
    })
}

const fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The `'` of `([A-Za-z0-9_])'([A-Za-z0-9_])`: what the groups matched stays, and is used up.
fn apostrophe(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    // The letter behind the match before this one belongs to that match.
    let unused = from + usize::from(from > 0);
    let word = |at: usize| bytes.get(at).copied().is_some_and(in_word);
    first(bytes, from, [b'\''], |place| {
        let before = place.checked_sub(1).filter(|before| *before >= unused)?;
        (word(before) && word(place + 1)).then_some(place..place + 1)
    })
}

/// What stands behind the first group of
/// ``(^|[^A-Za-z0-9_])("[^"\r\n]{1,256}"|'[^'\r\n]{1,256}'|`[^`\r\n]{1,256}`)``.
fn quoted(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    first(bytes, from, [b'"', b'\'', b'`'], |open| {
        let before = open.checked_sub(1).map(|before| (before >= from).then(|| bytes.get(before)).flatten());
        let opens = before.is_none_or(|byte| byte.is_some_and(|byte| !in_word(*byte)));
        let close = opens.then(|| closing(bytes, open)).flatten()?;
        Some(open..close + 1)
    })
}

/// The quote that ends what `open` begins, if 1 to 256 characters of one line stand between them.
fn closing(bytes: &[u8], open: usize) -> Option<usize> {
    let quote = bytes.get(open)?;
    let mut chars = 0;
    for (offset, byte) in bytes.get(open + 1..)?.iter().enumerate() {
        match byte {
            byte if byte == quote => return (chars > 0).then_some(open + 1 + offset),
            b'\r' | b'\n' => return None,
            // The further bytes of a character begin with the bits 10.
            byte => chars += usize::from(byte & 0xC0 != 0x80),
        }
        if chars > QUOTED_CHARS {
            return None;
        }
    }
    None
}

/// The least that `hex_run` or `short_hash` matches.
const HASH: usize = 7;

#[derive(Clone, Copy, PartialEq, Eq)]
enum ByteClass {
    Blank,
    Digit,
    /// What else a word has: `[A-Za-z_]`.
    Letter,
    Other,
}

static CLASSES: [ByteClass; 256] = {
    let mut classes = [ByteClass::Other; 256];
    let mut rest: &mut [ByteClass] = &mut classes;
    let mut byte = 0_u8;
    while let Some((class, after)) = rest.split_first_mut() {
        *class = match byte {
            b' ' | b'\t' => ByteClass::Blank,
            b'0'..=b'9' => ByteClass::Digit,
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => ByteClass::Letter,
            _ => ByteClass::Other,
        };
        rest = after;
        byte = byte.wrapping_add(1);
    }
    classes
};

#[expect(clippy::indexing_slicing, reason = "there is a class for every byte")]
fn class(byte: u8) -> ByteClass {
    CLASSES[usize::from(byte)]
}

/// The rules from `hex_run` to `blanks` on one line, in one walk; appends to `into`. What `hex_run` and `short_hash`
/// match is a whole run of their class, and `number` begins where a word begins: at each place one look decides
/// which rule has it. Most words are short and begin with a letter: no rule has anything in them.
pub(super) fn words(line: &str, into: &mut String) {
    let bytes = line.as_bytes();
    let (mut copied, mut place) = (0, 0);
    let mut replace = |from: usize, end: usize, with: &str| {
        into.push_str(&line[copied..from]);
        into.push_str(with);
        copied = end;
    };
    while let Some(byte) = bytes.get(place).copied() {
        let start = place;
        match class(byte) {
            ByteClass::Other => place += 1,
            ByteClass::Blank => {
                place = run(bytes, start, |byte| class(byte) == ByteClass::Blank);
                if place - start > 1 || byte != b' ' {
                    replace(start, place, " ");
                }
            }
            ByteClass::Digit if !follows_word(bytes, start) => {
                let end = run(bytes, start, lower_hex);
                let (end, with) = hashed(bytes, start, end).map_or((number(bytes, start), "<n>"), |end| (end, "<hex>"));
                replace(start, end, with);
                place = end;
            }
            ByteClass::Digit | ByteClass::Letter => {
                place = run(bytes, start, |byte| matches!(class(byte), ByteClass::Digit | ByteClass::Letter));
                hashes(bytes, start..place, |hash| replace(hash.start, hash.end, "<hex>"));
            }
        }
    }
    into.push_str(&line[copied..]);
}

fn follows_word(bytes: &[u8], place: usize) -> bool {
    let before = place.checked_sub(1).and_then(|before| bytes.get(before));
    before.is_some_and(|before| matches!(class(*before), ByteClass::Digit | ByteClass::Letter))
}

/// Finds what `hex_run` and `short_hash` match in a word, or in what is left of one.
fn hashes(bytes: &[u8], word: Range<usize>, mut found: impl FnMut(Range<usize>)) {
    let mut place = word.start;
    // A run that is long enough has one of every seven bytes.
    while place + HASH <= word.end {
        if !is(bytes, place + HASH - 1, hex) {
            place += HASH;
            continue;
        }
        #[expect(clippy::indexing_slicing, reason = "the word ends behind it")]
        let before = &bytes[place..place + HASH - 1];
        place += HASH - 1 - before.iter().rev().take_while(|byte| hex(**byte)).count();
        let end = run(bytes, place, hex);
        while place < end {
            let lower = run(bytes, place, lower_hex);
            let hash = hashed(bytes, place, lower);
            if let Some(end) = hash {
                found(place..end);
            }
            place = hash.unwrap_or(lower.max(place + 1));
        }
    }
}

/// The end of what `[0-9a-fA-F]{12,}`, or else `[0-9]+[a-f][0-9a-f]{5,}|[a-f]+[0-9][0-9a-f]{5,}`,
/// matches at `start`: the latter wants five more after the first change from digits to letters
/// or back. `end` is where the run of `[0-9a-f]` ends.
fn hashed(bytes: &[u8], start: usize, end: usize) -> Option<usize> {
    let long = run(bytes, end, hex);
    if long - start >= 12 {
        return Some(long);
    }
    // Most are the letters a to f of a word.
    if end - start < HASH {
        return None;
    }
    let class: fn(u8) -> bool = if is(bytes, start, digit) { digit } else { |byte| byte.is_ascii_lowercase() };
    let change = run(bytes, start, class);
    (change > start && change + 6 <= end).then_some(end)
}

/// The end of `[0-9]+(\.[0-9]+)*`, where no digits belong to a hash.
fn number(bytes: &[u8], start: usize) -> usize {
    let mut end = run(bytes, start, digit);
    while is(bytes, end, |byte| byte == b'.')
        && is(bytes, end + 1, digit)
        && hashed(bytes, end + 1, run(bytes, end + 1, lower_hex)).is_none()
    {
        end = run(bytes, end + 1, digit);
    }
    end
}
