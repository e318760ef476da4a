//! Bounds and divisors.

use std::cmp::Ordering;

use super::{Obstacle, Walker};
use crate::compat::decimal::Decimal;
use crate::compat::node::{Known, Node};
use crate::compat::rule::Rule;
use crate::compat::shape::{self, Bound};
use crate::compat::types::Type;

impl<'a> Walker<'a> {
    pub(super) fn check_number(&self, known: &Known<'a>, kind: Type, part: &Node<'a>) -> Vec<Obstacle> {
        let (lower, upper) = if kind == Type::Integer {
            let (lower, upper) = shape::whole_bounds(known);
            (lower.map(|value| (value, false)), upper.map(|value| (value, false)))
        } else {
            shape::bounds(known)
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
        let value = part.keyword(keyword).map(ToString::to_string).unwrap_or_default();
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
        (left, right) = (right, left.checked_rem(right).unwrap_or(0));
    }
    left.max(1)
}
