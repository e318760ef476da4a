//! One engine: lines of envelopes in, the directory of a result out, and back again.

pub mod error;
pub mod input;
mod masking;
pub mod parallel;
mod rules;
mod watch;

pub use error::{Error, Kind, Result};
pub use masking::{BUILT_IN, Masking, Redacted, Seen};
pub use rules::{codes, load_rules, policy};
pub use watch::Watch;
