//! Where records go: each gets what only the whole of a conversion knows, and becomes an envelope.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use dome_core::limits::SAFE_INTEGER;
use dome_core::{
    CodeClass, Envelope, Evidence, Lane, Reader, Rejection, Scope, Sha256Hash, Signal, Subject, Timestamp,
};
use serde::Serialize;
use serde_json::Value;

use crate::convert::{Conversion, ConvertOptions, FileReport, RecordCounts, SourceFile};
use crate::finding::{FileFindings, Finding, FindingCode, FoundAt, quote};
use crate::format::CodeMeaning;
use crate::record::{OutcomeRecord, identifier, message};
use crate::report::TestCase;
use crate::subject::RevisionMissing;
use crate::when::When;

/// What is kept from file to file.
#[derive(Debug, Default)]
pub(crate) struct ConverterState {
    sequences: BTreeMap<String, u64>,
    pub(crate) codes: BTreeMap<String, CodeClass>,
    /// What the records said whose ids the data gave, by those ids.
    said: BTreeMap<Sha256Hash, Sha256Hash>,
}

pub(crate) struct Out<'a> {
    pub(crate) source: &'a SourceFile,
    pub(crate) options: &'a ConvertOptions,
    meanings: &'static [CodeMeaning],
    state: &'a mut ConverterState,
    sink: &'a mut dyn FnMut(Envelope),
    reader: Reader,
    evidence: Evidence,
    problems: FileFindings,
    notes: FileFindings,
    counts: RecordCounts,
    envelopes: u64,
    /// The tests of the file, by their names, and whether one was said to be repeated.
    tests: BTreeMap<Sha256Hash, bool>,
}

impl<'a> Out<'a> {
    pub(crate) fn new(
        source: &'a SourceFile,
        meanings: &'static [CodeMeaning],
        options: &'a ConvertOptions,
        state: &'a mut ConverterState,
        sink: &'a mut dyn FnMut(Envelope),
    ) -> Self {
        let (evidence, note) = source.evidence();
        let (problems, mut notes) = (FileFindings::default(), FileFindings::default());
        note.into_iter().for_each(|note| notes.add(note));
        let (reader, counts, tests) = (Reader::new(), RecordCounts::default(), BTreeMap::new());
        Self { source, options, meanings, state, sink, reader, evidence, problems, notes, counts, envelopes: 0, tests }
    }

