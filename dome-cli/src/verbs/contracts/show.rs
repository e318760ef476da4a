//! How findings are printed.

use std::fmt::Write as _;

use anyhow::Result;
use dome_contracts::compat::{Bump, Compatibility, ContractFinding, Direction};
use serde_json::Value;

use super::Streams;

impl Streams<'_> {
    /// Prints one object, on one line.
    pub(super) fn object(&mut self, object: &Value) -> Result<()> {
        Ok(writeln!(self.out, "{object}")?)
    }

    /// Prints a line for people.
    pub(super) fn line(&mut self, text: &str) -> Result<()> {
        Ok(writeln!(self.out, "{text}")?)
    }

    /// Says on stderr why something was not done.
    pub(super) fn complain(&mut self, text: &str) -> Result<()> {
        Ok(writeln!(self.err, "dome: {text}")?)
    }
}

/// A finding in a few lines.
pub(super) fn finding(finding: &ContractFinding, contract: Option<&str>) -> String {
    let mut text =
        format!("{} {} ({}, {})", finding.verdict, finding.rule, direction(finding.direction), bump(finding.bump));
    if let Some(contract) = contract {
        text.push_str(&format!(" in {contract}"));
    }
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            let _infallible = write!(text, "\n  {name:<9}{value}");
        }
    };
    add("old", &finding.old);
    add("new", &finding.new);
    add("why", &finding.message);
    if let Some(witness) = &finding.witness {
        add("witness", &witness.to_string());
    }
    text
}

/// The last line: the outcome.
pub(super) fn outcome(verdict: Compatibility, asked: Option<Bump>) -> String {
    match asked {
        None => format!("{verdict}: nothing changed"),
        Some(asked) => format!("{verdict}: asks for a {} version", bump(asked)),
    }
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Backward => "backward",
        Direction::Forward => "forward",
        Direction::Full => "full",
    }
}

fn bump(bump: Bump) -> &'static str {
    match bump {
        Bump::Patch => "patch",
        Bump::Minor => "minor",
        Bump::Major => "major",
    }
}
