//! What CI systems say of a job in its environment. `docs/ci.md` has the tables.
//!
//! Nothing is read here: the variables come from a function, so that the environment of this process,
//! one that a report holds and one of a test are the same to it.

use std::str::FromStr;

use dome_core::{Job, Lane, Repository, Revision, RunId, words};
use serde_json::Value;

use crate::record::identifier;
use crate::subject::repository_name;

words! {
    /// A CI system whose environment is known.
    CiSystem {
        /// Azure Pipelines.
        Azure = "azure",
        /// Buildkite.
        Buildkite = "buildkite",
        /// CircleCI.
        CircleCi = "circleci",
        /// GitHub Actions, and what keeps to its variables (Forgejo, Gitea).
        GitHub = "github",
        /// GitLab CI.
        GitLab = "gitlab",
        /// Jenkins.
        Jenkins = "jenkins",
    }
}

/// Which run of which system tests what. What the environment does not say is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CiRun {
    /// The commit that the job has checked out, if it does as the system proposes. Of a pull request
    /// that is the merge commit, where the system makes one.
    pub revision: Option<Revision>,
    /// Host and path of the repository.
    pub repository: Option<Repository>,
    /// The job, with the leg of its matrix where the system tells it.
    pub job: Option<Job>,
    /// What a pull request was branched from or merged into.
    pub base_revision: Option<Revision>,
    /// `pull/NUMBER`, else the branch or the tag.
    pub lane: Option<Lane>,
    /// The run with its attempt, the same for all jobs of it.
    pub run_id: Option<RunId>,
}

/// A variable of an environment. An empty one counts as absent: some systems set all that they have.
pub type CiLookup<'l> = &'l dyn Fn(&str) -> Option<String>;

/// Names of variables, the first that is there is taken.
struct CiTable {
    /// Set where the system runs the job.
    mark: &'static str,
    revision: &'static [&'static str],
    /// An address.
    repository: &'static [&'static str],
    job: &'static [&'static str],
    base_revision: &'static [&'static str],
    /// The number of a pull request.
    request: &'static [&'static str],
    /// A branch, a tag, or a ref of one.
    branch: &'static [&'static str],
    run: &'static [&'static str],
    /// Which attempt at the run it is.
    attempt: &'static [&'static str],
}

