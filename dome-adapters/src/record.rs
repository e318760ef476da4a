//! A record on its way: what a format knows of one outcome. [`crate::out::Out`] adds the rest.

use std::collections::BTreeMap;

use dome_core::limits::{IDENTIFIER_BYTES, MESSAGE_BYTES};
use dome_core::{CodeClass, Evidence, Sha256Hash, Signal, Status};
use serde_json::Value;

use crate::subject::SaidSubject;
use crate::when::When;

/// The id of a target that the data does not name. [`crate::out::Out`] reports such a record.
pub(crate) const NAMELESS: &str = "";

/// What a format says of one outcome, under the names of section 2 of the model. What stays empty is
/// not said; `run_id`, `event_id`, `task_id` and `group_id` then follow the rules of `docs/formats`.
#[derive(Clone, Debug)]
pub(crate) struct OutcomeRecord {
    /// Where in the file: `line 7`, `/results/3`, `testcase 12`.
    pub(crate) place: String,
    pub(crate) event_id: Option<String>,
    pub(crate) run_id: Option<String>,
    /// The report's own id. It is the run where nothing else names one.
    pub(crate) report_id: Option<String>,
    /// Else the target's id.
    pub(crate) task_id: Option<String>,
    /// Else the event's id.
    pub(crate) group_id: Option<String>,
    /// The branch that the data names.
    pub(crate) lane: Option<String>,
    /// What was tested, as the data says it.
    pub(crate) subject: SaidSubject,
    pub(crate) when: When,
    pub(crate) signal: Signal,
    /// `target.kind` and `target.id`.
    pub(crate) target: (&'static str, String),
    pub(crate) action: &'static str,
    /// `NONE` where there is none. The class is for a code that the format's list does not have.
    pub(crate) code: Option<(String, CodeClass)>,
    pub(crate) policy_reason_code: Option<String>,
    pub(crate) gates: Vec<(String, Status)>,
    pub(crate) guard_evals: Vec<Value>,
    /// Name and version; both, or none of it is said (`unknown` is for a version that is not known).
    pub(crate) tool: Option<(String, String)>,
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) attempts: Option<u64>,
    pub(crate) duration_ms: Option<u64>,
    /// The failure's own text; it is cut to what a message may have.
    pub(crate) message: Option<String>,
    /// Besides the file itself.
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) labels: BTreeMap<String, String>,
}

impl OutcomeRecord {
    pub(crate) fn new(
        place: impl Into<String>,
        signal: Signal,
        (kind, id): (&'static str, &str),
        action: &'static str,
    ) -> Self {
        Self {
            place: place.into(),
            event_id: None,
            run_id: None,
            report_id: None,
            task_id: None,
            group_id: None,
            lane: None,
            subject: SaidSubject::default(),
            when: When::Unknown,
            signal,
            target: (kind, id.to_owned()),
            action,
            code: None,
            policy_reason_code: None,
            gates: Vec::new(),
            guard_evals: Vec::new(),
            tool: None,
            versions: BTreeMap::new(),
            env: BTreeMap::new(),
            attempts: None,
            duration_ms: None,
            message: None,
            evidence: Vec::new(),
            labels: BTreeMap::new(),
        }
    }

    pub(crate) fn label(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.labels.insert(name.to_owned(), value.to_owned());
        }
    }

    pub(crate) fn label_all<'v>(&mut self, labels: impl IntoIterator<Item = (&'v str, Option<&'v str>)>) {
        labels.into_iter().for_each(|(name, value)| self.label(name, value));
    }
}

/// `text` as an identifier (M-03): control characters become spaces, the ends are trimmed, and what is too long is cut
/// and ends in `~` and sixteen digits of its SHA-256. `None` where nothing is left.
pub(crate) fn identifier(text: &str) -> Option<String> {
    let spaced: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let trimmed = spaced.trim();
    if trimmed.len() <= IDENTIFIER_BYTES {
        return (!trimmed.is_empty()).then(|| trimmed.to_owned());
    }
    let digest = Sha256Hash::of(text.as_bytes()).to_string();
    Some(format!("{}~{digest:.16}", cut(trimmed, IDENTIFIER_BYTES - 17)))
}

pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1; // the start is a boundary
    }
    text.split_at(end).0
}

pub(crate) fn append(message: &mut String, more: &str) {
    message.push_str(cut(more, MESSAGE_BYTES.saturating_sub(message.len())));
}

pub(crate) fn message(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty()).then(|| cut(text, MESSAGE_BYTES))
}

#[cfg(test)]
mod tests {
    use dome_core::TaskId;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn m03_names_become_identifiers() {
        assert_eq!(identifier(" a\tb\n").as_deref(), Some("a b"));
        assert_eq!((identifier(""), identifier("\u{a0}\n")), (None, None));
        let [long, other] = ["x".repeat(600), "x".repeat(601)].map(|text| identifier(&text));
        assert!(long.is_some() && long != other);
    }

    proptest! {
        #[test]
        fn m03_every_text_gives_an_identifier_or_none(text in any::<String>(), times in 1..40_usize) {
            if let Some(id) = identifier(&text.repeat(times)) {
                prop_assert!(TaskId::new(&id).is_ok(), "{id}");
            }
        }
    }
}
