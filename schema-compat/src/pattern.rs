//! Regular expressions: texts that one matches, and whether one matches whatever another matches.

use std::collections::{BTreeSet, VecDeque};

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

const EXAMPLES_MAX: usize = 12;
const LENGTH_MAX: usize = 600;
const PREFERRED: &[char] = &['a', '0', 'A', '_', '-', ' ', '.', 'b', '1', 'z', '\u{e9}', '\u{3}'];

/// Some strings that `pattern` matches, the shortest first; none if it cannot be read.
pub(crate) fn examples(pattern: &str) -> Vec<String> {
    let mut found =
        regex_syntax::parse(&without_control_escapes(pattern)).map_or_else(|_| Vec::new(), |hir| of_hir(&hir));
    found.sort_by_key(|text| (text.len(), text.clone()));
    found.dedup();
    found
}

/// Whether a pattern matches every string: it matches the empty one, anywhere.
pub(crate) fn matches_all(pattern: &str) -> bool {
    regex_syntax::parse(&without_control_escapes(pattern)).is_ok_and(|hir| {
        let properties = hir.properties();
        let anywhere = properties.look_set().is_empty();
        properties.minimum_len() == Some(0) && (anywhere || pattern == "^" || pattern == "$")
    })
}

pub(crate) fn names(pattern: &str) -> Vec<String> {
    let exact = examples(pattern);
    let around = exact.iter().take(3).flat_map(|text| [format!("a{text}"), format!("{text}a")]);
    let around = around.collect::<Vec<_>>();
    exact.into_iter().chain(around).collect()
}

/// `\cC` of ECMA 262 as the character that it names.
fn without_control_escapes(pattern: &str) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("\\c") {
        text.push_str(before);
        let letter = after.chars().next().filter(char::is_ascii_alphabetic);
        let control = letter.and_then(|letter| u8::try_from(letter).ok());
        match control {
            Some(letter) => {
                text.push_str(&format!("\\x{:02x}", letter & 31));
                rest = after.split_at(1).1;
            }
            None => {
                text.push_str("\\c");
                rest = after;
            }
        }
    }
    text + rest
}

fn of_hir(hir: &Hir) -> Vec<String> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![String::new()],
        HirKind::Literal(literal) => vec![String::from_utf8_lossy(&literal.0).into_owned()],
        HirKind::Class(class) => of_class(class),
        HirKind::Repetition(repetition) => of_repetition(repetition),
        HirKind::Capture(capture) => of_hir(&capture.sub),
        HirKind::Concat(parts) => of_concat(parts),
        HirKind::Alternation(parts) => {
            let each = EXAMPLES_MAX.div_euclid(parts.len().max(1)).max(1);
            let found = parts.iter().flat_map(|part| of_hir(part).into_iter().take(each));
            found.take(EXAMPLES_MAX * 2).collect()
        }
    }
}

fn of_class(class: &Class) -> Vec<String> {
    let Class::Unicode(class) = class else {
        return vec!["a".to_owned()];
    };
    let has = |wanted: char| {
        let mut ranges = class.ranges().iter();
        ranges.any(|range| range.start() <= wanted && wanted <= range.end())
    };
    let preferred = PREFERRED.iter().copied().filter(|wanted| has(*wanted));
    let ends = class.ranges().iter().flat_map(|range| [range.start(), range.end()]);
    preferred.chain(ends).take(4).map(String::from).collect()
}

fn of_repetition(repetition: &Repetition) -> Vec<String> {
    let inner = of_hir(&repetition.sub);
    let min = usize::try_from(repetition.min).unwrap_or(usize::MAX);
    let max = repetition.max.map_or(min.saturating_add(2), |max| usize::try_from(max).unwrap_or(usize::MAX));
    let mut counts = vec![min, min.saturating_add(1).min(max), max];
    counts.dedup();
    let mut found = Vec::new();
    for count in counts {
        for text in inner.iter().take(3) {
            if text.len().saturating_mul(count) <= LENGTH_MAX {
                found.push(text.repeat(count));
            }
        }
    }
    found.truncate(EXAMPLES_MAX);
    found
}

