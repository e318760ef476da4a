//! The keywords that schemas are made of, where schemas stand inside schemas, and what references name.

use serde_json::Value;

use crate::json;

pub(crate) const ANNOTATIONS: &[&str] = &[
    "$comment",
    "$id",
    "$schema",
    "$vocabulary",
    "default",
    "deprecated",
    "description",
    "examples",
    "id",
    "readOnly",
    "title",
    "writeOnly",
    "contentSchema",
];

/// Keywords whose value is one schema.
pub(crate) const ONE: &[&str] = &[
    "additionalItems",
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Keywords whose value is an array of schemas.
pub(crate) const MANY: &[&str] = &["allOf", "anyOf", "items", "oneOf", "prefixItems"];

/// Keywords whose value is an object of schemas.
pub(crate) const NAMED: &[&str] =
    &["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"];

/// Keywords that this crate cannot compare: a schema that uses one is never proven compatible.
pub(crate) const OPAQUE: &[&str] = &["$dynamicRef", "$recursiveRef", "unevaluatedItems", "unevaluatedProperties"];

/// Assertions that mean the same alone as beside others.
pub(crate) const ALONE: &[&str] = &[
    "const",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "required",
    "type",
    "uniqueItems",
];

const OTHERS: &[&str] = &[
    "$anchor",
    "$dynamicAnchor",
    "$recursiveAnchor",
    "$ref",
    "contentEncoding",
    "contentMediaType",
    "dependentRequired",
    "maxContains",
    "minContains",
];

pub(crate) fn meant_by(keyword: &str) -> Option<&'static str> {
    let judging = || [ONE, MANY, NAMED, OPAQUE, ALONE, OTHERS].into_iter().flatten();
    let is_known = ANNOTATIONS.contains(&keyword) || judging().any(|known| *known == keyword);
    if is_known || keyword.starts_with("x-") || keyword.len() < 4 {
        return None;
    }
    let lower = keyword.to_ascii_lowercase();
    let near = judging().map(|known| (strsim::osa_distance(&lower, &known.to_ascii_lowercase()), *known));
    let (distance, known) = near.min()?;
    (distance <= 1 || (distance == 2 && keyword.len() >= 7)).then_some(known)
}

/// Calls `visit` with every schema inside `schema`, itself first, and its pointer.
pub(crate) fn each_schema<'a>(schema: &'a Value, at: &str, visit: &mut impl FnMut(&str, &'a Value)) {
    visit(at, schema);
    for (pointer, inner) in children(schema, at) {
        each_schema(inner, &pointer, visit);
    }
}

pub(crate) fn children<'a>(schema: &'a Value, at: &str) -> Vec<(String, &'a Value)> {
    let mut found = Vec::new();
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        let keyword_at = pointer(at, keyword);
        let name = keyword.as_str();
        match value {
            Value::Object(members) if NAMED.contains(&name) => {
                let members = members.iter().filter(|(_, member)| !member.is_array());
                found.extend(members.map(|(key, member)| (pointer(&keyword_at, key), member)));
            }
            Value::Object(_) | Value::Bool(_) if ONE.contains(&name) => found.push((keyword_at, value)),
            Value::Array(items) if MANY.contains(&name) => {
                let items = items.iter().enumerate();
                found.extend(items.map(|(index, item)| (format!("{keyword_at}/{index}"), item)));
            }
            _ => {}
        }
    }
    found
}

/// A JSON Pointer (RFC 6901): `base` with one more token, escaped.
///
/// ```
/// assert_eq!(schema_compat::pointer("/paths", "/users/~me"), "/paths/~1users~1~0me");
/// ```
#[must_use]
pub fn pointer(base: &str, token: &str) -> String {
    format!("{base}/{}", token.replace('~', "~0").replace('/', "~1"))
}

/// The pointer that a URI fragment holds (RFC 6901, section 6), percent signs decoded; `None` if it holds none.
pub(crate) fn of_fragment(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            u8::try_from(high * 16 + low).ok()?
        } else {
            byte
        });
    }
    let pointer = String::from_utf8(bytes).ok()?;
    (pointer.is_empty() || pointer.starts_with('/')).then_some(pointer)
}

/// A `$ref` of a file (JSON Schema Core 2020-12, section 8.2.3.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The pointer of the schema that has it.
    pub at: String,
    /// The reference as it is written.
    pub text: String,
    /// What it names.
    pub target: ReferenceTarget,
}

