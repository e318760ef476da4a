//! Arguments that several verbs share.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use dome_binder::Rules;
use dome_core::{CodeTable, Job, Lane, Repository, Revision, Subject, WrapperPolicy};
use dome_replay::{CodeSources, Contracts};
use dome_store::{Error, given};

use crate::pinned::pinned;

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct OutputArgs {
    /// How results are printed on stdout [default: human]
    #[arg(long, global = true, value_enum)]
    pub(crate) format: Option<OutputFormat>,
    /// When to use colour; `NO_COLOR` is heeded
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    pub(crate) color: Option<Color>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    Human,
    /// One canonical object, or JSON Lines.
    Json,
    /// Annotations of a GitHub workflow step (`check` and `conform`).
    Github,
    /// JUnit XML (`conform` only).
    Junit,
    /// SARIF 2.1.0 (`conform` only).
    Sarif,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// What facts are derived by.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct RulesArgs {
    /// Bind every fact under this mode, whatever it declares
    #[arg(long, value_name = "strict|hybrid|lenient")]
    pub(crate) mode: Option<WrapperPolicy>,
    /// The policy document with the thresholds (see `dome schema policy`)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// The lock of the contracts to go by (what `dome contracts update` writes) [default: those that are compiled in]
    #[arg(long, value_name = "LOCK")]
    pub(crate) contracts: Option<PathBuf>,
    /// A reason-code table that extends the pinned one and those of the built-in formats; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub(crate) reason_codes: Vec<PathBuf>,
    /// Leave out the reason codes of the built-in formats (see `dome convert --list`)
    #[arg(long)]
    pub(crate) no_builtin_codes: bool,
}

impl RulesArgs {
    /// The tables of the built-in formats, unless they are left out.
    pub(crate) fn built_in(&self) -> Vec<CodeTable> {
        if self.no_builtin_codes { Vec::new() } else { vec![dome_adapters::built_in_codes()] }
    }

    /// The contracts that are named.
    fn contracts(&self) -> dome_store::Result<Option<Contracts>> {
        self.contracts.as_deref().map(pinned).transpose().map_err(|why| Error::invalid(format!("{why:#}")))
    }

    /// The rules of a store or a result, with what was given in place of its own.
    pub(crate) fn over(&self, before: &Rules) -> dome_store::Result<Rules> {
        let (built_in, contracts) = (self.built_in(), self.contracts()?);
        let said = self.no_builtin_codes || contracts.is_some() || !self.reason_codes.is_empty();
        let sources = CodeSources { contracts: contracts.as_ref(), built_in: &built_in, files: &self.reason_codes };
        given(before.clone(), self.policy.as_deref(), said.then_some(sources), self.mode)
    }

    /// The rules of something new.
    pub(crate) fn load(&self) -> dome_store::Result<Rules> {
        let (built_in, contracts) = (self.built_in(), self.contracts()?);
        let sources = CodeSources { contracts: contracts.as_ref(), built_in: &built_in, files: &self.reason_codes };
        dome_replay::load_rules(self.policy.as_deref(), sources, self.mode)
    }
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ThreadsArgs {
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
}

impl ThreadsArgs {
    pub(crate) fn count(self) -> usize {
        self.threads.or(std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }
}

/// What was tested, and in which stream of work.
#[derive(Clone, Debug, Args)]
pub(crate) struct SubjectArgs {
    /// The stream of work, such as a branch
    #[arg(long, value_name = "LANE")]
    pub(crate) lane: Option<Lane>,
    /// The revision that was tested
    #[arg(long, value_name = "REVISION")]
    revision: Option<Revision>,
    /// Where the revision is from
    #[arg(long, value_name = "NAME", requires = "revision")]
    repository: Option<Repository>,
    /// The leg of a matrix that tested it
    #[arg(long, value_name = "NAME", requires = "revision")]
    job: Option<Job>,
    /// What the revision was branched from or merged into
    #[arg(long, value_name = "REVISION", requires = "revision")]
    base_revision: Option<Revision>,
    /// The revision is not all that was tested
    #[arg(long, requires = "revision")]
    dirty: bool,
}

impl SubjectArgs {
    pub(crate) fn subject(&self) -> Option<Subject> {
        Some(Subject {
            base_revision: self.base_revision.clone(),
            dirty: self.dirty.then_some(true),
            job: self.job.clone(),
            repository: self.repository.clone(),
            revision: self.revision.clone()?,
        })
    }
}
