//! SWE-bench: one envelope per instance that a run tried. `docs/formats/swe-bench.md` has the mapping.

use std::collections::{BTreeMap, BTreeSet};

use dome_core::CodeClass::{Advisory, Repairable};
use dome_core::json::pointer_step;
use dome_core::limits::GATES;
use dome_core::{Evidence, Signal, Status, Timestamp};
use serde_json::{Map, Value};

use crate::codes::means;
use crate::convert::{Conversion, ConvertOptions, SourceFile, ToolFile};
use crate::finding::{Finding, FindingCode, FoundAt, quote};
use crate::format::{CodeMeaning, Converts, Descriptor};
use crate::head::Head;
use crate::out::{ConverterState, Out};
use crate::record::{OutcomeRecord, identifier};
use crate::subject::SaidSubject;
use crate::when::When;

pub(crate) const FORMAT: Descriptor = Descriptor {
    name: "swe-bench",
    summary: "reports, summaries, evaluation logs and resolved matrices of SWE-bench",
    endings: &[".json", ".jsonl", ".log"],
    codes: CODES,
    sniff,
    converts: Converts::Together(convert),
};

const CODES: &[CodeMeaning] = &[
    means("EVALUATION.ERROR", Advisory, "the harness broke off before it judged the instance"),
    means("EVALUATION.INSTALL_FAILED", Advisory, "the environment of the instance could not be installed"),
    means("EVALUATION.RESET_FAILED", Advisory, "the repository could not be set back to the commit of the instance"),
    means("PATCH.EMPTY", Repairable, "no patch was made, or an empty one"),
    means("PATCH.NOT_APPLIED", Repairable, "the patch could not be applied"),
    means("TESTS.ERRORED", Repairable, "the tests could not be run"),
    means("TESTS.TIMEOUT", Repairable, "the tests did not end in their time"),
    means("TESTS_FAILED", Repairable, "the patch was applied, and not all tests that decide passed"),
    means("UNRESOLVED", Repairable, "the instance is not resolved, and nothing says why"),
];

fn sniff(head: &Head) -> bool {
    let both = |a, b| head.has_member(a) && head.has_member(b);
    // Results of terminal-bench sum themselves up in the same words.
    let named = (both("resolved_ids", "submitted_ids") || both("resolved_ids", "unresolved_ids"))
        && !head.has_member("results");
    let summary = named || both("no_generation", "resolved");
    let listed = both("system", "resolvedIds") || both("name", "instance_ids");
    let line = head.has_member("instanceId") && head.has_member("resolved");
    let inner = |name: &str| head.text().trim_start().starts_with('{') && head.text().contains(name);
    let log = head.lines().next().is_some_and(|line| line.trim_end().ends_with("Task Metadata:"))
        && head.text().contains("- Instance ID:");
    summary || listed || line || inner("\"patch_successfully_applied\"") || inner("\"resolved_submissions\"") || log
}

const EXPECTED: &str = "a report by instance, a summary with its lists of instances, a resolved matrix, a list of \
                        instances, or an evaluation log of SWE-bench";

/// The lists of the harness's summary, the first that has an instance decides.
const SUMMARY: [(&str, ClaimVerdict); 6] = [
    ("resolved_ids", ClaimVerdict::Resolved),
    ("unresolved_ids", ClaimVerdict::Failed("UNRESOLVED")),
    ("empty_patch_ids", ClaimVerdict::Failed("PATCH.EMPTY")),
    ("error_ids", ClaimVerdict::Failed("EVALUATION.ERROR")),
    ("completed_ids", ClaimVerdict::Open),
    ("submitted_ids", ClaimVerdict::Open),
];

/// The lists of the first harness's summary, likewise.
const OLD_SUMMARY: [(&str, ClaimVerdict); 10] = [
    ("resolved", ClaimVerdict::Resolved),
    ("no_apply", ClaimVerdict::Failed("PATCH.NOT_APPLIED")),
    ("install_fail", ClaimVerdict::Failed("EVALUATION.INSTALL_FAILED")),
    ("reset_failed", ClaimVerdict::Failed("EVALUATION.RESET_FAILED")),
    ("test_errored", ClaimVerdict::Failed("TESTS.ERRORED")),
    ("test_timeout", ClaimVerdict::Failed("TESTS.TIMEOUT")),
    ("applied", ClaimVerdict::Failed("TESTS_FAILED")),
    ("with_logs", ClaimVerdict::Open),
    ("generated", ClaimVerdict::Open),
    ("no_generation", ClaimVerdict::Failed("PATCH.EMPTY")),
];

