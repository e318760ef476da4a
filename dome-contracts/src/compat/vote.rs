//! The second vote: another implementation, by another method.

use jsonschema::canonical::{CanonicalSchema, Containment, options};
use serde::Serialize;
use serde_json::Value;

use super::document::Document;
use super::evaluate::Offline;
use super::keywords::each_schema;

/// What one of the two implementations says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    /// Everything that was accepted still is.
    Compatible,
    /// Something that was accepted no longer is.
    Incompatible,
    /// Neither was established.
    Unknown,
}

/// The second implementation has no limit of its own on work: larger documents are not put to it.
const SCHEMAS_MAX: usize = 5_000;

fn canonical(document: &Document) -> Option<CanonicalSchema> {
    let mut schemas = 0_usize;
    each_schema(&document.root, "", &mut |_, _| schemas = schemas.saturating_add(1));
    if schemas > SCHEMAS_MAX {
        return None;
    }
    options()
        .with_draft(document.dialect.draft())
        .with_retriever(Offline)
        .should_validate_formats(true)
        .canonicalize(&document.root)
        .ok()
}

/// The second vote, and a schema of what is lost where one could be made.
pub(super) fn second(old: &Document, new: &Document) -> (Vote, Option<Value>) {
    let Some((old, new)) = canonical(old).zip(canonical(new)) else {
        return (Vote::Unknown, None);
    };
    let vote = match new.covers(&old) {
        Ok(Containment::Yes) => Vote::Compatible,
        Ok(Containment::No) => Vote::Incompatible,
        Ok(Containment::Unknown) | Err(_) => Vote::Unknown,
    };
    if vote == Vote::Compatible {
        return (vote, None);
    }
    let lost = old.subtract(&new).ok().map(|lost| lost.to_json_schema());
    (vote, lost)
}
