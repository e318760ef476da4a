//! Secrets that are known by what stands around them: key blocks, headers, URLs, command lines.

use std::ops::Range;

use memchr::memmem;

use super::assigned;
use super::rules::SecretContext;
use super::shape::{Alphabet, SearchedText};

/// How far a command line or a document goes on behind the word that begins it.
const REACH: usize = 4_096;

/// The secrets of a context whose word stands at `word`; says from where it is to be looked for again.
///
/// Whoever looks ahead says so: no byte is looked at again for a word that stands in what was seen.
pub(super) fn find(
    context: SecretContext,
    text: &mut SearchedText<'_>,
    word: Range<usize>,
    found: &mut Vec<Range<usize>>,
) -> usize {
    let one = match context {
        SecretContext::CurlUser => return curl_user(text, word, found),
        SecretContext::CurlHeader => return curl_header(text, word, found),
        SecretContext::KubernetesData => return kubernetes_data(text, word, found),
        SecretContext::Cookie => return cookies(text, word.end, found),
        SecretContext::KeyBlock => key_block(text, word),
        SecretContext::Jwt => jwt(text, word.start),
        SecretContext::Authorization => authorization(text, word.end),
        SecretContext::Bearer => bearer(text, word),
        SecretContext::UrlCredentials => url_credentials(text, word.end),
        SecretContext::Assignment => assigned::secret(text, word),
    };
    let end = one.as_ref().map_or(0, |secret| secret.end);
    found.extend(one);
    end
}

/// `-----BEGIN x PRIVATE KEY-----` to its end, or to that of the text.
fn key_block(text: &mut SearchedText<'_>, begin: Range<usize>) -> Option<Range<usize>> {
    let label = text.while_in(
        begin.end,
        120,
        |byte| matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b' ' | b'_' | b'-'),
    );
    is_private_label(text.part(begin.end..label)).then_some(())?;
    let mut at = label;
    while let Some(next) = memmem::find(text.part(at..text.bytes.len()), b"-----") {
        text.steps += next as u64 + 5;
        let end = at + next + 5;
        // `-----END x PRIVATE KEY-----`: the dashes behind the words.
        let before = text.part(end.saturating_sub(100).max(label)..end - 5).to_ascii_uppercase();
        if before.ends_with(b"PRIVATE KEY") || before.ends_with(b"KEY BLOCK") {
            return Some(begin.start..end);
        }
        at = end;
    }
    text.steps += (text.bytes.len() - at) as u64;
    Some(begin.start..text.bytes.len())
}

fn is_private_label(label: &[u8]) -> bool {
    let label = label.to_ascii_uppercase();
    let Some(dashes) = memmem::find(&label, b"-----") else { return false };
    let name = label.split_at(dashes).0;
    name.ends_with(b"PRIVATE KEY") || name.ends_with(b"PRIVATE KEY BLOCK")
}

/// `eyJx.eyJx.x`, with up to five parts; also the first two alone.
fn jwt(text: &mut SearchedText<'_>, word: usize) -> Option<Range<usize>> {
    let start = if text.byte(word) == Some(b'.') { word - text.run_before(Alphabet::NAME, word, 2_048) } else { word };
    let is_token = |text: &mut SearchedText<'_>, at| text.literal(b"ey", at, false);
    is_token(text, start).then_some(())?;
    let first = text.run(Alphabet::NAME, start);
    let is_json = text.literal(b"eyJ", start, false);
    (first - start >= if is_json { 11 } else { 19 }).then_some(())?;
    let second = is_token(text, first + 1);
    let (mut end, mut parts) = (first, 1);
    while parts < 5 && text.byte(end) == Some(b'.') {
        let alphabet = if !is_json || (second && parts == 1) { Alphabet::BACKSLASHED } else { Alphabet::NAME };
        end = text.run(alphabet, end + 1);
        parts += 1;
    }
    ((second && end - first > 11) || (is_json && parts > 2)).then_some(start..end)
}

/// `Authorization: Basic x`, `authorization=x`.
fn authorization(text: &mut SearchedText<'_>, end: usize) -> Option<Range<usize>> {
    const SCHEMES: [&[u8]; 8] =
        [b"basic", b"bearer", b"token", b"negotiate", b"apikey", b"api-token", b"digest", b"aws4-hmac-sha256"];
    let sign = assigned::sign(text, end)?;
    let value = text.while_in(sign.end, 1, |byte| matches!(byte, b'"' | b'\''));
    let scheme = SCHEMES.iter().find(|scheme| text.literal(scheme, value, true));
    if let Some(scheme) = scheme {
        let at = value + scheme.len();
        let start = text.run(Alphabet::SPACE, at);
        let end = text
            .while_in(start, usize::MAX, |byte| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'\\'));
        if start > at && end > start {
            return Some(start..end);
        }
    }
    let end = text.run(Alphabet::TOKEN, value);
    (end - value >= 16).then_some(value..end)
}

