//! Validators of the three schemas, and documents made from them.

use schema_compat::{Dialect, Problem, Schema, Validator};
use serde_json::Value;

use super::contract::short;
use super::manifest::Manifest;

/// Validators of a manifest's schemas.
pub(super) struct Judges {
    config: Validator,
    input: Validator,
    output: Validator,
}

impl Judges {
    /// `None`, where a schema has none: then the manifest would not have been read.
    pub(super) fn of(manifest: &Manifest) -> Option<Self> {
        let build = |schema: &Value| Schema::from_value(schema.clone(), Dialect::Draft202012).ok()?.validator().ok();
        let schemas = &manifest.schemas;
        Some(Self { config: build(&schemas.config)?, input: build(&schemas.input)?, output: build(&schemas.output)? })
    }

    /// What is wrong with a document of input and configuration.
    pub(super) fn problems(&self, config: &Value, input: &Value) -> Vec<String> {
        let mut problems = told("config", &self.config, config);
        problems.extend(told("input", &self.input, input));
        problems
    }

    /// Whether the schemas accept it.
    pub(super) fn accept(&self, config: &Value, input: &Value) -> bool {
        self.config.is_valid(config) && self.input.is_valid(input)
    }

    /// What is wrong with an output.
    pub(super) fn output(&self, output: &Value) -> Vec<String> {
        told("output", &self.output, output)
    }
}

fn told(name: &str, validator: &Validator, value: &Value) -> Vec<String> {
    let problem = |Problem { pointer, message }| {
        let message: String = message.chars().take(200).collect();
        format!("{name} `{pointer}`: {message}")
    };
    if validator.is_valid(value) { Vec::new() } else { validator.problems(value).map(problem).take(4).collect() }
}

/// Whether it is small enough, and of a kind that can be sent.
pub(super) fn is_sendable(value: &Value) -> bool {
    short(value).len() < 200_000
}
