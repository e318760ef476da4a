//! The fingerprint: what two failures have in common when they are the same failure (section 6).

mod scan;
mod template;

pub(crate) use template::Templates;
pub use template::{message_template, message_template_under};

use compact_str::CompactString;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::canonical;
use crate::choice::{BinderVersion, Status};
use crate::envelope::{Envelope, Gate};
use crate::hash::Sha256Hash;
use crate::id::{GateId, ToolName};
use crate::map::StringMap;
use crate::text::trim;

/// A name for the type, since `serde` would borrow what it sees as `&str`.
type FingerprintVersion = &'static str;

/// Why failures are grouped: exactly the members of M-50, in canonical order.
///
/// ```
/// let envelope = dome_core::read(dome_core::EXAMPLE_LINE)?;
/// let fingerprint = dome_core::Fingerprint::of(&envelope);
/// assert_eq!(fingerprint.message_template.as_deref(), Some("expected <n>, got <n>"));
/// assert_eq!(fingerprint.hash().to_string().len(), 64);
/// # Ok::<(), dome_core::Rejection>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fingerprint {
    /// The digest of the tool's configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_sha256: Option<Sha256Hash>,
    /// Where it ran: `arch`, `env_class`, `os` and `runtime`, lower-cased (M-52).
    #[serde(default, skip_serializing_if = "StringMap::is_empty")]
    pub env: StringMap,
    /// The gates that failed, sorted.
    pub failed_gates: Vec<GateId>,
    /// The version of these rules.
    #[serde(deserialize_with = "known_version")]
    pub fingerprint_version: FingerprintVersion,
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
    #[serde(default, skip_serializing_if = "StringMap::is_empty")]
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
        FingerprintParts::of(binder, envelope, &mut Templates::default()).to_fingerprint()
    }

    /// `fingerprint_hash`: SHA-256 of the canonical bytes (M-50).
    #[must_use]
    pub fn hash(&self) -> Sha256Hash {
        canonical::digest(self)
    }
}

fn known_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FingerprintVersion, D::Error> {
    let written = CompactString::deserialize(deserializer)?;
    let versions = || BinderVersion::ALL.iter().map(|binder| binder.fingerprint_version());
    versions().find(|version| written == *version).ok_or_else(|| {
        let known = versions().collect::<Vec<_>>().join(" or ");
        de::Error::invalid_value(de::Unexpected::Str(&written), &known.as_str())
    })
}

/// The keys of `env` that a fingerprint looks at, after lower-casing (M-50), in canonical order.
const ENV_KEYS: [&str; 4] = ["arch", "env_class", "os", "runtime"];

/// A [`Fingerprint`] that borrows: the same members in the same order, and so the same bytes.
#[derive(Serialize)]
pub(crate) struct FingerprintParts<'e> {
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

impl<'e> FingerprintParts<'e> {
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
        serializer.collect_map(self.members())
    }
}

impl Serialize for FailedGates<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.ids())
    }
}

impl Serialize for Versions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.members())
    }
}

/// A version by M-51: major and minor, `commit` for a build, anything else as it stands.
///
/// ```
/// use dome_core::normal_version;
/// assert_eq!(normal_version(" V8.3.2+local "), "8.3");
/// assert_eq!(normal_version("c111e39"), "commit");
/// assert_eq!(normal_version("1.0rc1"), "1.0rc1");
/// ```
#[must_use]
pub fn normal_version(version: &str) -> CompactString {
    let mut lower = CompactString::from(trim(version));
    lower.make_ascii_lowercase();
    let bare =
        lower.strip_prefix('v').filter(|rest| rest.starts_with(|first: char| first.is_ascii_digit())).unwrap_or(&lower);
    if is_commit(bare) {
        return CompactString::const_new("commit");
    }
    let (head, rest) = bare.split_at(numeric_head(bare));
    let stays = head.is_empty() || rest.starts_with(|next: char| next.is_ascii_alphabetic());
    CompactString::from(if stays { bare } else { head })
}

/// 7 to 64 hex digits with at least one letter and one digit.
fn is_commit(text: &str) -> bool {
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (7..=64).contains(&text.len())
        && text.bytes().all(hex)
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// How many bytes `[0-9]+(\.[0-9]+)?` matches at the start, as much as it can.
fn numeric_head(text: &str) -> usize {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let major = digits(text);
    let minor = text.get(major..).and_then(|rest| rest.strip_prefix('.')).map_or(0, digits);
    if major > 0 && minor > 0 { major + 1 + minor } else { major }
}

#[cfg(test)]
mod tests {
    use crate::{Fingerprint, canonical};

    #[test]
    fn m50_a_fingerprint_reads_back_as_it_was_written() {
        let Ok(envelope) = crate::read(crate::EXAMPLE_LINE) else { unreachable!("the example is sound") };
        let mut bytes = Vec::new();
        for binder in crate::BinderVersion::ALL.iter().rev() {
            let fingerprint = Fingerprint::under(*binder, &envelope);
            bytes.clear();
            canonical::append(&fingerprint, &mut bytes);
            assert_eq!(serde_json::from_slice::<Fingerprint>(&bytes).ok(), Some(fingerprint));
        }
        let newer =
            String::from_utf8_lossy(&bytes).replace("\"fingerprint_version\":\"1\"", "\"fingerprint_version\":\"9\"");
        assert!(serde_json::from_str::<Fingerprint>(&newer).is_err(), "{newer}");
    }
}
