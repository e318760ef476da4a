//! JSON written in other ways than the plain one, which mean the same.

use serde_json::Value;

use super::dice::Dice;

/// Writes a value as valid JSON on one line: members in any order, blanks between tokens, escapes
/// where none are needed, `-0` for 0. Without dice it comes out compact.
///
/// ```
/// use dome_arbitrary::{Dice, write_oddly};
/// let value = serde_json::json!({"b": "é\u{1F600}", "a": 0});
/// let odd = write_oddly(&value, &mut Dice::new((1..40).collect()));
/// assert_eq!(serde_json::from_str::<serde_json::Value>(&odd)?, value);
/// assert_eq!(write_oddly(&value, &mut Dice::default()), "{\"a\":0,\"b\":\"é\u{1F600}\"}");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn write_oddly(value: &Value, dice: &mut Dice) -> String {
    let mut text = String::with_capacity(512);
    write(value, dice, &mut text);
    text
}

fn blanks(dice: &mut Dice, text: &mut String) {
    text.push_str(dice.pick(["", "", "", " ", "\t", "  ", "\r"]));
}

fn write(value: &Value, dice: &mut Dice, text: &mut String) {
    match value {
        Value::String(string) => write_string(string, dice, text),
        Value::Array(entries) => {
            let entries: Vec<_> = entries.iter().map(|entry| (None, entry)).collect();
            nest('[', &entries, ']', dice, text);
        }
        Value::Object(members) => {
            let mut shuffled: Vec<_> = members.iter().map(|member| (dice.roll(256), member)).collect();
            shuffled.sort_by_key(|(place, _)| *place);
            let members: Vec<_> = shuffled.into_iter().map(|(_, (name, value))| (Some(name.as_str()), value)).collect();
            nest('{', &members, '}', dice, text);
        }
        Value::Number(number) if number.as_u64() == Some(0) => text.push_str(dice.pick(["0", "0", "-0"])),
        other => text.push_str(&other.to_string()),
    }
}

fn nest(open: char, entries: &[(Option<&str>, &Value)], close: char, dice: &mut Dice, text: &mut String) {
    text.push(open);
    for (index, (name, value)) in entries.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        blanks(dice, text);
        if let Some(name) = name {
            write_string(name, dice, text);
            blanks(dice, text);
            text.push(':');
            blanks(dice, text);
        }
        write(value, dice, text);
        blanks(dice, text);
    }
    text.push(close);
}

fn write_string(string: &str, dice: &mut Dice, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        let escaped = !dice.ran_out() && dice.rarely(6);
        match character {
            '"' | '\\' if !escaped => text.extend(['\\', character]),
            '\n' if !escaped => text.push_str("\\n"),
            '\r' if !escaped => text.push_str("\\r"),
            '\t' if !escaped => text.push_str("\\t"),
            '\u{8}' if !escaped => text.push_str("\\b"),
            '\u{c}' if !escaped => text.push_str("\\f"),
            '/' if escaped => text.push_str("\\/"),
            character if escaped || character < ' ' => escape(character, dice.rarely(2), text),
            character => text.push(character),
        }
    }
    text.push('"');
}

/// `\u` and four hex digits for each UTF-16 code unit.
fn escape(character: char, upper: bool, text: &mut String) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        let escaped = if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
        text.push_str(&escaped);
    }
}
