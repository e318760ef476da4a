//! What a converter reports: a stable code, the place, what is wrong and what was expected.

use std::collections::BTreeMap;

dome_core::words! {
    /// The stable code of a [`Finding`]. Codes are added, never renamed.
    #[non_exhaustive]
    FindingCode {
        /// The file is not JSON.
        JsonInvalid = "json_invalid",
        /// The file is not XML, or not such that it is read: cut off, nested too deep, with entities of
        /// its own.
        XmlInvalid = "xml_invalid",
        /// Bytes are not text in the encoding of their file.
        EncodingInvalid = "encoding_invalid",
        /// A line or a document is too long to be held.
        TooLarge = "too_large",
        /// The file cannot be read to its end.
        ReadFailed = "read_failed",
        /// No format takes the file for one of its own (`auto`).
        FormatUnknown = "format_unknown",
        /// More than one format takes the file for one of its own (`auto`).
        FormatAmbiguous = "format_ambiguous",
        /// The file is something else than the format has.
        WrongFormat = "wrong_format",
        /// A record lacks a member or has one of a wrong type.
        RecordMalformed = "record_malformed",
        /// Two records claim to be the same one and differ.
        RecordConflict = "record_conflict",
        /// Nothing among the inputs describes the record's run.
        MetadataMissing = "metadata_missing",
        /// Two files describe one run and differ.
        MetadataAmbiguous = "metadata_ambiguous",
        /// Nothing says which run the record belongs to.
        RunMissing = "run_missing",
        /// Something is said about what was tested, and not which revision it was.
        RevisionMissing = "revision_missing",
        /// The record has no time.
        TimeMissing = "time_missing",
        /// The record's time is not one.
        TimeInvalid = "time_invalid",
        /// The record does not say how it ended.
        OutcomeMissing = "outcome_missing",
        /// A test has a status that the format does not have.
        StatusUnknown = "status_unknown",
        /// What the record says makes no valid envelope.
        EnvelopeInvalid = "envelope_invalid",
        /// A note: records of the file stand in another input too.
        RecordRepeated = "record_repeated",
        /// A note: the record's own time cannot be told for an instant, and another stands in for it.
        TimeReplaced = "time_replaced",
        /// A note: a test began, and what it was part of ended without a word on how it did.
        OutcomeUnsaid = "outcome_unsaid",
        /// A note: a test was tried more often than the report has outcomes of it.
        AttemptsLost = "attempts_lost",
        /// A note: a test stands more than once in a report that numbers no attempts.
        TestRepeated = "test_repeated",
        /// A note: a line that is not of the format, as the output of another program is, was passed over.
        LinePassedOver = "line_passed_over",
        /// A note: the file is of the format and holds no record.
        RecordsNone = "records_none",
        /// A note: a path that evidence cannot carry was left out.
        PathLeftOut = "path_left_out",
        /// A note: a duration could not be told and was left out.
        DurationLeftOut = "duration_left_out",
        /// A note: a run is described, but no record of it was given.
        MetadataUnused = "metadata_unused",
        /// A note: a run was named by hand, so what its metadata would say is missing.
        MetadataReplaced = "metadata_replaced",
        /// A note: the record's failure code is not in the format's reason-code table.
        CodeUnlisted = "code_unlisted",
    }
}

/// One thing that a converter left out, or wants to mention.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{input}{}: {message}{} [{code}]", after(":", place), after("; expected ", expected))]
#[non_exhaustive]
pub struct Finding {
    /// What kind of finding it is.
    pub code: FindingCode,
    /// The input's name.
    pub input: String,
    /// Where in it: a JSON Pointer, or a line, or empty for the whole of it.
    pub place: String,
    /// What is wrong: one line, lower-case, the offending text in backticks.
    pub message: String,
    /// What would have been right; empty where the message says it all.
    pub expected: String,
}

impl Finding {
    /// A finding about a file as a whole, for whoever opens the files.
    #[must_use]
    pub fn of_file(code: FindingCode, input: &str, message: impl Into<String>, expected: impl Into<String>) -> Self {
        FoundAt { input, place: "" }.found(code, message, expected)
    }