/// The marks of the harness that end an evaluation, the last of the log decides.
const MARKS: [(&str, ClaimVerdict); 7] = [
    ("Patch Apply Failed", ClaimVerdict::Failed("PATCH.NOT_APPLIED")),
    ("Init Failed", ClaimVerdict::Failed("EVALUATION.INSTALL_FAILED")),
    ("Reset Failed", ClaimVerdict::Failed("EVALUATION.RESET_FAILED")),
    ("Tests Errored", ClaimVerdict::Failed("TESTS.ERRORED")),
    ("Tests Timed Out", ClaimVerdict::Failed("TESTS.TIMEOUT")),
    // Which tests decide stands in the instance, not in the log.
    ("All Tests Passed", ClaimVerdict::Open),
    ("Some Tests Failed", ClaimVerdict::Open),
];

fn convert(inputs: &[ToolFile<'_>], options: &ConvertOptions) -> Conversion {
    let mut done = Conversion::default();
    let files = files(inputs, &mut done);
    let (mut claims, mut matrix) = (Vec::new(), Matrix::default());
    for file in &files {
        match file.claims(&mut matrix, &mut done) {
            Ok(mut found) => {
                let given = options.run_of(&file.source.name);
                found.iter_mut().for_each(|claim| claim.record.run_id = claim.record.run_id.take().or(given.clone()));
                claims.extend(found);
            }
            Err(problem) => done.problems.push(problem),
        }
    }
    claims.extend(matrix.claims());
    let outcomes = merged(claims, &mut done);
    write(&outcomes, options, &mut done);
    done
}

/// One input, by its place in the order of names.
#[derive(Debug)]
struct SweFile<'f> {
    number: usize,
    bytes: &'f [u8],
    source: SourceFile,
    evidence: Evidence,
}

fn files<'f>(inputs: &[ToolFile<'f>], done: &mut Conversion) -> Vec<SweFile<'f>> {
    let mut sources: Vec<_> = inputs.iter().map(|input| (SourceFile::of(input), input.bytes)).collect();
    sources.sort_by(|(a, _), (b, _)| a.cmp_by_name(b));
    sources.dedup_by(|(a, _), (b, _)| a == b);
    let mut files = Vec::new();
    for (number, (source, bytes)) in sources.into_iter().enumerate() {
        let (evidence, note) = source.evidence();
        done.notes.extend(note);
        files.push(SweFile { number, bytes: bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes), source, evidence });
    }
    files
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClaimVerdict {
    Resolved,
    Failed(&'static str),
    /// The file does not say.
    Open,
}

/// How much a file knows: what knows more is believed, and the rest of it is kept as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ClaimRank {
    Tests,
    Steps,
    Outcome,
    Log,
}

/// What one file says of one instance in one run.
#[derive(Debug)]
struct Claim<'f> {
    file: &'f SweFile<'f>,
    rank: ClaimRank,
    verdict: ClaimVerdict,
    /// Its run is the one that the data names, or that the user names for the file.
    record: OutcomeRecord,
}

impl<'f> Claim<'f> {
    fn new(file: &'f SweFile<'f>, place: String, instance: &str, rank: ClaimRank, verdict: ClaimVerdict) -> Self {
        let signal = if verdict == ClaimVerdict::Resolved { Signal::Success } else { Signal::Failure };
        let mut record = OutcomeRecord::new(place, signal, ("benchmark_task", instance), "solve");
        record.event_id = Some(instance.to_owned());
        if let ClaimVerdict::Failed(code) = verdict {
            record.code = Some((code.to_owned(), Repairable));
        }
        Self { file, rank, verdict, record }
    }

    fn instance(&self) -> &str {
        &self.record.target.1
    }

    fn absorb(&mut self, other: Self) {
        let (record, other, file) = (&mut self.record, other.record, other.file);
        record.when = std::mem::take(&mut record.when).or(&other.when);
        if record.gates.is_empty() {
            record.gates = other.gates;
        }
        record.duration_ms = record.duration_ms.or(other.duration_ms);
        record.tool = record.tool.take().or(other.tool);
        for (name, value) in other.labels {
            record.labels.entry(name).or_insert(value);
        }
        if !record.evidence.contains(&file.evidence) {
            record.evidence.push(file.evidence.clone());
        }
    }
}

