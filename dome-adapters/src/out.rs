//! Where records go: each gets what only the whole of a conversion knows, and becomes an envelope.

use std::collections::BTreeMap;

use dome_core::limits::SAFE_INTEGER;
use dome_core::{
    CodeClass, Envelope, Evidence, EvidencePath, Lane, Reader, Sha256Hash, Signal, Timestamp, WrapperPolicy,
};

use crate::commit::Commit;
use crate::convert::{Conversion, Counts, Options};
use crate::converter::{FileReport, Source};
use crate::draft::{ActionDraft, Draft, GateDraft, RemedyDraft, SpecDraft, TargetDraft, ToolDraft, by_content};
use crate::finding::{At, Finding, FindingCode, quote};
use crate::findings::Findings;
use crate::format::CodeMeaning;
use crate::record::{Record, identifier, message};
use crate::when::When;

/// What is kept from file to file.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The last sequence of each run.
    pub(crate) sequences: BTreeMap<String, u64>,
    pub(crate) codes: BTreeMap<String, CodeClass>,
    said: BTreeMap<Sha256Hash, Sha256Hash>,
}

/// The file that is being converted, and where its envelopes go.
pub(crate) struct Out<'a> {
    source: &'a Source,
    /// What ids begin with: the name and twelve digits of the SHA-256.
    label: String,
    meanings: &'static [CodeMeaning],
    options: &'a Options,
    sequences: &'a mut BTreeMap<String, u64>,
    codes: &'a mut BTreeMap<String, CodeClass>,
    /// What the records said whose ids the data gave, by those ids.
    said: &'a mut BTreeMap<Sha256Hash, Sha256Hash>,
    sink: &'a mut dyn FnMut(Envelope),
    reader: Reader,
    evidence: Evidence,
    problems: Findings,
    notes: Findings,
    counts: Counts,
    envelopes: u64,
}

impl<'a> Out<'a> {
    pub(crate) fn new(
        source: &'a Source,
        meanings: &'static [CodeMeaning],
        options: &'a Options,
        state: &'a mut State,
        sink: &'a mut dyn FnMut(Envelope),
    ) -> Self {
        let State { sequences, codes, said } = state;
        let label = format!("{}@{}", source.name, source.sha256.short());
        let path = EvidencePath::new(&source.name);
        let mut notes = Findings::default();
        if let Err(error) = &path {
            let message = format!("evidence is named by its SHA-256 alone: {error}");
            notes.add(At { input: &source.name, place: "" }.found(FindingCode::PathLeftOut, message, ""));
        }
        let path = path.ok().filter(|path| path.as_str() != "-");
        let evidence = by_content(path, source.bytes, source.sha256);
        let (reader, problems) = (Reader::new(), Findings::default());
        let counts = Counts::default();
        Self {
            source,
            label,
            meanings,
            options,
            sequences,
            codes,
            said,
            sink,
            reader,
            evidence,
            problems,
            notes,
            counts,
            envelopes: 0,
        }
    }

