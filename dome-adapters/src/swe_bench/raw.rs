//! What the files are, by what they hold.

use dome_core::Timestamp;
use serde_json::Value;

use super::claim::{Claim, Verdict};
use super::matrix::Matrix;
use super::{lists, log};
use crate::convert::{Conversion, Input, Options};
use crate::converter::Source;
use crate::finding::{At, Finding, FindingCode, quote};
use crate::proof::Proof;

/// All files, and what they say.
pub(super) struct Files<'f> {
    pub(super) files: Vec<File<'f>>,
    pub(super) claims: Vec<Claim>,
    pub(super) matrix: Matrix,
}

pub(super) struct File<'f> {
    pub(super) input: Input<'f>,
    pub(super) source: Source,
    pub(super) proof: Proof,
}

impl File<'_> {
    pub(super) fn at<'p>(&'p self, place: &'p str) -> At<'p> {
        At { input: self.input.name, place }
    }
}

/// Reads all files, in the order of their names.
pub(super) fn read<'f>(inputs: &[Input<'f>], options: &Options, done: &mut Conversion) -> Files<'f> {
    let mut files: Vec<_> = inputs.iter().map(|input| (Source::of(input), *input)).collect();
    files.sort_by(|(a, _), (b, _)| a.cmp_by_name(b));
    files.dedup_by(|(a, _), (b, _)| a == b);
    let mut all = Files { files: Vec::new(), claims: Vec::new(), matrix: Matrix::default() };
    for (source, input) in files {
        let (proof, note) = Proof::of(&input);
        done.notes.extend(note);
        all.files.push(File { input, source, proof });
        let first = all.claims.len();
        if let Err(problem) = all.file(input, done) {
            done.problems.push(problem);
        }
        let given = options.run_id.as_ref().map(|run| run.as_str().replace("{name}", input.name));
        for claim in all.claims.iter_mut().skip(first) {
            claim.run = claim.run.take().or_else(|| given.clone());
        }
    }
    all
}

impl Files<'_> {
    fn file(&mut self, input: Input<'_>, done: &mut Conversion) -> Result<(), Finding> {
        let file = self.files.len().saturating_sub(1);
        let bytes = input.bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(input.bytes);
        let at = At { input: input.name, place: "" };
        if log::is_one(bytes) {
            self.claims.push(log::claim(file, bytes, at)?);
            return Ok(());
        }
        match serde_json::from_slice::<Value>(bytes) {
            Ok(document) => self.document(file, &document, at, done),
            Err(error) if error.line() > 1 && lists::is_lines(bytes) => {
                self.claims.extend(lists::lines(file, bytes, at, done));
                Ok(())
            }
            Err(error) => {
                let (place, message) = (error.line().to_string(), format!("not JSON: {error}"));
                Err(At { place: &place, ..at }.found(FindingCode::JsonInvalid, message, EXPECTED))
            }
        }
    }

    fn document(&mut self, file: usize, document: &Value, at: At<'_>, done: &mut Conversion) -> Result<(), Finding> {
        let has = |name: &str| document.get(name).is_some_and(Value::is_array);
        // Results of terminal-bench have `resolved_ids` too, beside `results`.
        let claims = if has("resolved_ids") && !has("results") {
            lists::summary(file, document)
        } else if has("no_generation") && has("resolved") {
            lists::old_summary(file, document)
        } else if has("resolvedIds") {
            lists::comparison(file, document)
        } else if has("instance_ids") {
            self.matrix.dataset(document);
            Vec::new()
        } else if document.get("instanceId").is_some() {
            lists::line(file, String::new(), document, at).map(|claim| vec![claim])?
        } else {
            self.instances(file, document, at)?
        };
        for claim in claims {
            if claim.verdict == Verdict::Open {
                open(&claim, at, done);
            } else {
                self.claims.push(claim);
            }
        }
        Ok(())
    }

    /// An object by instance: a report of each, or the runs that resolved it.
    fn instances(&mut self, file: usize, document: &Value, at: At<'_>) -> Result<Vec<Claim>, Finding> {
        let wrong = |message: &str| at.found(FindingCode::WrongFormat, message, EXPECTED);
        let object = document.as_object().ok_or_else(|| wrong("the document is no object"))?;
        let all = |name: &str| !object.is_empty() && object.values().all(|value| value.get(name).is_some());
        if all("resolved") {
            return Ok(object.iter().map(|(instance, report)| lists::report(file, instance, report)).collect());
        }
        if all("resolved_submissions") {
            self.matrix.rows(file, object);
            return Ok(Vec::new());
        }
        Err(wrong("nothing in it says which instances were resolved"))
    }
}

/// An outcome that the file does not tell.
fn open(claim: &Claim, at: At<'_>, done: &mut Conversion) {
    let message = format!("nothing says how {} ended", quote(&claim.instance));
    done.counts.records += 1;
    done.counts.left_out += 1;
    done.problems.push(At { place: &claim.place, ..at }.found(FindingCode::OutcomeMissing, message, "an outcome"));
}

const EXPECTED: &str = "a report by instance, a summary with its lists of instances, a resolved matrix, a list of \
                        instances, or an evaluation log of SWE-bench";

/// The day that a submission's id begins with, as the start of a day somewhere.
pub(super) fn day(id: &str) -> Option<String> {
    let (day, _) = id.split_once('_')?;
    let [year, month, of_month] = [day.get(..4)?, day.get(4..6)?, day.get(6..)?];
    let local = format!("{year}-{month}-{of_month}T00:00:00");
    (day.len() == 8 && format!("{local}Z").parse::<Timestamp>().is_ok()).then_some(local)
}