impl<'f> SweFile<'f> {
    fn at<'p>(&'p self, place: &'p str) -> FoundAt<'p> {
        FoundAt { input: &self.source.name, place }
    }

    /// What the file says. Matrices and lists of instances go to `matrix`.
    fn claims(&'f self, matrix: &mut Matrix<'f>, done: &mut Conversion) -> Result<Vec<Claim<'f>>, Finding> {
        if is_log(self.bytes) {
            return Ok(vec![self.log()?]);
        }
        let claims = match serde_json::from_slice::<Value>(self.bytes) {
            Ok(document) => self.document(&document, matrix)?,
            Err(error) if error.line() > 1 && is_lines(self.bytes) => return Ok(self.lines(done)),
            Err(error) => {
                let (place, message) = (error.line().to_string(), format!("not JSON: {error}"));
                return Err(self.at(&place).found(FindingCode::JsonInvalid, message, EXPECTED));
            }
        };
        let (open, told): (Vec<_>, Vec<_>) = claims.into_iter().partition(|claim| claim.verdict == ClaimVerdict::Open);
        for claim in open {
            let message = format!("nothing says how {} ended", quote(claim.instance()));
            lost(self.at(&claim.record.place).found(FindingCode::OutcomeMissing, message, "an outcome"), done);
        }
        Ok(told)
    }

    fn document(&'f self, document: &Value, matrix: &mut Matrix<'f>) -> Result<Vec<Claim<'f>>, Finding> {
        let has = |name: &str| document.get(name).is_some_and(Value::is_array);
        // Results of terminal-bench have `resolved_ids` too, beside `results`.
        if has("resolved_ids") && !has("results") {
            return Ok(self.by_lists(document, &SUMMARY, ClaimRank::Outcome));
        }
        if has("no_generation") && has("resolved") {
            return Ok(self.by_lists(document, &OLD_SUMMARY, ClaimRank::Steps));
        }
        if has("resolvedIds") {
            return Ok(self.comparison(document));
        }
        if has("instance_ids") {
            matrix.dataset(document);
            return Ok(Vec::new());
        }
        if document.get("instanceId").is_some() {
            return self.line(String::new(), document).map(|claim| vec![claim]);
        }
        // An object by instance: a report of each, or the runs that resolved it.
        let wrong = |message: &str| self.at("").found(FindingCode::WrongFormat, message, EXPECTED);
        let object = document.as_object().ok_or_else(|| wrong("the document is no object"))?;
        let all = |name: &str| !object.is_empty() && object.values().all(|value| value.get(name).is_some());
        if all("resolved") {
            return Ok(object.iter().map(|(instance, report)| self.report(instance, report)).collect());
        }
        if all("resolved_submissions") {
            matrix.rows(self, object);
            return Ok(Vec::new());
        }
        Err(wrong("nothing in it says which instances were resolved"))
    }

    fn by_lists(&'f self, document: &Value, lists: &[(&str, ClaimVerdict)], rank: ClaimRank) -> Vec<Claim<'f>> {
        let mut found = BTreeMap::new();
        for (list, verdict) in lists {
            for (place, instance) in texts(document, list) {
                let claim = || Claim::new(self, format!("/{list}/{place}"), instance, rank, *verdict);
                found.entry(instance.to_owned()).or_insert_with(claim);
            }
        }
        found.into_values().collect()
    }

    /// What a system that others are compared with resolved.
    fn comparison(&'f self, document: &Value) -> Vec<Claim<'f>> {
        let submission = document.get("source").and_then(Value::as_str).and_then(|source| source.rsplit('/').next());
        let dated = submission.and_then(|submission| Some((submission, day(submission)?)));
        let claim = |(place, instance): (usize, &str)| {
            let place = format!("/resolvedIds/{place}");
            let mut claim = Claim::new(self, place, instance, ClaimRank::Outcome, ClaimVerdict::Resolved);
            if let Some((submission, day)) = &dated {
                claim.record.run_id = Some((*submission).to_owned());
                claim.record.subject = SaidSubject::at(Some(*submission));
                claim.record.when = When::Local(day.clone());
            }
            claim.record.label("system", document.get("system").and_then(Value::as_str));
            claim
        };
        texts(document, "resolvedIds").map(claim).collect()
    }

    fn report(&'f self, instance: &str, report: &Value) -> Claim<'f> {
        let flag = |name: &str| report.get(name).and_then(Value::as_bool);
        let verdict = match flag("resolved") {
            Some(true) => ClaimVerdict::Resolved,
            Some(false) if flag("patch_is_None") == Some(true) => ClaimVerdict::Failed("PATCH.EMPTY"),
            Some(false) if flag("patch_exists") == Some(false) => ClaimVerdict::Failed("PATCH.EMPTY"),
            Some(false) => match flag("patch_successfully_applied") {
                Some(false) => ClaimVerdict::Failed("PATCH.NOT_APPLIED"),
                Some(true) => ClaimVerdict::Failed("TESTS_FAILED"),
                None => ClaimVerdict::Failed("UNRESOLVED"),
            },
            None => ClaimVerdict::Open,
        };
        let mut claim = Claim::new(self, format!("/{}", pointer_step(instance)), instance, ClaimRank::Tests, verdict);
        claim.record.gates = gates(report);
        claim
    }

    /// One outcome per line; a line that is none is left out.
    fn lines(&'f self, done: &mut Conversion) -> Vec<Claim<'f>> {
        let mut claims = Vec::new();
        for (number, bytes) in (1..).zip(self.bytes.split(|byte| *byte == b'\n')) {
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            let place = number.to_string();
            let read = serde_json::from_slice(bytes).map_err(|error| {
                let message = format!("not JSON: {error}");
                self.at(&place).found(FindingCode::JsonInvalid, message, "an outcome of one instance")
            });
            match read.and_then(|line: Value| self.line(place.clone(), &line)) {
                Ok(claim) => claims.push(claim),
                Err(problem) => lost(problem, done),
            }
        }
        claims
    }

    /// The outcome of one instance with time and cost, as harnesses around SWE-bench log it.
    fn line(&'f self, place: String, line: &Value) -> Result<Claim<'f>, Finding> {
        let text = |name: &str| line.get(name).and_then(Value::as_str);
        let wrong = |code, message: &str, expected: &str| self.at(&place).found(code, message, expected);
        let instance = text("instanceId")
            .ok_or_else(|| wrong(FindingCode::RecordMalformed, "`instanceId` is missing", "a string"))?;
        let verdict = match line.get("resolved").and_then(Value::as_bool) {
            Some(true) => ClaimVerdict::Resolved,
            Some(false) if text("modelPatch").is_some_and(|patch| patch.trim().is_empty()) => {
                ClaimVerdict::Failed("PATCH.EMPTY")
            }
            Some(false) => ClaimVerdict::Failed("UNRESOLVED"),
            None => return Err(wrong(FindingCode::OutcomeMissing, "`resolved` is missing", "`true` or `false`")),
        };
        let mut claim = Claim::new(self, place.clone(), instance, ClaimRank::Outcome, verdict);
        claim.record.when = When::said(text("timestamp"));
        claim.record.duration_ms = line.get("durationMs").and_then(Value::as_u64);
        claim.record.tool = text("agent").map(|agent| (agent.to_owned(), "unknown".to_owned()));
        claim.record.label_all([("model", text("model")), ("base_commit", text("commitHash"))]);
        Ok(claim)
    }

    /// The evaluation log of the first harness: its own marks, and nothing of what tests print.
    fn log(&'f self) -> Result<Claim<'f>, Finding> {
        let text = String::from_utf8_lossy(self.bytes);
        let said = |name: &str| text.lines().take(12).find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
        let instance = said("- Instance ID:").ok_or_else(|| {
            self.at("").found(FindingCode::WrongFormat, "the log names no instance", "`- Instance ID: ...`")
        })?;
        let mark = |line: &str| {
            let line = line.strip_prefix(">>>>> ")?;
            MARKS.iter().find(|(name, _)| line.starts_with(name)).map(|(_, verdict)| *verdict)
        };
        let verdict = text.lines().filter_map(mark).next_back().unwrap_or(ClaimVerdict::Open);
        let mut claim = Claim::new(self, String::new(), instance, ClaimRank::Log, verdict);
        claim.record.label("model", said("- Evaluation Model:"));
        Ok(claim)
    }
}

fn is_log(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').next().is_some_and(|first| first.trim_ascii().ends_with(b"Task Metadata:"))
}

fn is_lines(bytes: &[u8]) -> bool {
    let first = bytes.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty());
    first.is_some_and(|line| serde_json::from_slice::<Value>(line).is_ok_and(|line| line.is_object()))
}

/// The tests that decide; the two sets of them where there are more than an envelope may carry.
fn gates(report: &Value) -> Vec<(String, Status)> {
    let mut tests: BTreeMap<String, Status> = BTreeMap::new();
    let mut sets: BTreeMap<String, Status> = BTreeMap::new();
    for set in ["FAIL_TO_PASS", "PASS_TO_PASS"] {
        for (list, status) in [("success", Status::Pass), ("failure", Status::Fail)] {
            let names = report.get("tests_status").and_then(|sets| sets.get(set));
            for (_, name) in names.into_iter().flat_map(|lists| texts(lists, list)) {
                for (gates, name) in [(&mut tests, identifier(name)), (&mut sets, Some(set.to_owned()))] {
                    let known = name.map(|name| gates.entry(name).or_insert(status));
                    known.filter(|_| status == Status::Fail).into_iter().for_each(|known| *known = status);
                }
            }
        }
    }
    if tests.len() > GATES { sets.into_iter().collect() } else { tests.into_iter().collect() }
}

fn texts<'v>(document: &'v Value, list: &str) -> impl Iterator<Item = (usize, &'v str)> {
    let entries = document.get(list).and_then(Value::as_array).into_iter().flatten().enumerate();
    entries.filter_map(|(place, entry)| Some((place, entry.as_str()?)))
}

/// The day that a submission's id begins with, as the start of a day somewhere.
fn day(id: &str) -> Option<String> {
    let (day, _) = id.split_once('_')?;
    let [year, month, of_month] = [day.get(..4)?, day.get(4..6)?, day.get(6..)?];
    let local = format!("{year}-{month}-{of_month}T00:00:00");
    (day.len() == 8 && format!("{local}Z").parse::<Timestamp>().is_ok()).then_some(local)
}

fn lost(problem: Finding, done: &mut Conversion) {
    done.counts.records += 1;
    done.left_out(problem);
}

/// By instance: the file and the place of each naming.
type Resolved<'f> = BTreeMap<String, Vec<(&'f SweFile<'f>, String)>>;

/// The resolved matrices, instances by submissions, and the lists of instances beside them, which say
/// which instances a submission tried, so that those which it did not resolve are known.
#[derive(Debug, Default)]
struct Matrix<'f> {
    /// By submission.
    resolved: BTreeMap<String, Resolved<'f>>,
    datasets: BTreeMap<String, BTreeSet<String>>,
    /// The last one.
    file: Option<&'f SweFile<'f>>,
}

impl<'f> Matrix<'f> {
    fn dataset(&mut self, document: &Value) {
        // Lists without a name are one set.
        let name = document.get("name").and_then(Value::as_str).unwrap_or("");
        let instances = texts(document, "instance_ids").map(|(_, instance)| instance.to_owned());
        self.datasets.entry(name.to_owned()).or_default().extend(instances);
    }

    fn rows(&mut self, file: &'f SweFile<'f>, rows: &Map<String, Value>) {
        self.file = Some(file);
        for (instance, row) in rows {
            for (place, submission) in texts(row, "resolved_submissions") {
                let place = format!("/{}/resolved_submissions/{place}", pointer_step(instance));
                let by_instance = self.resolved.entry(submission.to_owned()).or_default();
                by_instance.entry(instance.clone()).or_default().push((file, place));
            }
        }
    }

    fn claims(&self) -> Vec<Claim<'f>> {
        let mut claims = Vec::new();
        let Some(last) = self.file else { return claims };
        for (submission, resolved) in &self.resolved {
            let tried = self.tried(resolved);
            let mut push = |file, place: &str, instance: &str, verdict| {
                let mut claim = Claim::new(file, place.to_owned(), instance, ClaimRank::Outcome, verdict);
                claim.record.run_id = Some(submission.clone());
                claim.record.subject = SaidSubject::at(Some(submission));
                claim.record.when = day(submission).map_or(When::Unknown, When::Local);
                let datasets: Vec<_> = tried.iter().copied().filter(|name| self.holds(name, instance)).collect();
                claim.record.label("dataset", Some(&datasets.join(",")));
                claims.push(claim);
            };
            for (instance, places) in resolved {
                places.iter().for_each(|(file, place)| push(file, place, instance, ClaimVerdict::Resolved));
            }
            let all: BTreeSet<_> = tried.iter().filter_map(|name| self.datasets.get(*name)).flatten().collect();
            for instance in all.into_iter().filter(|instance| !resolved.contains_key(*instance)) {
                push(last, "", instance, ClaimVerdict::Failed("UNRESOLVED"));
            }
        }
        claims
    }

    fn holds(&self, dataset: &str, instance: &str) -> bool {
        self.datasets.get(dataset).is_some_and(|instances| instances.contains(instance))
    }

    /// The data sets that a submission was run on: of each it resolved an instance that no other has.
    fn tried(&self, resolved: &Resolved<'_>) -> Vec<&str> {
        let own = |name: &str, instance: &String| {
            let mut others = self.datasets.keys().filter(|other| *other != name);
            self.holds(name, instance) && !others.any(|other| self.holds(other, instance))
        };
        let names = self.datasets.keys().map(String::as_str);
        names.filter(|name| resolved.keys().any(|instance| own(name, instance))).collect()
    }
}

/// One outcome of an instance in a run, from all files that speak of it: by run, time as far as it is known, and file.
fn merged<'f>(mut claims: Vec<Claim<'f>>, done: &mut Conversion) -> Vec<Claim<'f>> {
    claims.sort_by_key(|claim| claim.rank);
    let mut known: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut kept: Vec<Claim<'f>> = Vec::new();
    for claim in claims {
        let key = claim.record.run_id.clone().map(|run| (run, claim.instance().to_owned()));
        let earlier = key.as_ref().and_then(|key| known.get(key)).and_then(|place| kept.get_mut(*place));
        match earlier {
            Some(earlier) => again(earlier, claim, done),
            None if claim.verdict == ClaimVerdict::Open => {
                // A log that leaves the outcome open, and no report of its run that tells it.
                let message = format!("the log of {} does not say which tests decide", quote(claim.instance()));
                let expected = "the report of its run among the inputs, with one `--run-id` for both";
                lost(claim.file.at(&claim.record.place).found(FindingCode::OutcomeMissing, message, expected), done);
            }
            None => {
                known.extend(key.map(|key| (key, kept.len())));
                kept.push(claim);
            }
        }
    }
    let instant = |claim: &Claim<'_>| if let When::At(instant) = claim.record.when { Some(instant) } else { None };
    let order = |claim: &Claim<'f>| (claim.record.run_id.clone(), instant(claim), claim.file.number);
    kept.sort_by_cached_key(order);
    kept
}

