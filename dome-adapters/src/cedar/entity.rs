//! Names of entities, in the shapes that they are written in.

use serde_json::Value;

/// `Type::"id"` of a text, of `type` and `id`, or of the members that Amazon Verified Permissions has.
pub(super) fn named(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    }
    let value = value.get("__entity").unwrap_or(value);
    let text = |names: &[&str]| names.iter().find_map(|name| value.get(name)?.as_str());
    let kind = text(&["type", "entityType", "actionType"])?;
    let id = text(&["id", "entityId", "actionId"])?;
    Some(format!("{kind}::{}", Value::from(id)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entities_are_named_alike_however_they_are_written() {
        for value in [
            json!("User::\"alice\""),
            json!({"type": "User", "id": "alice"}),
            json!({"__entity": {"type": "User", "id": "alice"}}),
            json!({"entityType": "User", "entityId": "alice"}),
        ] {
            assert_eq!(named(&value).as_deref(), Some("User::\"alice\""), "{value}");
        }
        assert_eq!((named(&json!({"id": "x"})), named(&json!(1))), (None, None));
    }
}
