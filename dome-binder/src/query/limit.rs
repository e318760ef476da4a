//! How many rows a page has (M-110).

use std::str::FromStr;

use serde::Serialize;

/// Rows of a page at most: 1 to 200, 20 unless told (M-110).
///
/// ```
/// use dome_binder::query::Limit;
/// assert_eq!(Limit::default().rows(), 20);
/// assert!(Limit::new(200).is_ok() && Limit::new(201).is_err() && Limit::new(0).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Limit(u64);

/// Not a limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a number of rows from 1 to {}, found `{found}`", Limit::MOST)]
pub struct LimitError {
    /// What was found.
    pub found: String,
}

impl Limit {
    /// The rows that a page has at most, whoever asks.
    pub const MOST: u64 = 200;

    /// A limit of `rows`.
    ///
    /// # Errors
    ///
    /// [`LimitError`] when it is 0 or more than [`Limit::MOST`].
    pub fn new(rows: u64) -> Result<Self, LimitError> {
        if (1..=Self::MOST).contains(&rows) { Ok(Self(rows)) } else { Err(LimitError { found: rows.to_string() }) }
    }

    /// The rows.
    #[must_use]
    pub const fn rows(self) -> u64 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        let wrong = || LimitError { found: text.to_owned() };
        Self::new(text.parse().map_err(|_| wrong())?).map_err(|_| wrong())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Limit {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "integer", "minimum": 1, "maximum": Self::MOST})
    }
}
