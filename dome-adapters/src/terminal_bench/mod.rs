//! terminal-bench: one envelope per trial. `docs/formats/terminal-bench.md` has the mapping.

use std::collections::{BTreeMap, BTreeSet};

use dome_core::CodeClass::{Advisory, Repairable, Structural};
use dome_core::limits::MESSAGE_BYTES;
use dome_core::{Evidence, EvidencePath, Reader, Signal, Status, Timestamp};
use serde_json::Value;

use crate::codes::means;
use crate::convert::{Conversion, ConvertOptions, SourceFile, ToolFile};
use crate::finding::{Finding, FindingCode, FoundAt, quote};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;
use crate::json::{ObjectMembers, list};
use crate::out::{Placement, admit, refused};
use crate::record::OutcomeRecord;
use crate::subject::{RevisionMissing, SaidSubject};

pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "terminal-bench",
    summary: "results of terminal-bench runs (`results.json`) with their `run_metadata.json`",
    endings: &[".json"],
    codes: CODES,
    sniff,
    converts: Converts::Together(convert),
};

fn sniff(head: &Head) -> bool {
    let trial = head.has_member("trial_name") && head.has_member("task_id");
    let metadata = head.has_member("run_id") && head.has_member("agent_name");
    let results = head.has_member("results") && head.text().contains("\"trial_name\"");
    trial || metadata || results
}

const CODES: &[CodeMeaning] = &[
    means("AGENT.CONTEXT_LENGTH_EXCEEDED", Structural, "the agent's conversation outgrew the context of its model"),
    means("AGENT.FATAL_LLM_PARSE_ERROR", Repairable, "the model kept giving answers that the agent could not read"),
    means("AGENT.INSTALLATION_FAILED", Advisory, "the agent could not be installed in the task's container"),
    means("AGENT.OUTPUT_LENGTH_EXCEEDED", Structural, "the model's answer outgrew the length that it may have"),
    means("AGENT.TIMEOUT", Repairable, "the agent used up its time, and the tests did not all pass afterwards"),
    means("AGENT.UNKNOWN_ERROR", Advisory, "the agent or the harness around it broke off with an error"),
    means("TESTS.PARSE_ERROR", Repairable, "the harness found no readable test results in what the tests printed"),
    means("TESTS.TIMEOUT", Repairable, "the tests did not end in their time"),
    means("TESTS_FAILED", Repairable, "the tests ran, and not all of them passed"),
    means("TRIAL.UNKNOWN", Advisory, "the trial failed, and the harness says that it does not know why"),
];

/// `unset` and `none` name no failure of their own. A mode that this build does not know becomes
/// `TRIAL.` with the mode in upper case, if that is a code (M-04).
fn code_of(mode: &str) -> Option<String> {
    let known = match mode {
        "unset" | "none" => return None,
        "agent_installation_failed" => "AGENT.INSTALLATION_FAILED",
        "agent_timeout" => "AGENT.TIMEOUT",
        "context_length_exceeded" => "AGENT.CONTEXT_LENGTH_EXCEEDED",
        "fatal_llm_parse_error" => "AGENT.FATAL_LLM_PARSE_ERROR",
        "output_length_exceeded" => "AGENT.OUTPUT_LENGTH_EXCEEDED",
        "parse_error" => "TESTS.PARSE_ERROR",
        "test_timeout" => "TESTS.TIMEOUT",
        "unknown" => "TRIAL.UNKNOWN",
        "unknown_agent_error" => "AGENT.UNKNOWN_ERROR",
        other => return Some(format!("TRIAL.{}", other.to_ascii_uppercase())),
    };
    Some(known.to_owned())
}

