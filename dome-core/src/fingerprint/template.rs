//! Message templates: what a message says without numbers, paths, times and ids (M-53).

use compact_str::CompactString;

use super::quotes::QUOTES;
use super::scan::{ESCAPES, PHRASES, Rule, replace, words};
use crate::binder::BinderVersion;
use crate::limits::{TEMPLATE_BYTES, TEMPLATE_LINES};
use crate::text::{cut, trim};

/// The template of a message (M-53): at most 8 lines and 1,024 bytes.
///
/// ```
/// use dome_core::message_template;
/// let message = "AssertionError: expected 3 got 0xe7 at /srv/build/3/test_app.py:12\n\n  in 0.3s";
/// assert_eq!(message_template(message), "AssertionError: expected <n> got <hex> at <path>:<n>\nin <n>s");
/// ```
#[must_use]
pub fn message_template(message: &str) -> CompactString {
    message_template_under(BinderVersion::V1, message)
}

/// The template of a message under a binder, by the rules of its normaliser (M-53).
///
/// ```
/// use dome_core::{BinderVersion, message_template_under};
/// let message = "KeyError: 'user_7' isn't in \"/etc/app.toml\"";
/// assert_eq!(message_template_under(BinderVersion::V2, message), "KeyError: <str> isn\u{2019}t in <str>");
/// ```
#[must_use]
pub fn message_template_under(binder: BinderVersion, message: &str) -> CompactString {
    CompactString::from(Templates::default().of(binder, message))
}

/// Makes templates one after the other, in memory that is kept.
#[derive(Default)]
pub(crate) struct Templates {
    escaped: String,
    text: String,
    spare: String,
    template: String,
}

impl Templates {
    /// The template of a message under a binder (M-53).
    pub(crate) fn of(&mut self, binder: BinderVersion, message: &str) -> &str {
        let quotes: &[Rule] = match binder {
            BinderVersion::V1 => &[],
            BinderVersion::V2 => &QUOTES,
        };
        let Self { escaped, text, spare, template } = self;
        template.clear();
        let (mut count, mut rest) = (0, Some(apply(&ESCAPES, message, escaped, spare)));
        while let Some(whole) = rest {
            if count == TEMPLATE_LINES || template.len() >= TEMPLATE_BYTES {
                break;
            }
            let end = memchr::memchr(b'\n', whole.as_bytes());
            let (line, after) = end.and_then(|end| Some((whole.get(..end)?, whole.get(end + 1..)?))).unzip();
            rest = after;
            let line = apply(quotes.iter().chain(&PHRASES), line.unwrap_or(whole), text, spare);
            spare.clear();
            words(line, spare);
            let line = trim(spare);
            if !line.is_empty() {
                template.push_str(if count == 0 { "" } else { "\n" });
                template.push_str(line);
                count += 1;
            }
        }
        cut(template, TEMPLATE_BYTES)
    }
}

/// The rules in order, each on what the one before left; `text` and `spare` are written over.
fn apply<'r, 't>(
    rules: impl IntoIterator<Item = &'r Rule>,
    line: &'t str,
    text: &'t mut String,
    spare: &mut String,
) -> &'t str {
    let mut rules = rules.into_iter();
    // Most lines have nothing for most rules, and are not copied before something is replaced.
    if !rules.any(|rule| replace(line, *rule, text)) {
        return line;
    }
    for rule in rules {
        if replace(text, *rule, spare) {
            std::mem::swap(text, spare);
        }
    }
    text
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
