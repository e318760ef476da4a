//! Lengths, patterns, formats.

use serde_json::Value;

use super::{Obstacle, Walker};
use crate::compat::language;
use crate::compat::node::{Known, Node};
use crate::compat::pattern;
use crate::compat::rule::Rule;
use crate::compat::shape;

impl<'a> Walker<'a> {
    pub(super) fn check_string(&self, known: &Known<'a>, part: &Node<'a>) -> Vec<Obstacle> {
        let lengths = [(Rule::MinLengthRaised, "minLength"), (Rule::MaxLengthLowered, "maxLength")];
        let mut obstacles = self.check_counts(known, part, lengths, 0, None);
        for (rule, keyword) in [
            (Rule::PatternChanged, "pattern"),
            (Rule::FormatChanged, "format"),
            (Rule::FormatChanged, "contentEncoding"),
            (Rule::FormatChanged, "contentMediaType"),
        ] {
            if let Some(wanted) = part.keyword(keyword)
                && !known.keyword(keyword).any(|value| value == wanted)
            {
                let lost = if keyword == "pattern" { lost(known, wanted) } else { Some(Vec::new()) };
                let detail = format!("`{keyword}` {wanted} was not asked for");
                obstacles.extend(
                    lost.map(|candidates| Obstacle { candidates, ..self.obstacle(rule, known, part, keyword, detail) }),
                );
            }
        }
        obstacles
    }

    /// Two keywords that limit a count: the first from below, the second from above. `least` and
    /// `most` are what is known of the count by other keywords.
    pub(super) fn check_counts(
        &self,
        known: &Known<'a>,
        part: &Node<'a>,
        [(raised, least_name), (lowered, most_name)]: [(Rule, &'static str); 2],
        least: u64,
        most: Option<u64>,
    ) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        let least = shape::at_least(known, least_name).max(least);
        if let Some(wanted) = part.keyword(least_name)
            && shape::count(wanted).is_none_or(|wanted| least < wanted)
        {
            let detail = format!("at least {wanted} now, {least} before");
            obstacles.push(self.obstacle(raised, known, part, least_name, detail));
        }
        let stated = shape::at_most(known, most_name);
        let most = stated.into_iter().chain(most).min();
        if let Some(wanted) = part.keyword(most_name)
            && shape::count(wanted).is_none_or(|wanted| most.is_none_or(|most| most > wanted))
        {
            let before = most.map_or_else(|| "any number".to_owned(), |most| most.to_string());
            let detail = format!("at most {wanted} now, {before} before");
            obstacles.push(self.obstacle(lowered, known, part, most_name, detail));
        }
        obstacles
    }
}

/// Texts that are lost by a pattern, as far as some are known; `None` if it is proven that none are.
fn lost(known: &Known<'_>, wanted: &Value) -> Option<Vec<Value>> {
    let wanted = wanted.as_str()?;
    if pattern::matches_all(wanted) {
        return None;
    }
    let mut texts = Vec::new();
    for before in known.keyword("pattern").filter_map(Value::as_str) {
        match language::lost(before, wanted) {
            Some(None) => return None,
            Some(Some(text)) => texts.push(Value::String(text)),
            None => {}
        }
    }
    Some(texts)
}
