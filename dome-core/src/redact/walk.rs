//! Walking over the strings of a line, JSON or nearly, and looking at them as they are read rather than
//! written. What cannot be followed is passed over.

use std::borrow::Cow;
use std::ops::Range;

use super::decode::Rewriting;
use super::document::MemberSteps;
use crate::json::escape;
use crate::text::plain_prefix;

pub(super) struct Scalar {
    /// Its bytes; of a string those between the quotes.
    pub(super) range: Range<usize>,
    pub(super) kind: ScalarKind,
    /// Whether it stands at or below a member to erase.
    pub(super) erased: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NameSays {
    Nothing,
    /// It is a secret.
    Secret,
    /// It is of a service whose secrets are known by their shape: where the name stands.
    Service {
        start: usize,
        end: usize,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ScalarKind {
    /// A member's name.
    Name,
    /// A string; what the name of its member says of it.
    Text(NameSays),
    /// A number, `true`, `false` or `null`; in what is no JSON, any other word.
    Word,
}

struct OpenNest<'w> {
    is_object: bool,
    index: usize,
    /// The next value, once its name was read.
    next: Option<NextValue<'w>>,
    own: NextValue<'w>,
}

/// What is known of a value before it is read.
#[derive(Clone)]
struct NextValue<'w> {
    /// What is left of the steps to members to erase, where the first ones lead here.
    steps: Vec<&'w [Option<Vec<u8>>]>,
    erased: bool,
    telling: NameSays,
}

pub(super) struct StringWalker<'w, F> {
    line: &'w [u8],
    members: &'w [MemberSteps],
    tells: &'w dyn Fn(&[u8], Range<usize>) -> NameSays,
    frames: Vec<OpenNest<'w>>,
    each: F,
}

impl<'w, F: FnMut(Scalar)> StringWalker<'w, F> {
    pub(super) fn new(
        line: &'w [u8],
        members: &'w [MemberSteps],
        tells: &'w dyn Fn(&[u8], Range<usize>) -> NameSays,
        each: F,
    ) -> Self {
        Self { line, members, tells, frames: Vec::new(), each }
    }

    pub(super) fn walk(mut self) {
        let mut at = 0;
        while let Some(byte) = self.line.get(at) {
            at = match byte {
                b'"' => self.string(at + 1),
                b'{' | b'[' => {
                    let own = self.value();
                    self.frames.push(OpenNest { is_object: *byte == b'{', index: 0, next: None, own });
                    at + 1
                }
                b'}' | b']' => {
                    self.frames.pop();
                    at + 1
                }
                b',' => {
                    if let Some(frame) = self.frames.last_mut() {
                        (frame.index, frame.next) = (frame.index + 1, None);
                    }
                    at + 1
                }
                b' ' | b'\t' | b'\r' | b'\n' | b':' => at + 1,
                _ => self.word(at),
            };
        }
    }

    fn string(&mut self, start: usize) -> usize {
        let end = self.string_end(start);
        let is_name = self.frames.last().is_some_and(|frame| frame.is_object && frame.next.is_none());
        if is_name {
            let view = TextView::written(self.line, start..end);
            let decoded = view.decoded();
            let name = &decoded.as_ref().unwrap_or(&view).bytes;
            let next = NextValue { telling: (self.tells)(name, start..end), ..self.step(name) };
            if let Some(frame) = self.frames.last_mut() {
                frame.next = Some(next);
            }
            (self.each)(Scalar { range: start..end, kind: ScalarKind::Name, erased: false });
        } else {
            let NextValue { erased, telling, .. } = self.value();
            (self.each)(Scalar { range: start..end, kind: ScalarKind::Text(telling), erased });
        }
        end + 1
    }

    /// The closing quote of a string, or the end of the line.
    fn string_end(&self, start: usize) -> usize {
        let mut at = start;
        loop {
            let rest = self.line.get(at..).unwrap_or_default();
            at += plain_prefix(rest);
            match self.line.get(at) {
                Some(b'"') | None => return at.min(self.line.len()),
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
            }
        }
    }

    fn word(&mut self, start: usize) -> usize {
        let ends =
            |byte: &u8| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\r' | b'\n');
        let (_, rest) = self.line.split_at(start);
        let end = start + rest.iter().position(ends).unwrap_or(rest.len());
        let erased = self.value().erased;
        (self.each)(Scalar { range: start..end, kind: ScalarKind::Word, erased });
        end
    }