/// Another file on an outcome that is known: it says the same, or it is left out.
fn again<'f>(earlier: &mut Claim<'f>, claim: Claim<'f>, done: &mut Conversion) {
    let differs = (earlier.verdict == ClaimVerdict::Resolved) != (claim.verdict == ClaimVerdict::Resolved);
    if differs && claim.verdict != ClaimVerdict::Open {
        let other = quote(&earlier.file.source.name);
        let message = format!("{} ended otherwise than in {other}, which is taken", quote(claim.instance()));
        let at = claim.file.at(&claim.record.place);
        return lost(at.found(FindingCode::RecordConflict, message, "one outcome of a run"), done);
    }
    done.counts.records += 1;
    done.counts.repeated += 1;
    if claim.file.number != earlier.file.number {
        earlier.absorb(claim);
    }
}

fn write(claims: &[Claim<'_>], options: &ConvertOptions, done: &mut Conversion) {
    let mut state = ConverterState::default();
    for claims in claims.chunk_by(|a, b| a.file.number == b.file.number) {
        let Some(first) = claims.first() else { continue };
        let mut sink = |envelope| done.envelopes.push(envelope);
        let mut out = Out::new(&first.file.source, CODES, options, &mut state, &mut sink);
        claims.iter().for_each(|claim| out.push(&claim.record));
        let report = out.finish(Ok(()));
        done.counts.add(report.counts);
        done.problems.extend(report.problems);
        // What the name of the file has to do with evidence is noted already.
        done.notes.extend(report.notes.into_iter().filter(|note| note.code != FindingCode::PathLeftOut));
    }
    done.codes = state.codes;
}
