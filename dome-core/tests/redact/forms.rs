//! Every built-in rule masks its sample wherever it stands and however it is written, and not its counter-sample.

use base64::Engine;
use dome_core::redact::{Redaction, RedactionCounts, RedactionSample};
use serde_json::json;

use super::shapes::secret;
use super::{built_in, masked};

fn gone(rule: &RedactionSample, form: &str, line: &[u8], hidden: &[u8]) {
    let mut counts = RedactionCounts::default();
    let redaction = built_in();
    let after = redaction.redact(line, &mut counts).into_owned();
    let text = String::from_utf8_lossy(&after);
    let seen = after.windows(hidden.len()).any(|window| window == hidden);
    assert!(!seen && counts.total() > 0, "{} in {form}: {} of {}", rule.name, text, String::from_utf8_lossy(line));
    let again = redaction.redact(&after, &mut RedactionCounts::default()).into_owned();
    assert_eq!(String::from_utf8_lossy(&again), text, "{} in {form}, twice", rule.name);
    assert!(
        serde_json::from_slice::<serde_json::Value>(line).is_err()
            || serde_json::from_slice::<serde_json::Value>(&after).is_ok(),
        "{} in {form} is JSON no more: {text}",
        rule.name
    );
}

fn samples() -> impl Iterator<Item = RedactionSample> {
    Redaction::samples()
}

#[test]
fn a_sample_is_masked_in_running_text_by_its_rule() {
    for rule in samples() {
        let hidden = secret(&rule.sample).to_owned();
        let line = format!("step 4 wrote {} and went on", rule.sample);
        gone(&rule, "text", line.as_bytes(), hidden.as_bytes());
        let (_, counts) = masked(built_in(), line.as_bytes());
        assert!(counts.get(rule.name) > 0, "{}: {counts:?} in {line}", rule.name);
    }
}

#[test]
fn a_counter_sample_is_left_alone() {
    for rule in samples() {
        let line = format!("step 4 wrote {} and went on", rule.counter);
        let (after, counts) = masked(built_in(), line.as_bytes());
        assert_eq!(after, line, "{}: {counts:?}", rule.name);
        let line = json!({ "message": line }).to_string();
        assert_eq!(masked(built_in(), line.as_bytes()).0, line, "{}", rule.name);
    }
}

#[test]
fn a_sample_is_masked_in_json_as_deep_as_it_is_escaped() {
    for rule in samples() {
        let hidden = secret(&rule.sample).to_owned();
        let mut text = format!("run {} now", rule.sample);
        for depth in 0..7 {
            let line = json!({"message": text, "n": 1}).to_string();
            gone(&rule, &format!("JSON, {depth} times escaped"), line.as_bytes(), hidden.as_bytes());
            text = json!({ "a": text }).to_string();
        }
        let escaped = |text: &str| text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
        let line = format!("{{\"a\":\"{}\"}}", escaped(&rule.sample));
        gone(&rule, "JSON, every character escaped", line.as_bytes(), escaped(&hidden).as_bytes());
    }
}

/// The secret with a colour code in its middle.
fn coloured(sample: &str, code: &str) -> String {
    let hidden = secret(sample);
    let (before, after) = sample.split_once(hidden).unwrap();
    let (left, right) = hidden.split_at(hidden.len() / 2);
    format!("{before}{left}{code}{right}{after}")
}

#[test]
fn a_sample_is_masked_where_a_colour_code_cuts_it() {
    for rule in samples() {
        let hidden = secret(&rule.sample);
        let (left, _) = hidden.split_at(hidden.len() / 2);
        for code in ["\u{1b}[31m", "\u{1b}[0;1m", "\\x1b[31m", "\\033[0m", "^[[1;32m", "[31m"] {
            let line = format!("wrote {} today", coloured(&rule.sample, code));
            gone(&rule, "colours", line.as_bytes(), left.as_bytes());
            gone(&rule, "colours in JSON", json!({ "m": line }).to_string().as_bytes(), left.as_bytes());
        }
    }
}

#[test]
fn a_sample_is_masked_in_utf_16() {
    for rule in samples() {
        let line = format!(" {} ", rule.sample);
        let hidden = secret(&rule.sample);
        let little: Vec<u8> = line.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = line.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let [low, high] = [u16::to_le_bytes, u16::to_be_bytes]
            .map(|bytes| hidden.encode_utf16().flat_map(bytes).collect::<Vec<u8>>());
        gone(&rule, "UTF-16, little end first", &little, &low);
        gone(&rule, "UTF-16, big end first", &big, &high);
        let text = String::from_utf8(little).unwrap();
        gone(&rule, "UTF-16 in JSON", json!({ "m": text }).to_string().as_bytes(), b"never");
    }
}