    /// Whether it says that the file as a whole did not convert.
    #[must_use]
    pub fn is_of_file(&self) -> bool {
        match self.code {
            FindingCode::FormatUnknown
            | FindingCode::FormatAmbiguous
            | FindingCode::ReadFailed
            | FindingCode::WrongFormat
            | FindingCode::XmlInvalid => true,
            FindingCode::JsonInvalid | FindingCode::EncodingInvalid | FindingCode::TooLarge => self.place.is_empty(),
            _ => false,
        }
    }
}

fn after(lead: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{lead}{text}") }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct FoundAt<'a> {
    pub(crate) input: &'a str,
    pub(crate) place: &'a str,
}

impl FoundAt<'_> {
    pub(crate) fn found(self, code: FindingCode, message: impl Into<String>, expected: impl Into<String>) -> Finding {
        let [input, place] = [self.input, self.place].map(str::to_owned);
        Finding { code, input, place, message: message.into(), expected: expected.into() }
    }

    pub(crate) fn shown(self) -> String {
        format!("{}{}", self.input, after(":", self.place))
    }
}

pub(crate) fn quote(text: &str) -> String {
    let line = |found: char| if found.is_control() { ' ' } else { found };
    let mut shown: String = text.chars().take(80).map(line).collect();
    if text.chars().nth(80).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// The first findings of each code in one file, which may be as many as its lines, and how many there were.
#[derive(Debug, Default)]
pub(crate) struct FileFindings {
    kept: Vec<Finding>,
    counts: BTreeMap<FindingCode, usize>,
}

impl FileFindings {
    pub(crate) fn add(&mut self, finding: Finding) {
        let count = self.counts.entry(finding.code).or_insert(0);
        *count += 1;
        if *count <= most(finding.code) {
            self.kept.push(finding);
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// What was kept; the last one of a code says how many more there were.
    pub(crate) fn end(mut self) -> Vec<Finding> {
        for (code, count) in &self.counts {
            let more = count.saturating_sub(most(*code));
            let last = self.kept.iter_mut().rev().find(|finding| finding.code == *code);
            if let Some(last) = last.filter(|_| more > 0) {
                last.message.push_str(&format!(" (and {more} more)"));
            }
        }
        self.kept
    }
}

/// Findings of one code that are kept for a file.
pub(crate) const KEPT: usize = 100;

/// What all records of a file lack is said once.
const fn most(code: FindingCode) -> usize {
    match code {
        FindingCode::RunMissing
        | FindingCode::RevisionMissing
        | FindingCode::TimeMissing
        | FindingCode::TimeReplaced => 1,
        _ => KEPT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_as_one_line() {
        let at = FoundAt { input: "a/results.json", place: "/results/3" };
        let finding = at.found(FindingCode::TimeMissing, "the trial has no time", "`trial_ended_at`");
        insta::assert_snapshot!(finding, @"a/results.json:/results/3: the trial has no time; expected `trial_ended_at` [time_missing]");
        let whole = FoundAt { input: "-", place: "" }.found(FindingCode::JsonInvalid, "no JSON", "");
        insta::assert_snapshot!(whole, @"-: no JSON [json_invalid]");
    }

    #[test]
    fn offending_text_is_shortened_and_stays_on_its_line() {
        assert_eq!(quote("a\nb"), "`a b`");
        assert_eq!(quote(&"é".repeat(81)), format!("`{}…`", "é".repeat(80)));
    }

    #[test]
    fn every_code_is_a_snake_case_word_of_its_own() {
        let words: std::collections::BTreeSet<_> = FindingCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), FindingCode::ALL.len());
        assert!(words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    }

    #[test]
    fn findings_of_one_kind_are_kept_up_to_a_limit_and_counted() {
        let mut findings = FileFindings::default();
        let at = FoundAt { input: "f", place: "" };
        for _ in 0..150 {
            findings.add(at.found(FindingCode::JsonInvalid, "x", ""));
            findings.add(at.found(FindingCode::RunMissing, "y", ""));
        }
        let kept = findings.end();
        let ends: Vec<_> =
            kept.iter().filter(|found| found.message.len() > 1).map(|found| found.message.as_str()).collect();
        assert_eq!((kept.len(), ends), (101, vec!["y (and 149 more)", "x (and 50 more)"]));
    }
}
