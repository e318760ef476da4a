//! Reading a schema, alone or with the files that it refers to.

use serde_json::Value;

use super::bundle;
use super::dialect::Dialect;
use super::document::{Document, SchemaError};
use super::evaluate::Evaluator;
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
        let value =
            crate::json::parse(bytes).map_err(|error| SchemaError::new("", "", format!("not JSON: {error}")))?;
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

    /// Whether two schemas are the same documents, files that they refer to included.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.document.root == other.document.root && self.document.dialect == other.document.dialect
    }

    /// What is wrong with an instance, each as `POINTER: REASON`; nothing, if it is valid.
    ///
    /// ```
    /// use dome_contracts::compat::{Dialect, Schema};
    ///
    /// let schema = Schema::parse(br#"{"required": ["a"]}"#, Dialect::Draft07)?;
    /// assert!(schema.problems(br#"{"a": 1}"#)?.is_empty());
    /// assert_eq!(schema.problems(b"{}")?, [": \"a\" is a required property"]);
    /// # Ok::<(), dome_contracts::compat::SchemaError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if the validator refuses the schema.
    pub fn problems(&self, instance: &[u8]) -> Result<Vec<String>, SchemaError> {
        match crate::json::parse(instance) {
            Ok(instance) => Evaluator::new(&self.document, &self.document)?.problems(&instance),
            Err(error) => Ok(vec![format!(": not JSON: {error}")]),
        }
    }
}
