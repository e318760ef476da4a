//! The arguments of `dome contracts`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use dome_contracts::compat::{Dialect, Direction};

/// Pin the contracts of another repository, and compare their versions.
#[derive(Debug, Args)]
pub(crate) struct ContractsArgs {
    #[command(subcommand)]
    pub(super) verb: ContractsVerb,
}

#[derive(Debug, Subcommand)]
pub(super) enum ContractsVerb {
    /// Check the pinned folder against the lock; writes nothing, fetches nothing
    #[command(after_help = "Example:\n    dome contracts verify --locked")]
    Verify(ContractsVerifyArgs),
    /// Pin another folder; a move to another version takes a migration note
    #[command(after_help = "Example:\n    dome contracts update --from ../xtrlv2/contracts --commit 1f0c2ab")]
    Update(ContractsUpdateArgs),
    /// Compare two folders of contracts
    #[command(after_help = "Example:\n    dome contracts diff xtrlv2-fixtures/v0.1 xtrlv2-fixtures/v0.2")]
    Diff(ContractsDiffArgs),
    /// Compare two JSON Schemas
    #[command(after_help = "Example:\n    dome contracts compat old.schema.json new.schema.json --direction full")]
    Compat(ContractsCompatArgs),
}

/// Where the lock and the notes are.
#[derive(Debug, Args)]
pub(super) struct LockArgs {
    /// The lock; the pinned folder lies beside it, where it says
    #[arg(long, value_name = "FILE", default_value = "contracts.lock")]
    pub(super) lock: PathBuf,
    /// The folder of migration notes
    #[arg(long, value_name = "DIR", default_value = "docs/migrations")]
    pub(super) notes: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ContractsVerifyArgs {
    /// Also ask that the lock is as `update` writes it, and that every move has its note
    #[arg(long)]
    pub(super) locked: bool,
    /// An earlier lock: no version that it pinned may be missing from the history
    #[arg(long, value_name = "FILE")]
    pub(super) since: Option<PathBuf>,
    #[command(flatten)]
    pub(super) at: LockArgs,
}

#[derive(Debug, Args)]
pub(super) struct ContractsUpdateArgs {
    /// The folder to pin
    #[arg(long, value_name = "DIR")]
    pub(super) from: PathBuf,
    /// Where the pinned files lie, relative to the lock [default: where they lie now, or --from]
    #[arg(long, value_name = "DIR")]
    pub(super) into: Option<String>,
    /// The commit of the owner's repository, to be written down
    #[arg(long, value_name = "ID")]
    pub(super) commit: Option<String>,
    #[command(flatten)]
    pub(super) at: LockArgs,
}

#[derive(Debug, Args)]
pub(super) struct ContractsDiffArgs {
    /// The folder that was
    pub(super) old: PathBuf,
    /// The folder that is to be
    pub(super) new: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ContractsCompatArgs {
    /// The schema that was; files that it refers to are read from beside it
    pub(super) old: PathBuf,
    /// The schema that is to be
    pub(super) new: PathBuf,
    /// Who has to cope with whom
    #[arg(long, value_enum, default_value = "backward")]
    pub(super) direction: DirectionArg,
    /// How a schema without `$schema` is read
    #[arg(long, value_enum, default_value = "draft-07")]
    pub(super) dialect: DialectArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum DirectionArg {
    /// Every instance that is valid under OLD is valid under NEW
    Backward,
    /// Every instance that is valid under NEW is valid under OLD
    Forward,
    /// Both
    Full,
}

impl From<DirectionArg> for Direction {
    fn from(argument: DirectionArg) -> Self {
        match argument {
            DirectionArg::Backward => Self::Backward,
            DirectionArg::Forward => Self::Forward,
            DirectionArg::Full => Self::Full,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum DialectArg {
    #[value(name = "draft-07")]
    Draft07,
    #[value(name = "2020-12")]
    Draft202012,
}

impl From<DialectArg> for Dialect {
    fn from(argument: DialectArg) -> Self {
        match argument {
            DialectArg::Draft07 => Self::Draft07,
            DialectArg::Draft202012 => Self::Draft202012,
        }
    }
}