    /// What the user says.
    pub(crate) const fn options(&self) -> &'a Options {
        self.options
    }

    /// What is known of the file.
    pub(crate) const fn source(&self) -> &'a Source {
        self.source
    }

    /// A place in the file.
    pub(crate) fn at<'p>(&'p self, place: &'p str) -> At<'p> {
        At { input: &self.source.name, place }
    }

    /// A record that a problem leaves out.
    pub(crate) fn left_out(&mut self, problem: Finding) {
        self.counts.records += 1;
        self.counts.left_out += 1;
        self.problems.add(problem);
    }

    /// A problem that is of no record.
    pub(crate) fn problem(&mut self, problem: Finding) {
        self.problems.add(problem);
    }

    /// Something to mention.
    pub(crate) fn note(&mut self, code: FindingCode, place: &str, message: impl Into<String>) {
        let note = self.at(place).found(code, message, "");
        self.notes.add(note);
    }

    /// A record that says again what another one of the file said.
    pub(crate) fn repeated(&mut self) {
        self.counts.records += 1;
        self.counts.repeated += 1;
    }

    /// A record: an envelope, or a problem.
    pub(crate) fn push(&mut self, record: &Record) {
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

    fn count(&mut self, envelope: &Envelope, record: &Record) {
        self.envelopes += 1;
        if let Some(last) = self.sequences.get_mut(envelope.run_id.as_str()) {
            *last = envelope.sequence;
        } else {
            self.sequences.insert(envelope.run_id.to_string(), envelope.sequence);
        }
        let Some((code, class)) = &record.code else { return };
        let known = self.meanings.iter().find(|known| known.code == code);
        if known.is_none() && !self.codes.contains_key(code) {
            let message =
                format!("the code `{code}` is not in the table of the format; `--codes FILE` writes one that has it");
            self.note(FindingCode::CodeUnlisted, &record.place, message);
        }
        self.codes.insert(code.clone(), known.map_or(*class, |known| known.class));
    }

    /// `None` for what another record of the run said.
    fn envelope(&mut self, record: &Record) -> Result<Option<Envelope>, Finding> {
        let run_id = self.run_id(record)?;
        let ts = self.ts(record)?;
        let own = format!("{}#{}", self.label, self.counts.records + 1);
        let own = identifier(record.event_id.as_deref().unwrap_or(&own)).unwrap_or(own);
        let target = identifier(&record.target.1).ok_or_else(|| {
            self.at(&record.place).found(
                FindingCode::RecordMalformed,
                "the record names nothing that it is about",
                "a name",
            )
        })?;
        let ids = Ids {
            run: &run_id,
            task: &record.task_id.as_deref().and_then(identifier).unwrap_or_else(|| target.clone()),
            group: &record.group_id.as_deref().and_then(identifier).unwrap_or_else(|| own.clone()),
            event: &own,
            target: &target,
        };
        if (record.event_id.is_some() || record.group_id.is_some()) && self.known(record, &ids)? {
            return Ok(None);
        }
        let sequence = self.sequences.get(&run_id).copied().unwrap_or_default() + 1;
        let place = &record.place;
        let draft = draft(record, &ids, self.options, (sequence, ts), &self.evidence);
        let admitted = draft.admit(&mut self.reader);
        admitted.map(Some).map_err(|rejection| {
            let message = format!("it makes no valid envelope: {rejection}");
            self.at(place).found(FindingCode::EnvelopeInvalid, message, "")
        })
    }

    /// Whether a record of the run with these ids said the same before; one that said something else
    /// is a problem.
    fn known(&mut self, record: &Record, ids: &Ids<'_>) -> Result<bool, Finding> {
        let said = Record { place: String::new(), ..record.clone() };
        let said = Sha256Hash::of(format!("{said:?}").as_bytes());
        let event = ["event", ids.run, ids.event];
        let outcome = ["outcome", ids.run, &format!("{}\0{}", ids.task, ids.group)];
        for id in [event, outcome].map(|id| Sha256Hash::of(id.join("\0").as_bytes())) {
            match self.said.insert(id, said) {
                Some(before) if before == said => return Ok(true),
                Some(before) => {
                    self.said.insert(id, before);
                    let message =
                        format!("another record of the run has the id {} and says something else", quote(ids.event));
                    return Err(self.at(&record.place).found(FindingCode::RecordConflict, message, "each record once"));
                }
                None => {}
            }
        }
        Ok(false)
    }

    fn run_id(&self, record: &Record) -> Result<String, Finding> {
        let own = record.run_id.as_deref().and_then(identifier);
        let given = || self.options.run_id.as_ref().map(|given| given.as_str().replace("{name}", &self.source.name));
        own.or_else(|| identifier(&given()?)).ok_or_else(|| {
            let expected = "`--run-id ID`, or `--run-id {name}` to make each file a run";
            self.at(&record.place).found(FindingCode::RunMissing, "nothing says which run this is", expected)
        })
    }

    /// The record's own time; else that of the file, where it is asked for; else the user's.
    fn ts(&mut self, record: &Record) -> Result<Timestamp, Finding> {
        let local = match &record.when {
            When::At(instant) => return Ok(*instant),
            When::Local(text) => self.options.zone.as_ref().and_then(|zone| zone.instant(text)),
            When::Unknown | When::Unreadable(_) => None,
        };
        if let Some(instant) = local {
            return Ok(instant);
        }
        let other = self.source.modified.or(self.options.ts);
        let (code, message, expected) = match &record.when {
            When::Local(text) => (
                FindingCode::TimeMissing,
                format!("the time {} has no offset, so that it is no instant", quote(text)),
                "`--zone OFFSET` such as `--zone Z`; or `--ts TIME`, or `--sequence-from mtime`, which stand in for it",
            ),
            When::Unreadable(text) => (
                FindingCode::TimeInvalid,
                format!("{} is not a time", quote(text)),
                "RFC 3339; or `--ts TIME`, or `--sequence-from mtime`, which stand in for it",
            ),
            When::At(_) | When::Unknown => (
                FindingCode::TimeMissing,
                "the record has no time".to_owned(),
                "`--ts TIME`, or `--sequence-from mtime`",
            ),
        };
        let Some(other) = other else { return Err(self.at(&record.place).found(code, message, expected)) };
        if record.when != When::Unknown {
            self.note(FindingCode::TimeReplaced, &record.place, format!("{message}; {other} stands in for it"));
        }
        Ok(other)
    }

    /// Takes over what a conversion of the whole file came to.
    pub(crate) fn take(&mut self, done: Conversion) {
        self.counts.add(done.counts);
        done.problems.into_iter().for_each(|problem| self.problems.add(problem));
        done.notes.into_iter().for_each(|note| self.notes.add(note));
        for envelope in done.envelopes {
            self.envelopes += 1;
            (self.sink)(envelope);
        }
    }

    /// How the file was spent; `ended` says whether it was read to its end.
    pub(crate) fn finish(mut self, ended: Result<(), Finding>) -> FileReport {
        let refused = ended.is_err();
        if let Err(problem) = ended {
            self.problems.add(problem);
        } else if self.counts.records == 0 && self.problems.is_empty() {
            self.note(FindingCode::RecordsNone, "", "the file holds no record");
        }
        let (counts, envelopes) = (self.counts, self.envelopes);
        let refused = refused || (envelopes == 0 && counts.left_out > 0);
        FileReport { problems: self.problems.end(), notes: self.notes.end(), counts, envelopes, refused }
    }
}

