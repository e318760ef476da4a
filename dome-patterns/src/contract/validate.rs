//! From bytes to an output: the only way.

use std::collections::BTreeMap;

use dome_core::json::{Kind, Tape, Value, read};
use dome_core::{ProblemCode, Sha256Hash, TargetId};

use super::document::OutputContract;
use super::output::{Field, Output, TextMark};
use super::problem::{MapFailure, OutputProblem};
use super::shape::{ObjectShape, Shape};
use crate::codes::MapFailureCode as Code;
use crate::limits;

impl OutputContract {
    /// Makes an output of what a worker wrote about `item`. There is no other way to make one.
    ///
    /// # Errors
    ///
    /// `MAP.OUTPUT_TOO_LARGE` (over [`limits::OUTPUT_BYTES`]), `MAP.OUTPUT_MISSING`,
    /// `MAP.OUTPUT_NOT_JSON`, `MAP.OUTPUT_TOO_DEEP`, `MAP.OUTPUT_DUPLICATE_MEMBER`; else all problems of
    /// all members: `MAP.ITEM_MISMATCH`, `MAP.OUTPUT_UNKNOWN_MEMBER`, `MAP.OUTPUT_MEMBER_MISSING`,
    /// `MAP.OUTPUT_WRONG_TYPE`, `MAP.OUTPUT_NOT_ALLOWED`, `MAP.OUTPUT_OUT_OF_RANGE`.
    pub fn validate(&self, item: &TargetId, output: &[u8]) -> Result<Output, MapFailure> {
        if output.len() as u64 > limits::OUTPUT_BYTES {
            return Err(MapFailure::of(Code::OutputTooLarge));
        }
        if output.trim_ascii().is_empty() {
            return Err(MapFailure::of(Code::OutputMissing));
        }
        let text = str::from_utf8(output).map_err(|_| MapFailure::of(Code::OutputNotJson))?;
        let mut tape = Tape::default();
        let root = read(text, &mut tape).map_err(|problem| MapFailure::of(text_code(problem.code)))?;
        let mut walk = Walk { item, problems: Vec::new() };
        let value = walk.value(self.shape(), root, "");
        match (MapFailure::listing(walk.problems), value) {
            (Some(failure), _) => Err(failure),
            (None, Some(value)) => Ok(Output::new(item.clone(), self.digest(), value)),
            (None, None) => Err(MapFailure::of(Code::OutputWrongType)),
        }
    }
}

const fn text_code(code: ProblemCode) -> Code {
    match code {
        ProblemCode::JsonTooDeep => Code::OutputTooDeep,
        ProblemCode::JsonDuplicateKey => Code::OutputDuplicateMember,
        _ => Code::OutputNotJson,
    }
}

/// One walk over an output. A value that breaks its shape is reported and comes to nothing.
struct Walk<'i> {
    item: &'i TargetId,
    problems: Vec<OutputProblem>,
}

impl Walk<'_> {
    fn report(&mut self, code: Code, pointer: &str) {
        self.problems.push(OutputProblem { code, pointer: pointer.to_owned() });
    }

    /// What is right, or nothing and a report.
    fn check<T>(&mut self, right: Option<T>, code: Code, pointer: &str) -> Option<T> {
        if right.is_none() {
            self.report(code, pointer);
        }
        right
    }

    fn value(&mut self, shape: &Shape, at: Value<'_>, pointer: &str) -> Option<Field> {
        match shape {
            Shape::Array { max_entries, of } => self.array(*max_entries, of, at, pointer),
            Shape::Boolean {} => {
                let right = (at.kind() == Kind::Boolean).then(|| Field::Boolean(at.written() == "true"));
                self.check(right, Code::OutputWrongType, pointer)
            }
            Shape::Choice { of } => {
                let text = self.text(at, pointer)?;
                let word = of.get(text).cloned().map(Field::Choice);
                self.check(word, Code::OutputNotAllowed, pointer)
            }
            Shape::Integer { max, min } => self.integer(*min, *max, at, pointer),
            Shape::Item {} => {
                let text = self.text(at, pointer)?;
                let own = (text == self.item.as_str()).then(|| Field::Item(self.item.clone()));
                self.check(own, Code::ItemMismatch, pointer)
            }
            Shape::Object(object) => self.object(object, at, pointer),
            Shape::Text { max_bytes } => {
                let text = self.text(at, pointer)?;
                let bytes = text.len() as u64;
                let mark = TextMark { bytes, sha256: Sha256Hash::of(text.as_bytes()) };
                let short = (bytes <= *max_bytes).then_some(Field::Text(mark));
                self.check(short, Code::OutputOutOfRange, pointer)
            }
        }
    }

    fn text<'t>(&mut self, at: Value<'t>, pointer: &str) -> Option<&'t str> {
        self.check(at.text(), Code::OutputWrongType, pointer)
    }

    fn integer(&mut self, min: i64, max: i64, at: Value<'_>, pointer: &str) -> Option<Field> {
        let written = match at.kind() {
            Kind::Integer | Kind::UnsafeInteger => at.written(),
            _ => return self.check(None, Code::OutputWrongType, pointer),
        };
        let value = written.parse().ok().filter(|value| (min..=max).contains(value));
        self.check(value.map(Field::Integer), Code::OutputOutOfRange, pointer)
    }

    fn array(&mut self, max_entries: u64, of: &Shape, at: Value<'_>, pointer: &str) -> Option<Field> {
        if at.kind() != Kind::Array {
            return self.check(None, Code::OutputWrongType, pointer);
        }
        if at.len() as u64 > max_entries {
            return self.check(None, Code::OutputOutOfRange, pointer);
        }
        let entries =
            at.entries().enumerate().map(|(place, entry)| self.value(of, entry, &format!("{pointer}/{place}")));
        let entries: Vec<_> = entries.collect();
        entries.into_iter().collect::<Option<_>>().map(Field::Array)
    }

    fn object(&mut self, shape: &ObjectShape, at: Value<'_>, pointer: &str) -> Option<Field> {
        if at.kind() != Kind::Object {
            return self.check(None, Code::OutputWrongType, pointer);
        }
        let mut fields = BTreeMap::new();
        for (name, value) in at.members() {
            let Some((name, shape)) = name.text().and_then(|name| shape.members.get_key_value(name)) else {
                self.report(Code::OutputUnknownMember, pointer);
                continue;
            };
            let field = self.value(shape, value, &format!("{pointer}/{name}"));
            fields.insert(name.clone(), field);
        }
        for name in shape.members.keys().filter(|name| !fields.contains_key(*name) && !shape.optional.contains(*name)) {
            self.report(Code::OutputMemberMissing, &format!("{pointer}/{name}"));
        }
        fields.into_iter().map(|(name, field)| Some((name, field?))).collect::<Option<_>>().map(Field::Object)
    }
}
