//! The built-in rules, version 2, as data: what secrets look like, and the names beside which they stand.
//!
//! The notation is that of [`super::shape`]. Samples are written in it as well and are filled when
//! they are needed, so that this file holds nothing that looks like a secret to those who search for them.

/// The version of the document and of the built-in rules.
pub const REDACTION_VERSION: &str = "2";

/// What a secret must be beside its shape, where ordinary text could have that shape as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SecretCheck {
    Any,
    /// A digit: no words.
    Digit,
    /// Digits, upper and lower case: chance wrote it, no person.
    Mixed,
    /// `user:password` in Base64.
    Basic,
    /// The number of an account in Base64 before the first dot.
    Numbered,
    /// A private key in Base64.
    Key,
    /// So many hundredths of a bit per byte.
    Entropy(u64),
    /// Letters and digits, with so many hundredths of a bit per byte.
    Random(u64),
}

use SecretCheck::{Any, Basic, Digit, Entropy, Key, Mixed, Numbered, Random};

/// How the secrets of a rule are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finder {
    /// By their own shape.
    Shapes(&'static str),
    /// Behind one of these words and a sign of assignment, by the shape of the value.
    Named(&'static str, &'static str),
    /// By what stands around them ([`super::context`]): these words say where to look.
    Context(SecretContext, &'static str),
}

/// What stands around a secret that has no shape of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SecretContext {
    KeyBlock,
    Jwt,
    Authorization,
    Bearer,
    UrlCredentials,
    CurlUser,
    CurlHeader,
    Cookie,
    KubernetesData,
    Assignment,
}

#[derive(Debug)]
pub(super) struct BuiltIn {
    pub(super) name: &'static str,
    pub(super) finder: Finder,
    pub(super) check: SecretCheck,
    /// Text that has a secret of this rule, and text that nearly has one.
    pub(super) sample: &'static str,
    pub(super) counter: &'static str,
}

const fn shaped(
    name: &'static str,
    shapes: &'static str,
    check: SecretCheck,
    sample: &'static str,
    counter: &'static str,
) -> BuiltIn {
    BuiltIn { name, finder: Finder::Shapes(shapes), check, sample, counter }
}

const fn named(
    name: &'static str,
    words: &'static str,
    values: &'static str,
    check: SecretCheck,
    sample: &'static str,
    counter: &'static str,
) -> BuiltIn {
    BuiltIn { name, finder: Finder::Named(words, values), check, sample, counter }
}

const fn around(
    name: &'static str,
    context: SecretContext,
    words: &'static str,
    sample: &'static str,
    counter: &'static str,
) -> BuiltIn {
    BuiltIn { name, finder: Finder::Context(context, words), check: Any, sample, counter }
}

