//! JSON Schemas of the public documents.
