//! The fingerprint: what two failures have in common when they are the same failure (section 6).

mod quotes;
mod read;
mod scan;
mod template;
mod version;

pub use template::{message_template, message_template_under};
pub use version::normal_version;

use compact_str::CompactString;
use serde::Serialize;

use crate::binder::BinderVersion;
use crate::envelope::Envelope;
use crate::hash::Sha256Hash;
use crate::id::{GateId, ToolName};
use crate::map::StringMap;
use crate::text::trim;

/// The keys of `env` that a fingerprint looks at, after lower-casing (M-50).
const ENV_KEYS: [&str; 4] = ["arch", "env_class", "os", "runtime"];

/// Why failures are grouped: exactly the members of M-50, in canonical order.
///
/// ```
/// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// let fingerprint = dome_core::Fingerprint::of(&envelope);
/// assert_eq!(fingerprint.message_template.as_deref(), Some("expected <n>, got <n>"));
/// assert_eq!(fingerprint.hash().to_string().len(), 64);
/// # Ok::<(), dome_core::Rejection>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fingerprint {
    /// The digest of the tool's configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_sha256: Option<Sha256Hash>,
    /// Where it ran: `arch`, `env_class`, `os` and `runtime`, lower-cased (M-52).
    #[serde(skip_serializing_if = "StringMap::is_empty")]
    pub env: StringMap,
    /// The gates that failed, sorted.
    pub failed_gates: Vec<GateId>,
    /// The version of these rules.
    pub fingerprint_version: &'static str,
    /// The message without what differs from run to run (M-53).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub message_template: Option<CompactString>,
    /// The tool's name, as given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<ToolName>,
    /// The tool's version, without patch release or commit (M-51).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub tool_version: Option<CompactString>,
    /// The TaskSpec's versions, each by M-51.
    #[serde(skip_serializing_if = "StringMap::is_empty")]
    pub versions: StringMap,
}

impl Fingerprint {
    /// The fingerprint of an envelope (M-50).
    #[must_use]
    pub fn of(envelope: &Envelope) -> Self {
        Self::under(BinderVersion::V1, envelope)
    }

    /// The fingerprint of an envelope under a binder (section 7).
    ///
    /// ```
    /// use dome_core::{BinderVersion, Fingerprint};
    /// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
    /// let [v1, v2] = [BinderVersion::V1, BinderVersion::V2].map(|binder| Fingerprint::under(binder, &envelope));
    /// assert_eq!((v1.fingerprint_version, v2.fingerprint_version), ("1", "2"));
    /// assert_ne!(v1.hash(), v2.hash());
    /// # Ok::<(), dome_core::Rejection>(())
    /// ```
    #[must_use]
    pub fn under(binder: BinderVersion, envelope: &Envelope) -> Self {
        let tool = envelope.tool.as_ref();
        let versions = envelope.task_spec.versions.iter().flat_map(StringMap::iter);
        let versions = versions.map(|(key, value)| (CompactString::from(key), normal_version(value))).collect();
        Self {
            config_sha256: tool.and_then(|tool| tool.config_sha256),
            env: normal_env(&envelope.env),
            failed_gates: envelope.failed_gates().cloned().collect(),
            fingerprint_version: binder.fingerprint_version(),
            message_template: envelope.message.as_deref().map(|message| message_template_under(binder, message)),
            tool_name: tool.map(|tool| tool.name.clone()),
            tool_version: tool.map(|tool| normal_version(&tool.version)),
            versions: StringMap::sorted(versions),
        }
    }

    /// `fingerprint_hash`: SHA-256 of the canonical bytes (M-50).
    #[must_use]
    pub fn hash(&self) -> Sha256Hash {
        let mut bytes = Vec::with_capacity(512);
        crate::canonical::append(self, &mut bytes);
        Sha256Hash::of(&bytes)
    }
}

/// The members of `env` that say what kind of place it was (M-52).
fn normal_env(env: &StringMap) -> StringMap {
    let members = env.iter().filter_map(|(key, value)| {
        let key = ENV_KEYS.into_iter().find(|known| known.eq_ignore_ascii_case(key))?;
        let mut value = CompactString::from(trim(value));
        value.make_ascii_lowercase();
        Some((CompactString::const_new(key), value))
    });
    StringMap::sorted(members.collect())
}
