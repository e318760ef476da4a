//! Environments of CI systems, with the variables that each documents.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use dome_adapters::{CiRun, CiSystem};
use serde_json::{Value, json};

const SHA: &str = "1f32ad91c10745aa610c91aee395120de32c8b8d";
const BASE: &str = "46ea5e0e825eb337108b15c88e1211aa8ba4c6a1";

fn read(system: CiSystem, variables: &[(&str, &str)], event: Option<&Value>) -> CiRun {
    let look = |name: &str| variables.iter().rfind(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    assert_eq!(CiSystem::found(&look).collect::<Vec<_>>(), [system]);
    system.read(&look, event)
}

/// `run | lane | repository revision (base) [job]`, as far as it is said.
fn shown(run: &CiRun) -> String {
    let CiRun { revision, repository, job, base_revision, lane, run_id } = run;
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let [run, lane] = [run_id.as_ref().map(ToString::to_string), lane.as_ref().map(ToString::to_string)].map(text);
    let [repository, job] =
        [repository.as_ref().map(ToString::to_string), job.as_ref().map(ToString::to_string)].map(text);
    let [revision, base] = [revision, base_revision].map(|one| text(one.as_ref().map(ToString::to_string)));
    format!("{run} | {lane} | {repository} {revision:.7} ({base:.7}) [{job}]")
}

/// Of a push and of a pull request, where the second has these variables more.
fn both(system: CiSystem, push: &[(&str, &str)], request: &[(&str, &str)], event: &Value) -> [String; 2] {
    let more = [push, request].concat();
    [read(system, push, None), read(system, &more, Some(event))].map(|run| shown(&run))
}

#[test]
fn github_tests_the_merge_of_a_pull_request_into_its_base() {
    let push = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SHA", SHA),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "acme/app"),
        ("GITHUB_JOB", "test"),
        ("GITHUB_REF", "refs/heads/feature/x"),
        ("GITHUB_REF_NAME", "feature/x"),
        ("GITHUB_HEAD_REF", ""),
        ("GITHUB_RUN_ID", "16214001532"),
        ("GITHUB_RUN_ATTEMPT", "2"),
    ];
    let request = [
        ("GITHUB_REF", "refs/pull/8/merge"),
        ("GITHUB_REF_NAME", "8/merge"),
        ("GITHUB_HEAD_REF", "feature/x"),
        ("GITHUB_BASE_REF", "main"),
    ];
    let event = json!({"pull_request": {"base": {"sha": BASE}, "head": {"sha": "0".repeat(40)}}});
    insta::assert_snapshot!(both(CiSystem::GitHub, &push, &request, &event).join("\n"), @r#"
    16214001532-2 | feature/x | github.com/acme/app 1f32ad9 (-) [test]
    16214001532-2 | pull/8 | github.com/acme/app 1f32ad9 (46ea5e0) [test]
    "#);
    let queue = [&push[..], &[("GITHUB_REF", "refs/heads/gh-readonly-queue/main/pr-8-1f32ad9")]].concat();
    let group = json!({"merge_group": {"base_sha": BASE}});
    insta::assert_snapshot!(shown(&read(CiSystem::GitHub, &queue, Some(&group))), @"16214001532-2 | gh-readonly-queue/main/pr-8-1f32ad9 | github.com/acme/app 1f32ad9 (46ea5e0) [test]");
    // Where a workflow runs at the base of a pull request, that is what it has checked out.
    let target = read(CiSystem::GitHub, &push, Some(&event));
    assert_eq!(target.base_revision, None);
}

#[test]
fn gitlab_has_the_leg_of_a_matrix_in_the_name_of_the_job_and_shares_in_its_end() {
    let push = [
        ("GITLAB_CI", "true"),
        ("CI_COMMIT_SHA", SHA),
        ("CI_PROJECT_URL", "https://gitlab.com/acme/group/app"),
        ("CI_JOB_NAME", "test: [3.12, linux]"),
        ("CI_NODE_INDEX", "2"),
        ("CI_NODE_TOTAL", "4"),
        ("CI_COMMIT_REF_NAME", "main"),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_PIPELINE_ID", "1001"),
    ];
    let request = [
        ("CI_COMMIT_BRANCH", ""),
        ("CI_COMMIT_REF_NAME", "feature/x"),
        ("CI_MERGE_REQUEST_IID", "8"),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", BASE),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", ""),
        ("CI_JOB_NAME", "test 2/4"),
    ];
    insta::assert_snapshot!(both(CiSystem::GitLab, &push, &request, &Value::Null).join("\n"), @r#"
    1001 | main | gitlab.com/acme/group/app 1f32ad9 (-) [test: [3.12, linux]]
    1001 | pull/8 | gitlab.com/acme/group/app 1f32ad9 (46ea5e0) [test]
    "#);
}

#[test]
fn buildkite_counts_retries_and_says_no_commit_before_it_is_known() {
    let push = [
        ("BUILDKITE", "true"),
        ("BUILDKITE_COMMIT", SHA),
        ("BUILDKITE_REPO", "git@github.com:acme/app.git"),
        ("BUILDKITE_LABEL", ":rust: test (3.12)"),
        ("BUILDKITE_STEP_KEY", "test"),
        ("BUILDKITE_BRANCH", "main"),
        ("BUILDKITE_PULL_REQUEST", "false"),
        ("BUILDKITE_BUILD_ID", "b81ed283-58b7-4925-aa4a-d3da0eafcf2b"),
        ("BUILDKITE_RETRY_COUNT", "1"),
    ];
    let request = [("BUILDKITE_PULL_REQUEST", "8"), ("BUILDKITE_LABEL", ""), ("BUILDKITE_COMMIT", "HEAD")];
    insta::assert_snapshot!(both(CiSystem::Buildkite, &push, &request, &Value::Null).join("\n"), @r#"
    b81ed283-58b7-4925-aa4a-d3da0eafcf2b-1 | main | github.com/acme/app 1f32ad9 (-) [:rust: test (3.12)]
    b81ed283-58b7-4925-aa4a-d3da0eafcf2b-1 | pull/8 | github.com/acme/app - (-) [test]
    "#);
}

#[test]
fn jenkins_names_a_run_by_its_project_without_axes_and_a_job_without_its_branch() {
    let push = [
        ("JENKINS_URL", "https://ci.acme.example/"),
        ("GIT_COMMIT", SHA),
        ("GIT_URL", "https://user:token@git.acme.example/app.git"),
        ("GIT_BRANCH", "origin/main"),
        ("JOB_NAME", "team/app/os=linux,jdk=21"),
        ("BUILD_NUMBER", "17"),
    ];
    let request = [("JOB_NAME", "team/app/PR-8"), ("BRANCH_NAME", "PR-8"), ("CHANGE_ID", "8")];
    insta::assert_snapshot!(both(CiSystem::Jenkins, &push, &request, &Value::Null).join("\n"), @r#"
    team/app#17 | main | git.acme.example/app 1f32ad9 (-) [team/app/os=linux,jdk=21]
    team/app/PR-8#17 | pull/8 | git.acme.example/app 1f32ad9 (-) [team/app]
    "#);
}

#[test]
fn circleci_starts_another_workflow_for_a_rerun() {
    let push = [
        ("CIRCLECI", "true"),
        ("CIRCLE_SHA1", SHA),
        ("CIRCLE_REPOSITORY_URL", "git@github.com:acme/app.git"),
        ("CIRCLE_JOB", "test-3.12"),
        ("CIRCLE_BRANCH", "main"),
        ("CIRCLE_WORKFLOW_ID", "5034460f-c7c4-4c43-9457-de07e2029e7b"),
        ("CIRCLE_BUILD_NUM", "321"),
    ];
    let request = [("CIRCLE_BRANCH", "pull/8"), ("CIRCLE_PR_NUMBER", "8")];
    insta::assert_snapshot!(both(CiSystem::CircleCi, &push, &request, &Value::Null).join("\n"), @r#"
    5034460f-c7c4-4c43-9457-de07e2029e7b | main | github.com/acme/app 1f32ad9 (-) [test-3.12]
    5034460f-c7c4-4c43-9457-de07e2029e7b | pull/8 | github.com/acme/app 1f32ad9 (-) [test-3.12]
    "#);
}

#[test]
fn azure_names_the_leg_in_what_a_job_is_shown_as() {
    let push = [
        ("TF_BUILD", "True"),
        ("BUILD_SOURCEVERSION", SHA),
        ("BUILD_REPOSITORY_URI", "https://acme@dev.azure.com/acme/shop/_git/app"),
        ("SYSTEM_JOBDISPLAYNAME", "Test py312"),
        ("AGENT_JOBNAME", "Job"),
        ("BUILD_SOURCEBRANCH", "refs/tags/v1.2"),
        ("BUILD_BUILDID", "900"),
        ("SYSTEM_STAGEATTEMPT", "1"),
    ];
    let request = [
        ("BUILD_SOURCEBRANCH", "refs/pull/8/merge"),
        ("SYSTEM_PULLREQUEST_PULLREQUESTID", "8"),
        ("SYSTEM_JOBDISPLAYNAME", ""),
    ];
    insta::assert_snapshot!(both(CiSystem::Azure, &push, &request, &Value::Null).join("\n"), @r#"
    900-1 | v1.2 | dev.azure.com/acme/shop/_git/app 1f32ad9 (-) [Test py312]
    900-1 | pull/8 | dev.azure.com/acme/shop/_git/app 1f32ad9 (-) [Job]
    "#);
}

#[test]
fn an_environment_without_a_mark_is_of_no_system_and_one_of_nothing_says_nothing() {
    let nothing = |_: &str| None;
    let empty = |name: &str| (name == "GITHUB_ACTIONS").then(String::new);
    let off = |name: &str| (name == "BUILDKITE").then(|| "false".to_owned());
    assert_eq!(CiSystem::found(&nothing).chain(CiSystem::found(&empty)).chain(CiSystem::found(&off)).count(), 0);
    for system in CiSystem::ALL {
        assert_eq!(system.read(&nothing, None), CiRun::default());
        assert_eq!(system.as_str().parse::<CiSystem>().unwrap(), *system);
        assert!(system.needs().iter().all(|name| !name.is_empty()));
        // No text of a variable is an error: what cannot be an identifier is made one, or left out.
        let odd = |_: &str| Some(" \u{7}\n".to_owned());
        assert_eq!(system.read(&odd, None).revision, None);
        let long = |_: &str| Some("x\t".repeat(4_000));
        assert!(system.read(&long, None).revision.is_some());
    }
}
