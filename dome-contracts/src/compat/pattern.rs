//! Strings that a regular expression matches.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

const EXAMPLES_MAX: usize = 12;
const LENGTH_MAX: usize = 600;
const PREFERRED: &[char] = &['a', '0', 'A', '_', '-', ' ', '.', 'b', '1', 'z', '\u{e9}', '\u{3}'];

/// Some strings that `pattern` matches, the shortest first; none if it cannot be read.
pub(crate) fn examples(pattern: &str) -> Vec<String> {
    let mut found = regex_syntax::parse(&without_control_escapes(pattern)).map(|hir| of_hir(&hir)).unwrap_or_default();
    found.sort_by_key(|text| (text.len(), text.clone()));
    found.dedup();
    found
}

/// Whether a pattern matches every string: it matches the empty one, and asks for no place.
pub(crate) fn matches_all(pattern: &str) -> bool {
    regex_syntax::parse(&without_control_escapes(pattern)).is_ok_and(|hir| {
        let properties = hir.properties();
        let anywhere = properties.look_set().is_empty();
        properties.minimum_len() == Some(0) && (anywhere || pattern == "^" || pattern == "$")
    })
}

/// Texts that a pattern matches, and texts around those.
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
                rest = after.get(1..).unwrap_or_default();
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
}
