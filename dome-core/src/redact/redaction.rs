//! Rules, compiled, and the masking itself.

use std::borrow::Cow;
use std::ops::Range;

use regex::bytes::{Captures, Regex, RegexSet};

use super::counts::RedactionCounts;
use super::document::{MEMBER, RedactionError, RedactionPattern, RedactionRules, built_in_names};
use super::masks::{Hit, OPENING, beside_masks, merged, splice};
use super::pointer::Steps;
use super::rules::{BUILT_IN, Check, ESCAPE_HINT, HINT, SECRET_NAME};
use super::view::View;
use super::walk::{Kind, Scalar, Walker};
use crate::hash::Sha256Hash;
use crate::limits;
use crate::quarantine::RawLine;

/// Passes over one line before whole texts are masked. Two are usual: one that masks, and one that
/// finds nothing more; only a pattern that looks at masks wants many.
const PASSES: usize = 8;

/// Rules of redaction, compiled. Reuse it from line to line; threads may share it.
#[derive(Clone, Debug)]
pub struct Redaction {
    document: RedactionRules,
    /// What tells a line apart that cannot hold a secret; absent where users add rules.
    hints: Option<Hints>,
    /// All patterns at once: which of them are worth a look.
    set: RegexSet,
    rules: Vec<Rule>,
    members: Vec<Steps>,
    /// Which rule masks the text of a member whose name says that it is a secret.
    by_name: Option<(usize, Regex)>,
    /// A mask of any rule.
    mask: Regex,
}

#[derive(Clone, Debug)]
struct Hints {
    on_line: Regex,
    in_text: Regex,
}

#[derive(Clone, Debug)]
struct Rule {
    name: String,
    regex: Regex,
    /// The group that is the secret; `None` for the first one that took part in the match.
    group: Option<usize>,
    check: Check,
}

/// The rank of a member that is erased; rules follow.
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
    /// let rules = br#"{"redaction_version": "1", "off": ["jwt"], "members": ["/labels/owner"]}"#;
    /// assert_eq!(Redaction::parse(rules)?.document().off, ["jwt"]);
    /// # Ok::<(), RedactionError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the document has another shape or version, names a rule that does not exist or twice,
    /// or holds a pattern or a pointer that is none. The error names the place.
    pub fn parse(document: &[u8]) -> Result<Self, RedactionError> {
        Self::compile(RedactionRules::parse(document)?)
    }

    fn compile(document: RedactionRules) -> Result<Self, RedactionError> {
        let mut rules = Vec::new();
        for (place, pattern) in document.patterns.iter().enumerate() {
            rules.push(Rule::of_user(pattern, &format!("/patterns/{place}"))?);
        }
        let on = BUILT_IN.iter().filter(|rule| !document.off.iter().any(|name| name == rule.name));
        for rule in on {
            let regex = compiled(&format!("(?-u){}", rule.pattern), "", rule.name)?;
            rules.push(Rule { name: rule.name.to_owned(), regex, group: None, check: rule.check });
        }
        let members: Vec<_> = document.members.iter().filter_map(|member| Steps::parse(member).ok()).collect();
        let only_built_in = document.patterns.is_empty() && members.is_empty();
        let set = RegexSet::new(rules.iter().map(|rule| rule.regex.as_str()));
        let names: Vec<_> = document.patterns.iter().map(|pattern| pattern.name.as_str()).collect();
        let names = [names, built_in_names(), vec![MEMBER]].concat().join("|");
        let assignment = rules.iter().position(|rule| rule.name == "assignment");
        let secret_name = compiled(&format!("(?-u){SECRET_NAME}"), "", "assignment")?;
        Ok(Self {
            hints: if only_built_in { Some(Hints::new()?) } else { None },
            set: set.map_err(|error| too_large(&error))?,
            rules,
            members,
            by_name: assignment.map(|rule| (rule, secret_name)),
            mask: compiled(&format!(r"\[redacted:(?:{names})\]"), "", MEMBER)?,
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
        self.document.digest()
    }

    /// The line with every secret masked, and the masks counted; the line itself if it has none.
    ///
    /// Do this before the line is read, hashed or kept. A JSON line stays one, and nothing but the
    /// text of masked strings changes; in any other line patterns look at the bytes themselves, as
    /// they are and with JSON escapes decoded. A masked line is left alone.
    #[must_use]
    pub fn redact<'l>(&self, line: &'l [u8], counts: &mut RedactionCounts) -> Cow<'l, [u8]> {
        if self.hints.as_ref().is_some_and(|hints| !hints.on_line.is_match(line)) {
            return line.into();
        }
        let Some(mut masked) = self.pass(line, false, counts) else { return line.into() };
        let mut passes = 1;
        while let Some(more) = self.pass(&masked, passes >= PASSES, counts) {
            masked = more;
            passes += 1;
        }
        masked.into()
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

    /// Masks what one look finds; `None` when that is nothing.
    fn pass(&self, line: &[u8], whole: bool, counts: &mut RedactionCounts) -> Option<Vec<u8>> {
        let is_json =
            str::from_utf8(line).is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
        let mut hits = Vec::new();
        let is_secret = |name: &[u8]| self.by_name.as_ref().is_some_and(|(_, regex)| regex.is_match(name));
        Walker::new(line, &self.members, &is_secret, |scalar| self.scalar(line, &scalar, is_json, whole, &mut hits))
            .walk();
        if !is_json {
            let all = View::written(line, 0..line.len());
            all.levels(|view| self.search(view, whole.then_some(0..line.len()), &mut hits));
        }
        let hits = merged(hits);
        hits.iter().for_each(|hit| counts.add(self.name(hit.rank)));
        (!hits.is_empty()).then(|| splice(line, &hits, |rank| self.name(rank)))
    }

    fn name(&self, rank: usize) -> &str {
        let rule = rank.checked_sub(1).and_then(|rule| self.rules.get(rule));
        rule.map_or(MEMBER, |rule| &rule.name)
    }

    fn scalar(&self, line: &[u8], scalar: &Scalar, is_json: bool, whole: bool, hits: &mut Vec<Hit>) {
        let range = scalar.range.clone();
        let written = View::written(line, range.clone());
        let quoted = scalar.kind == Kind::Word;
        if scalar.erased {
            let mask = self.mask.find(&written.bytes).map(|mask| mask.range());
            if mask != Some(0..range.len()) {
                hits.push(Hit { range, rank: MEMBER_RANK, quoted });
            }
            return;
        }
        if let (Kind::Text { secret: true }, Some((rule, _))) = (scalar.kind, &self.by_name) {
            let unmasked = beside_masks(&self.masks(&written.bytes), 0..range.len());
            hits.extend(unmasked.map(|_| Hit { range: range.clone(), rank: rule + 1, quoted: false }));
        }
        if !is_json || quoted {
            return;
        }
        let widened = whole.then_some(range);
        match written.decoded() {
            Some(text) => text.levels(|view| self.search(view, widened.clone(), hits)),
            None => self.search(&written, widened, hits),
        }
    }

    /// Looks for secrets in one text.
    fn search(&self, view: &View<'_>, widened: Option<Range<usize>>, hits: &mut Vec<Hit>) {
        if self.hints.as_ref().is_some_and(|hints| !hints.in_text.is_match(&view.bytes)) {
            return;
        }
        let matched = self.set.matches(&view.bytes);
        let masks = if matched.matched_any() { self.masks(&view.bytes) } else { Vec::new() };
        for index in matched {
            let Some(rule) = self.rules.get(index) else { continue };
            for found in rule.regex.captures_iter(&view.bytes) {
                let Some(secret) = rule.secret(&found).and_then(|secret| beside_masks(&masks, secret)) else {
                    continue;
                };
                let range = widened.clone().unwrap_or_else(|| view.on_line(secret));
                hits.push(Hit { range, rank: index + 1, quoted: false });
            }
        }
    }

    /// The masks that stand in a text, of any rule that there is here.
    fn masks(&self, text: &[u8]) -> Vec<Range<usize>> {
        if memchr::memmem::find(text, OPENING).is_none() {
            return Vec::new();
        }
        self.mask.find_iter(text).map(|mask| mask.range()).collect()
    }
}

