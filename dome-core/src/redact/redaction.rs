//! Rules, compiled, and the masking itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::{AddAssign, Range};

use regex::bytes::{Captures, Regex, RegexSet};
use serde::Serialize;

use super::assigned;
use super::decode;
use super::document::{MEMBER, MemberSteps, RedactionError, RedactionPattern, RedactionRules, built_in_names};
use super::rules::BUILT_IN;
use super::scan::Scanner;
use super::shape;
use super::walk::{NameSays, Scalar, ScalarKind, StringWalker, TextView};
use crate::canonical;
use crate::hash::Sha256Hash;
use crate::limits;
use crate::quarantine::RawLine;
use crate::text::quote;

/// Passes over one line before whole texts are masked. Two are usual: one that masks, and one that
/// finds nothing more; only a pattern that looks at masks wants many.
const PASSES: usize = 8;

/// Rules of redaction, compiled. Reuse it from line to line; threads may share it.
#[derive(Clone, Debug)]
pub struct Redaction {
    document: RedactionRules,
    /// The built-in rules that are on.
    scanner: Scanner,
    /// All patterns of the user at once: which of them are worth a look.
    set: RegexSet,
    rules: Vec<MaskRule>,
    members: Vec<MemberSteps>,
    mask: Regex,
}

#[derive(Clone, Debug)]
struct MaskRule {
    name: String,
    regex: Regex,
    /// The group that is the secret.
    group: Option<usize>,
}

/// The rank of a member that is erased; patterns of the user follow, then the built-in rules.
const MEMBER_RANK: usize = 0;

impl Redaction {
    /// The built-in rules of this version.
    ///
    /// ```
    /// use dome_core::redact::{Redaction, RedactionCounts};
    /// let (redaction, mut counts) = (Redaction::built_in(), RedactionCounts::default());
    /// let line = br#"{"message":"curl https:\/\/me:hunter2@example.org failed"}"#;
    /// let masked = redaction.redact(line, &mut counts);
    /// assert_eq!(&*masked, br#"{"message":"curl https:\/\/[redacted:url-credentials]@example.org failed"}"#);
    /// assert_eq!(redaction.redact(&masked, &mut counts), masked);
    /// ```
    #[must_use]
    pub fn built_in() -> Self {
        Self::compile(RedactionRules::built_in()).unwrap_or_else(|_| unreachable!("the built-in rules compile"))
    }

    /// Reads the rules of a document (`dome schema redaction`).
    ///
    /// ```
    /// use dome_core::redact::{Redaction, RedactionError};
    /// let rules = br#"{"redaction_version": "2", "off": ["jwt"], "members": ["/labels/owner"]}"#;
    /// assert_eq!(Redaction::parse(rules)?.document().off, ["jwt"]);
    /// # Ok::<(), RedactionError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the document has another shape or version, names a rule that does not exist or twice,
    /// or holds a pattern or a pointer that is none. The error names the place.
    pub fn parse(document: &[u8]) -> Result<Self, RedactionError> {
        Self::compile(RedactionRules::read(document)?)
    }

    fn compile(document: RedactionRules) -> Result<Self, RedactionError> {
        let document = document.of_this_version();
        document.check_names()?;
        let members = document.member_steps()?;
        let patterns = document.patterns.iter().enumerate();
        let rules = patterns.map(|(place, pattern)| MaskRule::of_user(pattern, &format!("/patterns/{place}")));
        let mut rules = rules.collect::<Result<Vec<_>, _>>()?;
        // What is wrong is named as it is written; what is masked does not depend on the order.
        rules.sort_by(|a, b| a.name.cmp(&b.name));
        let document = document.sorted();
        let set = RegexSet::new(rules.iter().map(|rule| rule.regex.as_str()));
        let names: Vec<_> = document.patterns.iter().map(|pattern| pattern.name.as_str()).collect();
        let names = [names, built_in_names(), vec![MEMBER]].concat().join("|");
        Ok(Self {
            scanner: Scanner::new(|rule| !document.off.iter().any(|name| name == rule.name)),
            set: set.map_err(|error| RedactionError::at("/patterns", not_an_expression("all", &error)))?,
            rules,
            members,
            mask: built_in(&format!(r"\[redacted:(?:{names})\]")),
            document,
        })
    }

    /// The rules as a document, in canonical order.
    #[must_use]
    pub const fn document(&self) -> &RedactionRules {
        &self.document
    }

    /// SHA-256 of the document's canonical bytes: two redactions of one digest mask alike.
    #[must_use]
    pub fn digest(&self) -> Sha256Hash {
        canonical::digest(&self.document)
    }

