//! Reading a schema, alone or with the files that it refers to.

use serde_json::Value;

use super::bundle;
use super::dialect::Dialect;
use super::document::{Document, SchemaError};
use crate::Folder;

/// A schema that was checked and can be compared.
///
/// ```
/// use dome_contracts::compat::{Dialect, Schema};
///
/// let schema = Schema::parse(br#"{"type": "string"}"#, Dialect::Draft07)?;
/// assert_eq!(schema.dialect(), Dialect::Draft07);
/// let error = Schema::parse(br#"{"type": "strong"}"#, Dialect::Draft07).unwrap_err();
/// assert_eq!(error.pointer, "/type");
/// # Ok::<(), dome_contracts::compat::SchemaError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Schema {
    pub(crate) document: Document,
}

impl Schema {
    /// Reads a schema from bytes. `default` is its dialect where it declares none.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] with the place, if it is no JSON, or no schema of its dialect, or refers to
    /// something outside itself, or to itself without a step into the instance.
    pub fn parse(bytes: &[u8], default: Dialect) -> Result<Self, SchemaError> {
        let value = serde_json::from_slice(bytes)
            .map_err(|error| SchemaError::new("", "", format!("not JSON: {error}")))?;
        Self::from_value(value, default)
    }

    /// The same from a value.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn from_value(value: Value, default: Dialect) -> Result<Self, SchemaError> {
        let document = bundle::single(value, default)?;
        Ok(Self { document })
    }

    /// Reads the schema at `path` of a folder with all files of the folder that it refers to.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse); references may name files of the folder, but nothing else.
    pub fn in_folder(folder: &Folder, path: &str, default: Dialect) -> Result<Self, SchemaError> {
        let document = bundle::folder(folder, path, default)?;
        Ok(Self { document })
    }

    /// The dialect that the schema is read by.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.document.dialect
    }
}
