//! A long-lived memory: a log that is the truth, and one derived index that answers.

mod aside;
pub mod error;
mod folder;
pub mod index;
mod limits;
pub mod log;
mod settings;

pub use error::{Error, Kind, Result};
pub use limits::Limits;
pub use settings::StoreSettings;
