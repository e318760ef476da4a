//! The beginning of a file: enough to tell what it is by what it holds.

use serde::de::DeserializeOwned;

use crate::reading::decoded_head;

/// How much of a file is looked at to tell its format.
pub const HEAD_BYTES: usize = 65_536;

/// The first [`HEAD_BYTES`] of a file, decompressed.
///
/// ```
/// use dome_adapters::Head;
/// let head = Head::of(b"{\"a\": [1, {\"b\": 2}], \"c\": \"d\"");
/// assert!(head.has_member("a") && head.has_member("c") && !head.has_member("b"));
/// ```
#[derive(Clone, Debug)]
pub struct Head {
    text: String,
    members: Vec<String>,
    root: Option<String>,
}

impl Head {
    /// What `bytes` begin with.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let text = decoded_head(bytes.get(..HEAD_BYTES).unwrap_or(bytes));
        Self { members: members(&text), root: root(&text), text }
    }

    /// The bytes as text: by byte order mark or XML declaration, else UTF-8; what is not text in
    /// that encoding is U+FFFD.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The lines that are not blank; the last one may be cut off.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter(|line| !line.trim().is_empty())
    }

    /// Whether the first JSON value is an object that has, as far as it is seen, such a member.
    #[must_use]
    pub fn has_member(&self, name: &str) -> bool {
        self.members.iter().any(|member| member == name)
    }

    pub(crate) fn has_event<E: DeserializeOwned>(&self, is_known: fn(&E) -> bool) -> bool {
        self.lines().take(20).any(|line| serde_json::from_str(line.trim()).is_ok_and(|event| is_known(&event)))
    }

    /// Whether the first JSON value is an array.
    #[must_use]
    pub fn is_array(&self) -> bool {
        self.text.trim_start().starts_with('[')
    }

    /// The local name of the XML root element.
    #[must_use]
    pub fn root(&self) -> Option<&str> {
        self.root.as_deref()
    }
}

/// The names of the members of the object that `text` begins with, as far as it goes.
fn members(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let Some(object) = text.trim_start().strip_prefix('{') else { return found };
    let (mut depth, mut name_next, mut letters) = (1_u64, true, object.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                let Some((text, after)) = string(letters.as_str()) else { break };
                if depth == 1 && name_next {
                    found.push(text.to_owned());
                    name_next = false;
                }
                letters = after.chars();
            }
            '{' | '[' => depth += 1,
            '}' | ']' if depth == 1 => break,
            '}' | ']' => depth -= 1,
            ',' if depth == 1 => name_next = true,
            _ => {}
        }
    }
    found
}

/// What stands before the next quote that is not escaped, and what stands behind it.
fn string(rest: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (place, letter) in rest.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some((rest.get(..place)?, rest.get(place + 1..)?)),
            _ => {}
        }
    }
    None
}

fn root(text: &str) -> Option<String> {
    let mut rest = text.trim_start();
    loop {
        rest = match rest {
            _ if rest.starts_with("<?") => rest.split_once("?>")?.1,
            _ if rest.starts_with("<!--") => rest.split_once("-->")?.1,
            _ if rest.starts_with("<!") => rest.split_once('>')?.1,
            _ => break,
        }
        .trim_start();
    }
    let name = rest.strip_prefix('<')?;
    let end = name.find(|letter: char| letter.is_whitespace() || letter == '>' || letter == '/')?;
    let name = name.get(..end)?;
    Some(name.rsplit_once(':').map_or(name, |(_, local)| local).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_of_the_first_object_are_seen_as_far_as_it_goes() {
        let head = Head::of(br#" {"a\"b": "x,y", "c": {"d": 1}, "e": ["#);
        assert!(["a\\\"b", "c", "e"].iter().all(|name| head.has_member(name)));
        assert!(!["d", "x,y"].iter().any(|name| head.has_member(name)));
        assert!(!Head::of(b"[{\"a\": 1}]").has_member("a"));
    }

    #[test]
    fn the_root_element_is_found_behind_declaration_comment_and_doctype() {
        let root = |text: &str| Head::of(text.as_bytes()).root().map(str::to_owned);
        assert_eq!(
            root("<?xml version='1.0'?>\n<!-- a > b --><!DOCTYPE x>\n<n:testsuites a='b'>"),
            Some("testsuites".into())
        );
        assert_eq!(root("<testsuite/>"), Some("testsuite".into()));
        assert_eq!((root("{}"), root("<"), root("<!--")), (None, None, None));
    }
}