fn convert(inputs: &[ToolFile<'_>], options: &ConvertOptions) -> Conversion {
    let mut done = Conversion::default();
    let files = files(inputs, &mut done);
    let trials = gather(&files, options, &mut done);
    write(&trials, options, &mut done);
    done
}

/// One trial: an entry of `results`, or the `results.json` of a trial's own folder.
#[derive(Debug, PartialEq, Eq)]
struct RawTrial {
    id: Option<String>,
    trial_name: String,
    task_id: String,
    is_resolved: Option<bool>,
    failure_mode: Option<String>,
    parser_results: Option<BTreeMap<String, String>>,
    recording_path: Option<String>,
    trial_started_at: Option<String>,
    trial_ended_at: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct RunMetadata {
    run_id: String,
    uuid: Option<String>,
    dataset_name: Option<String>,
    dataset_version: Option<String>,
    agent_name: Option<String>,
    model_name: Option<String>,
    end_time: Option<String>,
    commit_hash: Option<String>,
}

/// What a file is, by what it holds; its name says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TrialFileKind {
    Results,
    Trial,
    Metadata,
}

impl TrialFileKind {
    fn of(document: &Value) -> Option<Self> {
        let has = |name: &str| document.get(name).is_some();
        match () {
            () if document.get("results").is_some_and(Value::is_array) => Some(Self::Results),
            () if has("trial_name") && has("task_id") => Some(Self::Trial),
            () if has("run_id") && has("agent_name") => Some(Self::Metadata),
            () => None,
        }
    }
}

impl RunMetadata {
    fn read(at: FoundAt<'_>, value: &Value) -> Result<Self, Finding> {
        let mut members = ObjectMembers::of(at, value, "the metadata of a run, as an object")?;
        Ok(Self {
            run_id: members.text("run_id")?,
            uuid: members.optional_text("uuid")?,
            dataset_name: members.optional_text("dataset_name")?,
            dataset_version: members.optional_text("dataset_version")?,
            agent_name: members.optional_text("agent_name")?,
            model_name: members.optional_text("model_name")?,
            end_time: members.optional_text("end_time")?,
            commit_hash: members.optional_text("commit_hash")?,
        })
    }
}

impl RawTrial {
    fn read(at: FoundAt<'_>, value: &Value) -> Result<Self, Finding> {
        let mut members = ObjectMembers::of(at, value, "a trial, as an object")?;
        Ok(Self {
            id: members.optional_text("id")?,
            trial_name: members.text("trial_name")?,
            task_id: members.text("task_id")?,
            is_resolved: members.optional_flag("is_resolved")?,
            failure_mode: members.optional_text("failure_mode")?,
            parser_results: members.optional_texts("parser_results")?,
            recording_path: members.optional_text("recording_path")?,
            trial_started_at: members.optional_text("trial_started_at")?,
            trial_ended_at: members.optional_text("trial_ended_at")?,
        })
    }

    /// The attempt (`2-of-5`) and the run of a trial's name, `TASK.ATTEMPT.RUN`; a task's name may hold dots.
    fn attempt_and_run(&self) -> Option<(&str, &str)> {
        let rest = self.trial_name.strip_prefix(&self.task_id)?.strip_prefix('.')?;
        let (attempt, run) = rest.split_once('.')?;
        let (number, of) = attempt.split_once("-of-")?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (digits(number) && digits(of) && !run.is_empty()).then_some((attempt, run))
    }

    fn event_id(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.trial_name)
    }

    /// The harness's word for what went wrong; `unset` is its own default.
    fn mode(&self) -> &str {
        self.failure_mode.as_deref().unwrap_or("unset")
    }
}

#[derive(Debug)]
struct TrialFile {
    source: SourceFile,
    evidence: Evidence,
    kind: TrialFileKind,
    /// With their places in the file.
    trials: Vec<(String, RawTrial)>,
    metadata: Option<RunMetadata>,
}

