//! Sets of JSON types, with whole numbers told from others.

use serde_json::Value;

use crate::decimal::Decimal;

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

/// A set of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Types(u8);

impl Types {
    pub(crate) const ALL: Self = Self(0b111_1111);

    pub(crate) fn only(kind: Type) -> Self {
        Self(kind.bit())
    }

    /// The value of a `type` keyword.
    pub(crate) fn of_keyword(value: &Value) -> Self {
        match value {
            Value::String(name) => Self::named(name),
            Value::Array(names) => {
                names.iter().filter_map(Value::as_str).fold(Self(0), |all, name| Self(all.0 | Self::named(name).0))
            }
            _ => Self::ALL,
        }
    }

    fn named(name: &str) -> Self {
        if name == "number" {
            return Self(Type::Integer.bit() | Type::Fraction.bit());
        }
        Type::ALL.into_iter().find(|kind| kind.name() == name).map_or(Self(0), Self::only)
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

    /// The only type of the set, if it has but one.
    pub(crate) fn single(self) -> Option<Type> {
        let mut all = self.iter();
        all.next().filter(|_| all.next().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn number_is_integers_and_fractions() {
        let number = Types::of_keyword(&json!("number"));
        assert_eq!(number.iter().collect::<Vec<_>>(), [Type::Integer, Type::Fraction]);
        let rest = number.without(Types::of_keyword(&json!("integer")));
        assert_eq!(rest.single(), Some(Type::Fraction));
        assert_eq!(Types::of_keyword(&json!(["null", "array"])).single(), None);
    }
}
