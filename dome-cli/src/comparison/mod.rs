//! What `dome diff` and `dome plan` have in common: two sides, and how their difference is shown.

mod render;
mod side;

pub(crate) use render::{Shown, print};
pub(crate) use side::Side;