    pub(crate) fn at<'p>(&self, place: &'p str) -> FoundAt<'p>
    where
        'a: 'p,
    {
        FoundAt { input: &self.source.name, place }
    }

    pub(crate) fn given_run(&self) -> Option<String> {
        self.options.run_of(&self.source.name)
    }

    pub(crate) fn left_out(&mut self, problem: Finding) {
        self.counts.records += 1;
        self.counts.left_out += 1;
        self.problems.add(problem);
    }

    pub(crate) fn leave_out(&mut self, place: &str, code: FindingCode, message: impl Into<String>, expected: &str) {
        let problem = FoundAt { input: &self.source.name, place }.found(code, message, expected);
        self.left_out(problem);
    }

    /// A test. One that stands in the file again, and not as a numbered attempt, may be another of the same name.
    pub(crate) fn test(&mut self, case: TestCase) {
        let record = case.record();
        if record.attempts.unwrap_or(1) == 1 {
            let said = self.tests.entry(Sha256Hash::of(record.target.1.as_bytes()));
            let again = matches!(said, Entry::Occupied(_));
            if !std::mem::replace(said.or_insert(false), again) && again {
                let name = quote(&record.target.1);
                let message =
                    format!("the test {name} stands more than once: attempts at one test, or tests of one name");
                self.note(FindingCode::TestRepeated, &record.place, message);
            }
        }
        self.push(&record);
    }

    /// A problem that is of no record.
    pub(crate) fn problem(&mut self, problem: Finding) {
        self.problems.add(problem);
    }

    pub(crate) fn note(&mut self, code: FindingCode, place: &str, message: impl Into<String>) {
        self.notes.add(FoundAt { input: &self.source.name, place }.found(code, message, ""));
    }

    /// A note that is made already.
    pub(crate) fn mention(&mut self, note: Finding) {
        self.notes.add(note);
    }

    pub(crate) fn repeated(&mut self) {
        self.counts.records += 1;
        self.counts.repeated += 1;
    }

    pub(crate) fn take(&mut self, read: Result<OutcomeRecord, Finding>) {
        match read {
            Ok(record) => self.push(&record),
            Err(problem) => self.left_out(problem),
        }
    }

    pub(crate) fn push(&mut self, record: &OutcomeRecord) {
        match self.envelope(record) {
            Ok(Some(envelope)) => {
                self.counts.records += 1;
                self.count(&envelope, record);
                (self.sink)(envelope);
            }
            Ok(None) => {
                self.repeated();
                self.note(FindingCode::RecordRepeated, &record.place, "the record says again what another one said");
            }
            Err(problem) => self.left_out(problem),
        }
    }

    fn count(&mut self, envelope: &Envelope, record: &OutcomeRecord) {
        self.envelopes += 1;
        self.state.sequences.insert(envelope.run_id.to_string(), envelope.sequence);
        let Some((code, class)) = &record.code else { return };
        let known = self.meanings.iter().find(|known| known.code == code);
        if known.is_none() && !self.state.codes.contains_key(code) {
            let message =
                format!("the code `{code}` is not in the table of the format; `--codes FILE` writes one that has it");
            self.note(FindingCode::CodeUnlisted, &record.place, message);
        }
        self.state.codes.insert(code.clone(), known.map_or(*class, |known| known.class));
    }

    /// `None` for what another record of the run said.
    fn envelope(&mut self, record: &OutcomeRecord) -> Result<Option<Envelope>, Finding> {
        let at = self.at(&record.place);
        let run_id = self.run_id(record)?;
        let ts = self.ts(record)?;
        let (name, digest) = (&self.source.name, self.source.sha256.short());
        let own = format!("{name}@{digest}#{}", self.counts.records + 1);
        let own = identifier(record.event_id.as_deref().unwrap_or(&own)).unwrap_or(own);
        let target = identifier(&record.target.1).ok_or_else(|| {
            at.found(FindingCode::RecordMalformed, "the record names nothing that it is about", "a name")
        })?;
        let subject = record
            .subject
            .with(self.options)
            .map_err(|missing| at.found(FindingCode::RevisionMissing, missing.message(), RevisionMissing::EXPECTED))?;
        let placement = Placement {
            run_id: &run_id,
            task_id: &record.task_id.as_deref().and_then(identifier).unwrap_or_else(|| target.clone()),
            group_id: &record.group_id.as_deref().and_then(identifier).unwrap_or_else(|| own.clone()),
            event_id: &own,
            target: &target,
            sequence: self.state.sequences.get(&run_id).map_or(1, |last| last + 1),
            ts,
            message: record.message.as_deref().and_then(message),
            subject,
        };
        if (record.event_id.is_some() || record.group_id.is_some()) && self.is_known(record, &placement)? {
            return Ok(None);
        }
        let admitted = admit(record, &placement, self.options, &self.evidence, &mut self.reader);
        admitted.map(Some).map_err(|rejection| refused(at, &rejection))
    }

    /// Whether a record of the run with these ids said the same before; it is a problem if it said something else.
    fn is_known(&mut self, record: &OutcomeRecord, ids: &Placement<'_>) -> Result<bool, Finding> {
        let said = OutcomeRecord { place: String::new(), ..record.clone() };
        let said = Sha256Hash::of(format!("{said:?}").as_bytes());
        let event = ["event", ids.run_id, ids.event_id];
        let outcome = ["outcome", ids.run_id, &format!("{}\0{}", ids.task_id, ids.group_id)];
        for id in [event, outcome].map(|id| Sha256Hash::of(id.join("\0").as_bytes())) {
            match self.state.said.entry(id) {
                Entry::Vacant(new) => {
                    new.insert(said);
                }
                Entry::Occupied(before) if *before.get() == said => return Ok(true),
                Entry::Occupied(_) => {
                    let message =
                        format!("another record of the run has the id {} and says something else", quote(ids.event_id));
                    return Err(self.at(&record.place).found(FindingCode::RecordConflict, message, "each record once"));
                }
            }
        }
        Ok(false)
    }

    fn run_id(&self, record: &OutcomeRecord) -> Result<String, Finding> {
        let own = record.run_id.as_deref().and_then(identifier);
        let given = || identifier(&self.given_run()?);
        let run = own.or_else(|| given().filter(|_| self.options.run_is_ci));
        let run = run.or_else(|| record.report_id.as_deref().and_then(identifier));
        run.or_else(given).ok_or_else(|| {
            let expected = "`--run-id ID`, or `--run-id {name}` to make each file a run";
            self.at(&record.place).found(FindingCode::RunMissing, "nothing says which run this is", expected)
        })
    }

    /// The record's own time; else that of the file, where it is asked for; else the user's.
    fn ts(&mut self, record: &OutcomeRecord) -> Result<Timestamp, Finding> {
        let (code, message, expected) = match &record.when {
            When::At(instant) => return Ok(*instant),
            When::Local(text) => {
                if let Some(instant) = self.options.zone.as_ref().and_then(|zone| zone.instant(text)) {
                    return Ok(instant);
                }
                (
                    FindingCode::TimeMissing,
                    format!("the time {} has no offset, so that it is no instant", quote(text)),
                    "`--zone OFFSET` such as `--zone Z`; or `--ts TIME`, or `--sequence-from mtime`, which stand in for it",
                )
            }
            When::Unreadable(text) => (
                FindingCode::TimeInvalid,
                format!("{} is not a time", quote(text)),
                "RFC 3339; or `--ts TIME`, or `--sequence-from mtime`, which stand in for it",
            ),
            When::Unknown => (
                FindingCode::TimeMissing,
                "the record has no time".to_owned(),
                "`--ts TIME`, or `--sequence-from mtime`",
            ),
        };
        let other = self.source.modified.or(self.options.ts);
        let other = other.ok_or_else(|| self.at(&record.place).found(code, message.clone(), expected))?;
        if record.when != When::Unknown {
            self.note(FindingCode::TimeReplaced, &record.place, format!("{message}; {other} stands in for it"));
        }
        Ok(other)
    }

    pub(crate) fn absorb(&mut self, done: Conversion) {
        self.counts.add(done.counts);
        self.state.codes.extend(done.codes);
        done.problems.into_iter().for_each(|problem| self.problems.add(problem));
        done.notes.into_iter().for_each(|note| self.notes.add(note));
        for envelope in done.envelopes {
            self.envelopes += 1;
            (self.sink)(envelope);
        }
    }

    pub(crate) fn finish(mut self, ended: Result<(), Finding>) -> FileReport {
        let broken = ended.is_err();
        if let Err(problem) = ended {
            self.problems.add(problem);
        } else if self.counts.records == 0 && self.problems.is_empty() {
            self.note(FindingCode::RecordsNone, "", "the file holds no record");
        }
        let (counts, envelopes) = (self.counts, self.envelopes);
        let refused = broken || (envelopes == 0 && counts.left_out > 0);
        FileReport { problems: self.problems.end(), notes: self.notes.end(), counts, envelopes, refused }
    }
}

