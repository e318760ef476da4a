//! Secrets of every shape, with text around them that belongs to the shape.

use base64::Engine;
use dome_core::redact::Redaction;
use proptest::prelude::*;

/// A secret as it stands in text.
#[derive(Clone, Debug)]
pub(crate) struct Planted {
    /// The rule that knows it.
    pub(crate) rule: &'static str,
    /// The text, secret included.
    pub(crate) text: String,
    /// What may not be seen afterwards.
    pub(crate) secret: String,
}

/// Shapes that are a secret as a whole.
const WHOLE: [(&str, &str); 20] = [
    ("aws-access-key", "(AKIA|ASIA)[A-Z0-9]{16}"),
    ("github-token", "gh[pousr]_[A-Za-z0-9]{36}"),
    ("github-token", "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    ("gitlab-token", "glpat-[A-Za-z0-9_-]{20}"),
    ("slack-token", "xox[abprs]-[0-9]{10,12}-[0-9]{10,12}-[A-Za-z0-9]{24}"),
    ("slack-token", "xapp-1-[A-Z0-9]{11}-[0-9]{12}-[a-f0-9]{32}"),
    ("stripe-key", "(sk|rk)_live_[A-Za-z0-9]{24,40}"),
    ("google-api-key", "AIza[A-Za-z0-9_-]{35}"),
    ("google-api-key", "GOCSPX-[A-Za-z0-9_-]{28}"),
    ("npm-token", "npm_[A-Za-z0-9]{36}"),
    ("pypi-token", "pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{60,90}"),
    ("crates-io-token", "cioA1b[A-Za-z0-9]{29}"),
    ("sk-api-key", "sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
    ("sk-api-key", "sk-proj-7[A-Za-z0-9_-]{60}"),
    ("sk-api-key", "sk-ant-api03-[A-Za-z0-9_-]{90}AA"),
    ("hugging-face-token", "hf_[A-Za-z]{34}"),
    ("jwt", "eyJhbGciOiJIUzI1NiJ9\\.eyJ[A-Za-z0-9_-]{20,60}\\.[A-Za-z0-9_-]{43}"),
    ("jwt", "eyJ[A-Za-z0-9_-]{30}\\.\\.[A-Za-z0-9_-]{16}\\.[A-Za-z0-9_-]{30}\\.[A-Za-z0-9_-]{22}"),
    (
        "private-key",
        "-----BEGIN (RSA |EC |OPENSSH |ENCRYPTED |)PRIVATE KEY-----(\n[A-Za-z0-9+/]{64}){1,4}\n[A-Za-z0-9+/]{10,60}={0,2}\n-----END (RSA |EC |OPENSSH |ENCRYPTED |)PRIVATE KEY-----",
    ),
    ("private-key", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n(\n[A-Za-z0-9+/]{64}){1,4}"),
];

/// Shapes in which the secret has something before it: that, the secret, and what follows.
const WITHIN: [(&str, &str, &str, &str); 14] = [
    (
        "aws-secret-key",
        "(aws_secret_access_key *[=:] *|AWS_SECRET_ACCESS_KEY=|\"SecretAccessKey\": \")",
        "[A-Za-z0-9/+]{40}",
        "",
    ),
    ("slack-webhook", "https://hooks\\.slack\\.com/services/", "T[A-Z0-9]{8}/B[A-Z0-9]{8}/[A-Za-z0-9]{24}", ""),
    ("authorization", "Authorization: (Basic|Bearer|token) ", "[A-Za-z0-9._~+/-]{8,60}={0,2}", ""),
    ("authorization", "(proxy-)?authorization: ", "[A-Za-z0-9._~+/-]{16,60}", ""),
    ("bearer-token", "-H ['\"]?(Bearer|bearer) ", "[A-Za-z0-9._~+/-]{16,60}={0,2}", ""),
    (
        "url-credentials",
        "(https|postgres|redis|amqp\\+tls)://",
        "[a-z0-9%_.-]{0,8}:[A-Za-z0-9%_!$*+.-]{8,20}",
        "@host\\.example:5432/db",
    ),
    (
        "assignment",
        "(password|PASSWORD|db_password|passphrase|secret|client_secret|token|GITHUB_TOKEN|api_key|apikey|X-Api-Key)=",
        "[A-Za-z0-9!#$%*+./:@^_~-]{8,30}",
        "",
    ),
    ("assignment", "--(password|token|api-key)=\"", "[A-Za-z0-9 ,;!#$%*+./:@^_~-]{8,30}", "\""),
    (
        "assignment",
        "(\"password\"|'token'|\"apiKey\"|\"client_secret\") ?: ?\"",
        "[A-Za-z0-9 ,;!#$%*+./:@^_~-]{8,30}",
        "\"",
    ),
    ("assignment", "(secret|api_key|password) ?(=>|:=|=) ?'", "[A-Za-z0-9 ,;!#$%*+./:@^_~-]{8,30}", "'"),
    ("assignment", "(password|api_key|access_token|client-secret|secret_key): ", "[A-Za-z0-9!#$%*+./@^_~-]{8,30}", ""),
    ("assignment", "https://h\\.example/\\?q=1&(token|access_token|api_key)=", "[A-Za-z0-9%_.~-]{8,40}", "&x=1"),
    ("assignment", "Server=db;Uid=sa;Pwd=", "[A-Za-z0-9!#$%*+./:@^_~-]{8,30}", ";"),
    ("assignment", "credentials=", "[A-Za-z0-9]{8,30}", ""),
];

/// The longest stretch of a sample that chance wrote: what may not be seen afterwards.
pub(crate) fn secret(sample: &str) -> &str {
    let parts = sample.split(|character: char| !(character.is_ascii_alphanumeric() || "_-+/".contains(character)));
    let all = || parts.clone().filter(|part| part.bytes().any(|byte| byte.is_ascii_digit()));
    let longest = all().max_by_key(|part| part.len()).unwrap_or(sample);
    let start = longest.len().saturating_sub(10);
    longest.get(start..).unwrap_or(longest)
}

/// A secret of any shape that is known.
pub(crate) fn planted() -> impl Strategy<Value = Planted> {
    let mut shapes: Vec<BoxedStrategy<Planted>> = Vec::new();
    for (rule, shape) in WHOLE {
        shapes.push(shape.prop_map(move |text| Planted { rule, secret: text.clone(), text }).boxed());
    }
    for (rule, before, secret, after) in WITHIN {
        let whole = (before, secret, after);
        let planted =
            whole.prop_map(move |(before, secret, after)| Planted { rule, text: before + &secret + &after, secret });
        shapes.push(planted.boxed());
    }
    let basic = "[a-z]{2,9}:[A-Za-z0-9!#$%&*+.-]{6,20}".prop_map(|pair| {
        let secret = base64::engine::general_purpose::STANDARD.encode(pair);
        Planted { rule: "basic-credentials", text: format!("-u Basic {secret}"), secret }
    });
    shapes.push(basic.boxed());
    let samples: Vec<_> = Redaction::samples().collect();
    let sample = proptest::sample::select(samples).prop_map(|rule| {
        let secret = secret(&rule.sample).to_owned();
        Planted { rule: rule.name, text: rule.sample, secret }
    });
    shapes.push(sample.boxed());
    proptest::strategy::Union::new(shapes)
}
