//! What a run says about all of its results.

use serde_json::Value;

use super::text::text;
use crate::record::Record;
use crate::when::When;

pub(super) struct Run<'v> {
    pub(super) value: &'v Value,
    /// `/runs/0`
    pub(super) place: String,
    pub(super) tool: &'v str,
    version: Option<&'v str>,
    when: When,
}

impl<'v> Run<'v> {
    pub(super) fn of(number: usize, value: &'v Value) -> Self {
        let driver = |name: &str| value.pointer(&format!("/tool/driver/{name}")).and_then(text);
        let time = |name: &str| {
            let invocations = value.get("invocations").and_then(Value::as_array);
            invocations.into_iter().flatten().rev().find_map(|invocation| invocation.get(name).and_then(text))
        };
        Self {
            value,
            place: format!("/runs/{number}"),
            tool: driver("name").unwrap_or_default(),
            version: driver("version").or_else(|| driver("semanticVersion")),
            when: time("endTimeUtc").or_else(|| time("startTimeUtc")).map_or(When::Unknown, When::of),
        }
    }

    /// What every record of the run has.
    pub(super) fn says(&self, record: &mut Record) {
        let of_run = |pointer: &str| self.value.pointer(pointer).and_then(text);
        record.run_id = of_run("/automationDetails/guid")
            .or_else(|| of_run("/automationDetails/id").filter(|id| !id.ends_with('/')))
            .map(str::to_owned);
        record.lane = of_run("/versionControlProvenance/0/branch").and_then(crate::record::identifier);
        record.commit = of_run("/versionControlProvenance/0/revisionId").map(str::to_owned);
        if record.when == When::Unknown {
            record.when = self.when.clone();
        }
        let tool = crate::record::identifier(self.tool);
        record.tool = tool.map(|tool| (tool, self.version.unwrap_or("unknown").to_owned()));
        record.label("category", of_run("/automationDetails/id"));
    }

    /// The rule of a result: by its place in the tool or an extension of it, else by its id.
    pub(super) fn rule(&self, result: &Value) -> Option<&'v Value> {
        let component = result.pointer("/rule/toolComponent/index").and_then(Value::as_u64);
        let rules = match component {
            Some(index) => self.value.pointer(&format!("/tool/extensions/{index}/rules")),
            None => self.value.pointer("/tool/driver/rules"),
        };
        let rules = rules.and_then(Value::as_array)?;
        let index = result.get("ruleIndex").or_else(|| result.pointer("/rule/index")).and_then(Value::as_u64);
        if let Some(rule) = index.and_then(|index| rules.get(usize::try_from(index).ok()?)) {
            return Some(rule);
        }
        let id = result.get("ruleId").or_else(|| result.pointer("/rule/id")).and_then(text)?;
        let named = |id: &str| rules.iter().find(|rule| rule.get("id").and_then(text) == Some(id));
        named(id).or_else(|| named(id.rsplit_once('/')?.0))
    }

    /// The URI of an artifact: its own, or that of the run's artifact that it points to.
    pub(super) fn uri(&self, location: &'v Value) -> Option<&'v str> {
        let own = location.get("uri").and_then(text);
        own.or_else(|| {
            let index = location.get("index").and_then(Value::as_u64)?;
            self.value.pointer(&format!("/artifacts/{index}/location/uri")).and_then(text)
        })
    }
}
