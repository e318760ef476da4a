//! Reading a fingerprint object back, as a store or a result keeps it.

use compact_str::CompactString;
use serde::{Deserialize, Deserializer, de};

use super::Fingerprint;
use crate::binder::BinderVersion;
use crate::hash::Sha256Hash;
use crate::id::{GateId, ToolName};
use crate::map::StringMap;

/// A fingerprint as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    config_sha256: Option<Sha256Hash>,
    #[serde(default)]
    env: StringMap,
    failed_gates: Vec<GateId>,
    fingerprint_version: CompactString,
    message_template: Option<CompactString>,
    tool_name: Option<ToolName>,
    tool_version: Option<CompactString>,
    #[serde(default)]
    versions: StringMap,
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let versions = BinderVersion::ALL.iter().map(|binder| binder.fingerprint_version());
        let known = versions.clone().find(|version| written.fingerprint_version == *version);
        let fingerprint_version = known.ok_or_else(|| {
            let found = de::Unexpected::Str(&written.fingerprint_version);
            de::Error::invalid_value(found, &versions.collect::<Vec<_>>().join(" or ").as_str())
        })?;
        Ok(Self {
            config_sha256: written.config_sha256,
            env: written.env,
            failed_gates: written.failed_gates,
            fingerprint_version,
            message_template: written.message_template,
            tool_name: written.tool_name,
            tool_version: written.tool_version,
            versions: written.versions,
        })
    }
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
