//! Versions without what does not make an old failure a new one (M-51).

use compact_str::CompactString;

use crate::text::trim;

/// A version by M-51: major and minor, `commit` for a build, anything else as it stands.
///
/// ```
/// use dome_core::normal_version;
/// assert_eq!(normal_version(" V8.3.2+local "), "8.3");
/// assert_eq!(normal_version("c111e39"), "commit");
/// assert_eq!(normal_version("1.0rc1"), "1.0rc1");
/// ```
#[must_use]
pub fn normal_version(version: &str) -> CompactString {
    let mut lower = CompactString::from(trim(version));
    lower.make_ascii_lowercase();
    let bare =
        lower.strip_prefix('v').filter(|rest| rest.starts_with(|first: char| first.is_ascii_digit())).unwrap_or(&lower);
    if is_commit(bare) {
        return CompactString::const_new("commit");
    }
    let (head, rest) = bare.split_at(numeric_head(bare));
    let stays = head.is_empty() || rest.starts_with(|next: char| next.is_ascii_alphabetic());
    CompactString::from(if stays { bare } else { head })
}

/// 7 to 64 hex digits with at least one letter and one digit.
fn is_commit(text: &str) -> bool {
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (7..=64).contains(&text.len())
        && text.bytes().all(hex)
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// How many bytes `[0-9]+(\.[0-9]+)?` matches at the start, as much as it can.
fn numeric_head(text: &str) -> usize {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let major = digits(text);
    let minor = text.get(major..).and_then(|rest| rest.strip_prefix('.')).map_or(0, digits);
    if major > 0 && minor > 0 { major + 1 + minor } else { major }
}