/// The files, those with many trials before those with one, then by name.
fn files(inputs: &[ToolFile<'_>], done: &mut Conversion) -> Vec<TrialFile> {
    let mut files = Vec::new();
    for input in inputs {
        match TrialFile::read(input, done) {
            Ok(file) => files.push(file),
            Err(problem) => done.problems.push(problem),
        }
    }
    let single = |file: &TrialFile| file.kind == TrialFileKind::Trial;
    files.sort_by(|a, b| single(a).cmp(&single(b)).then_with(|| a.source.cmp_by_name(&b.source)));
    files
}

impl TrialFile {
    fn read(input: &ToolFile<'_>, done: &mut Conversion) -> Result<Self, Finding> {
        let found = |code, message: &str, expected| Finding::of_file(code, input.name, message, expected);
        let text = input.bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(input.bytes);
        let document: Value = serde_json::from_slice(text).map_err(|error| {
            found(FindingCode::JsonInvalid, &format!("not JSON: {error}"), "a file of terminal-bench")
        })?;
        let kind = TrialFileKind::of(&document).ok_or_else(|| {
            let expected = "an object with a `results` array, one trial (`trial_name`, `task_id`), or the metadata \
                            of a run (`run_id`, `agent_name`)";
            found(FindingCode::WrongFormat, "not a file of terminal-bench", expected)
        })?;
        let source = SourceFile::of(input);
        let (evidence, note) = source.evidence();
        done.notes.extend(note);
        let mut file = Self { source, evidence, kind, trials: Vec::new(), metadata: None };
        match kind {
            TrialFileKind::Results => {
                for (index, entry) in list(&document, "/results").iter().enumerate() {
                    file.trial(format!("/results/{index}"), entry, done);
                }
            }
            TrialFileKind::Trial => file.trial(String::new(), &document, done),
            TrialFileKind::Metadata => match RunMetadata::read(file.at(""), &document) {
                Ok(metadata) => file.metadata = Some(metadata),
                Err(problem) => done.problems.push(problem),
            },
        }
        Ok(file)
    }

    fn trial(&mut self, place: String, entry: &Value, done: &mut Conversion) {
        done.counts.records += 1;
        match RawTrial::read(self.at(&place), entry) {
            Ok(trial) => self.trials.push((place, trial)),
            Err(problem) => done.left_out(problem),
        }
    }

    fn at<'a>(&'a self, place: &'a str) -> FoundAt<'a> {
        FoundAt { input: &self.source.name, place }
    }
}

#[derive(Clone, Copy, Debug)]
struct DescribedRun<'f> {
    file: &'f TrialFile,
    metadata: &'f RunMetadata,
}

/// What the inputs say about runs: a trial's name says which run it belongs to, and the run's metadata says more.
#[derive(Debug, Default)]
struct KnownRuns<'f> {
    described: BTreeMap<&'f str, Vec<DescribedRun<'f>>>,
    used: BTreeSet<&'f str>,
    /// Trials of runs that cannot be told, by file and run.
    lost: BTreeMap<(&'f str, &'f str), u64>,
    /// The same, where the user named the run.
    named: BTreeMap<(&'f str, &'f str), u64>,
}

impl<'f> KnownRuns<'f> {
    /// Metadata of one run that says the same twice is taken once.
    fn of(files: &'f [TrialFile]) -> Self {
        let mut runs = Self::default();
        for file in files {
            let Some(metadata) = &file.metadata else { continue };
            let known = runs.described.entry(metadata.run_id.as_str()).or_default();
            if known.iter().all(|other| other.metadata != metadata) {
                known.push(DescribedRun { file, metadata });
            }
        }
        runs
    }

    /// The run's id here, and its metadata where there is some; `None` when nothing describes it, or two files differ.
    fn find(
        &mut self,
        run: &'f str,
        file: &'f TrialFile,
        options: &'f ConvertOptions,
    ) -> Option<(&'f str, Option<DescribedRun<'f>>)> {
        self.used.insert(run);
        match (self.described.get(run).map(Vec::as_slice), &options.run_id) {
            (Some([one]), _) => return Some((one.metadata.run_id.as_str(), Some(*one))),
            (None, Some(named)) => {
                *self.named.entry((&file.source.name, run)).or_default() += 1;
                return Some((named.as_str(), None));
            }
            _ => *self.lost.entry((&file.source.name, run)).or_default() += 1,
        }
        None
    }

    fn report(&self, done: &mut Conversion) {
        for ((input, run), trials) in &self.lost {
            done.problems.push(self.lost(input, run, *trials));
        }
        for ((input, run), trials) in &self.named {
            let run = quote(run);
            let message = format!("no input describes run {run}; trials without agent, dataset and commit: {trials}");
            done.notes.push(Finding::of_file(FindingCode::MetadataReplaced, input, message, ""));
        }
        for (run, described) in self.described.iter().filter(|(run, _)| !self.used.contains(*run)) {
            done.notes.extend(described.iter().map(|one| {
                let message = format!("no trial of run {} among the inputs", quote(run));
                one.file.at("").found(FindingCode::MetadataUnused, message, "")
            }));
        }
    }

