//! Canonical bytes: RFC 8785 (JCS), for values without floats and with safe integers only (M-01).
//!
//! Two ways lead there. [`to_vec`] takes any value: a guard walks it first, and `serde_jcs` writes
//! it. [`append`] takes types whose members are declared in canonical order and which hold only
//! strings, booleans, safe integers, and sorted arrays and maps: a writer of our own writes these to
//! the same bytes, many times faster. Property tests hold every such type to [`to_vec`].

mod guard;
mod write;

use serde::Serialize;

/// Why a value has no canonical bytes (M-01).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CanonicalError {
    /// It holds a float; also one that JSON cannot write, such as NaN.
    #[error("a hashed value holds no float")]
    Float,
    /// It holds an integer beyond 2^53 - 1.
    #[error("the integer {value} lies beyond the safe range of ±(2^53 - 1)")]
    UnsafeInteger {
        /// The integer.
        value: String,
    },
    /// An object has a key that is not a string.
    #[error("an object's keys are strings")]
    Key,
    /// An object has one name twice, such as two members that meet through `flatten`.
    #[error("the name `{name}` stands twice in one object")]
    DuplicateKey {
        /// The name.
        name: String,
    },
    /// The value's own `Serialize` failed.
    #[error("the value cannot be serialised: {message}")]
    Serialize {
        /// What it said.
        message: String,
    },
}

/// How a type calls itself whose text never needs an escape: to [`append`] it is copied as it stands,
/// to any other serialiser it is a string.
pub(crate) const PLAIN_TEXT: &str = "$dome::PlainText";

impl serde::ser::Error for CanonicalError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::Serialize { message: message.to_string() }
    }
}

/// The canonical bytes of any value.
///
/// ```
/// use dome_core::canonical;
/// let value = serde_json::json!({"b": [1, true], "a": "é"});
/// assert_eq!(canonical::to_vec(&value)?, "{\"a\":\"é\",\"b\":[1,true]}".as_bytes());
/// assert_eq!(canonical::to_vec(&0.5), Err(canonical::CanonicalError::Float));
/// # Ok::<(), canonical::CanonicalError>(())
/// ```
///
/// # Errors
///
/// When the value holds what M-01 does not allow.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    guard::check(value)?;
    serde_jcs::to_vec(value).map_err(serde::ser::Error::custom)
}

/// Appends the canonical bytes of a value whose type declares its members in canonical order.
///
/// It trusts the type. A caller that adds one holds it to [`to_vec`] in a test.
///
/// ```
/// #[derive(serde::Serialize)]
/// struct Ordered { a: u8, b: &'static str }
/// let (value, mut bytes) = (Ordered { a: 1, b: "x" }, Vec::new());
/// dome_core::canonical::append(&value, &mut bytes);
/// assert_eq!(bytes, dome_core::canonical::to_vec(&value).unwrap());
/// ```
pub fn append<T: Serialize + ?Sized>(value: &T, bytes: &mut Vec<u8>) {
    let written = value.serialize(write::Writer::<false>(bytes));
    debug_assert!(written.is_ok(), "the type is not one that can be appended: {written:?}");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    struct Flat {
        a: u8,
        #[serde(flatten)]
        rest: BTreeMap<&'static str, u8>,
    }

    #[test]
    fn m01_the_guard_stops_what_serde_jcs_lets_through() {
        assert_eq!(to_vec(&[f64::NAN]), Err(CanonicalError::Float));
        assert_eq!(to_vec(&BTreeMap::from([("a", 1.0)])), Err(CanonicalError::Float));
        let beyond = 9_007_199_254_740_992_u64;
        let unsafe_integer = CanonicalError::UnsafeInteger { value: beyond.to_string() };
        assert_eq!(to_vec(&beyond), Err(unsafe_integer.clone()));
        assert_eq!(to_vec(&BTreeMap::from([(beyond, 1)])), Err(CanonicalError::Key));
        let twice = Flat { a: 1, rest: BTreeMap::from([("a", 2)]) };
        assert_eq!(to_vec(&twice), Err(CanonicalError::DuplicateKey { name: "a".to_owned() }));
    }

    #[test]
    fn m01_safe_integers_and_sorted_keys_are_written() {
        let edges = [-9_007_199_254_740_991_i64, 0, 9_007_199_254_740_991];
        assert_eq!(to_vec(&edges).as_deref(), Ok(&b"[-9007199254740991,0,9007199254740991]"[..]));
        let keys = BTreeMap::from([("\u{FB33}", 1), ("\u{1F600}", 2)]);
        assert_eq!(to_vec(&keys).as_deref(), Ok("{\"\u{1F600}\":2,\"\u{FB33}\":1}".as_bytes()));
    }

    #[derive(Serialize)]
    enum Shape {
        Unit,
        New(bool),
        Pair(char, Option<i8>),
        Struct { a: (), b: Tuple },
    }

    #[derive(Serialize)]
    struct Tuple(i64, u128, [u8; 2]);

    fn appended<T: Serialize>(value: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        append(value, &mut bytes);
        bytes
    }

    #[test]
    fn m01_every_kind_of_type_is_written_as_serde_jcs_writes_it() {
        let edge = 9_007_199_254_740_991;
        let tuple = Tuple(-edge, 9_007_199_254_740_991, [0, 255]);
        let shapes = [Shape::Unit, Shape::New(true), Shape::Pair('é', Some(-1)), Shape::Struct { a: (), b: tuple }];
        assert_eq!(to_vec(&shapes), Ok(appended(&shapes)));
        let maps = BTreeMap::from([("", None), ("a", Some(BTreeMap::from([('b', 1)])))]);
        assert_eq!(to_vec(&maps), Ok(appended(&maps)));
        assert_eq!(to_vec(&edge), Ok(appended(&edge)));
        assert_eq!((edge + 1).serialize(write::Writer::<false>(&mut Vec::new())), to_vec(&(edge + 1)).map(drop));
    }

    proptest::proptest! {
        #[test]
        fn m01_strings_are_written_as_serde_jcs_writes_them(text in "([ -~]|[\\x00-\\x1f\"\\\\]|\\PC){0,40}") {
            proptest::prop_assert_eq!(to_vec(&text), Ok(appended(&text)));
        }
    }

    #[test]
    fn the_build_switches_on_no_feature_that_changes_what_serde_json_prints() {
        let value: serde_json::Value = serde_json::json!({"b": 1, "a": 2});
        assert_eq!(value.to_string(), r#"{"a":2,"b":1}"#, "preserve_order is on");
        let huge = serde_json::from_str::<serde_json::Value>("1e400");
        assert!(huge.is_err(), "arbitrary_precision is on");
        let rounded = serde_json::from_str::<f64>("1.0715086071862673e301");
        assert!(rounded.is_ok_and(|value| value.is_finite()));
    }
}
