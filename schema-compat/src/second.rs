//! The second vote: another implementation, by another method.

use jsonschema::canonical::{CanonicalSchema, Containment, options};
use serde_json::Value;

use crate::document::Document;
use crate::evaluate::Offline;
use crate::keywords::each_schema;
use crate::report::Vote;

/// The second implementation has no limit of its own on work: larger documents are not put to it.
const SCHEMAS_MAX: usize = 5_000;

impl Document {
    /// The canonical form; `None` if there is none, or if the document is too large to be put to it.
    pub(crate) fn canonical(&self) -> Option<CanonicalSchema> {
        let mut schemas = 0_usize;
        each_schema(&self.root, "", &mut |_, _| schemas = schemas.saturating_add(1));
        if schemas > SCHEMAS_MAX {
            return None;
        }
        let options = options().with_draft(self.dialect.draft()).with_retriever(Offline);
        options.should_validate_formats(true).canonicalize(&self.root).ok()
    }
}

/// The second vote, and a schema of what is lost where one could be made.
pub(crate) fn vote(old: &Document, new: &Document) -> (Vote, Option<Value>) {
    let Some((old, new)) = old.canonical().zip(new.canonical()) else {
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