    fn lost(&self, input: &str, run: &str, trials: u64) -> Finding {
        let described = self.described.get(run).into_iter().flatten();
        let files: Vec<_> = described.map(|described| quote(&described.file.source.name)).collect();
        if files.is_empty() {
            let message = format!("no input describes run {}; trials left out: {trials}", quote(run));
            let expected = format!(
                "its `run_metadata.json` among the inputs, or `--run-id {run}` to do without agent, dataset and commit"
            );
            Finding::of_file(FindingCode::MetadataMissing, input, message, expected)
        } else {
            let (files, run) = (files.join(" and "), quote(run));
            let message = format!("{files} describe run {run} differently; trials left out: {trials}");
            Finding::of_file(FindingCode::MetadataAmbiguous, input, message, "one description of a run")
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Trial<'f> {
    file: &'f TrialFile,
    place: &'f str,
    raw: &'f RawTrial,
    /// Such as `2-of-5`.
    attempt: &'f str,
    run: &'f str,
    described: Option<DescribedRun<'f>>,
}

/// The trials of all files, in the order of the files, each once; every one left out is reported.
fn gather<'f>(files: &'f [TrialFile], options: &'f ConvertOptions, done: &mut Conversion) -> Vec<Trial<'f>> {
    let mut runs = KnownRuns::of(files);
    let mut seen = SeenTrials::default();
    let mut trials = Vec::new();
    for file in files {
        let before = done.counts.repeated;
        for (place, raw) in &file.trials {
            let trial = Trial::of(file, place, raw, &mut runs, options, done);
            trials.extend(trial.filter(|trial| seen.first(*trial, done)));
        }
        let repeated = done.counts.repeated - before;
        if repeated > 0 && file.kind == TrialFileKind::Results {
            let message = format!("trials that another input has too and that are taken once: {repeated}");
            done.notes.push(file.at("").found(FindingCode::RecordRepeated, message, ""));
        }
    }
    runs.report(done);
    trials
}

impl<'f> Trial<'f> {
    fn of(
        file: &'f TrialFile,
        place: &'f str,
        raw: &'f RawTrial,
        runs: &mut KnownRuns<'f>,
        options: &'f ConvertOptions,
        done: &mut Conversion,
    ) -> Option<Self> {
        let Some((attempt, run)) = raw.attempt_and_run() else {
            let message = format!("`trial_name` {} says neither attempt nor run", quote(&raw.trial_name));
            let expected = format!("`{}.K-of-N.RUN`", raw.task_id);
            done.left_out(file.at(place).found(FindingCode::RecordMalformed, message, expected));
            return None;
        };
        let Some((run, described)) = runs.find(run, file, options) else {
            done.counts.left_out += 1;
            return None;
        };
        Some(Self { file, place, raw, attempt, run, described })
    }

    fn at(&self) -> FoundAt<'f> {
        self.file.at(self.place)
    }

    fn metadata(&self) -> Option<&'f RunMetadata> {
        self.described.map(|run| run.metadata)
    }

    fn ts(&self, options: &ConvertOptions) -> Result<Timestamp, Finding> {
        let own = self.raw.trial_ended_at.as_deref().map(|text| ("trial_ended_at", text));
        let of_run = || Some(("end_time", self.metadata()?.end_time.as_deref()?));
        match own.or_else(of_run) {
            Some((member, text)) => text.parse().map_err(|error| {
                let message = format!("`{member}` {} is not a time", quote(text));
                self.at().found(FindingCode::TimeInvalid, message, format!("{error}"))
            }),
            None => options.ts.ok_or_else(|| {
                let expected = "`trial_ended_at`, `end_time` in the run's metadata, or `--ts TIME`";
                self.at().found(FindingCode::TimeMissing, "the trial has no time", expected)
            }),
        }
    }

    fn duration_ms(&self) -> Result<Option<u64>, Finding> {
        let (Some(started), Some(ended)) = (&self.raw.trial_started_at, &self.raw.trial_ended_at) else {
            return Ok(None);
        };
        let milliseconds = || {
            let (started, ended) = (started.parse::<Timestamp>().ok()?, ended.parse::<Timestamp>().ok()?);
            let nanoseconds = u128::try_from(ended.nanoseconds_since(started)).ok()?;
            u64::try_from(nanoseconds / 1_000_000).ok()
        };
        milliseconds().map(Some).ok_or_else(|| {
            let message = format!("no duration from {} to {}", quote(started), quote(ended));
            self.at().found(FindingCode::DurationLeftOut, message, "")
        })
    }

