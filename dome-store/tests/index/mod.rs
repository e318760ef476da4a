//! The index answers what a replay answers, however it was derived; and notices when it cannot.

mod answers;
mod files;
mod origins;
mod support;