    fn value(&mut self) -> NextValue<'w> {
        match self.frames.last() {
            None => NextValue { steps: self.members.iter().map(Vec::as_slice).collect(), ..NextValue::default() },
            Some(frame) if frame.is_object => frame.next.clone().unwrap_or_default(),
            Some(frame) if frame.own.steps.is_empty() => NextValue { erased: frame.own.erased, ..NextValue::default() },
            Some(frame) => {
                let index = frame.index.to_string();
                self.step(index.as_bytes())
            }
        }
    }

    /// One step down: to a member of this name, or to an entry of this number.
    fn step(&self, name: &[u8]) -> NextValue<'w> {
        let Some(OpenNest { own, .. }) = self.frames.last() else { return NextValue::default() };
        let mut next = NextValue { erased: own.erased, ..NextValue::default() };
        for steps in &own.steps {
            match steps.split_first() {
                Some((Some(step), _)) if step != name => {}
                Some((_, [])) => next.erased = true,
                Some((_, rest)) => next.steps.push(rest),
                None => {}
            }
        }
        next
    }
}

/// Levels of text in text: a JSON document that is a string of another one is escaped twice.
const LEVELS: usize = 8;

/// A part of a line, as written or with its escapes decoded.
pub(super) struct TextView<'l> {
    pub(super) bytes: Cow<'l, [u8]>,
    start: usize,
    /// Of decoded text: where on the line each byte begins, and where the last one ends.
    places: Vec<usize>,
}

impl<'l> TextView<'l> {
    #[expect(clippy::indexing_slicing, reason = "the range is one of the line")]
    pub(super) fn written(line: &'l [u8], range: Range<usize>) -> Self {
        let start = range.start;
        Self { bytes: (&line[range]).into(), start, places: Vec::new() }
    }

    /// Where a byte begins on the line; of the end, where the last byte ends.
    #[expect(clippy::indexing_slicing, reason = "decoded text has a place for each byte and for its end")]
    fn place(&self, byte: usize) -> usize {
        if self.places.is_empty() { self.start + byte } else { self.places[byte] }
    }

    /// The bytes of the line that a range of this text is written with: whole escapes.
    pub(super) fn on_line(&self, range: Range<usize>) -> Range<usize> {
        let (start, last) = (self.place(range.start), self.place(range.end.saturating_sub(1)));
        let mut end = range.end;
        while end < self.bytes.len() && self.place(end) == last {
            end += 1;
        }
        start..self.place(end)
    }

    /// This text with its JSON escapes decoded; nothing if it has none.
    pub(super) fn decoded(&self) -> Option<TextView<'static>> {
        memchr::memchr(b'\\', &self.bytes)?;
        self.rewritten(|rest, _| {
            let (character, taken) = escape(rest).ok()?;
            Some(Rewriting::character(character, taken))
        })
    }

    /// This text as `rewrite` writes it: what stands at a place, and how much of this text it takes. Bytes that it says nothing of stay.
    pub(super) fn rewritten(
        &self,
        mut rewrite: impl FnMut(&[u8], usize) -> Option<Rewriting>,
    ) -> Option<TextView<'static>> {
        let (mut bytes, mut places) = (Vec::with_capacity(self.bytes.len()), Vec::with_capacity(self.bytes.len() + 1));
        let (mut at, mut any) = (0, false);
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(rewriting) = rewrite(rest, at) else {
                bytes.extend(rest.first());
                places.push(self.place(at));
                at += 1;
                continue;
            };
            any = true;
            for (byte, from) in rewriting.written {
                bytes.push(byte);
                places.push(self.place(at + from));
            }
            at += rewriting.taken;
        }
        places.push(self.place(at));
        any.then_some(TextView { bytes: bytes.into(), start: self.start, places })
    }

    /// This text in all the ways in which it may be read: as it is, without what colours and widens it,
    /// without what wraps it; then what it writes in JSON escapes, as often as it has some.
    ///
    /// Each way looks at a text no longer than this one, and there are [`LEVELS`] times three.
    pub(super) fn levels(self, mut each: impl FnMut(&TextView<'_>)) {
        let mut next = self.decoded();
        self.ways(&mut each);
        for _ in 0..LEVELS {
            let Some(view) = next else { return };
            view.ways(&mut each);
            next = view.decoded();
        }
    }

    fn ways(&self, each: &mut impl FnMut(&TextView<'_>)) {
        each(self);
        let bare = self.bared();
        bare.iter().for_each(&mut *each);
        bare.as_ref().and_then(TextView::unwrapped).or_else(|| self.unwrapped()).iter().for_each(each);
    }
}

impl Default for NextValue<'_> {
    fn default() -> Self {
        Self { steps: Vec::new(), erased: false, telling: NameSays::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoded_text_knows_where_it_stands() {
        let line = br#"a\u0067\/\ud83d\ude00z\q"#;
        let view = TextView::written(line, 0..line.len());
        let decoded = view.decoded().unwrap_or(view);
        assert_eq!(decoded.bytes.as_ref(), "ag/\u{1F600}z\\q".as_bytes());
        assert_eq!(decoded.on_line(1..2), 1..7);
        assert_eq!(decoded.on_line(2..4), 7..21, "a character is never split");
        assert_eq!(decoded.on_line(7..8), 21..22);
    }
}