fn of_concat(parts: &[Hir]) -> Vec<String> {
    let choices = parts.iter().map(of_hir).collect::<Vec<_>>();
    let pick = |varied: usize, choice: usize| -> Option<String> {
        let mut text = String::new();
        for (index, options) in choices.iter().enumerate() {
            let wanted = if index == varied { choice } else { 0 };
            text.push_str(options.get(wanted)?);
        }
        (text.len() <= LENGTH_MAX).then_some(text)
    };
    let mut found = pick(0, 0).into_iter().collect::<Vec<_>>();
    for choice in 1..EXAMPLES_MAX {
        for varied in 0..choices.len() {
            found.extend(pick(varied, choice));
        }
    }
    found.truncate(EXAMPLES_MAX * 2);
    found
}

const STATES_MAX: usize = 20_000;
const MEMORY_MAX: usize = 1 << 20;
/// No pattern of more letters is taken on.
const PATTERN_MAX: usize = 500;

type Machine = dense::DFA<Vec<u32>>;

/// A text of `old` and not of `new`: `Some(None)` if proven that there is none, `None` if that is not decided here.
pub(crate) fn lost_text(old: &str, new: &str) -> Option<Option<String>> {
    let (old, new) = (portable(old)?, portable(new)?);
    let letters = letters(&[&old, &new])?;
    let machines = [machine(&old)?, machine(&new)?];
    search(&machines, &letters)
}

/// Only what means the same in every dialect of regular expressions: no classes by letter, dots, flags, look-around.
fn portable(pattern: &str) -> Option<Hir> {
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        match (letter, next) {
            ('\\', Some(escaped)) if !escaped.is_ascii_alphanumeric() => {
                letters.next();
            }
            ('\\' | '.', _) => return None,
            ('(', Some('?')) => return None,
            _ => {}
        }
    }
    (pattern.len() <= PATTERN_MAX).then(|| regex_syntax::parse(pattern).ok())?
}

/// One letter of each kind that the expressions tell apart.
fn letters(expressions: &[&Hir]) -> Option<Vec<char>> {
    // The surrogates are a gap in the letters, so the kinds on both sides of it are two.
    let mut bounds = BTreeSet::from([0, 0xe000]);
    for expression in expressions {
        bound(expression, &mut bounds)?;
    }
    Some(bounds.into_iter().filter_map(char::from_u32).collect())
}

/// Adds where the kinds of letters begin that an expression tells apart.
fn bound(expression: &Hir, bounds: &mut BTreeSet<u32>) -> Option<()> {
    let mut add = |first: char, last: char| bounds.extend([u32::from(first), u32::from(last) + 1]);
    match expression.kind() {
        HirKind::Empty | HirKind::Look(Look::Start | Look::End) => {}
        HirKind::Look(_) | HirKind::Class(Class::Bytes(_)) => return None,
        HirKind::Literal(literal) => {
            str::from_utf8(&literal.0).ok()?.chars().for_each(|letter| add(letter, letter));
        }
        HirKind::Class(Class::Unicode(class)) => {
            class.ranges().iter().for_each(|range| add(range.start(), range.end()));
        }
        HirKind::Repetition(repetition) => bound(&repetition.sub, bounds)?,
        HirKind::Capture(capture) => bound(&capture.sub, bounds)?,
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            for part in parts {
                bound(part, bounds)?;
            }
        }
    }
    Some(())
}

fn machine(expression: &Hir) -> Option<Machine> {
    let config = thompson::Config::new().nfa_size_limit(Some(MEMORY_MAX));
    let nfa = thompson::Compiler::new().configure(config).build_from_hir(expression).ok()?;
    let config = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(StartKind::Unanchored)
        .dfa_size_limit(Some(MEMORY_MAX))
        .determinize_size_limit(Some(MEMORY_MAX));
    dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()
}

/// Where a machine stands; nowhere any more once it has matched.
type Stand = Option<StateID>;

fn step(machine: &Machine, stand: Stand, letter: char) -> Stand {
    let mut state = stand?;
    let mut buffer = [0; 4];
    for byte in letter.encode_utf8(&mut buffer).bytes() {
        state = machine.next_state(state, byte);
        if machine.is_match_state(state) {
            return None;
        }
    }
    Some(state)
}

