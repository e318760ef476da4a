//! Reading the inputs: what each file is, and the trials or the metadata in it.

use serde_json::Value;

use super::raw::{Kind, Metadata, RawTrial};
use crate::convert::{Conversion, Input};
use crate::finding::{At, Finding, FindingCode};
use crate::proof::Proof;

/// An input that is a file of this format.
#[derive(Debug)]
pub(super) struct File<'i> {
    pub(super) name: &'i str,
    pub(super) proof: Proof,
    pub(super) kind: Kind,
    pub(super) trials: Vec<Located>,
    pub(super) metadata: Option<Metadata>,
}

/// A trial and its place in the file.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) place: String,
    pub(super) trial: RawTrial,
}

impl File<'_> {
    pub(super) fn at<'a>(&'a self, place: &'a str) -> At<'a> {
        At { input: self.name, place }
    }
}

/// The files, those with many trials before those with one, then by name.
pub(super) fn read<'i>(inputs: &[Input<'i>], done: &mut Conversion) -> Vec<File<'i>> {
    let mut files: Vec<_> = inputs.iter().filter_map(|input| file(input, done)).collect();
    files.sort_by(|a, b| {
        let key = |file: &File<'i>| (file.kind == Kind::Trial, file.name, file.proof.sha256);
        key(a).cmp(&key(b))
    });
    files
}

fn file<'i>(input: &Input<'i>, done: &mut Conversion) -> Option<File<'i>> {
    let document = match document(input) {
        Ok(document) => document,
        Err(problem) => {
            done.problems.push(problem);
            return None;
        }
    };
    let (kind, document) = document;
    let (proof, note) = Proof::of(input);
    done.notes.extend(note);
    let mut file = File { name: input.name, proof, kind, trials: Vec::new(), metadata: None };
    match kind {
        Kind::Results => file.results(document, done),
        Kind::Trial => file.trial(String::new(), document, done),
        Kind::Metadata => file.describe(document, done),
    }
    Some(file)
}

fn document(input: &Input<'_>) -> Result<(Kind, Value), Finding> {
    let at = At { input: input.name, place: "" };
    let text = input.bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(input.bytes);
    let document: Value = serde_json::from_slice(text).map_err(|error| {
        at.found(FindingCode::JsonInvalid, format!("not JSON: {error}"), "a file of terminal-bench")
    })?;
    match Kind::of(&document) {
        Some(kind) => Ok((kind, document)),
        None => {
            let expected = "an object with a `results` array, one trial (`trial_name`, `task_id`), or the metadata \
                            of a run (`run_id`, `agent_name`)";
            Err(at.found(FindingCode::WrongFormat, "not a file of terminal-bench", expected))
        }
    }
}

impl File<'_> {
    fn results(&mut self, mut document: Value, done: &mut Conversion) {
        let Some(Value::Array(results)) = document.get_mut("results").map(Value::take) else { return };
        for (index, entry) in results.into_iter().enumerate() {
            self.trial(format!("/results/{index}"), entry, done);
        }
    }

    fn trial(&mut self, place: String, entry: Value, done: &mut Conversion) {
        done.counts.records += 1;
        match RawTrial::read(self.at(&place), entry) {
            Ok(trial) => self.trials.push(Located { place, trial }),
            Err(problem) => {
                done.counts.left_out += 1;
                done.problems.push(problem);
            }
        }
    }

    fn describe(&mut self, document: Value, done: &mut Conversion) {
        match Metadata::read(self.at(""), document) {
            Ok(metadata) => self.metadata = Some(metadata),
            Err(problem) => done.problems.push(problem),
        }
    }
}
