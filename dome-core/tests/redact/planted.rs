//! A secret of each shape, planted anywhere in an envelope and escaped at random, is gone.

use dome_arbitrary::{Dice, dice, envelope, write_oddly};
use dome_core::redact::RedactionCounts;
use proptest::prelude::*;
use serde_json::Value;

use super::built_in;
use super::shapes::{Planted, planted};

/// The strings of a document and the names of its members, as they come.
fn texts<'v>(value: &'v mut Value, found: &mut Vec<&'v mut String>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(entries) => entries.iter_mut().for_each(|entry| texts(entry, found)),
        Value::Object(members) => members.values_mut().for_each(|member| texts(member, found)),
        _ => {}
    }
}

/// The bytes with every escape decoded, as often as there is one.
fn decoded(bytes: &[u8]) -> Vec<String> {
    let mut forms = vec![String::from_utf8_lossy(bytes).into_owned()];
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        let mut value = value;
        let mut found = Vec::new();
        texts(&mut value, &mut found);
        forms.extend(found.into_iter().map(|text| text.clone()));
    }
    forms
}

fn gone(planted: &Planted, masked: &[u8]) -> Result<(), TestCaseError> {
    for form in decoded(masked) {
        prop_assert!(!form.contains(&planted.secret), "{planted:?} in {form}");
    }
    let text = String::from_utf8_lossy(masked);
    prop_assert!(text.contains("[redacted:"), "{planted:?} in {text}");
    Ok(())
}

/// Puts a secret into the string that `place` chooses; says how the rest must look afterwards.
fn plant(value: &mut Value, place: usize, text: &str) {
    let mut found = Vec::new();
    texts(value, &mut found);
    let count = found.len();
    if let Some(slot) = found.into_iter().nth(place % count.max(1)) {
        *slot = format!("{slot} {text} {slot}");
    }
}

proptest! {
    #[test]
    fn a_planted_secret_is_gone_in_every_form(
        mut value in envelope(), planted in planted(), place in any::<usize>(), mut dice in dice(1_500),
    ) {
        plant(&mut value, place, &planted.text);
        let line = write_oddly(&value, &mut dice);
        let mut counts = RedactionCounts::default();
        let masked = built_in().redact(line.as_bytes(), &mut counts).into_owned();
        gone(&planted, &masked)?;
        prop_assert!(counts.total() > 0);
        prop_assert!(serde_json::from_slice::<Value>(&masked).is_ok(), "{}", String::from_utf8_lossy(&masked));
    }

    #[test]
    fn a_secret_in_a_name_or_in_a_document_in_a_string_is_gone(
        planted in planted(), mut inner in dice(300), mut outer in dice(600),
    ) {
        let nested = write_oddly(&serde_json::json!({"cmd": format!("run {} now", planted.text)}), &mut inner);
        let named = serde_json::json!({"labels": {format!("x {} y", planted.text): "z"}});
        for value in [serde_json::json!({"message": nested, "n": 1}), named] {
            let line = write_oddly(&value, &mut outer);
            let masked = built_in().redact(line.as_bytes(), &mut RedactionCounts::default()).into_owned();
            let inner: Value = serde_json::from_slice(&masked).unwrap();
            gone(&planted, &masked)?;
            if let Some(message) = inner.get("message").and_then(Value::as_str) {
                gone(&planted, message.as_bytes())?;
            }
        }
    }

    #[test]
    fn a_secret_in_junk_is_gone(
        planted in planted(), mut dice in dice(400), before in "[ -~]{0,20} ", cut in 0_usize..4, bad in any::<bool>(),
    ) {
        // A document that was cut off, and bytes that are no UTF-8.
        let text = write_oddly(&Value::String(format!("{} ", planted.text)), &mut dice);
        let mut line = before.into_bytes();
        line.extend(if bad { &b"\xFF "[..] } else { b" " });
        line.extend(&text.as_bytes()[..text.len() - cut.min(1)]);
        let masked = built_in().redact(&line, &mut RedactionCounts::default()).into_owned();
        gone(&planted, &masked)?;
    }

    #[test]
    fn the_rule_that_knows_a_shape_is_the_one_that_is_counted(planted in planted()) {
        // Text at random may hold the short start of another rule's shape.
        prop_assume!(planted.rule == "sk-api-key" || !planted.text.contains("sk-"));
        let line = write_oddly(&serde_json::json!([planted.text]), &mut Dice::default());
        let mut counts = RedactionCounts::default();
        let _masked = built_in().redact(line.as_bytes(), &mut counts);
        prop_assert!(counts.get(planted.rule) > 0, "{planted:?}: {counts:?}");
    }
}

#[test]
fn nothing_but_the_masked_text_changes() {
    let line = br#" {"b" :1.50, "a":[ "\u0041", "x \u0067hp_0123456789abcdefghij0123456789abcdef\/y" ] ,"z":-0}"#;
    let masked = built_in().redact(line, &mut RedactionCounts::default()).into_owned();
    let expected = br#" {"b" :1.50, "a":[ "\u0041", "x [redacted:github-token]\/y" ] ,"z":-0}"#;
    assert_eq!(String::from_utf8_lossy(&masked), String::from_utf8_lossy(expected));
}

#[test]
fn a_member_with_a_secret_s_name_is_masked_whatever_its_text() {
    let line = br#"{"env":{"DB_PASSWORD":"x y","API\u005fKEY":"","max_tokens":"5","Authorization":"Basic a"}}"#;
    let masked = built_in().redact(line, &mut RedactionCounts::default()).into_owned();
    let expected = r#"{"env":{"DB_PASSWORD":"[redacted:assignment]","API\u005fKEY":"","max_tokens":"5","Authorization":"[redacted:assignment]"}}"#;
    assert_eq!(String::from_utf8_lossy(&masked), expected);
}
