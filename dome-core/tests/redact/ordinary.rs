//! What is no secret is left alone, without a copy.

use std::borrow::Cow;

use dome_core::redact::RedactionCounts;
use proptest::prelude::*;

use super::built_in;

fn is_left_alone(line: &[u8]) -> Result<(), TestCaseError> {
    let mut counts = RedactionCounts::default();
    let masked = built_in().redact(line, &mut counts);
    prop_assert!(matches!(masked, Cow::Borrowed(_)), "{counts:?} in {}", String::from_utf8_lossy(line));
    Ok(())
}

#[test]
fn the_example_and_the_golden_inputs_hold_no_secret() {
    let golden = [
        include_bytes!("../../../xtrlv2-fixtures/golden/small/input/a.jsonl").as_slice(),
        include_bytes!("../../../xtrlv2-fixtures/golden/small/input/b.jsonl"),
        include_bytes!("../../../xtrlv2-fixtures/golden/vectors.json"),
        dome_core::EXAMPLE_LINE,
    ];
    let mut lines = 0;
    for line in golden.iter().flat_map(|bytes| dome_core::lines(bytes, 1, 0)) {
        is_left_alone(line.bytes).unwrap_or_else(|why| panic!("{why}"));
        lines += 1;
    }
    assert!(lines > 200, "{lines} lines");
}

#[test]
fn digests_ids_paths_and_prose_are_no_secrets() {
    for text in [
        "3b923e10a97c5b7a16ae2b19a1f4f4a9d9d0c0e6a2f7b8c9d0e1f2a3b4c5d6e7",
        "commit/46ea5e0e825eb337108b15c88e1211aa8ba4c6a1",
        "123e4567-e89b-12d3-a456-426614174000",
        "src/tokenizer/secret_sharing/password_reset_test.rs:17:5",
        "s3://bucket/runs/2026-01-01/token-usage.jsonl",
        "https://example.org:8443/a/b?x=1#frag@2",
        "ssh://git@github.com/owner/repo.git",
        "expected token: identifier, found `}`",
        "assert token == expected_token",
        "unexpected token '}' in JSON at position 5",
        "max_tokens=4096 n_tokens: 17",
        "Basic authentication is required; use a Bearer token",
        "ask_test_environment task-0123456789-abcdefghij-0123",
        "the secret: it was never compiled",
        "PWD=/home/runner/work/project",
        "error[E0308]: mismatched types --> src/lib.rs:4:9",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "scikit-learn==1.5.0, pypi-server-with-a-long-name-and-no-secret-at-all",
        "user@example.org wrote to mailto:ops@example.org",
    ] {
        let line = serde_json::json!({"message": text, "labels": {"a": text}}).to_string();
        is_left_alone(line.as_bytes()).unwrap_or_else(|why| panic!("{why}"));
        is_left_alone(text.as_bytes()).unwrap_or_else(|why| panic!("{why}"));
    }
}

proptest! {
    #[test]
    fn hashes_and_uuids_are_left_alone(
        sha256 in "[0-9a-f]{64}", sha1 in "[0-9a-f]{40}", uuid in "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        path in "[a-z]{1,8}(/[a-zA-Z0-9._-]{1,12}){0,6}",
    ) {
        let value = serde_json::json!({"applied_capsule": sha256, "ref": format!("commit/{sha1}"), "run_id": uuid, "path": path});
        is_left_alone(value.to_string().as_bytes())?;
        is_left_alone(format!("{sha256} {sha1} {uuid} {path}").as_bytes())?;
    }
}
