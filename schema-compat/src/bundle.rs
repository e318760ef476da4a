//! Putting a schema and the files that it refers to into one document.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::dialect::Dialect;
use crate::document::{Document, SchemaError};
use crate::json;
use crate::keywords::each_schema;
use crate::pointer;
use crate::reference::{Reference, Target};

/// A document that refers to nothing but itself.
pub(crate) fn single(value: Value, default: Dialect) -> Result<Document, SchemaError> {
    let dialect = dialect_of(&value, "", default)?;
    let mut root = value;
    rewrite(&mut root, "", "", &mut |reference| match &reference.target {
        Target::Inside(_) => Ok(()),
        Target::File { .. } | Target::Outside(_) => {
            Err(format!("`$ref` to `{}` leaves the document, and nothing is fetched", reference.text))
        }
    })?;
    without_id(&mut root);
    Document::new(root, dialect, BTreeMap::new())
}

/// The bytes of a file, by its path.
type Files<'r, 'f> = &'r dyn Fn(&str) -> Option<&'f [u8]>;

/// The document at `path`, with all files that it reaches under `definitions`.
pub(crate) fn files(path: &str, default: Dialect, files: Files<'_, '_>) -> Result<Document, SchemaError> {
    let mut parts = BTreeMap::new();
    let mut waiting = vec![path.to_owned()];
    let mut dialect = default;
    while let Some(file) = waiting.pop() {
        if parts.contains_key(&file) {
            continue;
        }
        let mut value = read(files, &file)?;
        let own = dialect_of(&value, &file, if file == path { default } else { dialect })?;
        if file == path {
            dialect = own;
        } else if own != dialect {
            return Err(SchemaError::new(
                &file,
                "/$schema",
                "the files that refer to each other are of different dialects",
            ));
        }
        let prefix = prefix_of(&file, path, dialect);
        rewrite(&mut value, &file, &prefix, &mut |reference| match &reference.target {
            Target::Inside(_) => Ok(()),
            Target::File { file, .. } => {
                waiting.push(file.clone());
                Ok(())
            }
            Target::Outside(_) => {
                Err(format!("`$ref` to `{}` names no file of the folder, and nothing is fetched", reference.text))
            }
        })?;
        redirect(&mut value, &file, path, dialect);
        without_id(&mut value);
        parts.insert(file, value);
    }
    assemble(parts, path, dialect)
}

fn read(files: Files<'_, '_>, file: &str) -> Result<Value, SchemaError> {
    let bytes = files(file).ok_or_else(|| SchemaError::new(file, "", "the folder has no such file"))?;
    json::parse(bytes).map_err(|error| SchemaError::not_json(file, &error))
}

fn dialect_of(value: &Value, file: &str, default: Dialect) -> Result<Dialect, SchemaError> {
    if !value.is_object() && !value.is_boolean() {
        return Err(SchemaError::new(file, "", "a schema is an object or a boolean"));
    }
    match Dialect::declared(value) {
        Ok(declared) => Ok(declared.unwrap_or(default)),
        Err(uri) => Err(SchemaError::new(file, "/$schema", format!("`{uri}` is neither draft-07 nor 2020-12"))),
    }
}

fn holder(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Draft07 => "definitions",
        Dialect::Draft202012 => "$defs",
    }
}

/// Where a file ends up in the one document.
fn prefix_of(file: &str, root: &str, dialect: Dialect) -> String {
    if file == root {
        return String::new();
    }
    pointer::join(&format!("/{}", holder(dialect)), file)
}

/// Shows every reference of a file to `judge`, and writes those inside the file as pointers.
fn rewrite(
    value: &mut Value,
    file: &str,
    prefix: &str,
    judge: &mut dyn FnMut(&Reference) -> Result<(), String>,
) -> Result<(), SchemaError> {
    for reference in Reference::all(value, file) {
        judge(&reference).map_err(|reason| SchemaError::new(file, &reference.at, reason))?;
        if let Target::Inside(target) = &reference.target {
            set(value, &reference.at, format!("#{prefix}{target}"));
        }
    }
    Ok(())
}

/// Points references to other files at where those end up.
fn redirect(value: &mut Value, file: &str, root: &str, dialect: Dialect) {
    for reference in Reference::all(value, file) {
        if let Target::File { file, pointer } = &reference.target {
            let text = format!("#{}{pointer}", prefix_of(file, root, dialect));
            set(value, &reference.at, text);
        }
    }
}

fn set(value: &mut Value, at: &str, reference: String) {
    if let Some(place) = value.pointer_mut(at).and_then(Value::as_object_mut) {
        let escaped = reference.replace('%', "%25");
        place.insert("$ref".to_owned(), Value::String(escaped));
    }
}

fn without_id(value: &mut Value) {
    if let Some(members) = value.as_object_mut() {
        members.remove("$id");
    }
}

fn assemble(mut parts: BTreeMap<String, Value>, path: &str, dialect: Dialect) -> Result<Document, SchemaError> {
    #[expect(clippy::expect_used, reason = "the walk over the files starts with this one")]
    let mut root = parts.remove(path).expect("the root is one of the files that were read");
    let mut files = BTreeMap::from([(String::new(), path.to_owned())]);
    if !parts.is_empty()
        && let Some(members) = root.as_object_mut()
    {
        let held = members.entry(holder(dialect)).or_insert_with(|| Value::Object(Map::new()));
        for (file, mut value) in parts {
            if let Some(members) = value.as_object_mut() {
                members.remove("$schema");
            }
            files.insert(prefix_of(&file, path, dialect), file.clone());
            if let Some(held) = held.as_object_mut() {
                held.insert(file, value);
            }
        }
    }
    Document::new(root, dialect, files)
}

/// Places with an `$id` of their own below the root: what they refer to is resolved elsewhere.
pub(crate) fn embedded_ids(root: &Value) -> Vec<String> {
    let mut found = Vec::new();
    each_schema(root, "", &mut |at, schema| {
        let id = schema.get("$id").and_then(Value::as_str);
        if !at.is_empty() && id.is_some_and(|id| !id.starts_with('#')) {
            found.push(pointer::join(at, "$id"));
        }
    });
    found
}
