//! Canonical bytes: RFC 8785 (JCS), for values without floats and with safe integers only (M-01).
//!
//! Two ways lead there, and one serialiser writes both. [`to_vec`] takes any value and sorts the
//! members of each object. [`append`] takes types whose members are declared in canonical order and
//! which hold only strings, booleans, safe integers, and sorted arrays and maps; it copies them as
//! they come. Tests compare every such type with [`to_vec`], and [`to_vec`] with `serde_jcs`.

mod write;

use serde::Serialize;
use write::{Declared, Sorting, Writer};

use crate::hash::Sha256Hash;

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
    let mut bytes = Vec::new();
    value.serialize(Writer::<Sorting>::new(&mut bytes))?;
    Ok(bytes)
}

/// Appends the canonical bytes of a value whose type declares its members in canonical order.
///
/// It trusts the type: whoever adds one compares it with [`to_vec`] in a test.
///
/// ```
/// #[derive(serde::Serialize)]
/// struct Ordered { a: u8, b: &'static str }
/// let (value, mut bytes) = (Ordered { a: 1, b: "x" }, Vec::new());
/// dome_core::canonical::append(&value, &mut bytes);
/// assert_eq!(bytes, dome_core::canonical::to_vec(&value).unwrap());
/// ```
pub fn append<T: Serialize + ?Sized>(value: &T, bytes: &mut Vec<u8>) {
    let written = value.serialize(Writer::<Declared>::new(bytes));
    debug_assert!(written.is_ok(), "the type is not one that can be appended: {written:?}");
}

/// SHA-256 of the bytes that [`append`] writes.
///
/// ```
/// use dome_core::{Sha256Hash, canonical};
/// assert_eq!(canonical::digest(&["a"]), Sha256Hash::of(br#"["a"]"#));
/// ```
#[must_use]
pub fn digest<T: Serialize + ?Sized>(value: &T) -> Sha256Hash {
    let mut bytes = Vec::with_capacity(1_024);
    append(value, &mut bytes);
    Sha256Hash::of(&bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Serialize)]
    struct Flat {
        a: u8,
        #[serde(flatten)]
        rest: BTreeMap<&'static str, u8>,
    }

    #[test]
    fn m01_what_serde_jcs_lets_through_is_refused() {
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
        let mut bytes = Vec::new();
        assert_eq!((edge + 1).serialize(Writer::<Declared>::new(&mut bytes)), to_vec(&(edge + 1)).map(drop));
        for value in [serde_json::json!(shapes), serde_json::json!(maps), serde_json::json!(edge)] {
            assert_eq!(to_vec(&value).ok(), serde_jcs::to_vec(&value).ok());
        }
        assert_eq!(to_vec(&shapes).ok(), serde_jcs::to_vec(&shapes).ok());
        assert_eq!(to_vec(&maps).ok(), serde_jcs::to_vec(&maps).ok());
    }

    /// Values of every kind but floats, with names of every plane and names that begin alike.
    fn values() -> impl Strategy<Value = serde_json::Value> {
        let text = "[a\u{e000}\u{fb33}\u{1f600}\u{10ffff}\\x00-\\x1f\"\\\\]{0,4}";
        let safe = crate::limits::SAFE_INTEGER.cast_signed();
        let leaf = proptest::prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            (-safe..=safe).prop_map(serde_json::Value::from),
            text.prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 60, 8, move |inner| {
            let entries = proptest::collection::vec(inner.clone(), 0..8);
            let members = proptest::collection::btree_map(text, inner, 0..8);
            proptest::prop_oneof![
                entries.prop_map(serde_json::Value::from),
                members.prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest::proptest! {
        #[test]
        fn m01_strings_are_written_as_serde_jcs_writes_them(text in "([ -~]|[\\x00-\\x1f\"\\\\]|\\PC){0,40}") {
            proptest::prop_assert_eq!(to_vec(&text), Ok(appended(&text)));
            proptest::prop_assert_eq!(to_vec(&text).ok(), serde_jcs::to_vec(&text).ok());
        }

        #[test]
        fn m01_values_are_sorted_as_serde_jcs_sorts_them(value in values()) {
            proptest::prop_assert_eq!(to_vec(&value).ok(), serde_jcs::to_vec(&value).ok());
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
