//! What an output may be, as data, and the only way from bytes to an output.

mod document;
mod name;
mod output;
mod problem;
mod shape;
mod validate;

pub use document::{ContractError, OutputContract};
pub use name::{MemberName, MemberPath, NameError};
pub use output::{Leaf, Output, TextMark};
pub use problem::{MapFailure, OutputProblem};
pub use shape::{ObjectShape, Shape};

pub(crate) use output::Field;