    /// The line with every secret masked, and the masks counted; the line itself if it has none.
    ///
    /// Do this before the line is read, hashed or kept. A JSON line stays one, and nothing but the
    /// text of masked strings changes; in any other line patterns look at the bytes themselves, as
    /// they are and with JSON escapes decoded. A masked line is left alone.
    #[must_use]
    pub fn redact<'l>(&self, line: &'l [u8], counts: &mut RedactionCounts) -> Cow<'l, [u8]> {
        self.masked(line, counts).0
    }

    /// How many bytes are looked at to mask a line, each time that one is: what is held to be linear in the line.
    ///
    /// ```
    /// let redaction = dome_core::redact::Redaction::built_in();
    /// let steps = |times: usize| redaction.steps("token=a1b2c3d4 ".repeat(times).as_bytes());
    /// assert!(steps(2_000) < 3 * steps(1_000));
    /// ```
    ///
    /// What the patterns of a user cost is not in it.
    #[must_use]
    pub fn steps(&self, line: &[u8]) -> u64 {
        self.masked(line, &mut RedactionCounts::default()).1
    }

    /// The masked line, and the bytes that were looked at.
    fn masked<'l>(&self, line: &'l [u8], counts: &mut RedactionCounts) -> (Cow<'l, [u8]>, u64) {
        let is_ours_alone = self.rules.is_empty() && self.members.is_empty();
        if is_ours_alone && !self.scanner.may_find(line) && !decode::may_hide(line) {
            return (line.into(), line.len() as u64);
        }
        let mut hits = MaskHits::default();
        let Some(mut masked) = self.pass(line, false, counts, &mut hits) else { return (line.into(), hits.steps) };
        let mut passes = 1;
        while let Some(more) = self.pass(&masked, passes >= PASSES, counts, &mut hits) {
            masked = more;
            passes += 1;
        }
        (masked.into(), hits.steps)
    }

    /// The built-in rules, each with text that has a secret and text that nearly has one.
    ///
    /// ```
    /// use dome_core::redact::{Redaction, RedactionCounts};
    /// let redaction = Redaction::built_in();
    /// let rule = Redaction::samples().find(|rule| rule.name == "npm-token").unwrap();
    /// let mut counts = RedactionCounts::default();
    /// assert_eq!(&*redaction.redact(rule.sample.as_bytes(), &mut counts), b"[redacted:npm-token]");
    /// assert_eq!(&*redaction.redact(rule.counter.as_bytes(), &mut counts), rule.counter.as_bytes());
    /// ```
    pub fn samples() -> impl Iterator<Item = RedactionSample> {
        BUILT_IN.iter().map(|rule| RedactionSample {
            name: rule.name,
            sample: shape::filled(rule.sample),
            counter: shape::filled(rule.counter),
        })
    }

    /// What the quarantine says of a line that is too long (M-14), from its start alone: `start`
    /// holds at least its first [`limits::LINE_BYTES`] bytes, `length` is that of the whole line.
    ///
    /// The kept bytes are those of the masked start, and the row's `sha256` is theirs: neither what
    /// is kept nor a hash over the rest can give a secret away.
    #[must_use]
    pub fn raw_start(&self, start: &[u8], length: u64, counts: &mut RedactionCounts) -> RawLine {
        let start = start.get(..limits::LINE_BYTES).unwrap_or(start);
        RawLine::of_start(&self.redact(start, counts), length)
    }

    fn pass(&self, line: &[u8], whole: bool, counts: &mut RedactionCounts, hits: &mut MaskHits) -> Option<Vec<u8>> {
        let is_json =
            str::from_utf8(line).is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
        hits.steps += line.len() as u64;
        let tells = |name: &[u8], place: Range<usize>| {
            let is_secret = self.scanner.by_name().is_some() && assigned::is_secret_name(name);
            match () {
                () if is_secret => NameSays::Secret,
                () if self.scanner.is_telling(name) => NameSays::Service { start: place.start, end: place.end },
                () => NameSays::Nothing,
            }
        };
        StringWalker::new(line, &self.members, &tells, |scalar| self.scalar(line, &scalar, is_json, whole, hits))
            .walk();
        if !is_json {
            let all = TextView::written(line, 0..line.len());
            all.levels(|view| self.search(view, whole.then_some(0..line.len()), hits));
        }
        let hits = merged(std::mem::take(&mut hits.found));
        hits.iter().for_each(|hit| counts.add(self.name(hit.rank)));
        (!hits.is_empty()).then(|| splice(line, &hits, |rank| self.name(rank)))
    }

    fn name(&self, rank: usize) -> &str {
        let Some(rule) = rank.checked_sub(1) else { return MEMBER };
        match self.rules.get(rule) {
            Some(rule) => &rule.name,
            None => BUILT_IN.get(rule - self.rules.len()).map_or(MEMBER, |rule| rule.name),
        }
    }

    fn scalar(&self, line: &[u8], scalar: &Scalar, is_json: bool, whole: bool, hits: &mut MaskHits) {
        let range = scalar.range.clone();
        let written = TextView::written(line, range.clone());
        let quoted = scalar.kind == ScalarKind::Word;
        if scalar.erased {
            let mask = self.mask.find(&written.bytes).map(|mask| mask.range());
            if mask != Some(0..range.len()) {
                hits.found.push(MaskHit { range, rank: MEMBER_RANK, quoted });
            }
            return;
        }
        self.by_name(line, scalar, &written, hits);
        if !is_json || quoted {
            return;
        }
        let widened = whole.then_some(range);
        // Of a string of a document only what it writes is looked at, not its escapes.
        written.decoded().unwrap_or(written).levels(|view| self.search(view, widened.clone(), hits));
    }

    fn search(&self, view: &TextView<'_>, widened: Option<Range<usize>>, hits: &mut MaskHits) {
        let (mut masks, found) = (None, &mut hits.found);
        let mut hit = |rank: usize, secret: Range<usize>| {
            let masks = masks.get_or_insert_with(|| self.masks(&view.bytes));
            if let Some(secret) = beside_masks(masks, secret) {
                let range = widened.clone().unwrap_or_else(|| view.on_line(secret));
                found.push(MaskHit { range, rank, quoted: false });
            }
        };
        for index in self.set.matches(&view.bytes) {
            let Some(rule) = self.rules.get(index) else { continue };
            let found = rule.regex.captures_iter(&view.bytes);
            found.filter_map(|found| rule.secret(&found)).for_each(|secret| hit(index + 1, secret));
        }
        hits.steps += self.scanner.find(&view.bytes, |secret| hit(self.rank(secret.rule), secret.range));
    }

    /// The rank of a built-in rule.
    const fn rank(&self, rule: usize) -> usize {
        1 + self.rules.len() + rule
    }

    /// Masks a member's text where the member's name says what it is.
    fn by_name(&self, line: &[u8], scalar: &Scalar, written: &TextView<'_>, hits: &mut MaskHits) {
        let ScalarKind::Text(telling) = scalar.kind else { return };
        match (telling, self.scanner.by_name()) {
            (NameSays::Secret, Some(rule)) => {
                let unmasked = beside_masks(&self.masks(&written.bytes), 0..scalar.range.len());
                let range = scalar.range.clone();
                hits.found.extend(unmasked.map(|_| MaskHit { range, rank: self.rank(rule), quoted: false }));
            }
            (NameSays::Service { start, end }, _) => {
                let name = line.get(start..end).unwrap_or_default();
                let found = &mut hits.found;
                hits.steps += self.scanner.find_by_name(name, &written.bytes, |secret| {
                    let range = written.on_line(secret.range);
                    found.push(MaskHit { range, rank: self.rank(secret.rule), quoted: false });
                });
            }
            _ => {}
        }
    }

    fn masks(&self, text: &[u8]) -> Vec<Range<usize>> {
        if memchr::memmem::find(text, OPENING).is_none() {
            return Vec::new();
        }
        self.mask.find_iter(text).map(|mask| mask.range()).collect()
    }
}