fn matches_at_end(machine: &Machine, stand: Stand) -> bool {
    stand.is_none_or(|state| machine.is_match_state(machine.next_eoi_state(state)))
}

/// Walks both machines side by side, the shortest texts first.
fn search([old, new]: &[Machine; 2], letters: &[char]) -> Option<Option<String>> {
    let first = |machine: &Machine| {
        let state = machine.start_state(&start::Config::new().anchored(Anchored::No)).ok()?;
        Some((!machine.is_match_state(state)).then_some(state))
    };
    let begin = (first(old)?, first(new)?);
    let mut seen = BTreeSet::from([begin]);
    let mut waiting = VecDeque::from([(begin, String::new())]);
    while let Some(((one, other), text)) = waiting.pop_front() {
        if matches_at_end(old, one) && !matches_at_end(new, other) {
            return Some(Some(text));
        }
        for letter in letters {
            let next = (step(old, one, *letter), step(new, other, *letter));
            let over = next.1.is_none() || next.0.is_some_and(|state| old.is_dead_state(state));
            if !over && seen.insert(next) {
                waiting.push_back((next, format!("{text}{letter}")));
            }
        }
        if seen.len() > STATES_MAX {
            return None;
        }
    }
    Some(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_match_their_pattern() {
        for pattern in ["^[0-9a-f]{7,40}$", "(ab)*", "^[A-Z0-9_]+$", "a|bc+|\\d{2}", "^x-\\w?"] {
            let found = examples(pattern);
            assert!(found.len() > 1, "{pattern}: {found:?}");
            let validator = jsonschema::validator_for(&serde_json::json!({ "pattern": pattern }));
            let matches = |text: &String| {
                let value = serde_json::Value::String(text.clone());
                validator.as_ref().is_ok_and(|validator| validator.is_valid(&value))
            };
            assert!(found.iter().all(matches), "{pattern}: {found:?}");
        }
    }

    #[test]
    fn a_pattern_that_asks_for_nothing_matches_everything() {
        for pattern in ["", "a*", "(ab)*", "[A-Z]*|b", "^"] {
            assert!(matches_all(pattern), "{pattern}");
        }
        for pattern in ["^a*$", "a", "\\b", "("] {
            assert!(!matches_all(pattern), "{pattern}");
        }
    }

    #[test]
    fn a_control_escape_is_the_character_it_names() {
        assert_eq!(examples("^\\cC$"), ["\u{3}"]);
        assert_eq!(examples("("), Vec::<String>::new());
    }

    #[test]
    fn a_language_within_another_is_proven_to_be() {
        for (old, new) in [
            ("^[0-9a-f]{40}$", "^[0-9a-f]{7,40}$"),
            ("^abc$", "b"),
            ("(ab){3}", "(ab)*"),
            ("^(a|b)+$", "^[a-c]*$"),
            ("^[^a]*$", "^[^a]*$"),
            ("^x\\-y$", "^x-y"),
            ("a", ""),
        ] {
            assert_eq!(lost_text(old, new), Some(None), "{old} {new}");
        }
    }

    #[test]
    fn what_is_lost_is_shown_by_the_shortest_text() {
        let of = |old: &str, new: &str| lost_text(old, new).flatten();
        assert_eq!(of("^[0-9a-f]{7,40}$", "^[0-9a-f]{40}$").map(|text| text.len()), Some(7));
        assert_eq!(of("", "a").as_deref(), Some(""));
        assert_eq!(of("^a*$", "^(aa)*$").as_deref(), Some("a"));
        assert_eq!(of("b", "^b").map(|text| text.chars().count()), Some(2));
        assert_eq!(of("^[^a]$", "^[a-z]$").map(|text| text.chars().count()), Some(1));
    }

    #[test]
    fn patterns_that_dialects_read_differently_are_not_decided() {
        for pattern in ["\\d", "a.b", "(?i)a", "(?=a)", "\\bx", "(", "\\"] {
            assert_eq!(lost_text(pattern, pattern), None, "{pattern}");
        }
        assert_eq!(lost_text(&"a?".repeat(251), "a"), None);
    }
}
