//! Shapes: what a secret looks like, as data.
//!
//! A shape is written as it stands in text: `ghp_<a36>` is `ghp_` and 36 letters or digits. A run is
//! as long as its alphabet goes on, and is never cut to make the rest fit: so a shape is matched in
//! one go, and what a run costs is paid once for all rules.

use std::ops::Range;

/// The alphabets of runs, by the letter that stands for them.
#[rustfmt::skip]
const ALPHABETS: [(u8, &[u8]); ALPHABET_COUNT] = [
    (b'd', b"0123456789"),
    (b'h', b"0123456789abcdef"),
    (b'H', b"0123456789abcdefABCDEF"),
    (b'l', b"0123456789abcdefghijklmnopqrstuvwxyz"),
    (b'U', b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    (b'L', b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    (b'a', ALNUM),
    // A name, and Base64 for URLs.
    (b'w', b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"),
    (b'u', b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-"),
    (b'e', b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-="),
    (b'p', b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-=."),
    // Base64.
    (b'b', b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/"),
    (b'B', b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/=_-"),
    // A token of RFC 6750, and what a URL writes.
    (b't', b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._~+/-="),
    (b'%', b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._~+/-=%"),
    (b'q', b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.~-"),
    (b'j', b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-/\\"),
    (b'k', b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-+/\\"),
    (b'=', b"="),
    (b's', b" \t\r\n\x0B\x0C"),
    // What an assigned value without quotes is made of: all but these.
    (VALUE, b" \t\r\n\x0B\x0C\"'`,;&<>(){}[]|\\"),
    // Anything but white space.
    (b'x', b" \t\r\n\x0B\x0C"),
];

const ALPHABET_COUNT: usize = 22;

const VALUE: u8 = b'v';

const ALNUM: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Of each byte, which alphabets have it: a bit for each.
const MEMBERSHIP: [u32; 256] = membership();

#[expect(clippy::indexing_slicing, reason = "evaluated when compiled")]
const fn membership() -> [u32; 256] {
    let mut table = [0; 256];
    let mut alphabet = 0;
    while alphabet < ALPHABET_COUNT {
        let (mut at, letters) = (0, ALPHABETS[alphabet].1);
        while at < letters.len() {
            table[letters[at] as usize] |= 1 << alphabet;
            at += 1;
        }
        if matches!(ALPHABETS[alphabet].0, VALUE | b'x') {
            let mut byte = 0;
            while byte < table.len() {
                table[byte] ^= 1 << alphabet;
                byte += 1;
            }
        }
        alphabet += 1;
    }
    table
}

/// An alphabet, by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alphabet(usize);

impl Alphabet {
    pub(super) const SPACE: Self = Self::of(b's');
    pub(super) const NAME: Self = Self::of(b'u');
    pub(super) const TOKEN: Self = Self::of(b't');
    pub(super) const PADDED: Self = Self::of(b'B');
    pub(super) const BACKSLASHED: Self = Self::of(b'j');
    pub(super) const VALUE: Self = Self::of(VALUE);

    #[expect(clippy::indexing_slicing, reason = "bounded by the table")]
    const fn of(letter: u8) -> Self {
        let mut place = 0;
        while place + 1 < ALPHABET_COUNT && ALPHABETS[place].0 != letter {
            place += 1;
        }
        Self(place)
    }

    pub(super) fn has(self, byte: u8) -> bool {
        MEMBERSHIP.get(usize::from(byte)).is_some_and(|bits| bits >> self.0 & 1 == 1)
    }

    /// Letters of this alphabet that look as chance would write them; the same ones each time.
    fn filler(self, length: usize) -> impl Iterator<Item = char> {
        // Coprime to the size of every alphabet, so that all letters come before one comes again.
        const STRIDE: usize = 23;
        let letters = ALPHABETS.get(self.0).map_or(ALNUM, |(_, letters)| letters);
        (1..=length)
            .filter_map(move |at| letters.get((at * STRIDE + at / letters.len()) % letters.len()))
            .map(|letter| char::from(*letter))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) alphabet: Alphabet,
    min: usize,
    max: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ShapePart {
    Literal(&'static str),
    Run(Run),
    /// Where the secret starts and ends, if it is not all of the shape.
    Opens,
    Closes,
}

/// A shape, read.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Whether no letter or digit may stand before it: `|` in front.
    edge: bool,
    /// Whether its literals are in any case: `~` in front.
    fold: bool,
    parts: Vec<ShapePart>,
    /// Its longest literal, by which it is found.
    anchor: usize,
    /// Whether its last run has a greatest length.
    is_bounded: bool,
}

/// The longest run before an anchor: it is looked at once for each anchor.
const RUN_BEFORE: usize = 64;

impl Shape {
    /// Reads shapes that stand beside each other, parted by spaces.
    pub(super) fn list(text: &'static str) -> impl Iterator<Item = Self> {
        text.split(' ').filter(|shape| !shape.is_empty()).map(Self::read)
    }

    fn read(text: &'static str) -> Self {
        let rest = text.trim_start_matches(['|', '~']);
        let flags = text.split_at(text.len() - rest.len()).0;
        let mut parts = Vec::new();
        let mut rest = rest;
        while let Some(first) = rest.chars().next() {
            let (part, length) = match first {
                '(' => (ShapePart::Opens, 1),
                ')' => (ShapePart::Closes, 1),
                '<' => {
                    let end = rest.find('>').unwrap_or(rest.len());
                    (ShapePart::Run(run(rest.get(1..end).unwrap_or_default())), (end + 1).min(rest.len()))
                }
                _ => {
                    let end = rest.find(['<', '(', ')']).unwrap_or(rest.len());
                    (ShapePart::Literal(rest.split_at(end).0), end)
                }
            };
            parts.push(part);
            rest = rest.split_at(length).1;
        }
        let length = |part: &ShapePart| if let ShapePart::Literal(text) = part { text.len() } else { 0 };
        let longest = parts.iter().map(length).max().unwrap_or(0);
        let anchor = parts.iter().position(|part| length(part) == longest).unwrap_or(0);
        let is_bounded = matches!(parts.last(), Some(ShapePart::Run(run)) if run.max < usize::MAX);
        Self { is_bounded, edge: flags.contains('|'), fold: flags.contains('~'), parts, anchor }
    }

    /// The literal by which it is found, and whether in any case.
    pub(super) fn anchor(&self) -> (&'static str, bool) {
        match self.parts.get(self.anchor) {
            Some(ShapePart::Literal(text)) => (text, self.fold),
            _ => ("", self.fold),
        }
    }

    /// The secret of this shape whose anchor stands at `anchor`, and where the shape ends.
    pub(super) fn at_anchor(&self, text: &mut SearchedText<'_>, anchor: usize) -> Option<(Range<usize>, usize)> {
        let (before, after) = self.parts.split_at(self.anchor);
        let mut start = anchor;
        for part in before.iter().rev() {
            match part {
                ShapePart::Run(run) => {
                    let length = text.run_before(run.alphabet, start, run.max.min(RUN_BEFORE));
                    start -= (length >= run.min).then_some(length)?;
                }
                ShapePart::Literal(literal) => {
                    start = start.checked_sub(literal.len())?;
                    text.literal(literal.as_bytes(), start, self.fold).then_some(())?;
                }
                ShapePart::Opens | ShapePart::Closes => {}
            }
        }
        if self.edge && start > 0 && text.byte(start - 1).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let opened = before.contains(&ShapePart::Opens);
        self.parts(text, after, start, anchor)
            .map(|(secret, end)| (if opened { start..secret.end } else { secret }, end))
    }

    /// The secret of this shape that starts at `start`.
    pub(super) fn at(&self, text: &mut SearchedText<'_>, start: usize) -> Option<(Range<usize>, usize)> {
        self.parts(text, &self.parts, start, start)
    }

    fn parts(
        &self,
        text: &mut SearchedText<'_>,
        parts: &[ShapePart],
        start: usize,
        from: usize,
    ) -> Option<(Range<usize>, usize)> {
        let (mut at, mut opens, mut closes) = (from, None, None);
        for part in parts {
            match part {
                ShapePart::Opens => opens = Some(at),
                ShapePart::Closes => closes = Some(at),
                ShapePart::Literal(literal) => {
                    at += text.literal(literal.as_bytes(), at, self.fold).then_some(literal.len())?;
                }
                ShapePart::Run(run) => {
                    let length = text.run(run.alphabet, at) - at;
                    at += (run.min..=run.max).contains(&length).then_some(length)?;
                }
            }
        }
        let secret = opens.unwrap_or(start)..closes.unwrap_or(at);
        // Of bounded length is what nothing goes on from.
        let is_cut = self.is_bounded && text.byte(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (!secret.is_empty() && !is_cut).then_some((secret, at))
    }
}

/// `a36` is 36 of the alphabet, `a20-40` from 20 to 40, `a20-` at least 20.
fn run(text: &str) -> Run {
    let letter = text.bytes().next().unwrap_or(b'a');
    let length = text.get(1..).unwrap_or_default();
    let (min, max) = length.split_once('-').unwrap_or((length, length));
    let min = min.parse().unwrap_or(0);
    Run { alphabet: Alphabet::of(letter), min, max: max.parse().unwrap_or(usize::MAX) }
}

/// The text that a sample writes down as a shape: every run filled, so that no file of ours holds
/// what looks like a secret.
pub(super) fn filled(sample: &'static str) -> String {
    let mut text = String::new();
    let mut rest = sample;
    while let Some((before, run_and_rest)) = rest.split_once('<') {
        text.push_str(before);
        let Some((inner, after)) = run_and_rest.split_once('>').filter(|(inner, _)| is_run(inner)) else {
            text.push('<');
            rest = run_and_rest;
            continue;
        };
        let run = run(inner);
        text.extend(run.alphabet.filler(run.min));
        rest = after;
    }
    text + rest
}

fn is_run(text: &str) -> bool {
    let mut bytes = text.bytes();
    let known = bytes.next().is_some_and(|letter| ALPHABETS.iter().any(|(known, _)| *known == letter));
    known && text.len() > 1 && bytes.all(|byte| byte.is_ascii_digit())
}

/// A text that is searched, with what was found out about it and at what cost.
pub(super) struct SearchedText<'t> {
    pub(super) bytes: &'t [u8],
    /// Of each alphabet, the last run that was followed to its end.
    runs: [Range<usize>; ALPHABET_COUNT],
    /// How many bytes were looked at.
    pub(super) steps: u64,
}

impl<'t> SearchedText<'t> {
    pub(super) fn new(bytes: &'t [u8]) -> Self {
        Self { bytes, runs: std::array::from_fn(|_| 0..0), steps: 0 }
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    pub(super) fn part(&self, range: Range<usize>) -> &'t [u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Where the run of an alphabet ends that goes on at `at`; `at` itself where there is none.
    pub(super) fn run(&mut self, alphabet: Alphabet, at: usize) -> usize {
        let Some(known) = self.runs.get_mut(alphabet.0) else { return at };
        if !known.contains(&at) {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let length = rest.iter().position(|byte| !alphabet.has(*byte)).unwrap_or(rest.len());
            self.steps += length as u64 + 1;
            *known = at..at + length;
        }
        known.end.max(at)
    }

    /// How long the run of an alphabet is that ends before `at`, `most` at most.
    pub(super) fn run_before(&mut self, alphabet: Alphabet, at: usize, most: usize) -> usize {
        let before = self.bytes.get(at.saturating_sub(most)..at).unwrap_or_default();
        let length = before.iter().rev().position(|byte| !alphabet.has(*byte)).unwrap_or(before.len());
        self.steps += length as u64 + 1;
        length
    }

    pub(super) fn literal(&mut self, literal: &[u8], at: usize, fold: bool) -> bool {
        self.steps += 1;
        let found = self.bytes.get(at..at.saturating_add(literal.len()));
        found.is_some_and(|found| if fold { found.eq_ignore_ascii_case(literal) } else { found == literal })
    }

    /// Where what satisfies `goes_on` ends, `most` bytes on at most.
    pub(super) fn while_in(&mut self, at: usize, most: usize, goes_on: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let length = rest.iter().take(most).take_while(|byte| goes_on(**byte)).count();
        self.steps += length as u64 + 1;
        at + length
    }

    /// Where the first byte stands that satisfies `is`, at most `most` bytes on.
    pub(super) fn find(&mut self, at: usize, most: usize, is: impl Fn(u8) -> bool) -> Option<usize> {
        let end = self.while_in(at, most, |byte| !is(byte));
        self.byte(end).filter(|byte| is(*byte)).map(|_| end)
    }
}

/// Bytes of a secret that its entropy is taken from.
const ENTROPY_BYTES: usize = 256;

/// Whether a text has at least so many hundredths of a bit per byte, by the frequency of its bytes.
///
/// In whole numbers: with n bytes, of which one occurs c times, n log n - sum of c log c against n times the limit.
pub(super) fn has_entropy(text: &[u8], hundredths: u64) -> bool {
    let text = text.get(..ENTROPY_BYTES).unwrap_or(text);
    let mut counts = [0_usize; 256];
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let length = text.len() as u64;
    let weighed = |count: usize| count as u64 * LOG2.get(count).copied().unwrap_or(0);
    let have = weighed(text.len()).saturating_sub(counts.iter().map(|count| weighed(*count)).sum());
    have * 100 >= length * hundredths * LOG2_UNIT
}

const LOG2_UNIT: u64 = 1 << LOG2_BITS;
const LOG2_BITS: u32 = 16;

/// The binary logarithms of the numbers up to [`ENTROPY_BYTES`], in units of [`LOG2_UNIT`].
const LOG2: [u64; ENTROPY_BYTES + 1] = logarithms();

#[expect(clippy::indexing_slicing, reason = "evaluated when compiled")]
const fn logarithms() -> [u64; ENTROPY_BYTES + 1] {
    let mut table = [0; ENTROPY_BYTES + 1];
    let mut number = 1;
    while number <= ENTROPY_BYTES {
        table[number] = log2(number as u64);
        number += 1;
    }
    table
}

/// By squaring: each time the square of the mantissa is 2 or more, the next bit is one.
const fn log2(number: u64) -> u64 {
    const ONE: u64 = 1 << 30;
    let whole = number.ilog2();
    let (mut mantissa, mut bits, mut left) = ((number << 30) >> whole, whole as u64, LOG2_BITS);
    while left > 0 {
        mantissa = (mantissa * mantissa) >> 30;
        bits <<= 1;
        if mantissa >= 2 * ONE {
            mantissa >>= 1;
            bits |= 1;
        }
        left -= 1;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_what_its_definition_says() {
        assert!(has_entropy(b"abcdefgh", 300) && !has_entropy(b"abcdefgh", 301));
        assert!(has_entropy(b"aabb", 100) && !has_entropy(b"aaaa", 1));
        assert!(has_entropy(b"abc", 158) && !has_entropy(b"abc", 159), "log 3 = 1.58496");
        assert_eq!((log2(8), log2(3), log2(255)), (3 << 16, 103_872, 523_917));
    }

    #[test]
    fn a_run_is_never_cut_to_make_the_rest_fit() {
        let read = |shape| Shape::list(shape).next();
        let found = |shape, text: &str| {
            let (shape, mut text) = (read(shape)?, SearchedText::new(text.as_bytes()));
            shape.at(&mut text, 0).map(|(secret, end)| (secret.start, secret.end, end))
        };
        assert_eq!(found("x_<d2-3>.<h1->", "x_123.abz"), Some((0, 8, 8)));
        assert_eq!(found("x_<d2-3>", "x_1234"), None);
        assert_eq!(found("x_(<d1->)<L1>", "x_12a"), Some((2, 4, 5)));
    }
}