/// What an envelope has beside its record.
#[derive(Serialize)]
pub(crate) struct Placement<'i> {
    pub(crate) run_id: &'i str,
    pub(crate) task_id: &'i str,
    #[serde(skip)]
    pub(crate) group_id: &'i str,
    #[serde(skip)]
    pub(crate) event_id: &'i str,
    #[serde(skip)]
    pub(crate) target: &'i str,
    pub(crate) sequence: u64,
    pub(crate) ts: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<&'i str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<Subject>,
}

/// An envelope as it is written for the core to read. Small objects are maps of texts.
#[derive(Serialize)]
struct EnvelopeLine<'a> {
    envelope_version: &'static str,
    group_id: String,
    event_id: String,
    #[serde(flatten)]
    placement: &'a Placement<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lane: Option<&'a str>,
    signal: Signal,
    wrapper_policy: &'static str,
    task_spec: SpecLine<'a>,
    gates: Vec<BTreeMap<&'static str, &'a str>>,
    guard_evals: &'a [Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_reason_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<BTreeMap<&'static str, &'a str>>,
    env: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    evidence: Vec<&'a Evidence>,
    labels: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct SpecLine<'a> {
    scope: Scope,
    target: BTreeMap<&'static str, &'a str>,
    action: BTreeMap<&'static str, &'a str>,
    failure_reason_code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<&'a BTreeMap<String, String>>,
}

/// The envelope of a record, if the core takes it: an adapter has no other way to make one.
#[expect(clippy::expect_used, reason = "texts, integers and lists are JSON, and memory takes them")]
pub(crate) fn admit(
    record: &OutcomeRecord,
    placement: &Placement<'_>,
    options: &ConvertOptions,
    file: &Evidence,
    reader: &mut Reader,
) -> Result<Envelope, Rejection> {
    let gates = record.gates.iter();
    let gates = gates.map(|(id, status)| BTreeMap::from([("gate_id", &**id), ("status", status.as_str())]));
    let line = EnvelopeLine {
        envelope_version: "1",
        group_id: in_job(placement.group_id, options),
        event_id: in_job(placement.event_id, options),
        placement,
        lane: options.lane.as_ref().map(Lane::as_str).or(record.lane.as_deref()),
        signal: record.signal,
        wrapper_policy: "strict",
        task_spec: SpecLine {
            scope: Scope::Task,
            target: BTreeMap::from([("kind", record.target.0), ("id", placement.target)]),
            action: BTreeMap::from([("kind", record.action)]),
            failure_reason_code: record.code.as_ref().map_or("NONE", |(code, _)| code),
            versions: Some(&record.versions).filter(|versions| !versions.is_empty()),
        },
        gates: gates.collect(),
        guard_evals: &record.guard_evals,
        policy_reason_code: record.policy_reason_code.as_deref(),
        tool: record.tool.as_ref().map(|(name, version)| BTreeMap::from([("name", &**name), ("version", version)])),
        env: &record.env,
        attempts: record.attempts,
        duration_ms: record.duration_ms.filter(|duration| *duration <= SAFE_INTEGER),
        evidence: std::iter::once(file).chain(&record.evidence).collect(),
        labels: &record.labels,
    };
    reader.read(&serde_json::to_vec(&line).expect("it is JSON"))
}

/// An id of a run, in a leg of the run that the user named: two legs may write the same report.
fn in_job(id: &str, options: &ConvertOptions) -> String {
    let job = options.job.as_ref().map(|job| format!("{id} [{job}]"));
    job.as_deref().and_then(identifier).unwrap_or_else(|| id.to_owned())
}

pub(crate) fn refused(at: FoundAt<'_>, rejection: &Rejection) -> Finding {
    at.found(FindingCode::EnvelopeInvalid, format!("it makes no valid envelope: {rejection}"), "")
}
