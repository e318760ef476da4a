//! The members of a fingerprint as they stand in an envelope, before they are a value of their own.

use compact_str::CompactString;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::template::Templates;
use super::{Fingerprint, normal_version};
use crate::binder::BinderVersion;
use crate::choice::Status;
use crate::envelope::{Envelope, Gate};
use crate::hash::Sha256Hash;
use crate::id::{GateId, ToolName};
use crate::map::StringMap;
use crate::text::trim;

/// The keys of `env` that a fingerprint looks at, after lower-casing (M-50), in canonical order.
const ENV_KEYS: [&str; 4] = ["arch", "env_class", "os", "runtime"];

/// A [`Fingerprint`] that borrows: the same members in the same order, and so the same bytes.
#[derive(Serialize)]
pub(crate) struct Parts<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    config_sha256: Option<Sha256Hash>,
    #[serde(skip_serializing_if = "NormalEnv::is_empty")]
    env: NormalEnv,
    failed_gates: FailedGates<'e>,
    fingerprint_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_template: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<&'e ToolName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_version: Option<CompactString>,
    #[serde(skip_serializing_if = "Versions::is_empty")]
    versions: Versions<'e>,
}

/// The members of `env` that say what kind of place it was (M-52), by the order of [`ENV_KEYS`].
#[derive(Default)]
struct NormalEnv([Option<CompactString>; 4]);

/// The gates that failed, sorted as the gates are.
struct FailedGates<'e>(&'e [Gate]);

/// Versions, each by M-51.
struct Versions<'e>(Option<&'e StringMap>);

impl<'e> Parts<'e> {
    /// The members of an envelope's fingerprint under a binder (M-50).
    pub(crate) fn of(binder: BinderVersion, envelope: &'e Envelope, templates: &'e mut Templates) -> Self {
        let tool = envelope.tool.as_ref();
        Self {
            config_sha256: tool.and_then(|tool| tool.config_sha256),
            env: NormalEnv::of(&envelope.env),
            failed_gates: FailedGates(&envelope.gates),
            fingerprint_version: binder.fingerprint_version(),
            message_template: envelope.message.as_deref().map(|message| templates.of(binder, message)),
            tool_name: tool.map(|tool| &tool.name),
            tool_version: tool.map(|tool| normal_version(&tool.version)),
            versions: Versions(envelope.task_spec.versions.as_ref()),
        }
    }

    /// The fingerprint as a value of its own.
    pub(crate) fn to_fingerprint(&self) -> Fingerprint {
        Fingerprint {
            config_sha256: self.config_sha256,
            env: self.env.members().collect(),
            failed_gates: self.failed_gates.ids().cloned().collect(),
            fingerprint_version: self.fingerprint_version,
            message_template: self.message_template.map(CompactString::from),
            tool_name: self.tool_name.cloned(),
            tool_version: self.tool_version.clone(),
            versions: self.versions.members().collect(),
        }
    }
}

impl NormalEnv {
    fn of(env: &StringMap) -> Self {
        let mut normal = Self::default();
        for (key, value) in env.iter() {
            let known = ENV_KEYS.iter().position(|known| known.eq_ignore_ascii_case(key));
            if let Some(slot) = known.and_then(|known| normal.0.get_mut(known)) {
                let mut value = CompactString::from(trim(value));
                value.make_ascii_lowercase();
                *slot = Some(value);
            }
        }
        normal
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        ENV_KEYS.into_iter().zip(&self.0).filter_map(|(key, value)| Some((key, value.as_deref()?)))
    }
}

impl FailedGates<'_> {
    fn ids(&self) -> impl Iterator<Item = &GateId> {
        self.0.iter().filter(|gate| gate.status == Status::Fail).map(|gate| &gate.gate_id)
    }
}

impl<'e> Versions<'e> {
    fn is_empty(&self) -> bool {
        self.0.is_none_or(StringMap::is_empty)
    }

    fn members(&self) -> impl Iterator<Item = (&'e str, CompactString)> {
        self.0.into_iter().flat_map(StringMap::iter).map(|(key, value)| (key, normal_version(value)))
    }
}

impl Serialize for NormalEnv {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.members().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        map.end()
    }
}

impl Serialize for FailedGates<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut ids = serializer.serialize_seq(None)?;
        self.ids().try_for_each(|id| ids.serialize_element(id))?;
        ids.end()
    }
}

impl Serialize for Versions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.members().try_for_each(|(key, value)| map.serialize_entry(key, value.as_str()))?;
        map.end()
    }
}