const AZURE: CiTable = CiTable {
    mark: "TF_BUILD",
    revision: &["BUILD_SOURCEVERSION"],
    repository: &["BUILD_REPOSITORY_URI"],
    job: &["SYSTEM_JOBDISPLAYNAME", "AGENT_JOBNAME"],
    base_revision: &[],
    request: &["SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "SYSTEM_PULLREQUEST_PULLREQUESTID"],
    branch: &["BUILD_SOURCEBRANCH"],
    run: &["BUILD_BUILDID"],
    attempt: &["SYSTEM_STAGEATTEMPT"],
};

const BUILDKITE: CiTable = CiTable {
    mark: "BUILDKITE",
    revision: &["BUILDKITE_COMMIT"],
    repository: &["BUILDKITE_REPO"],
    job: &["BUILDKITE_LABEL", "BUILDKITE_STEP_KEY"],
    base_revision: &["BUILDKITE_MERGE_QUEUE_BASE_COMMIT"],
    request: &["BUILDKITE_PULL_REQUEST"],
    branch: &["BUILDKITE_TAG", "BUILDKITE_BRANCH"],
    run: &["BUILDKITE_BUILD_ID"],
    attempt: &["BUILDKITE_RETRY_COUNT"],
};

const CIRCLE_CI: CiTable = CiTable {
    mark: "CIRCLECI",
    revision: &["CIRCLE_SHA1"],
    repository: &["CIRCLE_REPOSITORY_URL"],
    job: &["CIRCLE_JOB"],
    base_revision: &[],
    request: &["CIRCLE_PR_NUMBER"],
    branch: &["CIRCLE_TAG", "CIRCLE_BRANCH"],
    run: &["CIRCLE_WORKFLOW_ID"],
    attempt: &[],
};

const GITHUB: CiTable = CiTable {
    mark: "GITHUB_ACTIONS",
    revision: &["GITHUB_SHA"],
    repository: &[],
    job: &["GITHUB_JOB"],
    base_revision: &[],
    request: &[],
    branch: &["GITHUB_REF", "GITHUB_REF_NAME"],
    run: &["GITHUB_RUN_ID"],
    attempt: &["GITHUB_RUN_ATTEMPT"],
};

const GITLAB: CiTable = CiTable {
    mark: "GITLAB_CI",
    revision: &["CI_COMMIT_SHA"],
    repository: &["CI_PROJECT_URL"],
    job: &["CI_JOB_NAME"],
    base_revision: &[
        "CI_MERGE_REQUEST_TARGET_BRANCH_SHA",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA",
        "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA",
    ],
    request: &["CI_MERGE_REQUEST_IID", "CI_EXTERNAL_PULL_REQUEST_IID"],
    branch: &["CI_COMMIT_TAG", "CI_COMMIT_BRANCH", "CI_COMMIT_REF_NAME"],
    run: &["CI_PIPELINE_ID"],
    attempt: &[],
};

const JENKINS: CiTable = CiTable {
    mark: "JENKINS_URL",
    revision: &["GIT_COMMIT"],
    repository: &["GIT_URL"],
    job: &["JOB_NAME"],
    base_revision: &[],
    request: &["CHANGE_ID"],
    branch: &["TAG_NAME", "BRANCH_NAME", "GIT_BRANCH"],
    run: &["BUILD_NUMBER"],
    attempt: &[],
};

impl CiSystem {
    const fn table(self) -> &'static CiTable {
        match self {
            Self::Azure => &AZURE,
            Self::Buildkite => &BUILDKITE,
            Self::CircleCi => &CIRCLE_CI,
            Self::GitHub => &GITHUB,
            Self::GitLab => &GITLAB,
            Self::Jenkins => &JENKINS,
        }
    }

    /// The systems that say of themselves that they run this.
    pub fn found(look: CiLookup<'_>) -> impl Iterator<Item = Self> {
        let here = |system: &Self| said(look, &[system.table().mark]).is_some_and(|mark| mark != "false");
        Self::ALL.iter().copied().filter(here)
    }

    /// The variables that say what was tested and in which run.
    #[must_use]
    pub const fn needs(self) -> [&'static str; 2] {
        let table = self.table();
        match (table.revision, table.run) {
            ([revision, ..], [run, ..]) => [revision, run],
            _ => ["", ""],
        }
    }

    /// What the environment says. `event` is the document at `GITHUB_EVENT_PATH`, where there is one.
    #[must_use]
    pub fn read(self, look: CiLookup<'_>, event: Option<&Value>) -> CiRun {
        let table = self.table();
        let get = |names: &[&str]| said(look, names);
        let branch = get(table.branch);
        let request = get(table.request).filter(|number| number != "false").map(|number| format!("pull/{number}"));
        let lane = request.or_else(|| branch.as_deref().map(|branch| lane(branch).to_owned()));
        let attempt = get(table.attempt).map(|attempt| format!("-{attempt}")).unwrap_or_default();
        let base = || event.filter(|_| lane.as_deref().is_some_and(is_of_request)).and_then(base_of_event);
        CiRun {
            // Buildkite's word for a commit that is not known yet.
            revision: checked(get(table.revision).filter(|revision| revision != "HEAD")),
            repository: self.address(look).and_then(|address| repository_name(&address)),
            job: checked(self.job(look)),
            base_revision: checked(get(table.base_revision).or_else(base)),
            run_id: checked(get(table.run).map(|run| format!("{}{run}{attempt}", self.pipeline(look)))),
            lane: checked(lane),
        }
    }

    fn address(self, look: CiLookup<'_>) -> Option<String> {
        if self == Self::GitHub {
            let server = said(look, &["GITHUB_SERVER_URL"]).unwrap_or_else(|| "https://github.com".to_owned());
            return said(look, &["GITHUB_REPOSITORY"]).map(|repository| format!("{server}/{repository}"));
        }
        said(look, self.table().repository)
    }

    fn job(self, look: CiLookup<'_>) -> Option<String> {
        let name = said(look, self.table().job)?;
        match self {
            // `parallel: 3` makes `test 1/3`: a share of the tests, which another one may have next time.
            Self::GitLab => {
                let share = said(look, &["CI_NODE_INDEX"]).zip(said(look, &["CI_NODE_TOTAL"]));
                let share = share.map(|(index, total)| format!(" {index}/{total}"));
                Some(share.and_then(|share| name.strip_suffix(&share)).unwrap_or(&name).to_owned())
            }
            // Of a multibranch project the last part is the branch, which is the lane.
            Self::Jenkins if said(look, &["BRANCH_NAME"]).is_some() => {
                Some(name.rsplit_once('/').map_or(name.as_str(), |(project, _)| project).to_owned())
            }
            _ => Some(name),
        }
    }

    /// Jenkins counts the builds of each project. The axes of a matrix (`PROJECT/os=linux,jdk=21`) are no run.
    fn pipeline(self, look: CiLookup<'_>) -> String {
        let name = if self == Self::Jenkins { said(look, &["JOB_NAME"]) } else { None };
        let project = |name: &str| match name.rsplit_once('/') {
            Some((project, axes)) if axes.contains('=') => project.to_owned(),
            _ => name.to_owned(),
        };
        name.map(|name| format!("{}#", project(&name))).unwrap_or_default()
    }
}

fn said(look: CiLookup<'_>, names: &[&str]) -> Option<String> {
    names.iter().filter_map(|name| look(name)).find(|value| !value.trim().is_empty())
}

fn checked<T: FromStr>(text: Option<String>) -> Option<T> {
    identifier(&text?)?.parse().ok()
}

/// The lane that a ref, a branch or a tag stands for: `refs/heads/main` is `main`, `refs/pull/8/merge` is `pull/8`.
pub(crate) fn lane(name: &str) -> &str {
    let kinds = ["refs/heads/", "refs/tags/", "refs/remotes/origin/", "refs/remotes/", "refs/", "origin/"];
    let short = kinds.iter().find_map(|kind| name.strip_prefix(kind)).unwrap_or(name);
    let request = short.strip_suffix("/merge").or_else(|| short.strip_suffix("/head"));
    request.filter(|request| request.starts_with("pull/")).unwrap_or(short)
}

/// A pull request, or a group of them in a merge queue.
fn is_of_request(lane: &str) -> bool {
    lane.starts_with("pull/") || lane.starts_with("gh-readonly-queue/")
}

fn base_of_event(event: &Value) -> Option<String> {
    let base = event.pointer("/pull_request/base/sha").or_else(|| event.pointer("/merge_group/base_sha"))?;
    base.as_str().map(str::to_owned)
}