/// What a reference names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReferenceTarget {
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

impl ReferenceTarget {
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
    let references = json::parse(schema).map_or_else(|_| Vec::new(), |document| Reference::all(&document, path));
    let files = references.into_iter().filter_map(|reference| match reference.target {
        ReferenceTarget::File { file, .. } => Some(file),
        ReferenceTarget::Inside(_) | ReferenceTarget::Outside(_) => None,
    });
    files.collect()
}

fn target(document: &Value, file: &str, text: &str) -> ReferenceTarget {
    let (uri, fragment) = text.split_once('#').unwrap_or((text, ""));
    let own_id = document.get("$id").and_then(Value::as_str).map(|id| id.trim_end_matches('#'));
    let own = uri.is_empty() || own_id == Some(uri);
    let pointer = of_fragment(fragment).or_else(|| anchor(document, fragment).filter(|_| own));
    match (pointer, resolve(file, uri)) {
        (Some(pointer), _) if own => ReferenceTarget::Inside(pointer),
        (Some(pointer), Some(path)) if path == file && !file.is_empty() => ReferenceTarget::Inside(pointer),
        (Some(pointer), Some(file_there)) if !file.is_empty() => ReferenceTarget::File { file: file_there, pointer },
        _ => ReferenceTarget::Outside(text.to_owned()),
    }
}

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
    fn a_misspelt_keyword_is_told_from_an_extension() {
        assert_eq!(meant_by("requird"), Some("required"));
        assert_eq!(meant_by("Pattern"), Some("pattern"));
        assert_eq!(meant_by("additionalProperty"), None);
        assert_eq!(meant_by("additionalPropertes"), Some("additionalProperties"));
        assert_eq!(meant_by("x-required"), None);
        assert_eq!(meant_by("owner"), None);
        assert_eq!(meant_by("id"), None);
    }

    #[test]
    fn schemas_are_found_where_schemas_stand_and_only_there() {
        let schema = json!({
            "properties": {"type": {"const": {"not": {}}}},
            "items": [{}, true], "enum": [{"not": {}}], "dependencies": {"a": ["b"], "c": {}}
        });
        let mut found = Vec::new();
        each_schema(&schema, "", &mut |at, _| found.push(at.to_owned()));
        assert_eq!(found, ["", "/dependencies/c", "/items/0", "/items/1", "/properties/type"]);
    }

    #[test]
    fn fragments_are_decoded_and_plain_names_refused() {
        assert_eq!(of_fragment("/a%25b/c~1d").as_deref(), Some("/a%b/c~1d"));
        assert_eq!(of_fragment(""), Some(String::new()));
        assert_eq!(of_fragment("name"), None);
        assert_eq!(of_fragment("/a%2"), None);
    }

    #[test]
    fn tokens_are_escaped_and_found_again() {
        let value = json!({"a/b~c": [7]});
        let at = pointer("", "a/b~c");
        assert_eq!(at, "/a~1b~0c");
        assert_eq!(value.pointer(&pointer(&at, "0")), Some(&json!(7)));
    }

    #[test]
    fn references_are_resolved_inside_the_folder_only() {
        let document = json!({"$id": "urn:own", "definitions": {"a": {"$id": "#name"}}});
        let of = |text: &str| target(&document, "schemas/x.json", text);
        let inside = |pointer: &str| ReferenceTarget::Inside(pointer.to_owned());
        assert_eq!(of("#/definitions/a"), inside("/definitions/a"));
        assert_eq!(of("urn:own#"), inside(""));
        assert_eq!(of("#name"), inside("/definitions/a"));
        assert_eq!(of("x.json#/definitions"), inside("/definitions"));
        let other = |file: &str, pointer: &str| {
            let (file, pointer) = (file.to_owned(), pointer.to_owned());
            ReferenceTarget::File { file, pointer }
        };
        assert_eq!(of("y.json"), other("schemas/y.json", ""));
        assert_eq!(of("../z.json#/a%20b"), other("z.json", "/a b"));
        for outside in ["../../z.json", "https://a.example/z.json", "/z.json", "#missing"] {
            assert_eq!(of(outside), ReferenceTarget::Outside(outside.to_owned()));
        }
    }
}
