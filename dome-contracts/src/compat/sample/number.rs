//! Numbers near the bounds of both schemas.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Hints;
use crate::compat::decimal::Decimal;
use crate::compat::node::Known;
use crate::compat::shape;
use crate::compat::types::Type;

const POINTS_MAX: usize = 24;

pub(super) fn samples(hints: &Hints, known: &Known<'_>, kind: Type) -> Vec<Value> {
    let mut found = BTreeSet::new();
    let (lower, upper) = shape::bounds(known);
    let bounds = [lower, upper].into_iter().flatten().map(|(value, _)| value);
    let points = bounds.chain([Decimal::whole(0)]).chain(hints.numbers.iter().copied());
    let divisors = known.keyword("multipleOf").filter_map(Decimal::of).collect::<Vec<_>>();
    for point in points.take(POINTS_MAX) {
        found.extend(around(point, &divisors));
    }
    let mut fitting = found.into_iter().collect::<Vec<_>>();
    fitting.retain(|value| {
        value.is_whole() == (kind == Type::Integer)
            && within(*value, lower, upper)
            && divisors.iter().all(|divisor| value.is_multiple_of(*divisor) == Some(true))
    });
    // The smallest magnitudes first, but the far ones stay in.
    fitting.sort_by_key(|value| (*value < Decimal::whole(0), *value));
    fitting.into_iter().filter_map(Decimal::to_value).collect()
}

fn within(value: Decimal, lower: Option<shape::Bound>, upper: Option<shape::Bound>) -> bool {
    lower.is_none_or(|(bound, open)| value > bound || (value == bound && !open))
        && upper.is_none_or(|(bound, open)| value < bound || (value == bound && !open))
}

fn around(point: Decimal, divisors: &[Decimal]) -> Vec<Decimal> {
    let mut found = vec![Some(point)];
    for step in [Decimal::ONE, Decimal::HALF] {
        found.extend([point.plus(step), point.minus(step)]);
    }
    found.push(point.times(2));
    for divisor in divisors {
        let quotient = point.quotient(*divisor).unwrap_or(0);
        for offset in -1..=2_i64 {
            found.push(quotient.checked_add(offset).and_then(|factor| divisor.times(factor)));
        }
    }
    found.into_iter().flatten().collect()
}
