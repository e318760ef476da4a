//! Changes that no instance is judged by: annotations, references, the dialect.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::document::Document;
use crate::keywords::{ANNOTATIONS, each_schema};
use crate::pointer;
use crate::report::{Bump, Direction, Finding, Verdict};
use crate::rule::Rule;

/// What changed without changing what is accepted by itself.
pub(super) fn notes(old: &Document, new: &Document, direction: Direction) -> Vec<Finding> {
    let (before, after) = (places(old), places(new));
    let all = before.keys().chain(after.keys()).collect::<BTreeSet<_>>();
    let mut found = Vec::new();
    for (at, keyword) in all {
        let key = (at.clone(), keyword.clone());
        let (one, other) = (before.get(&key), after.get(&key));
        let both = one.is_some() && other.is_some();
        let rule = match keyword.as_str() {
            "$schema" if !at.is_empty() => continue,
            "$schema" => Rule::DialectChanged,
            "$ref" if both => Rule::ReferenceChanged,
            "$ref" => continue,
            _ => Rule::AnnotationChanged,
        };
        // A file that only one side has is not a change of each of its annotations.
        if one != other && old.at(at).is_some() && new.at(at).is_some() {
            let place = pointer::join(at, keyword);
            let text = |value: Option<&&Value>| value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            found.push(Finding {
                rule,
                verdict: Verdict::Compatible,
                direction,
                old: old.display(&place),
                new: new.display(&place),
                message: format!("`{keyword}` was {}, is {}", text(one), text(other)),
                bump: Bump::Patch,
                witness: None,
            });
        }
    }
    found
}

type Places<'a> = BTreeMap<(String, String), &'a Value>;

fn places(document: &Document) -> Places<'_> {
    let mut found = BTreeMap::new();
    each_schema(&document.root, "", &mut |at, schema| {
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            if keyword == "$ref" || ANNOTATIONS.contains(&keyword.as_str()) {
                found.insert((at.to_owned(), keyword.clone()), value);
            }
        }
    });
    found
}