    /// One gate per test, which may stand there with and without a text, and failed if it failed once.
    fn gates(&self, record: &mut OutcomeRecord) -> Result<(), Finding> {
        let mut gates: BTreeMap<&str, Status> = BTreeMap::new();
        let mut texts = Vec::new();
        for (entry, result) in self.raw.parser_results.iter().flatten() {
            let status = match &**result {
                "passed" => Status::Pass,
                "failed" => Status::Fail,
                "skipped" => Status::Skip,
                _ => {
                    let message = format!("test {} has the status {}", quote(entry), quote(result));
                    let expected = "`passed`, `failed` or `skipped`";
                    return Err(self.at().found(FindingCode::StatusUnknown, message, expected));
                }
            };
            let name = name_of(entry);
            if name != entry && status == Status::Fail {
                texts.push(entry.as_str());
            }
            let merged = gates.entry(name).or_insert(status);
            *merged = worse(*merged, status);
        }
        record.gates = gates.into_iter().map(|(name, status)| (name.to_owned(), status)).collect();
        record.message = message(&texts);
        Ok(())
    }

    fn outcome(&self, record: &mut OutcomeRecord, done: &mut Conversion) -> Result<(), Finding> {
        let raw = self.raw;
        if raw.is_resolved == Some(true) {
            record.signal = Signal::Success;
            return Ok(());
        }
        let code = match code_of(raw.mode()) {
            Some(code) => code,
            None if raw.is_resolved.is_some() || raw.parser_results.is_some() => "TESTS_FAILED".to_owned(),
            None => {
                let message = "the trial was neither judged nor did it fail";
                let expected = "`is_resolved`, `parser_results`, or a `failure_mode` that says what failed";
                return Err(self.at().found(FindingCode::OutcomeMissing, message, expected));
            }
        };
        let known = CODES.iter().find(|known| known.code == code);
        if known.is_none() {
            let message = format!("`failure_mode` {} is new here and becomes `{code}`", quote(raw.mode()));
            done.notes.push(self.at().found(FindingCode::CodeUnlisted, message, ""));
        }
        record.code = Some((code, known.map_or(Repairable, |known| known.class)));
        Ok(())
    }

    fn evidence(&self, done: &mut Conversion) -> Vec<Evidence> {
        let mut evidence: Vec<_> = self.described.iter().map(|run| run.file.evidence.clone()).collect();
        match self.raw.recording_path.as_deref().map(EvidencePath::new) {
            Some(Ok(path)) => evidence.push(Evidence::at(path)),
            Some(Err(error)) => {
                let message = format!("`recording_path` is left out of the evidence: {error}");
                done.notes.push(self.at().found(FindingCode::PathLeftOut, message, ""));
            }
            None => {}
        }
        evidence
    }

    fn record(&self, done: &mut Conversion) -> Result<OutcomeRecord, Finding> {
        let (raw, metadata) = (self.raw, self.metadata());
        let of_run = |member: fn(&RunMetadata) -> &Option<String>| metadata.and_then(|run| member(run).clone());
        let mut record = OutcomeRecord::new(self.place, Signal::Failure, ("benchmark_task", &raw.task_id), "solve");
        self.gates(&mut record)?;
        self.outcome(&mut record, done)?;
        record.duration_ms = self.duration_ms().unwrap_or_else(|note| {
            done.notes.push(note);
            None
        });
        record.evidence = self.evidence(done);
        let commit = of_run(|run| &run.commit_hash);
        let (agent, model) = (of_run(|run| &run.agent_name), of_run(|run| &run.model_name));
        record.subject = SaidSubject::agent(agent.as_deref(), model.as_deref(), commit.as_deref());
        // The agent's version is the commit that the harness ran at, the only one that a run names;
        // `unknown` is the harness's own word where it found none.
        let version = commit.clone().unwrap_or_else(|| "unknown".to_owned());
        record.tool = agent.map(|agent| (agent, version));
        // The dataset's version under the dataset's name.
        let dataset = of_run(|run| &run.dataset_name).unwrap_or_else(|| "dataset".to_owned());
        record.versions.extend(of_run(|run| &run.dataset_version).map(|version| (dataset, version)));
        let labels = [
            ("attempt", Some(self.attempt.to_owned())),
            ("commit", commit),
            ("failure_mode", raw.failure_mode.clone()),
            ("model", model),
            ("run_uuid", of_run(|run| &run.uuid)),
        ];
        record.labels = labels.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        Ok(record)
    }
}