/// `Bearer x`
fn bearer(text: &mut SearchedText<'_>, word: Range<usize>) -> Option<Range<usize>> {
    let is_inside = word.start > 0 && text.byte(word.start - 1).is_some_and(is_of_word);
    let start = text.run(Alphabet::SPACE, word.end);
    let end = text.run(Alphabet::TOKEN, start);
    (!is_inside && start > word.end && end - start >= 16).then_some(start..end)
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// `://user:password@`
fn url_credentials(text: &mut SearchedText<'_>, start: usize) -> Option<Range<usize>> {
    let ends = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>');
    let end = text.while_in(start, usize::MAX, |byte| !ends(byte));
    let authority = text.part(start..end);
    let colon = memchr::memchr2(b':', b'@', authority).filter(|at| authority.get(*at) == Some(&b':'))?;
    let at = memchr::memrchr(b'@', authority)?;
    (colon < at).then_some(start..start + at)
}

/// Behind `Cookie:` and `Set-Cookie:` the value of each cookie; of the latter not its attributes.
fn cookies(text: &mut SearchedText<'_>, end: usize, found: &mut Vec<Range<usize>>) -> usize {
    let Some(sign) = assigned::sign(text, end) else { return 0 };
    let mut at = text.while_in(sign.end, 1, |byte| matches!(byte, b'"' | b'\''));
    let goes_on = |byte: u8| !matches!(byte, b'\n' | b'\r' | b'"' | b'\'' | b';' | b'\\');
    loop {
        at = text.run(Alphabet::SPACE, at);
        let name = text.while_in(at, 128, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
        if name == at || text.byte(name) != Some(b'=') {
            return at;
        }
        let value = text.while_in(name + 1, usize::MAX, |byte| goes_on(byte) && byte != b' ');
        if !is_attribute(text.part(at..name)) && value > name + SHORT_COOKIE {
            found.push(name + 1..value);
        }
        at = value;
        if text.byte(at) != Some(b';') {
            return at;
        }
        at += 1;
    }
}

/// A session has a longer one.
const SHORT_COOKIE: usize = 8;

fn is_attribute(name: &[u8]) -> bool {
    const ATTRIBUTES: [&[u8]; 7] = [b"path", b"domain", b"expires", b"max-age", b"samesite", b"priority", b"version"];
    ATTRIBUTES.iter().any(|attribute| name.eq_ignore_ascii_case(attribute))
}

/// `curl -u user:password`
fn curl_user(text: &mut SearchedText<'_>, word: Range<usize>, found: &mut Vec<Range<usize>>) -> usize {
    each_option(text, word.end, &[b"-u", b"--user", b"-U", b"--proxy-user"], |text, at| {
        let secret = argument(text, at);
        if text.part(secret.clone()).contains(&b':') {
            found.push(secret.clone());
        }
        secret.end
    })
}

/// `curl -H 'x-key: value'`
fn curl_header(text: &mut SearchedText<'_>, word: Range<usize>, found: &mut Vec<Range<usize>>) -> usize {
    each_option(text, word.end, &[b"-H", b"--header"], |text, at| {
        let header = argument(text, at);
        let Some(colon) = memchr::memchr(b':', text.part(header.clone())) else { return header.end };
        let name = text.part(header.start..header.start + colon).to_ascii_lowercase();
        let value = text.run(Alphabet::SPACE, header.start + colon + 1).min(header.end);
        if (name.ends_with(b"key") || name.ends_with(b"token")) && header.end - value >= 8 {
            found.push(value..header.end);
        }
        header.end
    })
}

/// Goes over the options of a command line; says where it was left.
fn each_option(
    text: &mut SearchedText<'_>,
    from: usize,
    options: &[&[u8]],
    mut each: impl FnMut(&mut SearchedText<'_>, usize) -> usize,
) -> usize {
    let last = from.saturating_add(REACH).min(text.bytes.len());
    let mut at = from;
    while at < last {
        let Some(dash) = text.find(at, last - at, |byte| byte == b'-') else { return last };
        at = dash + 1;
        if !text.byte(dash.saturating_sub(1)).is_some_and(|byte| byte.is_ascii_whitespace()) {
            continue;
        }
        // The longest one: `-u` is no start of `--user`.
        let option = options.iter().find(|option| text.literal(option, dash, false));
        if let Some(option) = option {
            let value = text.while_in(dash + option.len(), 8, |byte| matches!(byte, b' ' | b'\t' | b'='));
            at = each(text, value).max(at);
        }
    }
    at
}

/// An argument of a command line, without its quotes.
fn argument(text: &mut SearchedText<'_>, at: usize) -> Range<usize> {
    match text.byte(at) {
        Some(quote @ (b'"' | b'\'')) => {
            let end = text.while_in(at + 1, REACH, |byte| byte != quote && byte != b'\n');
            // `"user":"password"`
            let more = text.while_in(end, REACH, |byte| !byte.is_ascii_whitespace());
            at + 1..if text.byte(end + 1) == Some(b':') { more } else { end }
        }
        _ => at..text.while_in(at, REACH, |byte| !byte.is_ascii_whitespace()),
    }
}

/// How far `data` may stand from the kind of a document.
const NEAR: usize = 600;

/// `kind: Secret` with `data:` nearby: all values there are in Base64.
fn kubernetes_data(text: &mut SearchedText<'_>, word: Range<usize>, found: &mut Vec<Range<usize>>) -> usize {
    let kind = text.while_in(word.end, 16, |byte| matches!(byte, b' ' | b'\t' | b'"' | b'\''));
    if !text.literal(b"secret", kind, true) {
        return 0;
    }
    let window = word.start.saturating_sub(NEAR)..kind.saturating_add(NEAR).min(text.bytes.len());
    let part = text.part(window.clone());
    text.steps += part.len() as u64;
    let lower = part.to_ascii_lowercase();
    let Some(data) = memmem::find(&lower, b"data:") else { return 0 };
    let mut at = window.start + data + 5;
    while let Some(colon) = text.find(at, window.end.saturating_sub(at), |byte| byte == b':') {
        let value = text.while_in(colon + 1, 64, |byte| {
            matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'|' | b'>' | b'-' | b'\n' | b'+')
        });
        at = text.run(Alphabet::PADDED, value).max(colon + 1);
        if at - value.min(at) >= 10 {
            found.push(value..at);
        }
    }
    window.end
}
