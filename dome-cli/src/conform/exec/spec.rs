//! What a run is, as a document between the two processes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// An argument that stands for the number of the open pipe of reports.
pub(crate) const EVENTS: &str = "{events}";
/// An argument that stands for the filter that the launcher installs.
pub(crate) const FILTER: &str = "{filter}";

/// What to become, and with which rights.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ExecSpec {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) cwd: PathBuf,
    /// The pipe of reports; nothing is observed without.
    pub(crate) events: Option<PathBuf>,
    /// Where to say what is enforced.
    pub(crate) status: PathBuf,
    pub(crate) memory_bytes: u64,
    pub(crate) time_s: u64,
    pub(crate) umask: u32,
    /// How many cores; all, where it is not said.
    pub(crate) cores: Option<usize>,
    pub(crate) host_name: Option<String>,
    /// What is taken away; nothing, where the policy is unrestricted.
    pub(crate) rules: Option<Rules>,
}

/// What a run is kept within.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rules {
    pub(crate) writable: Vec<PathBuf>,
    pub(crate) executable: Vec<PathBuf>,
    pub(crate) deny_processes: bool,
    pub(crate) deny_connections: bool,
}

/// What the kernel did for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kernel {
    pub(crate) error: Option<String>,
    pub(crate) landlock_abi: Option<u32>,
    pub(crate) seccomp: bool,
    pub(crate) host_name: bool,
    pub(crate) cores: bool,
}
