//! The built-in rules, version 1: well-known shapes of secrets.
//!
//! A pattern looks at bytes, not at characters. The first group that took part in a match is the
//! secret; without groups the whole match is. A pattern that ordinary text could meet has a check.

use base64::Engine;

/// The version of the document and of the built-in rules.
pub const REDACTION_VERSION: &str = "1";

pub(super) struct BuiltIn {
    pub(super) name: &'static str,
    pub(super) pattern: &'static str,
    pub(super) check: SecretCheck,
}

pub(super) type SecretCheck = fn(&[u8]) -> bool;

const fn rule(name: &'static str, pattern: &'static str) -> BuiltIn {
    BuiltIn { name, pattern, check: |_| true }
}

/// The rules, the most telling first: where two overlap, the first one names the mask.
#[rustfmt::skip]
pub(super) const BUILT_IN: [BuiltIn; 21] = [
    rule("private-key", r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?s:.)*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z)"),
    rule("aws-access-key", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16,}"),
    rule("aws-secret-key", r#"(?i)secret_?-?(?:access)?_?-?key["']?\s*(?:=>|:=|=|:)\s*["']?([A-Za-z0-9/+]{40,}=*)"#),
    rule("github-token", r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"),
    rule("gitlab-token", r"gl(?:pat|dt|rt|ptt|cbt|ft|soat|oas|agent|imt)-[A-Za-z0-9_.-]{20,}"),
    rule("slack-token", r"xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{20,}"),
    rule("slack-webhook", r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9_/-]{8,})"),
    rule("stripe-key", r"(?:^|[^A-Za-z0-9])([sr]k_live_[A-Za-z0-9]{10,})"),
    rule("google-api-key", r"AIza[A-Za-z0-9_-]{30,}|GOCSPX-[A-Za-z0-9_-]{20,}"),
    rule("npm-token", r"npm_[A-Za-z0-9]{30,}"),
    BuiltIn { name: "pypi-token", pattern: r"pypi-[A-Za-z0-9_-]{32,}", check: is_mixed },
    BuiltIn { name: "crates-io-token", pattern: r"(?:^|[^A-Za-z0-9])(cio[A-Za-z0-9]{32,})", check: is_mixed },
    BuiltIn { name: "sk-api-key", pattern: r"(?:^|[^A-Za-z0-9])(sk-[A-Za-z0-9_-]{20,})", check: has_digit },
    rule("hugging-face-token", r"hf_[A-Za-z0-9]{30,}"),
    rule("jwt", r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){2,4}|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}"),
    rule("authorization", r#"(?i)authorization["']?\s*(?:=>|:|=)\s*["']?(?:(?:basic|bearer|token|negotiate|apikey)\s+([^\s"'\\]+)|([A-Za-z0-9._~+/=-]{16,}))"#),
    rule("bearer-token", r"(?i)\bbearer\s+([A-Za-z0-9._~+/-]{16,}=*)"),
    BuiltIn { name: "basic-credentials", pattern: r"(?i)\bbasic\s+([A-Za-z0-9+/]{8,}={0,2})", check: is_basic },
    rule("url-credentials", r#"://([^\s/?#"'<>@:]*:[^\s/?#"'<>]*)@"#),
    rule("assignment", ASSIGNED_SURELY),
    rule("assignment", ASSIGNED_WITH_COLON),
];

/// `token=x`, `"api_key": "x"`, `--password=x`, `secret => 'x'`: a sign of assignment that prose does not use.
const ASSIGNED_SURELY: &str = r#"(?i)(?:passw(?:or)?d|passphrase|[;_-]pwd|secret|token|(?:api|access|secret|private|signing|encryption)[_-]?key|credentials?)(?:["']\s*(?:=>|:=|=|:)|\s*(?:=>|:=|=))\s*(?:"((?:[^"\\\n]|\\[^\n])+)|'((?:[^'\\\n]|\\[^\n])+)|([^\s"'`,;&<>(){}\[\]|\\=][^\s"'`,;&<>(){}\[\]|\\]*))"#;

/// `password: x`: also prose writes a colon, so a bare `token:` or `secret:` is not enough.
const ASSIGNED_WITH_COLON: &str = r#"(?i)(?:passw(?:or)?d|passphrase|(?:api|access|secret|private|signing|encryption)[_-]?key|(?:auth|access|refresh|api|bearer)[_-]?token|client[_-]?secret)\s*:\s*(?:"((?:[^"\\\n]|\\[^\n])+)|'((?:[^'\\\n]|\\[^\n])+)|([^\s"'`,;&<>(){}\[\]|\\=:][^\s"'`,;&<>(){}\[\]|\\]*))"#;

/// The names of members whose text is a secret by its name: `DB_PASSWORD`, `apiKey`, `Authorization`.
pub(super) const SECRET_NAME: &str = r"(?i)(?:passw(?:or)?d|passphrase|[_-]pwd|secret|token|(?:api|access|secret|private|signing|encryption)[_-]?key|credentials?|authorization)$";

/// Something that stands in every text with a secret of the built-in rules: one cheap scan.
pub(super) const HINT: &str = r"(?i-u:passw|passphrase|pwd|secret|token|key|credential|authorization|bearer|basic|://)|(?-u:AKIA|ASIA|ABIA|ACCA|gh[pousr]_|github_pat_|gl[a-z]{2,5}-|xox[a-z]-|xapp-|slack|[sr]k_live_|AIza|GOCSPX|npm_|pypi-|cio[A-Za-z0-9]|sk-|hf_|eyJ)";

/// An escape that can hide a hint (JSON): of the others none writes what a hint is made of.
pub(super) const ESCAPE_HINT: &str = r"\\[u/]";

fn has_digit(found: &[u8]) -> bool {
    found.iter().any(u8::is_ascii_digit)
}

/// Digits, upper and lower case: chance wrote it, no person.
fn is_mixed(found: &[u8]) -> bool {
    has_digit(found) && found.iter().any(u8::is_ascii_uppercase) && found.iter().any(u8::is_ascii_lowercase)
}

/// `user:password` in Base64.
fn is_basic(found: &[u8]) -> bool {
    let text = found.strip_suffix(b"==").or_else(|| found.strip_suffix(b"=")).unwrap_or(found);
    let is_pair = |decoded: Vec<u8>| decoded.contains(&b':') && decoded.iter().all(|byte| *byte >= 0x20);
    base64::engine::general_purpose::STANDARD_NO_PAD.decode(text).is_ok_and(is_pair)
}
