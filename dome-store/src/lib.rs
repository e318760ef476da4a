//! A long-lived memory: a log that is the truth, and one derived index that answers.

pub mod index;
