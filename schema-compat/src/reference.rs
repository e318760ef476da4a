//! References of one file: where they stand and what they name.

use serde_json::Value;

use crate::json;
use crate::keywords::each_schema;
use crate::pointer::of_fragment;

/// A `$ref` of a file (JSON Schema Core 2020-12, section 8.2.3.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The pointer of the schema that has it.
    pub at: String,
    /// The reference as it is written.
    pub text: String,
    /// What it names.
    pub target: Target,
}

/// What a reference names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A place in the same file.
    Inside(String),
    /// A place in another file, relative to the folder.
    File {
        /// The path of the file.
        file: String,
        /// The pointer inside it.
        pointer: String,
    },
    /// Something that is no file of a folder.
    Outside(String),
}

impl Target {
    /// The target as text, `FILE#POINTER`; `file` is the file that refers to it.
    #[must_use]
    pub fn display(&self, file: &str) -> String {
        match self {
            Self::Inside(pointer) => format!("{file}#{pointer}"),
            Self::File { file, pointer } => format!("{file}#{pointer}"),
            Self::Outside(text) => text.clone(),
        }
    }
}

impl Reference {
    /// All references of a schema document, the file `file` of a folder; empty if it stands alone.
    #[must_use]
    pub fn all(document: &Value, file: &str) -> Vec<Self> {
        let mut found = Vec::new();
        each_schema(document, "", &mut |at, schema| {
            if let Some(text) = schema.get("$ref").and_then(Value::as_str) {
                found.push(Self { at: at.to_owned(), text: text.to_owned(), target: target(document, file, text) });
            }
        });
        found
    }
}

/// The files that a schema refers to, as paths of the folder that it is the file `path` of; none if
/// it is not JSON.
///
/// ```
/// let schema = br#"{"items": {"$ref": "../common.json#/definitions/a"}, "not": {"$ref": "https://a.example"}}"#;
/// assert_eq!(schema_compat::referenced_files(schema, "schemas/a.json"), ["common.json"]);
/// ```
#[must_use]
pub fn referenced_files(schema: &[u8], path: &str) -> Vec<String> {
    let Ok(document) = json::parse(schema) else {
        return Vec::new();
    };
    let references = Reference::all(&document, path).into_iter();
    let files = references.filter_map(|reference| match reference.target {
        Target::File { file, .. } => Some(file),
        Target::Inside(_) | Target::Outside(_) => None,
    });
    files.collect()
}

fn target(document: &Value, file: &str, text: &str) -> Target {
    let (uri, fragment) = text.split_once('#').unwrap_or((text, ""));
    let own_id = document.get("$id").and_then(Value::as_str).unwrap_or_default();
    let own = uri.is_empty() || uri == own_id.trim_end_matches('#');
    let pointer = of_fragment(fragment).or_else(|| anchor(document, fragment).filter(|_| own));
    let Some(pointer) = pointer else {
        return Target::Outside(text.to_owned());
    };
    if own {
        return Target::Inside(pointer);
    }
    match resolve(file, uri) {
        Some(path) if path == file && !file.is_empty() => Target::Inside(pointer),
        Some(path) if !file.is_empty() => Target::File { file: path, pointer },
        _ => Target::Outside(text.to_owned()),
    }
}

/// The place that an anchor names.
fn anchor(document: &Value, name: &str) -> Option<String> {
    let mut found = None;
    each_schema(document, "", &mut |at, schema| {
        let is = |keyword: &str, text: &str| schema.get(keyword).and_then(Value::as_str) == Some(text);
        if is("$anchor", name) || is("$id", &format!("#{name}")) {
            found = Some(at.to_owned());
        }
    });
    found
}

/// A relative reference from `file`, as a path of the folder; `None` if it leaves the folder.
fn resolve(file: &str, uri: &str) -> Option<String> {
    if uri.starts_with('/') || uri.split('/').next()?.contains(':') {
        return None;
    }
    let mut segments = file.split('/').collect::<Vec<_>>();
    segments.pop();
    for segment in uri.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            name => segments.push(name),
        }
    }
    Some(segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_resolved_inside_the_folder_only() {
        let document = json!({"$id": "urn:own", "definitions": {"a": {"$id": "#name"}}});
        let of = |text: &str| target(&document, "schemas/x.json", text);
        assert_eq!(of("#/definitions/a"), Target::Inside("/definitions/a".to_owned()));
        assert_eq!(of("urn:own#"), Target::Inside(String::new()));
        assert_eq!(of("#name"), Target::Inside("/definitions/a".to_owned()));
        assert_eq!(of("x.json#/definitions"), Target::Inside("/definitions".to_owned()));
        let other = |file: &str, pointer: &str| Target::File { file: file.to_owned(), pointer: pointer.to_owned() };
        assert_eq!(of("y.json"), other("schemas/y.json", ""));
        assert_eq!(of("../z.json#/a%20b"), other("z.json", "/a b"));
        for outside in ["../../z.json", "https://a.example/z.json", "/z.json", "#missing"] {
            assert_eq!(of(outside), Target::Outside(outside.to_owned()));
        }
    }
}
