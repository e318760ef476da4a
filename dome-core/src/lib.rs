//! What a dome record is: envelopes read strictly, problems named, canonical bytes, fingerprints and keys.