impl MaskRule {
    fn of_user(pattern: &RedactionPattern, pointer: &str) -> Result<Self, RedactionError> {
        let regex = compiled(&pattern.pattern, pointer, &pattern.name)?;
        let groups = regex.captures_len() - 1;
        if let Some(group) = pattern.group.filter(|group| !(1..=groups).contains(group)) {
            let name = quote(&pattern.name);
            let message = format!("the pattern of {name} has {groups} groups, none is number {group}");
            return Err(RedactionError::at(format!("{pointer}/group"), message));
        }
        Ok(Self { name: pattern.name.clone(), regex, group: pattern.group.or(Some(0)) })
    }

    /// Where the secret stands in a match: the group, or all of it where that took no part.
    fn secret(&self, found: &Captures<'_>) -> Option<Range<usize>> {
        let secret = self.group.and_then(|group| found.get(group)).or(found.get(0))?;
        (!secret.is_empty()).then(|| secret.range())
    }
}

#[expect(clippy::expect_used, reason = "tests compile all built-in patterns, and names of rules are plain words")]
fn built_in(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a built-in pattern is a regular expression")
}

fn compiled(pattern: &str, pointer: &str, name: &str) -> Result<Regex, RedactionError> {
    let wrong = |error| RedactionError::at(format!("{pointer}/pattern"), not_an_expression(name, &error));
    Regex::new(pattern).map_err(wrong)
}

