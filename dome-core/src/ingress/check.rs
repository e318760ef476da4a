//! The checks that every member is built from; each adds its problems and goes on (M-30).

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use compact_str::CompactString;

use super::names::MemberNames;
use crate::choice::ChoiceError;
use crate::hash::Sha256Hash;
use crate::id::IdentifierError;
use crate::json::{Kind, Span, Value};
use crate::limits;
use crate::map::StringMap;
use crate::problem::{Problem, ProblemCode};
use crate::text::quote;

/// Reads the members of an object into variables that have their names: `required(read)`, `optional(read)`
/// (`Some(None)` where it is absent), `defaulted(read)`, or a `slot`, which is not read. Where the name of the
/// variable cannot be that of the member, the latter stands before it.
macro_rules! members {
    ($check:ident, $at:ident, { $($($name:literal)? $member:ident: $how:ident $(($read:expr))?,)* }) => {
        let names = const { &$crate::ingress::MemberNames::new([$(members!(@name $member $($name)?)),*]) };
        let [$($member),*] = $check.object($at, names)?;
        $(let $member = members!(@$how $check, $at, members!(@name $member $($name)?), $member $(, $read)?);)*
    };
    (@name $member:ident) => { stringify!($member) };
    (@name $member:ident $name:literal) => { $name };
    (@required $check:ident, $at:ident, $name:expr, $slot:ident, $read:expr) => {
        $check.required($at, $name, $slot, $read)
    };
    (@optional $check:ident, $at:ident, $name:expr, $slot:ident, $read:expr) => { $check.optional($slot, $read) };
    (@defaulted $check:ident, $at:ident, $name:expr, $slot:ident, $read:expr) => {
        $check.optional($slot, $read).map(Option::unwrap_or_default)
    };
    (@slot $check:ident, $at:ident, $name:expr, $slot:ident) => { $slot };
}
pub(crate) use members;

/// Reads an object whose members are those of a struct, or of no value at all.
macro_rules! object {
    ($check:ident, $at:ident => $($type:ident)? {
        $($($name:literal)? $member:ident: $how:ident($read:expr)),* $(,)?
    }) => {{
        members!($check, $at, { $($($name)? $member: $how($read),)* });
        object!(@value $($type)? { $($member,)* })
    }};
    (@value $type:ident { $($member:ident,)* }) => { Some($type { $($member: $member?,)* }) };
    (@value { $($member:ident,)* }) => {{
        $($member?;)*
        Some(())
    }};
}
pub(crate) use object;

/// The problems of one line, as they are found. A check that returns `None` has added one.
#[derive(Default)]
pub(crate) struct Check {
    pub(crate) problems: Vec<Problem>,
}

impl Check {
    fn add(&mut self, code: ProblemCode, pointer: String, span: Span, message: String) {
        let span = span.start as usize..span.end as usize;
        self.problems.push(Problem { code, message, pointer, span });
    }

    #[cold]
    pub(crate) fn report(&mut self, code: ProblemCode, at: Value<'_>, message: impl Display) {
        self.add(code, at.pointer(), at.span(), message.to_string());
    }

    #[cold]
    pub(crate) fn refuse<T>(&mut self, code: ProblemCode, at: Value<'_>, message: impl Display) -> Option<T> {
        self.report(code, at, message);
        None
    }

    #[cold]
    pub(crate) fn refuse_missing<T>(&mut self, code: ProblemCode, object: Value<'_>, name: &str) -> Option<T> {
        let opening = object.span().start..object.span().start + 1;
        let message = format!("the required member {} is missing", quote(name));
        self.add(code, format!("{}/{name}", object.pointer()), opening, message);
        None
    }

    #[cold]
    pub(crate) fn refuse_type<T>(&mut self, at: Value<'_>, expected: &str) -> Option<T> {
        let found = match at.kind() {
            kind @ (Kind::Null | Kind::Array | Kind::Object) => kind.name().to_owned(),
            kind => format!("{} {}", kind.name(), quote(at.text().unwrap_or(at.written()))),
        };
        self.refuse(ProblemCode::WrongType, at, format_args!("expected {expected}, found {found}"))
    }

