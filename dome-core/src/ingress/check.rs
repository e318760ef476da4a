//! The checks that every member is built from; each adds its problems and goes on (M-30).

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use compact_str::CompactString;

use super::names::MemberNames;
use crate::choice::ChoiceError;
use crate::hash::Sha256Hash;
use crate::id::IdentifierError;
use crate::json::{Kind, Pointers, Span, Value};
use crate::limits;
use crate::map::StringMap;
use crate::problem::{Problem, ProblemCode, Rejection};
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
    found: Vec<FoundProblem>,
}

/// A problem that is not yet pointed at: a pointer takes a walk, and one walk is enough for all (M-30).
struct FoundProblem {
    code: ProblemCode,
    message: String,
    /// The index of the value.
    at: u32,
    /// The member of it that is missing.
    missing: Option<String>,
    span: Span,
}

impl Check {
    fn add(&mut self, code: ProblemCode, at: Value<'_>, span: Span, message: String) {
        self.found.push(FoundProblem { code, message, at: at.index(), missing: None, span });
    }

    /// All that was found, with pointers from `root`; nothing where nothing was.
    pub(super) fn rejection(mut self, root: Value<'_>) -> Option<Rejection> {
        if self.found.is_empty() {
            return None;
        }
        self.found.sort_by_key(|found| found.at);
        let mut pointers = Pointers::of(root);
        let pointed = |FoundProblem { code, message, at, missing, span }| {
            let mut pointer = pointers.to(at).to_owned();
            if let Some(name) = missing {
                pointer.extend(["/", &name]);
            }
            Problem { code, message, pointer, span: span.start as usize..span.end as usize }
        };
        Rejection::of(self.found.into_iter().map(pointed).collect())
    }

    #[cold]
    pub(crate) fn report(&mut self, code: ProblemCode, at: Value<'_>, message: impl Display) {
        self.add(code, at, at.span(), message.to_string());
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
        self.found.push(FoundProblem {
            code,
            message,
            at: object.index(),
            missing: Some(name.to_owned()),
            span: opening,
        });
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
        let near = if self.found.len() < GUESSES { meant(name, names) } else { String::new() };
        let message = format!("no such member {}{near}", quote(name));
        self.add(ProblemCode::UnknownField, value, key.span(), message);
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
        self.count(at, most, "entries")?;
        let mut entries = Vec::with_capacity(at.len());
        let mut sound = true;
        for entry in at.entries() {
            match read(self, entry) {
                Some(entry) => entries.push(entry),
                None => sound = false,
            }
        }
        sound.then_some(entries)
    }

    /// Whether an array or an object has no more than it may have (M-14); where it has, nothing below it is checked.
    pub(crate) fn count(&mut self, at: Value<'_>, most: usize, what: &str) -> Option<()> {
        if at.len() <= most {
            return Some(());
        }
        self.refuse(ProblemCode::OutOfRange, at, format_args!("expected at most {most} {what}, found {}", at.len()))
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
        if at.len() > most {
            return None;
        }
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
        self.count(at, limits::MAP_MEMBERS, "members")?;
        let mut members = Vec::with_capacity(at.len());
        let mut sound = true;
        for (key, value) in at.members() {
            match self.text(value) {
                Some(value) => members.push((key.name_text().into(), value.into())),
                None => sound = false,
            }
        }
        sound.then(|| StringMap::sorted(members))
    }
}

/// Problems of a line beyond which no name is guessed at: a guess takes as much as reading a member does.
const GUESSES: usize = 64;

/// Names the known name that is nearest to `name`, if one is near enough to be a slip.
fn meant(name: &str, names: &[&'static str]) -> String {
    if name.len() > limits::TOKEN_BYTES {
        return String::new();
    }
    let (lower, letters) = (name.to_ascii_lowercase(), name.chars().count());
    // An edit changes the length by one at the most: most names need no more than this to be far.
    let can_be_near = |known: &&&str| known.len().abs_diff(letters) <= most_edits(known);
    let near = names
        .iter()
        .filter(can_be_near)
        .map(|known| (strsim::damerau_levenshtein(&lower, &known.to_ascii_lowercase()), *known))
        .filter(|(edits, known)| *edits <= most_edits(known))
        .min();
    near.map_or_else(String::new, |(_, near)| format!("; did you mean `{near}`?"))
}

const fn most_edits(known: &str) -> usize {
    1 + known.len() / 4
}

#[cfg(test)]
mod tests {
    use dome_arbitrary::steps::assert_linear;

    fn list(entry: impl Fn(usize) -> String, count: usize) -> String {
        (0..count).map(entry).collect::<Vec<_>>().join(",")
    }

    /// As many problems as a line has room for take one walk over it to point at.
    #[test]
    fn m30_many_problems_take_work_by_the_size_of_the_line() {
        type Line = fn(usize) -> String;
        let lines: [(&str, Line); 8] = [
            ("members that no envelope has", |count| format!("{{{}}}", list(|at| format!("\"a{at}\":[[1]]"), count))),
            ("gates", |count| format!("{{\"gates\":[{}]}}", list(|_| "1".to_owned(), count))),
            ("evidence", |count| format!("{{\"evidence\":[{}]}}", list(|at| format!("{{\"a{at}\":0}}"), count))),
            ("codes of a guard", |count| {
                let codes = list(|_| "1".to_owned(), count);
                format!("{{\"guard_evals\":[{{\"reason_codes\":[{codes}]}}]}}")
            }),
            ("guards with codes", |count| {
                let guards = list(|_| "{\"reason_codes\":[1,2,3,4,5,6,7,8]}".to_owned(), count);
                format!("{{\"guard_evals\":[{guards}]}}")
            }),
            ("gates of one name", |count| {
                format!("{{\"gates\":[{}]}}", list(|_| "{\"status\":0,\"gate_id\":\"a\"}".to_owned(), count))
            }),
            ("env", |count| format!("{{\"env\":{{{}}}}}", list(|at| format!("\"A{at}\":1"), count))),
            ("labels", |count| format!("{{\"labels\":{{{}}}}}", list(|at| format!("\"a{at}\":1"), count))),
        ];
        for (what, line) in lines {
            for size in [60, 250, 4_000] {
                assert_linear(what, size, |size| assert!(crate::read(line(size).as_bytes()).is_err(), "{what}"));
            }
        }
    }

    #[test]
    fn m14_what_has_too_many_is_one_problem() {
        let gates = format!("{{\"gates\":[{}]}}", list(|_| "1".to_owned(), 1_025));
        let Err(rejection) = crate::read(gates.as_bytes()) else { unreachable!("integers are no gates") };
        let of_gates = rejection.problems().iter().filter(|problem| problem.pointer.starts_with("/gates"));
        assert_eq!(
            of_gates.map(|problem| problem.message.as_str()).collect::<Vec<_>>(),
            ["expected at most 1024 entries, found 1025"]
        );
    }
}
