//! Numbers and strings: bounds, divisors, lengths, patterns, formats.

use std::cmp::Ordering;

use serde_json::Value;

use super::{Obstacle, Walker};
use crate::decimal::Decimal;
use crate::known::{self, Bound, Known};
use crate::node::Node;
use crate::pattern;
use crate::rule::Rule;
use crate::types::Type;

impl<'a> Walker<'a> {
    pub(super) fn check_number(&self, known: &Known<'a>, kind: Type, part: &Node<'a>) -> Vec<Obstacle> {
        let (lower, upper) = if kind == Type::Integer {
            let (lower, upper) = known::whole_bounds(known);
            (lower.map(|value| (value, false)), upper.map(|value| (value, false)))
        } else {
            known::bounds(known)
        };
        let mut obstacles = Vec::new();
        for (keyword, open) in [("minimum", false), ("exclusiveMinimum", true)] {
            if beyond(lower, part, keyword, open, Ordering::Greater) {
                obstacles.push(self.bound(Rule::MinimumRaised, known, part, keyword));
            }
        }
        for (keyword, open) in [("maximum", false), ("exclusiveMaximum", true)] {
            if beyond(upper, part, keyword, open, Ordering::Less) {
                obstacles.push(self.bound(Rule::MaximumLowered, known, part, keyword));
            }
        }
        if let Some(wanted) = part.keyword("multipleOf")
            && !Decimal::of(wanted).is_some_and(|wanted| divides(known, kind, wanted))
        {
            obstacles.push(self.bound(Rule::MultipleOfChanged, known, part, "multipleOf"));
        }
        obstacles
    }

    fn bound(&self, rule: Rule, known: &Known<'a>, part: &Node<'a>, keyword: &str) -> Obstacle {
        #[expect(clippy::expect_used, reason = "only a bound that stands in NEW is an obstacle")]
        let value = part.keyword(keyword).expect("the keyword of a bound");
        self.obstacle(rule, known, part, keyword, format!("`{keyword}` is {value} now"))
    }
}

/// Whether a bound of NEW is not implied by the bound that is known.
fn beyond(known: Option<Bound>, part: &Node<'_>, keyword: &str, open: bool, inside: Ordering) -> bool {
    let Some(wanted) = part.keyword(keyword) else {
        return false;
    };
    match (known, Decimal::of(wanted)) {
        (Some((value, known_open)), Some(wanted)) => {
            let order = value.cmp(&wanted);
            !(order == inside || (order == Ordering::Equal && (known_open || !open)))
        }
        _ => true,
    }
}

fn divides(known: &Known<'_>, kind: Type, wanted: Decimal) -> bool {
    let divisors = known.keyword("multipleOf").filter_map(Decimal::of);
    let whole = (kind == Type::Integer).then_some(Decimal::ONE);
    divisors.chain(whole).any(|divisor| divisor.is_multiple_of(wanted) == Some(true))
        || (kind == Type::Integer && divides_together(known, wanted))
}

/// Whole numbers that are multiples of 2 and of 3 are multiples of 6.
fn divides_together(known: &Known<'_>, wanted: Decimal) -> bool {
    let divisors = known.keyword("multipleOf").filter_map(Decimal::of);
    let mut whole = divisors.filter_map(|divisor| divisor.quotient(Decimal::ONE).filter(|_| divisor.is_whole()));
    let least = whole.try_fold(1_i64, |all, one| all.checked_div(gcd(all, one))?.checked_mul(one));
    least.is_some_and(|least| Decimal::whole(least).is_multiple_of(wanted) == Some(true))
}

fn gcd(left: i64, right: i64) -> i64 {
    let (mut left, mut right) = (left, right);
    while right != 0 {
        (left, right) = (right, left.wrapping_rem(right));
    }
    left.max(1)
}

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
        let least = known::at_least(known, least_name).max(least);
        if let Some(wanted) = part.keyword(least_name)
            && known::count(wanted).is_none_or(|wanted| least < wanted)
        {
            let detail = format!("at least {wanted} now, {least} before");
            obstacles.push(self.obstacle(raised, known, part, least_name, detail));
        }
        let stated = known::at_most(known, most_name);
        let most = stated.into_iter().chain(most).min();
        if let Some(wanted) = part.keyword(most_name)
            && known::count(wanted).is_none_or(|wanted| most.is_none_or(|most| most > wanted))
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
        match pattern::lost_text(before, wanted) {
            Some(None) => return None,
            Some(Some(text)) => texts.push(Value::String(text)),
            None => {}
        }
    }
    Some(texts)
}
