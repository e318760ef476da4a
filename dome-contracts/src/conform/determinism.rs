//! Whether the same input gives the same output, whatever varies around it.

use dome_core::canonical;
use schema_compat::json;
use serde_json::Value;

use super::manifest::Manifest;
use super::run::Run;
use super::verdict::{Check, CheckName, Outcome, Part};

/// What varies around a run; one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Factor {
    /// The wall clock.
    Clock,
    /// Nothing: the same again.
    Repeat,
    /// `PYTHONHASHSEED`.
    HashSeed,
    /// The time zone.
    TimeZone,
    /// The locale.
    Locale,
    /// The working folder's path.
    WorkingDirectory,
    /// `HOME`.
    Home,
    /// The name of the machine.
    HostName,
    /// The umask.
    Umask,
    /// The order in which a folder lists its files.
    DirectoryOrder,
    /// How many cores it may use.
    Cores,
}

impl Factor {
    /// Every factor, in the order in which they are told: a tool that reads the clock differs by merely
    /// running again, so the clock comes first.
    pub const ALL: [Self; 11] = [
        Self::Clock,
        Self::Repeat,
        Self::HashSeed,
        Self::TimeZone,
        Self::Locale,
        Self::WorkingDirectory,
        Self::Home,
        Self::HostName,
        Self::Umask,
        Self::DirectoryOrder,
        Self::Cores,
    ];

    /// The name as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Repeat => "repeat",
            Self::HashSeed => "hash_seed",
            Self::TimeZone => "time_zone",
            Self::Locale => "locale",
            Self::WorkingDirectory => "working_directory",
            Self::Home => "home",
            Self::HostName => "host_name",
            Self::Umask => "umask",
            Self::DirectoryOrder => "directory_order",
            Self::Cores => "cores",
        }
    }
}

/// What came of varying one factor for one fixture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variation {
    /// The factor.
    pub factor: Factor,
    /// The fixture.
    pub fixture: String,
    /// The two outputs, before and after, by [`comparable`](Variation::comparable) bytes.
    pub outputs: [String; 2],
    /// How far it was varied, where that was not all the way: then an equal output is no pass.
    pub short_of: Option<String>,
}

impl Variation {
    /// What of a run has to be the same: its answer in canonical bytes, without volatile telemetry; the
    /// bytes as they are, where it gave no such answer.
    #[must_use]
    pub fn comparable(run: &Run, manifest: &Manifest) -> String {
        let Ok(mut document) = json::parse(&run.stdout) else {
            return format!("{:?} {}", run.ending, String::from_utf8_lossy(&run.stdout));
        };
        if let Some(telemetry) = document.get_mut("telemetry").and_then(Value::as_object_mut) {
            for member in &manifest.telemetry.volatile {
                telemetry.remove(member.as_str());
            }
        }
        let bytes = canonical::to_vec(&document);
        bytes.map_or_else(|_| document.to_string(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The sub-check. `not_run` says of factors that could not be varied at all why.
#[must_use]
pub fn determinism(variations: &[Variation], not_run: &[(Factor, String)]) -> Check {
    let parts = Factor::ALL.iter().filter_map(|factor| {
        let of: Vec<&Variation> = variations.iter().filter(|variation| variation.factor == *factor).collect();
        let why = not_run.iter().find(|(left_out, _)| left_out == factor).map(|(_, why)| why.as_str());
        part(*factor, &of, why)
    });
    Check::of(CheckName::Determinism, parts.collect())
}

fn part(factor: Factor, variations: &[&Variation], not_run: Option<&str>) -> Option<Part> {
    let name = factor.as_str();
    let differs = |variation: &&&Variation| variation.outputs[0] != variation.outputs[1];
    if let Some(variation) = variations.iter().find(differs) {
        let why = format!("`{}` comes out otherwise when it varies", variation.fixture);
        return Some(Part { found: variation.outputs.to_vec(), ..Part::of(name, Outcome::Fail, why) });
    }
    let short_of = variations.iter().find_map(|variation| variation.short_of.as_deref());
    match (not_run.or(short_of), variations.is_empty()) {
        (Some(why), _) => Some(Part::of(name, Outcome::NotRun, why)),
        (None, true) => None,
        (None, false) => Some(Part::pass(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variation(factor: Factor, outputs: [&str; 2], short_of: Option<&str>) -> Variation {
        let outputs = outputs.map(str::to_owned);
        Variation { factor, fixture: "a".to_owned(), outputs, short_of: short_of.map(str::to_owned) }
    }

    #[test]
    fn an_equal_output_is_no_pass_where_the_factor_hardly_varied() {
        let short = Some("no faketime");
        let check = determinism(&[variation(Factor::Clock, ["1", "1"], short)], &[]);
        assert_eq!(check.outcome, Outcome::NotRun);
        let check = determinism(&[variation(Factor::Clock, ["1", "2"], short)], &[]);
        assert_eq!(check.outcome, Outcome::Fail, "but another output is a failure");
    }

    #[test]
    fn the_first_factor_that_changes_the_output_stands_first_with_both_outputs() {
        let same = variation(Factor::Repeat, ["1", "1"], None);
        let seed = variation(Factor::HashSeed, ["1", "2"], None);
        let check = determinism(&[variation(Factor::Umask, ["3", "4"], None), seed, same], &[]);
        let failed = check.parts.iter().find(|part| part.outcome == Outcome::Fail);
        let failed = failed.map(|part| (part.name.as_str(), part.found.join(" ")));
        assert_eq!(failed, Some(("hash_seed", "1 2".to_owned())));
    }
}
