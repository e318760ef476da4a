//! The resolved matrix: instances by submissions. Lists of instances beside it say which
//! instances a submission tried, so that those which it did not resolve are known.

use std::collections::{BTreeMap, BTreeSet};

use dome_core::json::pointer_step;
use serde_json::{Map, Value};

use super::claim::{Claim, Rank, Verdict};
use super::lists::texts;
use super::raw::day;
use crate::when::When;

/// The matrices and data sets of all files.
#[derive(Debug, Default)]
pub(super) struct Matrix {
    /// By submission and instance: the file and the place of each naming.
    resolved: BTreeMap<String, BTreeMap<String, Vec<(usize, String)>>>,
    datasets: BTreeMap<String, BTreeSet<String>>,
    file: usize,
}

impl Matrix {
    pub(super) fn dataset(&mut self, document: &Value) {
        let name = document.get("name").and_then(Value::as_str).unwrap_or_default();
        let instances = texts(document, "instance_ids").map(|(_, instance)| instance.to_owned());
        self.datasets.entry(name.to_owned()).or_default().extend(instances);
    }

    pub(super) fn rows(&mut self, file: usize, rows: &Map<String, Value>) {
        self.file = file;
        for (instance, row) in rows {
            for (place, submission) in texts(row, "resolved_submissions") {
                let place = format!("/{}/resolved_submissions/{place}", pointer_step(instance));
                let by_instance = self.resolved.entry(submission.to_owned()).or_default();
                by_instance.entry(instance.clone()).or_default().push((file, place));
            }
        }
    }

    /// Every outcome that the matrix says, submission by submission.
    pub(super) fn claims(&self) -> Vec<Claim> {
        let mut claims = Vec::new();
        for (submission, resolved) in &self.resolved {
            let mut push = |file, place: &str, instance: &str, verdict, datasets: &[&str]| {
                let mut claim = Claim::new(file, place.to_owned(), instance, Rank::Outcome, verdict);
                claim.run = Some(submission.clone());
                claim.when = day(submission).map_or(When::Unknown, When::Local);
                claim.label("dataset", Some(&datasets.join(",")));
                claims.push(claim);
            };
            let tried = self.tried(resolved);
            for (instance, places) in resolved {
                let of: Vec<_> = tried.iter().copied().filter(|name| self.holds(name, instance)).collect();
                places.iter().for_each(|(file, place)| push(*file, place, instance, Verdict::Resolved, &of));
            }
            let all: BTreeSet<_> = tried.iter().filter_map(|name| self.datasets.get(*name)).flatten().collect();
            for instance in all.into_iter().filter(|instance| !resolved.contains_key(*instance)) {
                let of: Vec<_> = tried.iter().copied().filter(|name| self.holds(name, instance)).collect();
                push(self.file, "", instance, Verdict::Failed("UNRESOLVED"), &of);
            }
        }
        claims
    }

    fn holds(&self, dataset: &str, instance: &str) -> bool {
        self.datasets.get(dataset).is_some_and(|instances| instances.contains(instance))
    }

    /// The data sets that a submission was run on: of each it resolved an instance that no other has.
    fn tried(&self, resolved: &BTreeMap<String, Vec<(usize, String)>>) -> Vec<&str> {
        let own = |name: &str, instance: &String| {
            let others = self.datasets.keys().filter(|other| *other != name);
            self.holds(name, instance) && !others.into_iter().any(|other| self.holds(other, instance))
        };
        let names = self.datasets.keys().map(String::as_str);
        names.filter(|name| resolved.keys().any(|instance| own(name, instance))).collect()
    }
}