#[derive(Default)]
struct SeenTrials<'f> {
    names: BTreeMap<&'f str, Trial<'f>>,
    events: BTreeMap<(&'f str, &'f str, &'f str), Trial<'f>>,
}

impl<'f> SeenTrials<'f> {
    /// Whether the trial is new; else it is counted as repeated, or reported where it differs.
    fn first(&mut self, trial: Trial<'f>, done: &mut Conversion) -> bool {
        let event = (trial.run, trial.attempt, trial.raw.event_id());
        let earlier = self.names.get(trial.raw.trial_name.as_str()).or_else(|| self.events.get(&event));
        match earlier {
            None => {
                self.names.insert(&trial.raw.trial_name, trial);
                self.events.insert(event, trial);
                return true;
            }
            Some(earlier) if earlier.raw == trial.raw => done.counts.repeated += 1,
            Some(earlier) => {
                let message = format!(
                    "trial {} says something else than the one at {}, which is taken",
                    quote(&trial.raw.trial_name),
                    quote(&earlier.at().shown())
                );
                done.left_out(trial.at().found(FindingCode::RecordConflict, message, "each trial once"));
            }
        }
        false
    }
}

/// By run and, inside a run, by time, then task, then event. An attempt at all tasks is a run of its own.
fn write(trials: &[Trial<'_>], options: &ConvertOptions, done: &mut Conversion) {
    let mut ready = Vec::new();
    for trial in trials {
        match trial.ts(options).and_then(|ts| Ok((ts, trial.record(done)?))) {
            Ok((ts, record)) => ready.push((format!("{}/{}", trial.run, trial.attempt), ts, trial, record)),
            Err(problem) => done.left_out(problem),
        }
    }
    ready.sort_by(|(run, ts, a, _), (other, late, b, _)| {
        (run, ts, &a.raw.task_id, a.raw.event_id()).cmp(&(other, late, &b.raw.task_id, b.raw.event_id()))
    });
    let mut reader = Reader::new();
    for attempt in ready.chunk_by(|(a, ..), (b, ..)| a == b) {
        let mut sequence = 1;
        for (run, ts, trial, record) in attempt {
            let subject = match record.subject.with(options) {
                Ok(subject) => subject,
                Err(missing) => {
                    let expected = RevisionMissing::EXPECTED;
                    done.left_out(trial.at().found(FindingCode::RevisionMissing, missing.message(), expected));
                    continue;
                }
            };
            let placement = Placement {
                run_id: run,
                task_id: &trial.raw.task_id,
                group_id: &trial.raw.trial_name,
                event_id: trial.raw.event_id(),
                target: &trial.raw.task_id,
                sequence,
                ts: *ts,
                message: record.message.as_deref(),
                subject,
            };
            match admit(record, &placement, options, &trial.file.evidence, &mut reader) {
                Ok(envelope) => {
                    sequence += 1;
                    done.codes.extend(record.code.clone());
                    done.envelopes.push(envelope);
                }
                Err(rejection) => done.left_out(refused(trial.at(), &rejection)),
            }
        }
    }
}

/// The texts, a line each, as many whole ones as a message holds.
fn message(texts: &[&str]) -> Option<String> {
    let mut message = String::new();
    for text in texts {
        if message.len() + 1 + text.len() > MESSAGE_BYTES {
            break;
        }
        if !message.is_empty() {
            message.push('\n');
        }
        message.push_str(text);
    }
    (!message.is_empty()).then_some(message)
}

fn worse(a: Status, b: Status) -> Status {
    if a == Status::Fail || (a == Status::Pass && b != Status::Fail) { a } else { b }
}

/// What stands before pytest's own separator ` - `. One inside brackets belongs to a parameter, and so to the name.
fn name_of(entry: &str) -> &str {
    let mut depth = 0_usize;
    for (place, found) in entry.char_indices() {
        match found {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && place > 0 => match entry.split_at_checked(place) {
                Some((name, rest)) if rest.starts_with(" - ") => return name,
                _ => {}
            },
            _ => {}
        }
    }
    entry
}

#[cfg(test)]
mod tests;
