//! How often a case was tried: what JUnit reports say of it besides the attempts that they hold.

use crate::reading::Element;
use crate::report::AttemptsSaid;

impl AttemptsSaid {
    fn take(&mut self, name: &str, value: &str) {
        let word: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let number = value.trim().parse::<u64>().ok();
        match &*word.to_ascii_lowercase() {
            "retries" | "retrycount" | "reruns" | "reruncount" => {
                self.number = number.map(|again| again.saturating_add(1)).max(self.number);
            }
            "attempts" => self.number = number.max(self.number),
            "flaky" => self.flaky |= value.trim().eq_ignore_ascii_case("true") || number.is_some_and(|flaky| flaky > 0),
            _ => {}
        }
    }

    pub(super) fn of(case: &Element) -> Self {
        let mut said = Self::default();
        case.attributes().for_each(|(name, value)| said.take(name, value));
        said
    }

    /// A property of the case. What a test counts itself, such as `attempts` at a login, is not meant.
    pub(super) fn property(&mut self, property: &Element) {
        let name = property.get("name").filter(|name| !name.eq_ignore_ascii_case("attempts"));
        if let Some((name, value)) = name.zip(property.get("value")) {
            self.take(name, value);
        }
    }
}

/// How many cases a suite says were tried again, and ended otherwise.
pub(super) fn flaky_cases(suite: &Element) -> u64 {
    let number = |name: &str| suite.get(name).and_then(|text| text.trim().parse::<u64>().ok());
    ["flaky", "flakes", "flakyTests"].iter().filter_map(|name| number(name)).max().unwrap_or(0)
}

/// Attempts that one text may tell of: each of them has all of it.
const MOST_TOLD: usize = 100;

/// How many attempts the text of a failure tells of: Playwright writes all of them into one, each under its rule.
pub(super) fn told(text: &str) -> usize {
    let again = |line: &&str| {
        let number = line.trim_start().strip_prefix("Retry #")?;
        let rule = number.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let drawn = rule.trim();
        let ruled = drawn.chars().count() >= 3 && drawn.chars().all(|line| matches!(line, '-' | '─'));
        (rule.len() < number.len() && ruled).then_some(())
    };
    1 + text.lines().filter(|line| again(line).is_some()).take(MOST_TOLD - 1).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_begins_an_attempt_and_a_text_about_one_does_not() {
        let text =
            "\n  [chromium] › a.spec.ts:3:1 › name ───\n\n    Error: no\n\n    Retry #1 ─────────\n\n    Error: no\n";
        assert_eq!((told(text), told(&format!("{text}    Retry #2 -----\nx"))), (2, 3));
        assert_eq!(told(&"Retry #1 ---\n".repeat(5_000)), MOST_TOLD);
        for one in ["", "Retry #1", "Retry # ───", "Retry #1 of 3", "see Retry #1 ───", "Retry #x ───"]
        {
            assert_eq!(told(one), 1, "{one}");
        }
    }

    #[test]
    fn words_say_how_often_a_case_was_tried() {
        let said = |words: &[(&str, &str)]| {
            let mut said = AttemptsSaid::default();
            words.iter().for_each(|(name, value)| said.take(name, value));
            (said.number, said.flaky)
        };
        assert_eq!(said(&[("retries", "2")]), (Some(3), false));
        assert_eq!(said(&[("retry-count", "0"), ("attempts", "4"), ("flaky", "true")]), (Some(4), true));
        assert_eq!(said(&[("reruns", "x"), ("flaky", "false"), ("name", "retries"), ("retry", "1")]), (None, false));
        assert_eq!(said(&[("retries", "18446744073709551615")]), (Some(u64::MAX), false));
    }
}
