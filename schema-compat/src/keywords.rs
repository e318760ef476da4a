//! The keywords that schemas are made of, and where schemas stand inside schemas.

use serde_json::Value;

use crate::pointer;

/// Keywords that no instance is judged by.
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

/// Every keyword but the annotations.
const JUDGING: [&[&str]; 6] = [ONE, MANY, NAMED, OPAQUE, ALONE, OTHERS];

/// Whether some dialect knows the keyword.
fn is_known(keyword: &str) -> bool {
    ANNOTATIONS.contains(&keyword) || JUDGING.iter().any(|list| list.contains(&keyword))
}

/// The keyword that an unknown one was probably meant to be.
pub(crate) fn meant_by(keyword: &str) -> Option<&'static str> {
    if is_known(keyword) || keyword.starts_with("x-") || keyword.len() < 4 {
        return None;
    }
    let lower = keyword.to_ascii_lowercase();
    let near = JUDGING.iter().flat_map(|list| list.iter()).map(|known| {
        let distance = strsim::osa_distance(&lower, &known.to_ascii_lowercase());
        (distance, *known)
    });
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

/// The schemas that stand directly inside a schema, each with its pointer.
pub(crate) fn children<'a>(schema: &'a Value, at: &str) -> Vec<(String, &'a Value)> {
    let mut found = Vec::new();
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        let keyword_at = pointer::join(at, keyword);
        let name = keyword.as_str();
        match value {
            Value::Object(members) if NAMED.contains(&name) => {
                let members = members.iter().filter(|(_, member)| !member.is_array());
                found.extend(members.map(|(key, member)| (pointer::join(&keyword_at, key), member)));
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
}
