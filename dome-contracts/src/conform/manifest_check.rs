//! Reading a manifest: every problem at once.

use std::collections::BTreeSet;

use dome_core::{EvidencePath, SideEffectsMode};
use schema_compat::{Dialect, Problem, Schema, json};
use serde_json::Value;

use super::manifest::{Expect, Manifest, ManifestError, ManifestProblem, manifest_schema};

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// Every problem with its place: what the published schema refuses, and, where the shape is right,
    /// what it cannot say (names twice, codes that are not declared, unsafe paths, schemas that are none).
    pub fn parse(document: &[u8]) -> Result<Self, ManifestError> {
        let document = document.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(document);
        let value = json::parse(document).map_err(|why| one("", format!("not JSON: {why}")))?;
        let shape = shape(&value);
        if !shape.is_empty() {
            return Err(ManifestError { problems: shape });
        }
        let mut manifest: Self = serde_json::from_value(value).map_err(|why| one("", why.to_string()))?;
        let mut checks = Checks { manifest: &manifest, problems: BTreeSet::new() };
        checks.all();
        if !checks.problems.is_empty() {
            return Err(ManifestError { problems: checks.problems.into_iter().collect() });
        }
        manifest.files.insert(manifest.entry.clone());
        Ok(manifest)
    }
}

fn one(pointer: &str, message: String) -> ManifestError {
    ManifestError { problems: vec![ManifestProblem { pointer: pointer.to_owned(), message }] }
}

/// What the published schema refuses.
fn shape(value: &Value) -> Vec<ManifestProblem> {
    let validator = Schema::from_value(manifest_schema(), Dialect::Draft202012).and_then(|schema| schema.validator());
    #[expect(clippy::expect_used, reason = "the schema is part of this crate, and a test compiles it")]
    let validator = validator.expect("the published schema of a manifest is a schema");
    let problem = |problem: Problem| ManifestProblem { pointer: problem.pointer, message: shortened(&problem.message) };
    let problems: BTreeSet<ManifestProblem> = validator.problems(value).map(problem).collect();
    problems.into_iter().collect()
}

/// A message that quotes a whole document helps nobody.
fn shortened(message: &str) -> String {
    if message.chars().count() <= 300 {
        return message.to_owned();
    }
    let end: String = message.chars().skip(message.chars().count().saturating_sub(180)).collect();
    format!("…{end}")
}

struct Checks<'m> {
    manifest: &'m Manifest,
    problems: BTreeSet<ManifestProblem>,
}

impl Checks<'_> {
    fn say(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.problems.insert(ManifestProblem { pointer: pointer.into(), message: message.into() });
    }

    fn all(&mut self) {
        self.paths();
        self.policy();
        self.codes();
        self.fixtures();
        for (name, schema) in self.manifest.schemas.named() {
            if let Err(why) = Schema::from_value(schema.clone(), Dialect::Draft202012) {
                self.say(format!("/schemas/{name}{}", why.pointer), why.reason);
            }
        }
    }

    fn paths(&mut self) {
        let manifest = self.manifest;
        let workdir = manifest.workdir.iter().map(|path| ("/workdir", path));
        let files = manifest.files.iter().map(|path| ("/files", path));
        for (pointer, path) in [("/entry", &manifest.entry)].into_iter().chain(workdir).chain(files) {
            if let Err(why) = EvidencePath::new(path) {
                self.say(pointer, format!("`{path}`: {why}"));
            }
        }
        if !manifest.files.is_empty() && !manifest.files.contains(&manifest.entry) {
            self.say("/files", format!("the entry `{}` is not among them", manifest.entry));
        }
        for path in &manifest.side_effects.allow_paths {
            if path.split('/').any(|segment| segment == "..") {
                self.say("/side_effects/allow_paths", format!("`{path}` goes up"));
            }
        }
    }

    fn policy(&mut self) {
        let policy = &self.manifest.side_effects;
        if policy.mode == SideEffectsMode::Scoped {
            return;
        }
        for (name, list) in [
            ("allow_commands", &policy.allow_commands),
            ("allow_domains", &policy.allow_domains),
            ("allow_paths", &policy.allow_paths),
        ] {
            if !list.is_empty() {
                self.say(format!("/side_effects/{name}"), format!("only `scoped` lists any, not `{}`", policy.mode));
            }
        }
    }

    fn codes(&mut self) {
        let mut seen = BTreeSet::new();
        for (index, failure) in self.manifest.failures.iter().enumerate() {
            let code = failure.failure_reason_code.as_str();
            if !seen.insert(code) {
                self.say(format!("/failures/{index}"), format!("`{code}` stands twice"));
            }
            if self.manifest.denials.iter().any(|denial| denial.as_str() == code) {
                self.say(format!("/failures/{index}"), format!("`{code}` is a denial, too: the two never meet (M-04)"));
            }
        }
    }

    fn fixtures(&mut self) {
        let mut names = BTreeSet::new();
        for (index, fixture) in self.manifest.fixtures.iter().enumerate() {
            if !names.insert(&fixture.name) {
                self.say(format!("/fixtures/{index}/name"), format!("`{}` stands twice", fixture.name));
            }
            let undeclared = match &fixture.expect {
                Expect::Output { .. } => None,
                Expect::Failure { failure_reason_code: code } => {
                    (!self.manifest.declares_failure(code.as_str())).then(|| code.as_str())
                }
                Expect::Denial { policy_reason_code: code } => {
                    (!self.manifest.denials.contains(code)).then(|| code.as_str())
                }
            };
            if let Some(code) = undeclared {
                self.say(format!("/fixtures/{index}/expect"), format!("`{code}` is not declared"));
            }
        }
    }
}

impl Manifest {
    /// Whether a failure code is declared.
    #[must_use]
    pub fn declares_failure(&self, code: &str) -> bool {
        self.failures.iter().any(|failure| failure.failure_reason_code.as_str() == code)
    }

    /// Whether a denial is declared.
    #[must_use]
    pub fn declares_denial(&self, code: &str) -> bool {
        self.denials.iter().any(|denial| denial.as_str() == code)
    }
}
