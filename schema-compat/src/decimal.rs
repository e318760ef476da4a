//! Exact decimal numbers, which bounds and divisors are compared in, and sets of JSON types.

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

    #[expect(clippy::expect_used, reason = "`normal` keeps the scale at or below 30, and 10^38 fits")]
    fn unit(self) -> i128 {
        10_i128.checked_pow(self.scale).expect("a scale of at most 30")
    }

    pub(crate) fn floor(self) -> Self {
        Self { mantissa: self.mantissa.div_euclid(self.unit()), scale: 0 }
    }

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

/// A JSON type. `number` is [`Type::Integer`] and [`Type::Fraction`] together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Type {
    Null,
    Boolean,
    Integer,
    Fraction,
    String,
    Array,
    Object,
}

impl Type {
    pub(crate) const ALL: [Self; 7] =
        [Self::Null, Self::Boolean, Self::Integer, Self::Fraction, Self::String, Self::Array, Self::Object];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Fraction => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    /// The type of a value; `1.0` is an integer.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
            Value::Number(number) => match Decimal::read(number) {
                Some(decimal) if decimal.is_whole() => Self::Integer,
                // Too large for its digits to be held, so whole; or too small, so not.
                None if !number.to_string().contains("e-") => Self::Integer,
                _ => Self::Fraction,
            },
        }
    }

    fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Types(u8);

impl Types {
    pub(crate) const ALL: Self = Self(0b111_1111);
    pub(crate) const NONE: Self = Self(0);

    pub(crate) fn only(kind: Type) -> Self {
        Self(kind.bit())
    }

    pub(crate) fn of_keyword(value: &Value) -> Self {
        let names = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let is = |kind: Type, name: &Value| name == kind.name() || (kind == Type::Integer && name == "number");
        let named = Type::ALL.into_iter().filter(|kind| names.iter().any(|name| is(*kind, name)));
        named.fold(Self::NONE, |all, kind| Self(all.0 | kind.bit()))
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) fn has(self, kind: Type) -> bool {
        self.0 & kind.bit() != 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Type> {
        Type::ALL.into_iter().filter(move |kind| self.has(*kind))
    }

    pub(crate) fn single(self) -> Option<Type> {
        let mut all = self.iter();
        all.next().filter(|_| all.next().is_none())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is wrong")]

    use super::*;
    use serde_json::json;

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

    #[test]
    fn number_is_integers_and_fractions() {
        let number = Types::of_keyword(&json!("number"));
        assert_eq!(number.iter().collect::<Vec<_>>(), [Type::Integer, Type::Fraction]);
        let rest = number.without(Types::of_keyword(&json!("integer")));
        assert_eq!(rest.single(), Some(Type::Fraction));
        assert_eq!(Types::of_keyword(&json!(["null", "array"])).single(), None);
    }
}
