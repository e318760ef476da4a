//! Attributes, and numbers that are texts, as protocol buffers have them in JSON.

use serde_json::Value;

/// The value of an attribute as text.
pub(super) fn attribute(holder: &Value, key: &str) -> Option<String> {
    let attributes = holder.get("attributes").and_then(Value::as_array)?;
    let named = attributes.iter().find(|one| one.get("key").and_then(Value::as_str) == Some(key))?;
    let value = named.get("value")?.as_object()?.values().next()?;
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// An integer, as a number or as a text.
pub(super) fn integer(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

/// A text that says something.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// An enumeration, by its number (as a number or as a text) or its name without `prefix`.
pub(super) fn enumeration(value: Option<&Value>, prefix: &str, names: &[&str]) -> Option<u64> {
    if let Some(number) = integer(value) {
        return Some(number);
    }
    let name = value?.as_str()?.strip_prefix(prefix)?;
    names.iter().position(|known| *known == name).and_then(|place| u64::try_from(place).ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_names_are_one() {
        let of = |value: Value| enumeration(Some(&value), "STATUS_CODE_", &["UNSET", "OK", "ERROR"]);
        assert_eq!([of(json!(2)), of(json!("2")), of(json!("STATUS_CODE_ERROR"))], [Some(2); 3]);
        assert_eq!([of(json!("ERROR")), of(json!(-1)), of(json!(1.5)), of(json!(null))], [None; 4]);
        let holder = json!({"attributes": [{"key": "a", "value": {"intValue": "5"}}, {"key": "b", "value": {"arrayValue": {}}}]});
        assert_eq!((attribute(&holder, "a").as_deref(), attribute(&holder, "b")), (Some("5"), None));
    }
}
