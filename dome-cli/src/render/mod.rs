//! What several verbs show the same way.

pub(crate) mod caret;
pub(crate) mod chart;
pub(crate) mod comparison;
pub(crate) mod failing;
pub(crate) mod github;
pub(crate) mod said;
pub(crate) mod terms;
