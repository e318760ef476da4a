//! Asking git about a checkout. It is asked and changes nothing, not even its own index.

use std::io;
use std::path::Path;
use std::process::Command;

/// Why git gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GitError {
    #[error("cannot run `git`: {0}")]
    Absent(io::Error),
    #[error("`git {asked}`: {said}")]
    Refused { asked: String, said: String },
}

/// What git prints of the checkout that the command runs in, or of the one at `folder`, whatever the environment says of
/// another.
pub(crate) fn git(folder: Option<&Path>, args: &[&str]) -> Result<Vec<u8>, GitError> {
    let mut command = Command::new("git");
    command.env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
    if let Some(folder) = folder {
        command.current_dir(folder).args(["-c", "core.fsmonitor=false"]);
        command.env_remove("GIT_DIR").env_remove("GIT_WORK_TREE").env_remove("GIT_INDEX_FILE");
    }
    let ended = command.args(args).output();
    let ended = ended.map_err(GitError::Absent)?;
    if ended.status.success() {
        return Ok(ended.stdout);
    }
    let said = line(ended.stderr);
    let said = said.lines().next().unwrap_or("it says nothing").trim_start_matches("fatal: ").to_owned();
    Err(GitError::Refused { asked: args.join(" "), said })
}

/// What git prints as a text, without the end of its last line.
pub(crate) fn line(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).trim_end().to_owned()
}
