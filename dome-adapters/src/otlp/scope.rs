//! What the resource and the scope say about all that is below them.

use serde_json::Value;

use super::attributes::{attribute, text};
use crate::out::Out;
use crate::record::{Record, cut, identifier};

pub(super) struct Scope<'v> {
    resource: &'v Value,
    name: Option<&'v str>,
    pub(super) service: String,
    version: Option<String>,
}

impl<'v> Scope<'v> {
    pub(super) fn of(resource: &'v Value, scope: &'v Value) -> Self {
        let resource = resource.get("resource").unwrap_or(&Value::Null);
        let named = scope.get("scope").or_else(|| scope.get("instrumentationLibrary")).unwrap_or(&Value::Null);
        Self {
            resource,
            name: text(named, "name"),
            // The conventions' own name for a service that has none.
            service: attribute(resource, "service.name").unwrap_or_else(|| "unknown_service".to_owned()),
            version: attribute(resource, "service.version"),
        }
    }

    /// An attribute of the item, else of its resource.
    pub(super) fn attribute(&self, item: &Value, key: &str) -> Option<String> {
        attribute(item, key).or_else(|| attribute(self.resource, key))
    }

    /// What every record has. A trace is the run where neither a pipeline's run nor the user names one.
    pub(super) fn says(&self, record: &mut Record, item: &Value, out: &Out<'_>) {
        let trace = text(item, "traceId").filter(|id| id.bytes().any(|byte| byte != b'0'));
        let given = out.options().run_id.is_some();
        record.run_id = self
            .attribute(item, "cicd.pipeline.run.id")
            .or_else(|| trace.filter(|_| !given).map(str::to_ascii_lowercase));
        record.lane = self.attribute(item, "vcs.ref.head.name").as_deref().and_then(identifier);
        record.commit = self.attribute(item, "vcs.ref.head.revision");
        let version = self.version.clone().unwrap_or_else(|| "unknown".to_owned());
        record.tool = identifier(&self.service).map(|service| (service, version));
        record.label("scope", self.name.map(|name| cut(name, 512)));
        record.label("trace_id", trace);
        record.label("span_id", text(item, "spanId"));
    }
}
