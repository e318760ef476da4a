//! What the tests of a report share.

use serde_json::{Map, Value};

use crate::members::text_in;
use crate::report::Case;
use crate::when::When;

/// Names under which CI systems say the commit; pytest-metadata puts them into the report.
const COMMITS: [&str; 3] = ["GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT"];
/// The same for the branch.
const BRANCHES: [&str; 3] = ["GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "GIT_BRANCH"];

/// Time, tool, branch and commit of a report.
#[derive(Debug, Default)]
pub(super) struct Context {
    when: When,
    tool: Option<(String, String)>,
    lane: Option<String>,
    commit: Option<String>,
    python: Option<String>,
}

impl Context {
    pub(super) fn of(document: &Value) -> Self {
        let empty = Map::new();
        let environment = document.get("environment").and_then(Value::as_object).unwrap_or(&empty);
        let first = |names: &[&str]| names.iter().find_map(|name| text_in(environment, name)).map(str::to_owned);
        let version =
            environment.get("Packages").and_then(Value::as_object).and_then(|packages| text_in(packages, "pytest"));
        Self {
            when: document
                .get("created")
                .and_then(Value::as_number)
                .map(|created| When::of_unix_seconds(&created.to_string()))
                .unwrap_or_default(),
            tool: version.map(|version| ("pytest".to_owned(), version.to_owned())),
            lane: first(&BRANCHES),
            commit: first(&COMMITS),
            python: first(&["Python"]),
        }
    }

    /// Puts it on a case.
    pub(super) fn onto(&self, case: &mut Case) {
        case.when = self.when.clone();
        case.tool.clone_from(&self.tool);
        case.lane.clone_from(&self.lane);
        case.commit.clone_from(&self.commit);
        case.versions.extend(self.python.iter().map(|version| ("python".to_owned(), version.clone())));
    }
}
