//! Documents of rules: what they may say, and what is said of those that are wrong.

use dome_core::canonical;
use dome_core::redact::{Redaction, RedactionError, RedactionRules};

use super::masked;

fn error(document: &str) -> String {
    Redaction::parse(document.as_bytes()).map_or_else(|why: RedactionError| why.to_string(), |_| "none".to_owned())
}

#[test]
fn a_document_that_is_wrong_is_told_what_and_where() {
    for (document, said) in [
        ("7", "not a redaction document: invalid type"),
        (r#"{"redaction_version":"1","rule":[]}"#, "unknown field `rule`"),
        (r#"{"redaction_version":"1","patterns":[{"name":"a","pattern":"b","grp":1}]}"#, "unknown field `grp`"),
        (r#"{"members":[]}"#, "missing field `redaction_version`"),
        (r#"{"redaction_version":"3"}"#, "`/redaction_version`: expected `2` or an earlier one, found `3`"),
        (
            r#"{"redaction_version":"1","off":["jwt","jwts"]}"#,
            "`/off/1`: no built-in rule `jwts`; there are private-key, ",
        ),
        (
            r#"{"redaction_version":"1","members":["env"]}"#,
            "`/members/0`: a member is a JSON Pointer that starts with `/`, found `env`",
        ),
        (
            r#"{"redaction_version":"1","members":["/a~2"]}"#,
            "`/members/0`: `~` is written `~0`, `/` is `~1`, found `/a~2`",
        ),
        (
            r#"{"redaction_version":"1","patterns":[{"name":"A","pattern":"b"}]}"#,
            "`/patterns/0/name`: a rule's name matches",
        ),
        (
            r#"{"redaction_version":"2","patterns":[{"name":"jwt","pattern":"b"}]}"#,
            "`/patterns/0/name`: another rule is called `jwt`",
        ),
        (
            r#"{"redaction_version":"1","patterns":[{"name":"a","pattern":"("}]}"#,
            "`/patterns/0/pattern`: the pattern of `a` is no regular expression",
        ),
        (
            r#"{"redaction_version":"1","patterns":[{"name":"a","pattern":"(b)","group":2}]}"#,
            "`/patterns/0/group`: the pattern of `a` has 1 groups, none is number 2",
        ),
    ] {
        assert!(error(document).contains(said), "{document}: {}", error(document));
    }
}

#[test]
fn a_document_is_canonical_whatever_its_order() {
    let [one, other] = [
        r#"{"redaction_version":"1","off":["npm-token","jwt"],"members":["/b","/a"],"patterns":[{"name":"y","pattern":"1"},{"name":"x","pattern":"2","group":null}]}"#,
        r#"{"patterns":[{"pattern":"2","name":"x"},{"pattern":"1","name":"y"}],"off":["jwt","npm-token","jwt"],"members":["/a","/b"],"redaction_version":"1"}"#,
    ]
    .map(|document| Redaction::parse(document.as_bytes()).unwrap());
    assert_eq!(one.digest(), other.digest());
    let bytes = canonical::to_vec(one.document()).unwrap();
    assert_eq!(dome_core::Sha256Hash::of(&bytes), one.digest(), "members are declared in canonical order");
    let again = Redaction::parse(&bytes).unwrap();
    assert_eq!(again.document(), one.document());
    let plain = Redaction::parse(br#"{"redaction_version":"1"}"#).unwrap();
    assert_eq!(plain.digest(), Redaction::built_in().digest());
}

#[test]
fn a_document_of_an_earlier_version_masks_as_this_one_does_and_is_recorded_as_it_was() {
    let [earlier, now] = ["1", "2"].map(|version| {
        format!(r#"{{"redaction_version":"{version}","off":["jwt"],"patterns":[{{"name":"x","pattern":"1"}}]}}"#)
    });
    let [parsed, expected] = [&earlier, &now].map(|document| Redaction::parse(document.as_bytes()).unwrap());
    assert_eq!((parsed.digest(), parsed.document()), (expected.digest(), expected.document()));
    let recorded = RedactionRules::recorded(earlier.as_bytes()).unwrap();
    assert_eq!(recorded.redaction_version, "1");
    assert_eq!(recorded.off, parsed.document().off);
    assert_ne!(canonical::digest(&recorded), parsed.digest(), "what was masked by other rules has another digest");
}

#[test]
fn an_earlier_document_may_have_a_pattern_that_is_called_as_a_rule_is_by_now() {
    let rules = br#"{"redaction_version":"1","patterns":[{"name":"cookie","pattern":"oatmeal"}]}"#;
    let redaction = Redaction::parse(rules).unwrap();
    assert_eq!(redaction.document().off, ["cookie"]);
    assert_eq!(masked(&redaction, b"oatmeal").0, "[redacted:cookie]");
    let bytes = canonical::to_vec(redaction.document()).unwrap();
    assert_eq!(Redaction::parse(&bytes).unwrap().digest(), redaction.digest());
    assert!(RedactionRules::recorded(rules).unwrap().off.is_empty());
}

#[test]
fn members_are_erased_whatever_they_hold_and_names_stay() {
    let rules = br#"{"redaction_version":"1","members":["/env/API_ID","/labels/*","/list/1","/deep/*/x~1y"]}"#;
    let redaction = Redaction::parse(rules).unwrap();
    let line = br#"{"env":{"API_ID":"a\"b","OTHER":"o"},"labels":{"a":"","b":{"c":[1,"d",null]}},"list":["0",true,"2"],"deep":{"p":{"x/y":1.5},"q":{"x":"k"}}}"#;
    let (text, counts) = masked(&redaction, line);
    let m = "\"[redacted:member]\"";
    let expected = format!(
        r#"{{"env":{{"API_ID":{m},"OTHER":"o"}},"labels":{{"a":{m},"b":{{"c":[{m},{m},{m}]}}}},"list":["0",{m},"2"],"deep":{{"p":{{"x/y":{m}}},"q":{{"x":"k"}}}}}}"#
    );
    assert_eq!(text, expected);
    assert_eq!(counts.get("member"), 7);
    let (torn, _) = masked(&redaction, br#"{"env":{"API_ID":"secret that was cut of"#);
    assert_eq!(torn, r#"{"env":{"API_ID":"[redacted:member]"#);
}

#[test]
fn patterns_mask_their_group_or_all_of_a_match() {
    let rules = br#"{"redaction_version":"1","off":["assignment"],"patterns":[{"name":"badge","pattern":"badge (\\d+)(x)?","group":1},{"name":"host","pattern":"corp-\\w+"}]}"#;
    let redaction = Redaction::parse(rules).unwrap();
    let (text, counts) = masked(&redaction, r#"{"a":"badge 17 on corp-é9, password=x"}"#.as_bytes());
    assert_eq!(text, r#"{"a":"badge [redacted:badge] on [redacted:host], password=x"}"#);
    assert_eq!(counts.iter().collect::<Vec<_>>(), [("badge", 1), ("host", 1)]);
}

#[test]
fn what_is_kept_of_a_line_that_is_too_long_is_masked() {
    let mut line = vec![b'x'; 4_080];
    line.extend(b" ghp_0123456789abcdefghij0123456789abcdef ");
    line.resize(2_000_000, b'y');
    let mut counts = dome_core::redact::RedactionCounts::default();
    let raw = Redaction::built_in().raw_start(&line, line.len() as u64, &mut counts);
    let source = dome_core::Source { line: 1, name: "a".into() };
    let row = raw.row(0, source, dome_core::line_too_long(line.len() as u64));
    let kept = row.raw.unwrap();
    assert!(kept.ends_with(" [redacted:githu") && kept.len() == 4_096, "{}", &kept[4_070..]);
    assert_eq!((row.length, row.sha256), (2_000_000, dome_core::Sha256Hash::of(kept.as_bytes())));
    assert!(row.raw_truncated && counts.get("github-token") == 1);
}