impl Hints {
    fn new() -> Result<Self, RedactionError> {
        let on_line = compiled(&format!("{HINT}|{ESCAPE_HINT}"), "", "hint")?;
        Ok(Self { on_line, in_text: compiled(HINT, "", "hint")? })
    }
}

impl Rule {
    fn of_user(pattern: &RedactionPattern, pointer: &str) -> Result<Self, RedactionError> {
        let regex = compiled(&pattern.pattern, pointer, &pattern.name)?;
        let groups = regex.captures_len() - 1;
        if let Some(group) = pattern.group.filter(|group| !(1..=groups).contains(group)) {
            let (pointer, name) = (format!("{pointer}/group"), pattern.name.clone());
            return Err(RedactionError::Group { pointer, name, group, groups });
        }
        Ok(Self { name: pattern.name.clone(), regex, group: pattern.group.or(Some(0)), check: |_| true })
    }

    /// Where the secret stands in a match: the group, or all of it where that took no part.
    fn secret(&self, found: &Captures<'_>) -> Option<Range<usize>> {
        let group = match self.group {
            Some(group) => found.get(group),
            None => (1..found.len()).find_map(|group| found.get(group)),
        };
        let secret = group.or(found.get(0))?;
        (!secret.is_empty() && (self.check)(secret.as_bytes())).then(|| secret.range())
    }
}

fn compiled(pattern: &str, pointer: &str, name: &str) -> Result<Regex, RedactionError> {
    Regex::new(pattern).map_err(|error| RedactionError::Pattern {
        pointer: format!("{pointer}/pattern"),
        name: name.to_owned(),
        message: error.to_string(),
    })
}

fn too_large(error: &regex::Error) -> RedactionError {
    RedactionError::Pattern { pointer: "/patterns".to_owned(), name: "all".to_owned(), message: error.to_string() }
}
