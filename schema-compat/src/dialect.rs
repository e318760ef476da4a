//! The dialects of JSON Schema that are compared.

use jsonschema::Draft;
use serde_json::Value;

/// A dialect of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// `http://json-schema.org/draft-07/schema#`
    Draft07,
    /// `https://json-schema.org/draft/2020-12/schema`
    Draft202012,
}

impl Dialect {
    /// The dialect's own URI, as `$schema` names it.
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Self::Draft07 => "http://json-schema.org/draft-07/schema#",
            Self::Draft202012 => "https://json-schema.org/draft/2020-12/schema",
        }
    }

    /// The dialect that a URI names, with or without the empty fragment.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        let bare = uri.trim_end_matches('#');
        [Self::Draft07, Self::Draft202012].into_iter().find(|dialect| dialect.uri().trim_end_matches('#') == bare)
    }

    /// The dialect that a schema declares: `None` if it declares none.
    ///
    /// # Errors
    ///
    /// The URI, when it is of no dialect that is compared.
    pub(crate) fn declared(schema: &Value) -> Result<Option<Self>, String> {
        match schema.get("$schema") {
            None => Ok(None),
            Some(uri) => {
                let uri = uri.as_str().map_or_else(|| uri.to_string(), str::to_owned);
                Self::from_uri(&uri).map(Some).ok_or(uri)
            }
        }
    }

    pub(crate) fn draft(self) -> Draft {
        match self {
            Self::Draft07 => Draft::Draft7,
            Self::Draft202012 => Draft::Draft202012,
        }
    }
}