/// The rules, the most telling first: where two overlap, the first one names the mask.
#[rustfmt::skip]
pub(super) static BUILT_IN: [BuiltIn; 174] = [
    around("private-key", SecretContext::KeyBlock, "-----begin", "-----BEGIN RSA PRIVATE KEY----- <b64> -----END RSA PRIVATE KEY-----", "-----BEGIN CERTIFICATE----- <b64> -----END CERTIFICATE-----"),
    shaped("private-key", "Private-Lines:(<s1-><d1-><s1-><b40->) Private-MAC:(<s1-><h40->)", Any, "Private-MAC: <h40>", "Private-MAC: none"),
    shaped("private-key", "AGE-SECRET-KEY-1<U50->", Any, "AGE-SECRET-KEY-1<U58>", "age-secret-key-1 is how it begins"),
    shaped("private-key", "LS0tLS1CRUdJTi<b40-><=0-3> b3BlbnNzaC1rZXktdjE<b40-><=0-3>", Key, "b3BlbnNzaC1rZXktdjE<b64>", "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t<b64>"),
    shaped("aws-access-key", "AKIA<U16-> ASIA<U16-> ABIA<U16-> ACCA<U16-> |A3T<U17>", Any, "AKIA<U16>", "AKIA<U9>"),
    named("aws-secret-key", "secretaccesskey secret_access_key secret-access-key secretkey secret_key secret-key secretaccess_key", "<b40-><=0->", Any, "aws_secret_access_key = <b40>", "aws_secret_access_key is set"),
    shaped("aws-bedrock-key", "|ABSK<b100-><=0-2> bedrock-api-key-(<b24-><=0-2>)", Any, "ABSK<b120>", "ABSK<b20>"),
    shaped("aws-signed-url", "~x-amz-signature=(<H40->) ~x-amz-security-token=(<%16->) ~x-amz-credential=(<%16->)", Any, "x?X-Amz-Signature=<h64>&y", "x?X-Amz-SignedHeaders=host&y"),
    shaped("google-signed-url", "~x-goog-signature=(<H40->) ~x-goog-credential=(<%16->)", Any, "x?X-Goog-Signature=<h64>&y", "x?X-Goog-SignedHeaders=host&y"),
    shaped("cloudfront-signed-url", "Key-Pair-Id=(<U10->) &Signature=(<%40->) ?Signature=(<%40->)", Any, "x?Expires=1&Signature=<u64>&y", "x?Expires=1&Signature=none&y"),
    shaped("azure-sas", "&sig=(<%32->) ?sig=(<%32->) ;sig=(<%32->) SharedAccessSignature=(<%20->)", Any, "x?sv=2020&sig=<b43>%3D&y", "x?sv=2020&sig=none&y"),
    shaped("azure-connection-string", "~accountkey=(<b30-><=0-2>) ~sharedaccesskey=(<b30-><=0-2>) ~;accesskey=(<b30-><=0-2>)", Any, "AccountName=x;AccountKey=<b86>==;y", "AccountName=x;AccountKey=?;y"),
    shaped("azure-ad-secret", "|<q3-30><d1>Q~<q30-36>", Any, "abc8Q~<a34>", "abc8Q~<a8>"),
    shaped("github-token", "ghp_<a20-> gho_<a20-> ghu_<a20-> ghs_<a20-> ghr_<a20-> github_pat_<w20->", Any, "ghp_<a36>", "ghp_<a8>"),
    shaped("gitlab-token", "glpat-<p20-> gldt-<p20-> glrt-<p20-> glptt-<p20-> glcbt-<p20-> glft-<p20-> glsoat-<p20-> gloas-<p20-> glagent-<p20-> glimt-<p20-> glffct-<p20-> GR1348941<u20-> _gitlab_session=(<l24->)", Any, "glpat-<u20>", "glpat-<u6>"),
    shaped("slack-token", "~xoxa-<u10-> ~xoxb-<u10-> ~xoxc-<u10-> ~xoxe-<u10-> ~xoxo-<u10-> ~xoxp-<u10-> ~xoxr-<u10-> ~xoxs-<u10-> ~xoxe-<d1>-<a60-> ~xapp-<d1>-<a1->-<d1->-<u1->", Any, "xoxb-<d11>-<d11>-<a24>", "xoxb-short xapp-1-short"),
    shaped("slack-webhook", "hooks.slack.com/services/(<B8->) hooks.slack.com/workflows/(<B8->) hooks.slack.com/triggers/(<B8->)", Any, "https://hooks.slack.com/services/T<U8>/B<U8>/<a24>", "https://hooks.slack.com/services/x"),
    shaped("teams-webhook", "(<u0->.webhook.office.com/webhookb2/<v8->)", Any, "https://corp.webhook.office.com/webhookb2/<h8>-<h4>@<h8>-<h4>/IncomingWebhook/<h32>/<h8>", "https://corp.webhook.office.com/webhookb2/"),
    shaped("discord-token", "|M<a22-29>.<u6>.<u27-> |N<a22-29>.<u6>.<u27-> |O<a22-29>.<u6>.<u27->", Numbered, "MTIzNDU2Nzg5MDEyMzQ1Njc4.<a6>.<a27>", "MainCloudStorageClientTest.OAuth2.AuthorizationResponseErrorTest"),
    shaped("discord-webhook", "discord.com/api/webhooks/(<d17-20>/<u30->) discordapp.com/api/webhooks/(<d17-20>/<u30->)", Any, "https://discord.com/api/webhooks/<d18>/<u68>", "discord.com/api/webhooks/list"),
    shaped("telegram-token", "|<d5-16>:A<u33-40>", Entropy(350), "<d10>:A<a34>", "<d10>:A<a9>"),
    shaped("stripe-key", "|sk_live_<a10-> |rk_live_<a10-> |sk_test_<a10-> |rk_test_<a10-> |sk_prod_<a10-> |rk_prod_<a10-> whsec_<a24->", Any, "sk_live_<a24>", "sk_live_<a5>"),
    shaped("google-api-key", "AIza<u30-> GOCSPX-<u20-> |ya29.<u20->", Any, "AIza<u35>", "AIza<u9>"),
    shaped("npm-token", "~npm_<a30->", Any, "npm_<a36>", "npm_config_cache"),
    shaped("pypi-token", "pypi-<u32->", Mixed, "pypi-AgEIcHlwaS5vcmc<u60>", "pypi-server-with-a-long-name-and-no-secret-at-all"),
    shaped("crates-io-token", "|cio<a32->", Mixed, "cio<a32>", "cio<a9>"),
    shaped("sk-api-key", "|sk-<u20->", Digit, "sk-<a48>", "sk-learn-models-and-pipelines"),
    shaped("hugging-face-token", "hf_<a30-> api_org_<a30->", Any, "hf_<L34>", "hf_hub_download"),
    around("jwt", SecretContext::Jwt, "eyj .ey", "eyJ<a17>.eyJ<a30>.<a43>", "eyJ<a17>"),
    shaped("jwt", "|ZXlK<k40-><=0-2>", Entropy(300), "ZXlK<b64>", "ZXlK<b9>"),
    around("authorization", SecretContext::Authorization, "authorization", "Authorization: Bearer <a24>", "authorization is needed"),
    around("bearer-token", SecretContext::Bearer, "bearer", "use bearer <a24>", "a bearer token is needed"),
    shaped("basic-credentials", "~|basic<s1->(<b8-><=0-2>)", Basic, "Basic bWU6aHVudGVyMg==", "Basic authentication"),
    around("url-credentials", SecretContext::UrlCredentials, "://", "https://me:hunter2@example.org", "https://me@example.org"),
    around("curl-user", SecretContext::CurlUser, "curl", "curl -u me:hunter2 https://example.org", "curl -u me https://example.org"),
    around("curl-header", SecretContext::CurlHeader, "curl", "curl -H 'Key: <a20>' https://example.org", "curl -H 'Accept: text/html' https://example.org"),
    around("cookie", SecretContext::Cookie, "cookie", "Cookie: sid=<a24>; theme=dark", "Cookie: none"),
    shaped("cookie", "~sessionid=(<%16->) ~phpsessid=(<%16->) ~jsessionid=(<%16->) ~.sid=(<%16->) ~_session=(<%16->) ~session_id=(<%16->)", Digit, "x?JSESSIONID=<U32>", "x?sessionid=none"),
    shaped("1password", "|A3-<U6>-<U5-11>-<U5-6>-<U5><u0-> |ops_eyJ<b100-><=0-3>", Any, "A3-<U6>-<U11>-<U5>-<U5>-<U5>", "A3-paper-size"),
    shaped("adobe-secret", "~|p8e-<a32>", Entropy(200), "p8e-<l32>", "p8e-<l9>"),
    shaped("airtable-token", "|pat<a14>.<h64>", Any, "pat<a14>.<h64>", "pat<a14>.<h9>"),
    shaped("alibaba-access-key", "|LTAI<a20-22>", Entropy(200), "LTAI<a20>", "LTAI<a9>"),
    shaped("artifactory-token", "|AKCp<a60-> |cmVmd<a59>", Entropy(400), "AKCp<a69>", "AKCp<a9>"),
    shaped("atlassian-token", "~ATATT3<e60-> ~ATCTT3<e60->", Any, "ATATT3<u186>", "ATATT3<u9>"),
    shaped("authress-key", "|sc_<a5-30>.<a4-6>.acc<u10-40>.<B30-> |ext_<a5-30>.<a4-6>.acc<u10-40>.<B30-> |scauth_<a5-30>.<a4-6>.acc<u10-40>.<B30-> |authress_<a5-30>.<a4-6>.acc<u10-40>.<B30->", Any, "sc_<l20>.<l5>.acc-<l20>.<b40>", "sc_<l20>.<l5>.acc-<l4>"),
    shaped("clickhouse-key", "|4b1d<a38>", Entropy(300), "4b1d<a38>", "4b1d<a36>"),
    shaped("clojars-token", "~clojars_<a50->", Any, "CLOJARS_<l60>", "clojars_<l9>"),
    shaped("cloudflare-key", "|v1.0-<h24>-<h100->", Any, "v1.0-<h24>-<h146>", "v1.0-<h24>"),
    shaped("databricks-token", "|dapi<h32>", Entropy(300), "dapi<h32>", "dapi<h9>"),
    shaped("defined-networking-token", "~dnkey-<e26->", Entropy(300), "dnkey-<u26>-<u52>", "dnkey-<u9>"),
    shaped("digitalocean-token", "~doo_v1_<H40-> ~dop_v1_<H40-> ~dor_v1_<H40->", Any, "dop_v1_<h64>", "dop_v1_<h9>"),
    shaped("docker-token", "dckr_pat_<u20-> dckr_oat_<u20->", Any, "dckr_pat_<u27>", "dckr_pat_<u4>"),
    shaped("doppler-token", "dp.pt.<a40-> dp.ct.<a40-> dp.sa.<a40-> dp.scim.<a40-> dp.audit.<a40-> (dp.st.<p0-9><p40->)", Any, "dp.pt.<a43>", "dp.pt.<a9>"),
    shaped("duffel-token", "duffel_test_<e40-> duffel_live_<e40->", Any, "duffel_test_<u43>", "duffel_test_<u9>"),
    shaped("dynatrace-token", "dt0c01.<a20-30>.<a60->", Any, "dt0c01.<U24>.<U64>", "dt0c01.<U24>"),
    shaped("easypost-key", "|EZAK<a50-> |EZTK<a50->", Any, "EZAK<a54>", "EZAK<a9>"),
    shaped("facebook-token", "|EAAM<a90-> |EAAC<a90-> |<d15-16>%<u27-> |<d15-16>|<u27->", Any, "<d15>|<u27>", "<d15>|x"),
    shaped("flutterwave-key", "FLWSECK_TEST-<a12-> FLWPUBK_TEST-<a12-> FLWSECK-<a20->", Any, "FLWSECK_TEST-<h32>-X", "FLWSECK_TEST-<h4>"),
    shaped("fly-token", "|fo1_<u43-> |fm1a_<b80-><=0-3> |fm1r_<b80-><=0-3> |fm2_<b80-><=0-3>", Any, "fo1_<u43>", "fo1_<u9>"),
    shaped("frameio-token", "fio-u-<e50->", Any, "fio-u-<u64>", "fio-u-<u9>"),
    shaped("freemius-key", r#"~secret_key"<s0->=><s0->"(sk_<x20->) ~secret_key"<s0->=><s0->'(sk_<x20->) ~secret_key'<s0->=><s0->"(sk_<x20->) ~secret_key'<s0->=><s0->'(sk_<x20->)"#, Any, r#""secret_key" => "sk_<a29>""#, "the secret_key of sk_x"),
    shaped("grafana-token", "~|eyJrIjoi<a60-><=0-3> ~|glc_<b32-><=0-3> ~|glsa_<a32>_<H8->", Any, "glsa_<a32>_<h8>", "glsa_<a9>"),
    shaped("harness-key", "|pat.<u22>.<a24>.<a20-> |sat.<u22>.<a24>.<a20->", Any, "pat.<u22>.<a24>.<a20>", "pat.<u22>.<a24>.x"),
    shaped("terraform-token", "<a14-64>.atlasv1.<e50->", Any, "<a14>.atlasv1.<u64>", "<a14>.atlasv1.x"),
    shaped("heroku-key", "|HRKU-AA<u50->", Any, "HRKU-AA<u58>", "HRKU-AA<u9>"),
    shaped("infracost-key", "|ico-<a32>", Entropy(300), "ico-<a32>", "ico-<a9>"),
    shaped("intra42-secret", "~|s-s4t2ud-<H60-> ~|s-s4t2af-<H60->", Any, "s-s4t2ud-<h64>", "s-s4t2ud-<h9>"),
    shaped("linear-key", "lin_api_<a36-> lin_oauth_<a36->", Any, "lin_api_<a40>", "lin_api_<a9>"),
    shaped("lob-key", "|live_<h35> |test_<h35> |test_pub_<h31> |live_pub_<h31>", Entropy(300), "live_<h35>", "live_<h9>"),
    shaped("mailchimp-key", "|~<H32>-us<d1-2>", Entropy(300), "<h32>-us12", "<h32>-us"),
    shaped("mailgun-key", "|key-<h32> |pubkey-<h32>", Entropy(300), "key-<h32>", "key-<h9>"),
    shaped("mapbox-token", "|pk.<a60>.<a22-> |sk.<a60>.<a22->", Any, "pk.<l60>.<l22>", "pk.<l60>.x"),
    shaped("maxmind-key", "|<a6>_<a29>_mmk", Entropy(350), "<a6>_<a29>_mmk", "<a6>_mmk"),
    shaped("new-relic-key", "NRAK-<a27-> NRJS-<H19-> NRII-<u32-> NRRA-<h40->", Any, "NRAK-<U27>", "NRAK-<U9>"),
    shaped("notion-token", "|ntn_<a40-> |secret_<a43>", Entropy(350), "ntn_<d11><a35>", "ntn_<a9>"),
    shaped("octopus-key", "|API-<U26>", Entropy(300), "API-<U26>", "API-<U9>"),
    shaped("okta-token", "|00<u40>", Mixed, "00<u40>", "00<u9>"),
    shaped("openshift-token", "|sha256~<u43>", Entropy(300), "sha256~<u43>", "sha256~<u9>"),
    shaped("perplexity-key", "|pplx-<a40->", Any, "pplx-<a48>", "pplx-<a9>"),
    shaped("plaid-token", "~access-sandbox-<H8>-<H4>-<H4>-<H4>-<H12> ~access-development-<H8>-<H4>-<H4>-<H4>-<H12> ~access-production-<H8>-<H4>-<H4>-<H4>-<H12>", Any, "access-sandbox-<h8>-<h4>-<h4>-<h4>-<h12>", "access-sandbox-<h8>"),
    shaped("planetscale-token", "~pscale_tkn_<p32-> ~pscale_oauth_<p32-> ~pscale_pw_<p32->", Any, "pscale_tkn_<u43>", "pscale_tkn_<u9>"),
    shaped("postman-key", "~|pmak-<H24>-<H34->", Any, "PMAK-<h24>-<h34>", "PMAK-<h24>"),
    shaped("prefect-key", "|pnu_<a36>", Entropy(200), "pnu_<a36>", "pnu_<a9>"),
    shaped("pulumi-token", "|pul-<h40>", Entropy(200), "pul-<h40>", "pul-<h9>"),
    shaped("readme-key", "|rdme_<l60->", Any, "rdme_<l70>", "rdme_<l9>"),
    shaped("rubygems-key", "rubygems_<h40->", Any, "rubygems_<h48>", "rubygems_<h9>"),
    shaped("scalingo-token", "|tk-us-<u40->", Any, "tk-us-<u48>", "tk-us-<u9>"),
    shaped("sendgrid-key", "|SG.<p50->", Entropy(300), "SG.<a22>.<a43>", "SG.<a9>"),
    shaped("sendinblue-key", "xkeysib-<h60->-<a16>", Any, "xkeysib-<h64>-<a16>", "xkeysib-<h9>"),
    shaped("sentry-token", "sntrys_<b30-><B0-> sntryu_<h40->", Any, "sntryu_<h64>", "sntryu_<h9>"),
    shaped("settlemint-token", "|sm_aat_<a16-> |sm_pat_<a16-> |sm_sat_<a16->", Any, "sm_aat_<a16>", "sm_aat_<a4>"),
    shaped("shippo-token", "shippo_live_<H32-> shippo_test_<H32->", Any, "shippo_live_<h40>", "shippo_live_<h9>"),
    shaped("shopify-token", "shpat_<H32-> shpca_<H32-> shppa_<H32-> shpss_<H32->", Any, "shpat_<h32>", "shpat_<h9>"),
    shaped("sonar-token", "|squ_<l40> |sqp_<l40> |sqa_<l40>", Any, "squ_<h40>", "squ_<h9>"),
    shaped("sourcegraph-token", "~|sgp_<H16>_<H40-> ~|sgp_local_<H40-> ~|sgp_<H40>", Entropy(300), "sgp_<h16>_<h40>", "sgp_<h16>"),
    shaped("square-token", "|EAAA<u22-60> sq0atp-<u22-> sq0csp-<u22->", Entropy(200), "sq0atp-<u22>", "sq0atp-<u5>"),
    shaped("twilio-key", "|SK<H32>", Entropy(300), "SK<h32>", "SK<h9>"),
    shaped("typeform-token", "|tfp_<p50->", Entropy(300), "tfp_<u59>", "tfp_<u9>"),
    shaped("vault-token", "|hvs.<u24-> |hvb.<u24-> |hvr.<u24-> |s.<a24>", Random(350), "hvs.<a95>", "hvs.<a9>"),
    shaped("yandex-key", "|AQVN<u35-38> |t1.<u20-><=0-2>.<u86><=0-2> |YC<u38>", Entropy(350), "AQVN<a36>", "AQVN<a9>"),
    shaped("dropbox-token", "|sl.<e120->", Entropy(200), "sl.<u135>", "sl.<u9>"),
    shaped("gocardless-token", "|live_<e40> |sandbox_<e40>", Mixed, "live_<a40>", "live_<a9>"),
    shaped("password-hash", "$apr1$<t1->$<t16-> $2a$<d2>$<t40-> $2b$<d2>$<t40-> $2y$<d2>$<t40-> $1$<t1-8>$<t22> $5$<t1->$<t40-> $6$<t1->$<t60-> $y$<t1->$<t1->$<t20-> {SHA}<b26-><=0-2> {SSHA}<b26-><=0-2>", Any, "me:$apr1$<a8>$<a22>", "me:$apr1$x"),
    named("adafruit-secret", "adafruit", "<u32>", Any, "adafruit = <u32>", "adafruit = <l7>"),
    named("adobe-secret", "adobe", "<H32>", Entropy(200), "adobe = <H32>", "adobe = <l7>"),
    named("airtable-token", "airtable", "<a17>", Entropy(200), "airtable = <a17>", "airtable = <l7>"),
    named("algolia-secret", "algolia", "<a32>", Entropy(200), "algolia = <a32>", "algolia = <l7>"),
    named("alibaba-secret", "alibaba", "<a30>", Entropy(200), "alibaba = <a30>", "alibaba = <l7>"),
    named("asana-secret", "asana", "<d16> <a32>", Entropy(200), "asana = <d16>", "asana = <l7>"),
    named("atlassian-token", "atlassian confluence jira", "<a24>", Entropy(350), "atlassian = <a24>", "atlassian = <l7>"),
    named("beamer-secret", "beamer", "~b_<e44>", Any, "beamer = b_<e44>", "beamer = <l7>"),
    named("bitbucket-secret", "bitbucket", "<a32> <e64>", Entropy(200), "bitbucket = <a32>", "bitbucket = <l7>"),
    named("bittrex-secret", "bittrex", "<a32>", Entropy(200), "bittrex = <a32>", "bittrex = <l7>"),
    named("meraki-secret", "meraki", "<h40>", Entropy(300), "meraki = <h40>", "meraki = <l7>"),
    named("cloudflare-key", "cloudflare", "<u40> <H37>", Entropy(200), "cloudflare = <u40>", "cloudflare = <l7>"),
    named("codecov-secret", "codecov", "<a32>", Entropy(200), "codecov = <a32>", "codecov = <l7>"),
    named("cohere-secret", "cohere co_api_key", "<a40>", Entropy(350), "cohere = <a40>", "cohere = <l7>"),
    named("coinbase-secret", "coinbase", "<u64>", Entropy(200), "coinbase = <u64>", "coinbase = <l7>"),
    named("confluent-secret", "confluent", "<a16> <a64>", Entropy(250), "confluent = <a16>", "confluent = <l7>"),
    named("contentful-secret", "contentful", "<e43>", Entropy(200), "contentful = <e43>", "contentful = <l7>"),
    named("datadog-secret", "datadog", "<a40> <h32>", Entropy(200), "datadog = <a40>", "datadog = <l7>"),
    named("discord-token", "discord", "<H64> <d18> <e32>", Entropy(200), "discord = <H64>", "discord = <l7>"),
    named("droneci-secret", "droneci", "<a32>", Entropy(200), "droneci = <a32>", "droneci = <l7>"),
    named("dropbox-token", "dropbox", "<a15> <e64> ~sl.<e120->", Entropy(200), "dropbox = <a15>", "dropbox = <l7>"),
    named("etsy-secret", "etsy", "<a24>", Entropy(300), "etsy = <a24>", "etsy = <l7>"),
    named("facebook-token", "facebook", "<H32>", Entropy(300), "facebook = <H32>", "facebook = <l7>"),
    named("fastly-secret", "fastly", "<e32>", Entropy(200), "fastly = <e32>", "fastly = <l7>"),
    named("finicity-secret", "finicity", "<H32> <a20>", Entropy(200), "finicity = <H32>", "finicity = <l7>"),
    named("finnhub-secret", "finnhub", "<a20>", Entropy(200), "finnhub = <a20>", "finnhub = <l7>"),
    named("flickr-secret", "flickr", "<a32>", Entropy(200), "flickr = <a32>", "flickr = <l7>"),
    named("freshbooks-secret", "freshbooks", "<a64>", Entropy(200), "freshbooks = <a64>", "freshbooks = <l7>"),
    named("gitter-secret", "gitter", "<u40>", Entropy(200), "gitter = <u40>", "gitter = <l7>"),
    named("gocardless-token", "gocardless", "~live_<e40>", Any, "gocardless = live_<e40>", "gocardless = <l7>"),
    named("heroku-key", "heroku", "<H8>-<H4>-<H4>-<H4>-<H12>", Any, "heroku = <H8>-<H4>-<H4>-<H4>-<H12>", "heroku = <l7>"),
    named("hubspot-secret", "hubspot", "<H8>-<H4>-<H4>-<H4>-<H12>", Any, "hubspot = <H8>-<H4>-<H4>-<H4>-<H12>", "hubspot = <l7>"),
    named("intercom-secret", "intercom", "<e60>", Entropy(200), "intercom = <e60>", "intercom = <l7>"),
    named("artifactory-token", "jfrog artifactory bintray xray", "<a73> <a64>", Entropy(200), "jfrog = <a73>", "jfrog = <l7>"),
    named("kraken-secret", "kraken", "<B80-90>", Entropy(200), "kraken = <B80>", "kraken = <l7>"),
    named("kucoin-secret", "kucoin", "<H24> <H8>-<H4>-<H4>-<H4>-<H12>", Entropy(200), "kucoin = <H24>", "kucoin = <l7>"),
    named("launchdarkly-secret", "launchdarkly", "<e40>", Entropy(200), "launchdarkly = <e40>", "launchdarkly = <l7>"),
    named("linear-key", "linear", "<H32>", Entropy(200), "linear = <H32>", "linear = <l7>"),
    named("linkedin-secret", "linkedin linked-in linked_in", "<a14> <a16>", Entropy(250), "linkedin = <a14>", "linkedin = <l7>"),
    named("lob-key", "lob", "~live_<H35> ~test_<H35> ~test_pub_<H31> ~live_pub_<H31>", Any, "lob = live_<H35>", "lob = <l7>"),
    named("looker-secret", "looker", "<a20> <a24>", Entropy(250), "looker = <a20>", "looker = <l7>"),
    named("mailchimp-key", "mailchimp mailchimpsdk.initialize", "~<H32>-us<d2>", Any, "mailchimp = <H32>-us<d2>", "mailchimp = <l7>"),
    named("mailgun-key", "mailgun", "<H32> ~key-<H32> ~pubkey-<H32> <a32>-<a8>-<a8>", Entropy(200), "mailgun = <H32>", "mailgun = <l7>"),
    named("mapbox-token", "mapbox", "~pk.<a60>.<a22>", Any, "mapbox = pk.<a60>.<a22>", "mapbox = <l7>"),
    named("mattermost-secret", "mattermost", "<a26>", Entropy(200), "mattermost = <a26>", "mattermost = <l7>"),
    named("messagebird-secret", "messagebird message-bird message_bird", "<a25> <H8>-<H4>-<H4>-<H4>-<H12>", Entropy(200), "messagebird = <a25>", "messagebird = <l7>"),
    named("netlify-secret", "netlify", "<e40-46>", Entropy(200), "netlify = <e40>", "netlify = <l7>"),
    named("new-relic-key", "newrelic new-relic new_relic", "<a64> ~NRJS-<H19> ~NRII-<u32> ~NRAK-<a27>", Entropy(200), "newrelic = <a64>", "newrelic = <l7>"),
    named("nytimes-secret", "nytimes new-york-times newyorktimes new-york-times,", "<e32>", Entropy(200), "nytimes = <e32>", "nytimes = <l7>"),
    named("okta-token", "okta", "00<e40>", Entropy(200), "okta = 00<e40>", "okta = <l7>"),
    named("plaid-token", "plaid", "<a24> <a30>", Entropy(300), "plaid = <a24>", "plaid = <l7>"),
    named("privateai-secret", "privateai private-ai private_ai", "<l32>", Entropy(300), "privateai = <l32>", "privateai = <l7>"),
    named("rapidapi-secret", "rapidapi", "<u50>", Entropy(200), "rapidapi = <u50>", "rapidapi = <l7>"),
    named("sendbird-secret", "sendbird", "<H8>-<H4>-<H4>-<H4>-<H12> <H40>", Entropy(200), "sendbird = <H8>-<H4>-<H4>-<H4>-<H12>", "sendbird = <l7>"),
    named("sentry-token", "sentry", "<H64>", Entropy(300), "sentry = <H64>", "sentry = <l7>"),
    named("sidekiq-secret", "sidekiq bundle_enterprise__contribsys__com bundle_gems__contribsys__com", "<H8>:<H8>", Any, "sidekiq = <H8>:<H8>", "sidekiq = <l7>"),
    named("snyk-secret", "snyk", "<H8>-<H4>-<H4>-<H4>-<H12>", Any, "snyk = <H8>-<H4>-<H4>-<H4>-<H12>", "snyk = <l7>"),
    named("sonar-token", "sonar_login sonar_token sonar-login sonar-token sonar.login sonar.token sonarlogin sonartoken", "<e40> ~squ_<e40> ~sqp_<e40> ~sqa_<e40>", Entropy(300), "sonar_login = <e40>", "sonar_login = <l7>"),
    named("sourcegraph-token", "sourcegraph", "<H40>", Entropy(300), "sourcegraph = <H40>", "sourcegraph = <l7>"),
    named("squarespace-secret", "squarespace", "<H8>-<H4>-<H4>-<H4>-<H12>", Any, "squarespace = <H8>-<H4>-<H4>-<H4>-<H12>", "squarespace = <l7>"),
    named("sumologic-secret", "sumo", "~su<a12> <a64>", Entropy(300), "sumo = su<a12>", "sumo = <l7>"),
    named("telegram-token", "telegr", "~<d5-16>:A<u34>", Any, "telegr = <d5>:A<u34>", "telegr = <l7>"),
    named("travis-secret", "travis", "<a22>", Entropy(250), "travis = <a22>", "travis = <l7>"),
    named("twitch-secret", "twitch", "<a30>", Entropy(200), "twitch = <a30>", "twitch = <l7>"),
    named("twitter-secret", "twitter", "<a45> <a25> <a50> <d15-25>-<a20-40> <%102-124>", Entropy(100), "twitter = <a45>", "twitter = <l7>"),
    named("typeform-token", "typeform", "~tfp_<p59>", Any, "typeform = tfp_<p59>", "typeform = <l7>"),
    named("yandex-key", "yandex", "~t1.<e1->.<e86-88> ~AQVN<u35-38> ~YC<u38>", Any, "yandex = t1.<e1>.<e86>", "yandex = <l7>"),
    named("zendesk-secret", "zendesk", "<a40>", Entropy(200), "zendesk = <a40>", "zendesk = <l7>"),
    around("kubernetes-secret", SecretContext::KubernetesData, "kind:", "kind: Secret data: password: <b24>", "kind: ConfigMap data: colour: <b24>"),
    named("basic-credentials", "auth", "<b8-><=0-2>", Basic, r#""auth": "bWU6aHVudGVyMg==""#, r#""auth": "optional""#),
    around("assignment", SecretContext::Assignment, "passwd password passphrase passcode pwd secret token key credential creds auth access api", "password=hunter2", "token == expected_token"),
];
