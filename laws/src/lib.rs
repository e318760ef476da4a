//! Holds no code: what there is to see is in `tests/`, written against the public API alone.
