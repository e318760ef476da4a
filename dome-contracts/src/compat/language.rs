//! Whether one regular expression matches whatever another one matches, by their automata.

use std::collections::{BTreeSet, VecDeque};

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::{Class, Hir, HirKind, Look};

const STATES_MAX: usize = 20_000;
const MEMORY_MAX: usize = 1 << 20;
/// No pattern of more letters is taken on.
const PATTERN_MAX: usize = 500;

type Machine = dense::DFA<Vec<u32>>;

/// A text that `old` matches and `new` does not: `Some(None)` if it is proven that there is none,
/// `None` if the patterns are not of the kind that is decided here.
pub(crate) fn lost(old: &str, new: &str) -> Option<Option<String>> {
    let (old, new) = (read(old)?, read(new)?);
    let letters = letters(&[&old, &new])?;
    let machines = [machine(&old)?, machine(&new)?];
    search(&machines, &letters)
}

/// Reads a pattern that means the same in every dialect of regular expressions: no classes by
/// letter, no dot, no flags, no look-around.
fn read(pattern: &str) -> Option<Hir> {
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
            assert_eq!(lost(old, new), Some(None), "{old} {new}");
        }
    }

    #[test]
    fn what_is_lost_is_shown_by_the_shortest_text() {
        let of = |old: &str, new: &str| lost(old, new).flatten();
        assert_eq!(of("^[0-9a-f]{7,40}$", "^[0-9a-f]{40}$").map(|text| text.len()), Some(7));
        assert_eq!(of("", "a").as_deref(), Some(""));
        assert_eq!(of("^a*$", "^(aa)*$").as_deref(), Some("a"));
        assert_eq!(of("b", "^b").map(|text| text.chars().count()), Some(2));
        assert_eq!(of("^[^a]$", "^[a-z]$").map(|text| text.chars().count()), Some(1));
    }

    #[test]
    fn patterns_that_dialects_read_differently_are_not_decided() {
        for pattern in ["\\d", "a.b", "(?i)a", "(?=a)", "\\bx", "(", "\\"] {
            assert_eq!(lost(pattern, pattern), None, "{pattern}");
        }
        assert_eq!(lost(&"a?".repeat(251), "a"), None);
    }
}
