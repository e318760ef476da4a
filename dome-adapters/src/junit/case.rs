//! One `<testcase>` as it stands.

use dome_core::limits::MESSAGE_BYTES;

use crate::finding::Finding;
use crate::reading::{Element, Node, Xml};
use crate::record::cut;

/// A case with what it says about how it ended.
#[derive(Debug)]
pub(super) struct RawCase {
    pub(super) element: Element,
    pub(super) ends: Vec<End>,
}

/// What one child of a case says.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) what: What,
    pub(super) element: Element,
    /// As much of its text as a message may have, without the output in it.
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Failure,
    Error,
    Skipped,
    /// `rerunFailure`, `rerunError`: the case failed again, or before.
    Rerun {
        error: bool,
    },
    /// `flakyFailure`, `flakyError`: the case failed, and passed later.
    Flaky {
        error: bool,
    },
}

impl What {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "failure" => Self::Failure,
            "error" => Self::Error,
            "skipped" | "ignored" | "disabled" => Self::Skipped,
            "rerunFailure" => Self::Rerun { error: false },
            "rerunError" => Self::Rerun { error: true },
            "flakyFailure" => Self::Flaky { error: false },
            "flakyError" => Self::Flaky { error: true },
            _ => return None,
        })
    }
}

/// Reads the case that has begun, to its end.
pub(super) fn read(xml: &mut Xml<'_>, element: Element) -> Result<RawCase, Finding> {
    let mut case = RawCase { element, ends: Vec::new() };
    while let Some(node) = xml.next()? {
        match node {
            Node::Start(child) => match What::of(&child.name) {
                Some(what) => case.ends.push(End { what, element: child, text: text(xml)? }),
                None => xml.skip()?,
            },
            Node::End => break,
            Node::Text(_) => {}
        }
    }
    Ok(case)
}

/// The text of the element that has begun, and of `stackTrace` in it; other elements are passed over.
fn text(xml: &mut Xml<'_>) -> Result<String, Finding> {
    let mut text = String::new();
    let mut inner = 0_u32;
    while let Some(node) = xml.next()? {
        match node {
            Node::Text(piece) => {
                let room = MESSAGE_BYTES.saturating_sub(text.len());
                text.push_str(cut(&piece, room));
            }
            Node::Start(child) if child.name == "stackTrace" => inner += 1,
            Node::Start(_) => xml.skip()?,
            Node::End if inner > 0 => inner -= 1,
            Node::End => break,
        }
    }
    Ok(text)
}