fn not_an_expression(name: &str, error: &regex::Error) -> String {
    format!("the pattern of {} is no regular expression: {error}", quote(name))
}

/// A built-in rule: what it masks, and what it leaves alone. Both are made up, and made when they are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedactionSample {
    /// The rule's name, as masks show it; some rules have several shapes and stand here with each.
    pub name: &'static str,
    /// Text with a secret of this rule.
    pub sample: String,
    /// Text that has what the rule begins with, and no secret.
    pub counter: String,
}

/// What was found on a line, and at what cost.
#[derive(Default)]
struct MaskHits {
    found: Vec<MaskHit>,
    /// Bytes that were looked at, in all passes.
    steps: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct MaskHit {
    range: Range<usize>,
    /// Which rule found it: where hits overlap, the least one names the mask.
    rank: usize,
    /// Whether the mask is a string of its own, with its quotes: a number is masked so.
    quoted: bool,
}

const OPENING: &[u8] = b"[redacted:";

/// The range to mask if `found` holds more than masks: widened to the masks that it cuts, so that
/// none is masked twice or torn.
fn beside_masks(masks: &[Range<usize>], found: Range<usize>) -> Option<Range<usize>> {
    let first = masks.partition_point(|mask| mask.end <= found.start);
    let (_, cut) = masks.split_at(first);
    let (cut, _) = cut.split_at(cut.partition_point(|mask| mask.start < found.end));
    let mut behind = found.start;
    for mask in cut {
        if mask.start > behind {
            break;
        }
        behind = mask.end;
    }
    let start = cut.first().map_or(found.start, |mask| mask.start.min(found.start));
    let end = cut.last().map_or(found.end, |mask| mask.end.max(found.end));
    (behind < found.end).then_some(start..end)
}

fn merged(mut hits: Vec<MaskHit>) -> Vec<MaskHit> {
    hits.sort_unstable_by_key(|hit| (hit.range.start, hit.rank, hit.range.end));
    let mut merged: Vec<MaskHit> = Vec::new();
    for hit in hits {
        match merged.last_mut().filter(|last| hit.range.start < last.range.end) {
            Some(last) => {
                last.range.end = last.range.end.max(hit.range.end);
                last.rank = last.rank.min(hit.rank);
                last.quoted |= hit.quoted;
            }
            None => merged.push(hit),
        }
    }
    merged
}

fn splice<'n>(line: &[u8], hits: &[MaskHit], name: impl Fn(usize) -> &'n str) -> Vec<u8> {
    let mut masked = Vec::with_capacity(line.len() + 32 * hits.len());
    let (mut rest, mut behind) = (line, 0);
    for hit in hits {
        let (before, after) = rest.split_at(hit.range.start - behind);
        (_, rest) = after.split_at(hit.range.len());
        behind = hit.range.end;
        let quote: &[u8] = if hit.quoted { b"\"" } else { b"" };
        masked.extend([before, quote, OPENING, name(hit.rank).as_bytes(), b"]", quote].concat());
    }
    masked.extend_from_slice(rest);
    masked
}

/// Masks put, by the name of the rule; rules that found nothing are not listed.
///
/// Counts are sums: they do not depend on how lines are shared out.
///
/// ```
/// use dome_core::redact::{Redaction, RedactionCounts};
/// let mut counts = RedactionCounts::default();
/// Redaction::built_in().redact(b"npm_0123456789abcdefghijABCDEFGHIJ012345", &mut counts);
/// assert_eq!(counts.iter().collect::<Vec<_>>(), [("npm-token", 1)]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct RedactionCounts(BTreeMap<String, u64>);

impl RedactionCounts {
    fn add(&mut self, name: &str) {
        match self.0.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(self.0.insert(name.to_owned(), 1)),
        }
    }

    /// The rules that put masks, by name, with how many.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// Masks of one rule.
    #[must_use]
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// All masks.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// Counts that were kept elsewhere; a rule that is named twice counts once, as the last one says.
impl FromIterator<(String, u64)> for RedactionCounts {
    fn from_iter<I: IntoIterator<Item = (String, u64)>>(counts: I) -> Self {
        Self(counts.into_iter().collect())
    }
}

impl AddAssign<&Self> for RedactionCounts {
    fn add_assign(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            *self.0.entry(name.clone()).or_default() += count;
        }
    }
}

impl AddAssign for RedactionCounts {
    fn add_assign(&mut self, other: Self) {
        *self += &other;
    }
}