/// The ids of an envelope.
struct Ids<'i> {
    run: &'i str,
    task: &'i str,
    group: &'i str,
    event: &'i str,
    target: &'i str,
}

fn draft<'d>(
    record: &'d Record,
    ids: &Ids<'d>,
    options: &'d Options,
    (sequence, ts): (u64, Timestamp),
    file: &Evidence,
) -> Draft<'d> {
    let texts =
        |map: &'d BTreeMap<String, String>| map.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let gate = |(gate_id, status): &'d (String, _)| GateDraft { gate_id, status: *status };
    Draft {
        envelope_version: "1",
        event_id: ids.event,
        sequence,
        run_id: ids.run,
        task_id: ids.task,
        group_id: ids.group,
        lane: options.lane.as_ref().map(Lane::as_str).or(record.lane.as_deref()),
        ts,
        signal: record.signal,
        wrapper_policy: WrapperPolicy::Strict,
        task_spec: SpecDraft {
            scope: record.scope,
            target: TargetDraft { kind: record.target.0, id: ids.target },
            action: ActionDraft { kind: record.action },
            failure_reason_code: record.code.as_ref().map_or("NONE", |(code, _)| code),
            versions: texts(&record.versions),
        },
        gates: record.gates.iter().map(gate).collect(),
        guard_evals: record.guard_evals.clone(),
        policy_reason_code: record.policy_reason_code.as_deref(),
        env: texts(&record.env),
        attempts: record.attempts,
        message: record.message.as_deref().and_then(message),
        tool: record.tool.as_ref().map(|(name, version)| ToolDraft { name, version }),
        duration_ms: record.duration_ms.filter(|duration| *duration <= SAFE_INTEGER),
        remedy: remedy(record, options),
        evidence: std::iter::once(file).chain(&record.evidence).cloned().collect(),
        labels: texts(&record.labels),
    }
}

/// On a success, the commit that was tried: the user's, else the data's.
fn remedy(record: &Record, options: &Options) -> Option<RemedyDraft> {
    let own = || record.commit.as_deref()?.parse::<Commit>().ok();
    let commit = options.commit.clone().or_else(own)?;
    (record.signal == Signal::Success && record.remedied).then(|| RemedyDraft::commit(&commit))
}
