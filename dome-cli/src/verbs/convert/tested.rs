//! What was tested, in which run and lane: from the options of `dome convert`, the environment of a CI system, or git.

use std::path::Path;

use clap::{Args, ValueEnum};
use dome_adapters::{CiLookup, CiRun, CiSystem, ConvertOptions};
use dome_core::{Job, Lane, Repository, Revision, RunId};
use serde_json::Value;

use super::checkout::Checkout;
use crate::exit::usage;
use crate::output::note;

/// What was tested, and in which run. It outranks what the data says, but for the run.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What was tested")]
pub(super) struct TestedArgs {
    /// The revision that was tested: a commit, an image digest, a version
    #[arg(long, value_name = "REVISION")]
    revision: Option<Revision>,
    /// Where the revision is from, such as `github.com/acme/app`
    #[arg(long, value_name = "NAME")]
    repository: Option<Repository>,
    /// The leg of a matrix that tested it: what one leg says is told apart from the others
    #[arg(long, value_name = "NAME")]
    job: Option<Job>,
    /// What the revision was branched from or merged into
    #[arg(long, value_name = "REVISION")]
    base_revision: Option<Revision>,
    /// The revision is not all that was tested: something was changed and not committed
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    dirty: Option<bool>,
    /// The stream of work that all records belong to, such as a branch
    #[arg(long, value_name = "LANE")]
    lane: Option<Lane>,
    /// The run of records whose own run the input does not say: that of the CI system with its
    /// attempt, never a job of it; `{name}` in it stands for the name of the file, so that each file
    /// is a run
    #[arg(long, value_name = "ID")]
    run_id: Option<RunId>,
    /// Take what the other options do not say from the environment of this CI system: revision,
    /// repository, job, base revision, lane, and run with attempt (docs/ci.md). The run is then also
    /// that of reports with an id of their own
    #[arg(long, value_name = "SYSTEM", value_enum, default_value = "none")]
    ci: CiChoice,
    /// Take revision, repository, lane and whether something was changed from git, here
    #[arg(long)]
    git: bool,
    /// Went: a commit is what was tested
    #[arg(long, value_name = "SHA", hide = true)]
    commit: Option<String>,
}

/// `--ci auto|azure|buildkite|circleci|github|gitlab|jenkins|none`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CiChoice {
    Auto,
    None,
    System(CiSystem),
}

const CHOICES: [CiChoice; 8] = [
    CiChoice::Auto,
    CiChoice::System(CiSystem::Azure),
    CiChoice::System(CiSystem::Buildkite),
    CiChoice::System(CiSystem::CircleCi),
    CiChoice::System(CiSystem::GitHub),
    CiChoice::System(CiSystem::GitLab),
    CiChoice::System(CiSystem::Jenkins),
    CiChoice::None,
];

impl ValueEnum for CiChoice {
    fn value_variants<'a>() -> &'a [Self] {
        &CHOICES
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::System(system) => system.as_str(),
        }))
    }
}

impl TestedArgs {
    /// The options of a conversion, so far as they are about what was tested. `ours` are files of this
    /// conversion, which git need not know.
    pub(super) fn options(&self, ours: &[&Path]) -> anyhow::Result<ConvertOptions> {
        if let Some(commit) = &self.commit {
            return Err(usage(format!(
                "there is no `--commit` any more: a commit is what was tested, and mends nothing by itself; \
                 say `--revision {commit}`"
            )));
        }
        let system = self.system(&variable)?;
        if self.git && system.is_some() {
            return Err(usage("`--git` and `--ci` both say what was tested: give one of them"));
        }
        match system {
            Some(system) => {
                let event = if system == CiSystem::GitHub { event() } else { None };
                whole(system, self.over(system.read(&variable, event.as_ref()), None, true))
            }
            None if self.git => {
                let Checkout { revision, repository, lane, dirty } = Checkout::here(ours)?;
                let run = CiRun { revision: Some(revision), repository, lane, ..CiRun::default() };
                Ok(self.over(run, Some(dirty), false))
            }
            None => Ok(self.over(CiRun::default(), None, false)),
        }
    }

    /// What was said outranks what was found.
    fn over(&self, found: CiRun, dirty: Option<bool>, run_is_ci: bool) -> ConvertOptions {
        let said = self.clone();
        // A revision that was said by hand has neither the base nor the state of another one.
        let same = said.revision.is_none();
        ConvertOptions {
            base_revision: said.base_revision.or(found.base_revision.filter(|_| same)),
            dirty: said.dirty.or(dirty.filter(|_| same)),
            job: said.job.or(found.job),
            lane: said.lane.or(found.lane),
            repository: said.repository.or(found.repository),
            revision: said.revision.or(found.revision),
            run_id: said.run_id.or(found.run_id),
            run_is_ci,
            ..ConvertOptions::default()
        }
    }

    fn system(&self, look: CiLookup<'_>) -> anyhow::Result<Option<CiSystem>> {
        let found: Vec<_> = match self.ci {
            CiChoice::None => return Ok(None),
            CiChoice::System(system) => return Ok(Some(system)),
            CiChoice::Auto => CiSystem::found(look).collect(),
        };
        let names = |systems: &[CiSystem]| systems.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ");
        match *found.as_slice() {
            [system] => Ok(Some(system)),
            [] => {
                let known = names(CiSystem::ALL);
                Err(usage(format!(
                    "`--ci auto` finds no CI system in the environment (known are {known}); without one say \
                     `--revision` and `--run-id`, or `--git`"
                )))
            }
            ref several => {
                let several = names(several);
                Err(usage(format!("`--ci auto` finds {several} in the environment: name one of them")))
            }
        }
    }
}

/// An environment that does not say what was tested, or in which run, is not that of a job.
fn whole(system: CiSystem, options: ConvertOptions) -> anyhow::Result<ConvertOptions> {
    let [revision, run] = system.needs();
    let needs = [("--revision", revision, options.revision.is_some()), ("--run-id", run, options.run_id.is_some())];
    match needs.into_iter().find(|(.., there)| !there) {
        None => Ok(options),
        Some((option, name, _)) => Err(usage(match variable(name).filter(|value| !value.is_empty()) {
            Some(value) => format!("`--ci {system}`: `{name}` is `{value}`, which does not say it; give `{option}`"),
            None => format!(
                "`--ci {system}` finds no variable `{name}`: run it in a job of that system, or give `{option}`"
            ),
        })),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What GitHub Actions writes about the event that began the run. Without it a base is not known, and nothing else.
fn event() -> Option<Value> {
    let path = variable("GITHUB_EVENT_PATH").filter(|path| !path.is_empty())?;
    let read = std::fs::read(&path).map_err(anyhow::Error::from);
    match read.and_then(|bytes| Ok(serde_json::from_slice(&bytes)?)) {
        Ok(event) => Some(event),
        Err(error) => {
            note(&format!("dome: note: no base revision: the event at `{path}` cannot be read: {error}"));
            None
        }
    }
}
