//! Finding the secrets of the built-in rules in a text, in one walk over it.

use std::ops::Range;

use base64::Engine;
use memchr::memmem;

use super::assigned;
use super::context;
use super::rules::{BUILT_IN, BuiltIn, Finder, SecretCheck, SecretContext};
use super::shape::{SearchedText, Shape, has_entropy};

/// The rules that are on, by the first two bytes of what they are found by.
#[derive(Clone, Debug)]
pub(super) struct Scanner {
    /// Of each pair of bytes, one more than the place of its bucket; 0 where nothing starts with it.
    slots: Vec<u16>,
    buckets: Vec<Bucket>,
    /// Which rule masks the text of a member whose name says that it is a secret.
    by_name: Option<usize>,
}

#[derive(Clone, Debug)]
struct Bucket {
    /// Whether a third byte can be that of any of them.
    third: [bool; 256],
    anchors: Vec<ScanAnchor>,
}

#[derive(Clone, Debug)]
struct ScanAnchor {
    text: &'static str,
    /// Whether it is found in any case.
    fold: bool,
    /// The place of its rule in the table.
    rule: usize,
    seeks: Seeks,
}

#[derive(Clone, Debug)]
enum Seeks {
    Shape(Shape),
    Values(Vec<Shape>),
    Context(SecretContext),
}

/// A secret that was found: by which rule of the table, and where.
pub(super) struct FoundSecret {
    pub(super) rule: usize,
    pub(super) range: Range<usize>,
}

/// Anchors that ordinary text is full of: their shape decides whether a line is worth a look.
const SHORT_ANCHOR: usize = 3;

const PAIRS: usize = 1 << 16;

fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

impl Scanner {
    pub(super) fn new(is_on: impl Fn(&BuiltIn) -> bool) -> Self {
        let mut scanner = Self { slots: vec![0; PAIRS], buckets: Vec::new(), by_name: None };
        for (rule, built_in) in BUILT_IN.iter().enumerate().filter(|(_, rule)| is_on(rule)) {
            match built_in.finder {
                Finder::Shapes(shapes) => Shape::list(shapes).for_each(|shape| {
                    let (text, fold) = shape.anchor();
                    scanner.add(&ScanAnchor { text, fold, rule, seeks: Seeks::Shape(shape) });
                }),
                Finder::Named(words, values) => {
                    let values: Vec<_> = Shape::list(values).collect();
                    scanner.add_words(words, rule, &Seeks::Values(values));
                }
                Finder::Context(context, words) => {
                    scanner.add_words(words, rule, &Seeks::Context(context));
                    if context == SecretContext::Assignment {
                        scanner.by_name = Some(rule);
                    }
                }
            }
        }
        scanner
    }

    fn add_words(&mut self, words: &'static str, rule: usize, seeks: &Seeks) {
        for text in words.split(' ') {
            self.add(&ScanAnchor { text, fold: true, rule, seeks: seeks.clone() });
        }
    }

    /// Puts an anchor into the bucket of its first two bytes, in all their cases if it has no case.
    ///
    /// Anything may follow an anchor of one byte.
    fn add(&mut self, anchor: &ScanAnchor) {
        let [first, rest @ ..] = anchor.text.as_bytes() else { return };
        let cases = |byte: &u8| {
            let other = if anchor.fold { byte.to_ascii_uppercase() } else { *byte };
            let lower = if anchor.fold { byte.to_ascii_lowercase() } else { *byte };
            if other == lower { vec![lower] } else { vec![lower, other] }
        };
        for first in cases(first) {
            for second in rest.first().map_or_else(|| (0..=u8::MAX).collect(), cases) {
                let Some(slot) = self.slots.get_mut(pair(first, second)) else { continue };
                if *slot == 0 {
                    self.buckets.push(Bucket { third: [false; 256], anchors: Vec::new() });
                    *slot = u16::try_from(self.buckets.len()).unwrap_or(0);
                }
                if let Some(bucket) = usize::from(*slot).checked_sub(1).and_then(|bucket| self.buckets.get_mut(bucket))
                {
                    bucket.add(anchor);
                }
            }
        }
    }

    /// The rule that masks the text of a member by the member's name alone.
    pub(super) const fn by_name(&self) -> Option<usize> {
        self.by_name
    }

    /// The anchors that stand at each place of a text, until `each` has seen enough.
    fn anchors<'s>(&'s self, bytes: &[u8], mut each: impl FnMut(&'s ScanAnchor, usize) -> bool) {
        for at in 0..bytes.len().saturating_sub(1) {
            let Some([first, second, third @ ..]) = bytes.get(at..bytes.len().min(at + 3)) else { return };
            let (first, second) = (*first, *second);
            let slot = self.slots.get(pair(first, second)).copied().unwrap_or(0);
            let Some(bucket) = usize::from(slot).checked_sub(1).and_then(|bucket| self.buckets.get(bucket)) else {
                continue;
            };
            if !third.first().is_none_or(|third| bucket.third.get(usize::from(*third)).is_some_and(|may| *may)) {
                continue;
            }
            for anchor in &bucket.anchors {
                let found = bytes.get(at..at + anchor.text.len());
                let is_there = found.is_some_and(|found| match anchor.fold {
                    true => found.eq_ignore_ascii_case(anchor.text.as_bytes()),
                    false => found == anchor.text.as_bytes(),
                });
                if is_there && each(anchor, at) {
                    return;
                }
            }
        }
    }