#[test]
fn a_sample_is_masked_in_other_letters() {
    for rule in samples() {
        let (text, hidden) = (format!(" {} ", rule.sample), secret(&rule.sample));
        let hex = |text: &str, gap: &str| {
            let digits: Vec<_> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            digits.join(gap)
        };
        for gap in ["", " ", ":"] {
            let line = format!("dump: {} end", hex(&text, gap));
            gone(&rule, "hexadecimal", line.as_bytes(), hex(hidden, gap).as_bytes());
        }
        let line = format!("dump {}", hex(&text, "").to_uppercase());
        gone(&rule, "hexadecimal in capitals", line.as_bytes(), hex(hidden, "").to_uppercase().as_bytes());
        let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        gone(&rule, "percent signs", format!("/a?q={}", percent(&text)).as_bytes(), percent(hidden).as_bytes());
        let bytes = |text: &str| text.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
        gone(&rule, "escaped bytes", format!("b'{}'", bytes(&text)).as_bytes(), bytes(hidden).as_bytes());
        let entities = text
            .replace('&', "&amp;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        gone(&rule, "entities", format!("<m>{entities}</m>").as_bytes(), hidden.as_bytes());
    }
}

#[test]
fn a_secret_beside_a_name_is_masked_in_every_form() {
    for value in ["hunter2hunter", "s3cr3t-Pa55!word", "x7Kq9mPz2LwVb4Rt"] {
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("me:{value}"));
        for form in [
            format!("export DB_PASSWORD={value}"),
            format!("DB_PASSWORD='{value}' make"),
            format!("{{\"db_password\":\"{value}\"}}"),
            format!("{{\"env\":{{\"DB_PASSWORD\": \"{value}\"}}}}"),
            format!("db:\n  password: {value}\n  port: 5"),
            format!("db:\n  password: \"{value}\""),
            format!("<db><password>{value}</password></db>"),
            format!("<db:password type=\"x\" >x</db:password><db password=\"{value}\"/>"),
            format!("<add key=\"Password\" value=\"{value}\" />"),
            format!("<property name='db.password' value='{value}'/>"),
            format!("https://h.example/?user=me&password={value}&x=1"),
            format!("https://me:{value}@h.example/x"),
            format!("X-Api-Key: {value}"),
            format!("PRIVATE-TOKEN: {value}"),
            format!("machine h.example login me password {value}"),
            format!("curl -fsS -u me:{value} https://h.example"),
            format!("curl --user 'me:{value}' https://h.example"),
            format!("curl -H 'Private-Key: {value}' https://h.example"),
            format!("Authorization: Bearer {value}{value}"),
            format!("Cookie: theme=dark; sid={value}"),
            format!("Set-Cookie: sid={value}; Path=/; HttpOnly"),
            format!("Server=db;Uid=sa;Pwd={value};"),
            format!("mysql --password={value} -u me"),
            format!("{{\"auths\":{{\"h.example\":{{\"auth\":\"{basic}\"}}}}}}"),
            format!("//h.example/:_authToken={value}"),
        ] {
            for line in [form.clone(), json!({ "message": form }).to_string()] {
                let (after, counts) = masked(built_in(), line.as_bytes());
                assert!(!after.contains(value) && !after.contains(&basic) && counts.total() > 0, "{line}: {after}");
                assert!(!after.contains("h.exampl[") && (after.contains("[redacted:") || after.is_empty()), "{after}");
            }
        }
    }
}

#[test]
fn a_line_grows_by_no_more_than_its_masks() {
    let longest = samples().map(|rule| rule.name.len()).max().unwrap();
    for rule in samples() {
        let line = format!("{0} {0} {0}", rule.sample);
        let mut counts = RedactionCounts::default();
        let after = built_in().redact(line.as_bytes(), &mut counts);
        let masks = usize::try_from(counts.total()).unwrap();
        assert!(after.len() <= line.len() + masks * ("[redacted:]".len() + longest), "{}", rule.name);
    }
}

#[test]
fn a_rule_that_is_off_masks_nothing() {
    let names: std::collections::BTreeSet<_> = samples().map(|rule| rule.name).collect();
    let off = json!({"redaction_version": "2", "off": names}).to_string();
    let none = Redaction::parse(off.as_bytes()).unwrap();
    for rule in samples() {
        assert_eq!(masked(&none, rule.sample.as_bytes()).0, rule.sample);
    }
}
