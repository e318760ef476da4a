//! What the tests of a report share.

use serde_json::{Map, Value};

use crate::members::text_in;
use crate::report::Case;
use crate::when::When;

/// Run, time, tool, branch and commit of a report.
#[derive(Debug, Default)]
pub(super) struct Context {
    run_id: Option<String>,
    lane: Option<String>,
    commit: Option<String>,
    tool: Option<(String, String)>,
    os: Option<String>,
    /// When the tests ended, else when the report was made.
    pub(super) when: When,
}

impl Context {
    pub(super) fn of(document: &Value) -> Self {
        let empty = Map::new();
        let object = |pointer: &str| document.pointer(pointer).and_then(Value::as_object).unwrap_or(&empty);
        let (root, environment, tool) = (object(""), object("/results/environment"), object("/results/tool"));
        let own = |object: &Map<String, Value>, name: &str| text_in(object, name).map(str::to_owned);
        let stop = document.pointer("/results/summary/stop").and_then(number).filter(|stop| stop != "0");
        Self {
            run_id: own(root, "runId").or_else(|| own(environment, "buildId")),
            lane: own(environment, "branchName"),
            commit: own(environment, "commit"),
            tool: own(tool, "name").map(|name| (name, own(tool, "version").unwrap_or_else(|| "unknown".to_owned()))),
            os: own(environment, "osPlatform"),
            when: stop.map(|stop| When::of_unix_milliseconds(&stop)).unwrap_or_default().or(&text_in(
                root,
                "timestamp",
            )
            .map(When::of)
            .unwrap_or_default()),
        }
    }

    /// Puts it on a case.
    pub(super) fn onto(&self, case: &mut Case) {
        case.run_id.clone_from(&self.run_id);
        case.lane.clone_from(&self.lane);
        case.commit.clone_from(&self.commit);
        case.tool.clone_from(&self.tool);
        case.env.extend(self.os.iter().map(|os| ("os".to_owned(), os.clone())));
    }
}

/// A number as it is written.
fn number(value: &Value) -> Option<String> {
    value.as_number().map(ToString::to_string)
}
