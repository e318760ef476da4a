//! The fingerprint: what two failures have in common when they are the same failure (section 6).

mod parts;
mod quotes;
mod read;
mod scan;
mod template;
mod version;

pub(crate) use parts::Parts;
pub(crate) use template::Templates;
pub use template::{message_template, message_template_under};
pub use version::normal_version;

use compact_str::CompactString;
use serde::Serialize;

use crate::binder::BinderVersion;
use crate::envelope::Envelope;
use crate::hash::Sha256Hash;
use crate::id::{GateId, ToolName};
use crate::map::StringMap;

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
        Parts::of(binder, envelope, &mut Templates::default()).to_fingerprint()
    }

    /// `fingerprint_hash`: SHA-256 of the canonical bytes (M-50).
    #[must_use]
    pub fn hash(&self) -> Sha256Hash {
        let mut bytes = Vec::with_capacity(512);
        crate::canonical::append(self, &mut bytes);
        Sha256Hash::of(&bytes)
    }
}
