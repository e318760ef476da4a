//! What dome promises and relies on: pinned contracts and their digests.
