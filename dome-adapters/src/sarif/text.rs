//! Messages: as they are, or by their id with arguments put in.

use serde_json::Value;

/// A text that says something.
pub(super) fn text(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A message: its text, else the text of its id among those that `strings` has.
pub(super) fn message(message: &Value, strings: Option<&Value>) -> Option<String> {
    let own = message.get("text").and_then(text);
    let template = own.or_else(|| {
        let id = message.get("id").and_then(Value::as_str)?;
        strings?.get(id)?.get("text").and_then(text)
    })?;
    let arguments = message.get("arguments").and_then(Value::as_array);
    Some(arguments.map_or_else(|| template.to_owned(), |arguments| filled(template, arguments)))
}

/// `{0}` is the first argument, `{{` is a brace.
fn filled(template: &str, arguments: &[Value]) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once(['{', '}']) {
        filled.push_str(before);
        let brace = rest.get(before.len()..=before.len()).unwrap_or_default();
        if let Some(doubled) = after.strip_prefix(brace) {
            filled.push_str(brace);
            rest = doubled;
            continue;
        }
        let place = after.split_once('}').and_then(|(digits, behind)| Some((digits.parse::<usize>().ok()?, behind)));
        let argument = place.and_then(|(place, behind)| Some((arguments.get(place)?.as_str()?, behind)));
        match argument.filter(|_| brace == "{") {
            Some((argument, behind)) => {
                filled.push_str(argument);
                rest = behind;
            }
            None => {
                filled.push_str(brace);
                rest = after;
            }
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_are_put_in_and_braces_stay() {
        let of = |value: Value| message(&value, Some(&json!({"d": {"text": "from {1} and {0}"}})));
        assert_eq!(of(json!({"id": "d", "arguments": ["a", "{1}"]})).as_deref(), Some("from {1} and a"));
        assert_eq!(of(json!({"text": "{{0}} {9} {", "arguments": ["a"]})).as_deref(), Some("{0} {9} {"));
        assert_eq!(of(json!({"text": "{x}"})).as_deref(), Some("{x}"));
        assert_eq!((of(json!({"id": "e"})), of(json!({"text": " "}))), (None, None));
    }
}