    /// Whether a text holds what any rule is found by: if not, it needs no closer look.
    pub(super) fn may_find(&self, bytes: &[u8]) -> bool {
        let (mut text, mut may) = (SearchedText::new(bytes), false);
        self.anchors(bytes, |anchor, at| {
            may = match &anchor.seeks {
                Seeks::Shape(shape) if anchor.text.len() < SHORT_ANCHOR => shape.at_anchor(&mut text, at).is_some(),
                _ => true,
            };
            may
        });
        may
    }

    /// The secrets in a text; says how many bytes were looked at.
    pub(super) fn find(&self, bytes: &[u8], mut each: impl FnMut(FoundSecret)) -> u64 {
        let mut text = SearchedText::new(bytes);
        let mut seen = Vec::new();
        let mut found = Vec::new();
        self.anchors(bytes, |anchor, at| {
            text.steps += 1;
            seen.resize(BUILT_IN.len(), 0);
            let Some(seen) = seen.get_mut(anchor.rule).filter(|seen| **seen <= at) else { return false };
            *seen = anchor.secrets(&mut text, at, &mut found).max(*seen);
            let check = BUILT_IN.get(anchor.rule).map_or(SecretCheck::Any, |rule| rule.check);
            for range in found.drain(..).filter(|range| passes(check, text.part(range.clone()))) {
                *seen = range.end.max(*seen);
                each(FoundSecret { rule: anchor.rule, range });
            }
            false
        });
        text.steps + bytes.len() as u64
    }

    /// The secrets that a member's text is, by a service that the member's name names.
    pub(super) fn find_by_name(&self, name: &[u8], value: &[u8], mut each: impl FnMut(FoundSecret)) -> u64 {
        let mut text = SearchedText::new(value);
        self.anchors(name, |anchor, _| {
            let Seeks::Values(values) = &anchor.seeks else { return false };
            let check = BUILT_IN.get(anchor.rule).map_or(SecretCheck::Any, |rule| rule.check);
            let found = values.iter().filter_map(|shape| shape.at(&mut text, 0)).map(|(range, _)| range);
            let found = found.filter(|range| passes(check, value.get(range.clone()).unwrap_or_default()));
            found.for_each(|range| each(FoundSecret { rule: anchor.rule, range }));
            false
        });
        text.steps + name.len() as u64
    }

    /// Whether a member's name says something of the member's text.
    pub(super) fn is_telling(&self, name: &[u8]) -> bool {
        let mut is_telling = false;
        self.anchors(name, |anchor, _| {
            is_telling = matches!(anchor.seeks, Seeks::Values(_));
            is_telling
        });
        is_telling
    }
}

impl Bucket {
    fn add(&mut self, anchor: &ScanAnchor) {
        let third = anchor.text.as_bytes().get(2);
        let is_third =
            |byte: u8| third.is_none_or(|third| *third == byte || (anchor.fold && third.eq_ignore_ascii_case(&byte)));
        for (byte, may) in (0..=u8::MAX).zip(&mut self.third) {
            *may |= is_third(byte);
        }
        self.anchors.push(anchor.clone());
    }
}

impl ScanAnchor {
    /// The secrets that this anchor leads to; says from where its rule is to be looked for again.
    fn secrets(&self, text: &mut SearchedText<'_>, at: usize, found: &mut Vec<Range<usize>>) -> usize {
        let word = at..at + self.text.len();
        match &self.seeks {
            Seeks::Context(context) => context::find(*context, text, word, found),
            Seeks::Shape(shape) => {
                let Some((secret, _)) = shape.at_anchor(text, at) else { return 0 };
                found.push(secret);
                0
            }
            Seeks::Values(values) => {
                let Some(starts) = assigned::service_value(text, word.end) else { return 0 };
                // A value may begin with what stands before others: of what may be meant, most is masked.
                let from = |text: &mut SearchedText<'_>, start| {
                    values
                        .iter()
                        .filter_map(|shape| shape.at(text, start))
                        .map(|(secret, _)| secret)
                        .max_by_key(|secret| secret.end)
                };
                found.extend(starts.rev().find_map(|start| from(text, start)));
                0
            }
        }
    }
}

/// Bytes that are decoded to see what they are.
const DECODED: usize = 4_096;

fn passes(check: SecretCheck, found: &[u8]) -> bool {
    match check {
        SecretCheck::Any => true,
        SecretCheck::Digit => assigned::has_digit(found),
        SecretCheck::Mixed => assigned::is_mixed(found),
        SecretCheck::Basic => {
            let is_pair = |text: &str| text.contains(':') && !text.contains(char::is_control);
            decoded(found).is_some_and(|text| str::from_utf8(&text).is_ok_and(is_pair))
        }
        SecretCheck::Key => {
            found.starts_with(b"b3BlbnNz")
                || decoded(found).is_some_and(|text| memmem::find(&text, b"PRIVATE KEY").is_some())
        }
        SecretCheck::Numbered => {
            let first = found.split(|byte| *byte == b'.').next().unwrap_or_default();
            decoded(first).is_some_and(|text| text.iter().all(u8::is_ascii_digit))
        }
        SecretCheck::Random(hundredths) => assigned::is_random(found, hundredths),
        SecretCheck::Entropy(hundredths) => has_entropy(found, hundredths),
    }
}

/// Base64, of a long text its start.
fn decoded(found: &[u8]) -> Option<Vec<u8>> {
    let text = found.strip_suffix(b"==").or_else(|| found.strip_suffix(b"=")).unwrap_or(found);
    let text = text.get(..DECODED).unwrap_or(text);
    base64::engine::general_purpose::STANDARD_NO_PAD.decode(text).ok()
}
