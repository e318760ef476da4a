//! The derived index: finished rows in SQLite, and the questions that they answer.