    /// The members of an object in the slots of `names`; all others are unknown (M-10).
    pub(crate) fn object<'t, const N: usize>(
        &mut self,
        at: Value<'t>,
        names: &MemberNames<N>,
    ) -> Option<[Option<Value<'t>>; N]> {
        if at.kind() != Kind::Object {
            return self.refuse_type(at, "an object");
        }
        let mut slots = [None; N];
        for (key, value) in at.members() {
            match names.slot(key.name()).and_then(|slot| slots.get_mut(slot)) {
                Some(slot) => *slot = Some(value),
                None => self.unknown(key, value, names.all()),
            }
        }
        Some(slots)
    }

    #[cold]
    fn unknown(&mut self, key: Value<'_>, value: Value<'_>, names: &[&'static str]) {
        let name = key.name_text();
        let message = format!("no such member {}{}", quote(name), meant(name, names));
        self.add(ProblemCode::UnknownField, value.pointer(), key.span(), message);
    }

    pub(crate) fn required<'t, T>(
        &mut self,
        object: Value<'t>,
        name: &str,
        slot: Option<Value<'t>>,
        read: impl FnOnce(&mut Self, Value<'t>) -> Option<T>,
    ) -> Option<T> {
        match slot {
            Some(value) => read(self, value),
            None => self.refuse_missing(ProblemCode::MissingField, object, name),
        }
    }

    /// `Some(None)` for a member that is absent, `None` for one that is wrong.
    pub(crate) fn optional<'t, T>(
        &mut self,
        slot: Option<Value<'t>>,
        read: impl FnOnce(&mut Self, Value<'t>) -> Option<T>,
    ) -> Option<Option<T>> {
        slot.map_or(Some(None), |value| read(self, value).map(Some))
    }

    pub(crate) fn text<'t>(&mut self, at: Value<'t>) -> Option<&'t str> {
        at.text().or_else(|| self.refuse_type(at, "a string"))
    }

    pub(crate) fn any_text(&mut self, at: Value<'_>) -> Option<CompactString> {
        self.text(at).map(CompactString::from)
    }

    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self, at: Value<'_>, code: ProblemCode) -> Option<T> {
        let text = self.text(at)?;
        match text.parse() {
            Ok(parsed) => Some(parsed),
            Err(why) => self.refuse(code, at, format_args!("{why}, found {}", quote(text))),
        }
    }

    pub(crate) fn identifier<T: FromStr<Err = IdentifierError>>(&mut self, at: Value<'_>) -> Option<T> {
        self.parsed(at, ProblemCode::IdentifierInvalid)
    }

    pub(crate) fn hash(&mut self, at: Value<'_>) -> Option<Sha256Hash> {
        self.parsed(at, ProblemCode::HashInvalid)
    }

    pub(crate) fn reason_code<T: FromStr<Err: Display>>(&mut self, at: Value<'_>) -> Option<T> {
        self.parsed(at, ProblemCode::ReasonCodeInvalid)
    }

    pub(crate) fn choice<T: FromStr<Err = ChoiceError>>(&mut self, at: Value<'_>) -> Option<T> {
        let text = self.text(at)?;
        match text.parse() {
            Ok(word) => Some(word),
            Err(why) => {
                let message = format!("{why}, found {}{}", quote(text), meant(text, why.expected));
                self.refuse(ProblemCode::ValueNotAllowed, at, message)
            }
        }
    }

    pub(crate) fn boolean(&mut self, at: Value<'_>) -> Option<bool> {
        if at.kind() == Kind::Boolean { Some(at.written() == "true") } else { self.refuse_type(at, "a boolean") }
    }

    pub(crate) fn integer(&mut self, at: Value<'_>, least: u64, most: u64) -> Option<u64> {
        if let Some(value) = at.unsigned().filter(|value| (least..=most).contains(value)) {
            return Some(value);
        }
        let written = quote(at.written());
        match at.kind() {
            Kind::Integer => {
                let message = format!("expected an integer from {least} to {most}, found {written}");
                self.refuse(ProblemCode::OutOfRange, at, message)
            }
            Kind::UnsafeInteger => {
                self.refuse(ProblemCode::NumberUnsafe, at, format_args!("the integer {written} lies beyond 2^53 - 1"))
            }
            _ => self.refuse_type(at, "an integer"),
        }
    }

    pub(crate) fn array<'t, T>(
        &mut self,
        at: Value<'t>,
        most: usize,
        mut read: impl FnMut(&mut Self, Value<'t>) -> Option<T>,
    ) -> Option<Vec<T>> {
        if at.kind() != Kind::Array {
            return self.refuse_type(at, "an array");
        }
        let sized = self.count(at, most, "entries");
        let mut entries = Vec::with_capacity(at.len().min(most));
        let mut sound = sized;
        for entry in at.entries() {
            match read(self, entry) {
                Some(entry) => entries.push(entry),
                None => sound = false,
            }
        }
        sound.then_some(entries)
    }

    pub(crate) fn count(&mut self, at: Value<'_>, most: usize, what: &str) -> bool {
        let sized = at.len() <= most;
        if !sized {
            let message = format!("expected at most {most} {what}, found {}", at.len());
            self.report(ProblemCode::OutOfRange, at, message);
        }
        sized
    }

    /// An array that is a set: sorted by UTF-8 bytes, without repeats (M-40).
    pub(crate) fn set<'t, T: Ord>(
        &mut self,
        at: Value<'t>,
        read: impl FnMut(&mut Self, Value<'t>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut entries = self.array(at, limits::ARRAY, read)?;
        entries.sort_unstable();
        entries.dedup();
        Some(entries)
    }

    /// An array sorted by the ids of its entries, each in the member `name` and once.
    pub(crate) fn sorted<'t, T, I: Ord + FromStr>(
        &mut self,
        at: Value<'t>,
        most: usize,
        name: &str,
        read: impl FnMut(&mut Self, Value<'t>) -> Option<T>,
        id: impl Fn(&T) -> &I,
    ) -> Option<Vec<T>> {
        let mut entries = self.array(at, most, read);
        if let Some(entries) = &mut entries {
            entries.sort_by(|a, b| id(a).cmp(id(b)));
        }
        let distinct = entries.as_ref().is_some_and(|entries| entries.is_sorted_by(|a, b| id(a) < id(b)));
        if !distinct {
            self.unique::<I>(at, name)?;
        }
        entries
    }

    /// Every id at most once among the entries of `at`, whatever else is wrong with an entry.
    fn unique<I: FromStr>(&mut self, at: Value<'_>, name: &str) -> Option<()> {
        let mut seen = BTreeSet::new();
        let mut sound = true;
        for entry in at.entries() {
            let Some((_, value)) = entry.members().find(|(key, _)| key.name_text() == name) else { continue };
            let Some(id) = value.text() else { continue };
            if !seen.insert(id) && id.parse::<I>().is_ok() {
                self.report(ProblemCode::DuplicateItem, value, format_args!("{} stands here a second time", quote(id)));
                sound = false;
            }
        }
        sound.then_some(())
    }

    pub(crate) fn map(&mut self, at: Value<'_>) -> Option<StringMap> {
        if at.kind() != Kind::Object {
            return self.refuse_type(at, "an object of strings");
        }
        let mut sound = self.count(at, limits::MAP_MEMBERS, "members");
        let mut members = Vec::with_capacity(at.len().min(limits::MAP_MEMBERS));
        for (key, value) in at.members() {
            match self.text(value) {
                Some(value) => members.push((key.name_text().into(), value.into())),
                None => sound = false,
            }
        }
        sound.then(|| StringMap::sorted(members))
    }
}

/// Names the known name that is nearest to `name`, if one is near enough to be a slip.
fn meant(name: &str, names: &[&'static str]) -> String {
    if name.len() > limits::TOKEN_BYTES {
        return String::new();
    }
    let lower = name.to_ascii_lowercase();
    let near = names
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&lower, &known.to_ascii_lowercase()), *known))
        .filter(|(edits, known)| *edits <= 1 + known.len() / 4)
        .min();
    near.map_or_else(String::new, |(_, near)| format!("; did you mean `{near}`?"))
}
