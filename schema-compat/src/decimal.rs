//! Exact decimal numbers: what a schema's bounds and divisors are compared in.

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Number, Value};

const DIGITS_MAX: u32 = 30;

/// `mantissa` times ten to the power of minus `scale`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal {
    mantissa: i128,
    scale: u32,
}

impl Decimal {
    pub(crate) const ONE: Self = Self::whole(1);
    pub(crate) const HALF: Self = Self { mantissa: 5, scale: 1 };

    pub(crate) const fn whole(value: i64) -> Self {
        Self { mantissa: value as i128, scale: 0 }
    }

    /// Reads a JSON number from its shortest text; `None` beyond 30 digits.
    pub(crate) fn read(number: &Number) -> Option<Self> {
        let text = number.to_string();
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (text.as_str(), 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mantissa = format!("{whole}{fraction}").parse::<i128>().ok()?;
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        Self::normal(mantissa, scale)
    }

    pub(crate) fn of(value: &Value) -> Option<Self> {
        value.as_number().and_then(Self::read)
    }

    fn normal(mut mantissa: i128, mut scale: i32) -> Option<Self> {
        while scale > 0 && mantissa.checked_rem(10) == Some(0) {
            mantissa = mantissa.checked_div(10)?;
            scale -= 1;
        }
        while scale < 0 {
            mantissa = mantissa.checked_mul(10)?;
            scale += 1;
        }
        let scale = u32::try_from(scale).ok().filter(|scale| *scale <= DIGITS_MAX)?;
        Some(Self { mantissa, scale })
    }

    fn align(self, other: Self) -> Option<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        let up = |value: Self| value.mantissa.checked_mul(10_i128.checked_pow(scale.checked_sub(value.scale)?)?);
        Some((up(self)?, up(other)?, scale))
    }

    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.align(other)?;
        Self::normal(left.checked_add(right)?, i32::try_from(scale).ok()?)
    }

    pub(crate) fn minus(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.align(other)?;
        Self::normal(left.checked_sub(right)?, i32::try_from(scale).ok()?)
    }

    pub(crate) fn times(self, factor: i64) -> Option<Self> {
        let mantissa = self.mantissa.checked_mul(i128::from(factor))?;
        Self::normal(mantissa, i32::try_from(self.scale).ok()?)
    }

    pub(crate) fn is_whole(self) -> bool {
        self.scale == 0
    }

    /// Ten to the power of the scale.
    #[expect(clippy::expect_used, reason = "`normal` keeps the scale at or below 30, and 10^38 fits")]
    fn unit(self) -> i128 {
        10_i128.checked_pow(self.scale).expect("a scale of at most 30")
    }

    /// The greatest whole number that is not above this one.
    pub(crate) fn floor(self) -> Self {
        Self { mantissa: self.mantissa.div_euclid(self.unit()), scale: 0 }
    }

    /// Whether this number is a whole multiple of `divisor`; `None` if that cannot be computed.
    pub(crate) fn is_multiple_of(self, divisor: Self) -> Option<bool> {
        let (value, divisor, _) = self.align(divisor)?;
        Some(value.checked_rem(divisor)? == 0)
    }

    /// How many whole multiples of `unit` lie at or below this number.
    pub(crate) fn quotient(self, unit: Self) -> Option<i64> {
        let (value, unit, _) = self.align(unit)?;
        i64::try_from(value.checked_div_euclid(unit)?).ok()
    }

    pub(crate) fn to_value(self) -> Option<Value> {
        serde_json::from_str(&self.to_string()).ok()
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match self.align(*other) {
            Some((left, right, _)) => left.cmp(&right),
            // Too far apart to align: the signs, then the greater whole part decides.
            None => {
                (self.mantissa.signum(), self.floor().mantissa).cmp(&(other.mantissa.signum(), other.floor().mantissa))
            }
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return write!(out, "{}", self.mantissa);
        }
        let unit = self.unit().unsigned_abs();
        let magnitude = self.mantissa.unsigned_abs();
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let width = self.scale as usize;
        write!(out, "{sign}{}.{:0width$}", magnitude / unit, magnitude % unit)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is wrong")]

    use super::*;

    fn read(text: &str) -> Decimal {
        Decimal::of(&serde_json::from_str(text).unwrap()).unwrap()
    }

    #[test]
    fn numbers_are_read_compared_and_written_exactly() {
        assert_eq!(read("1.50").to_string(), "1.5");
        assert_eq!(read("-0.05").to_string(), "-0.05");
        assert_eq!(read("1e3"), read("1000"));
        assert_eq!(read("2.5e-1"), read("0.25"));
        assert!(read("-0.5") < read("0") && read("0.1") < read("0.11"));
        assert!(read("1e29") > read("0.0000001"));
        assert!(Decimal::of(&serde_json::from_str("1e300").unwrap()).is_none());
    }

    #[test]
    fn divisors_are_decided_without_floats() {
        assert_eq!(read("0.3").is_multiple_of(read("0.1")), Some(true));
        assert_eq!(read("7.5").is_multiple_of(read("2")), Some(false));
        assert_eq!(read("-4").floor(), read("-4"));
        assert_eq!(read("-4.2").floor(), read("-5"));
        assert_eq!(read("7.5").quotient(read("2.5")), Some(3));
    }
}
