//! What is asked: the result of a replay, or a store, the same way.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use dome_binder::{Ledger, Rules};
use dome_core::{Sha256Hash, escaped_path};
use dome_replay::{ResultDir, Watch};

use super::file::OTHERS_WRITE;
use super::from_result::FILES;
use super::{Index, Result, ResultFiles, RowOrigin, beside};
use crate::derived::{DerivedStore, compact, sealing_secret};
use crate::folder::StoreFolder;
use crate::history::LogHistory;
use crate::writer::StoreLimits;

/// Where facts are kept.
///
/// ```
/// use dome_store::index::FactsIn;
/// use dome_binder::priors::PriorsQuery;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let (input, store) = (folder.path().join("night.jsonl"), folder.path().join("memory"));
/// # std::fs::write(&input, dome_core::EXAMPLE_LINE)?;
/// # dome_store::ingest(
/// #     &store,
/// #     dome_store::Ingest {
/// #         inputs: &[input], follow: false, masking: dome_replay::Masking::load(None)?, not_after: None,
/// #         rules: &|_| Ok(dome_replay::load_rules(None, dome_replay::CodeSources::default(), None)?), opening: dome_store::Opening::default(),
/// #     },
/// #     &dome_store::Stop::never(), &mut |_| Ok(()), &(),
/// # )?;
/// let line = dome_core::read(dome_core::EXAMPLE_LINE)?.task_spec.line();
/// let query = PriorsQuery::of(line);
/// let known = FactsIn::Store(&store).ask(&(), |indexed| indexed.index.priors(&query, None))?;
/// assert_eq!(known.priors.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub enum FactsIn<'p> {
    /// The directory that a replay wrote.
    Result(&'p Path),
    /// A store.
    Store(&'p Path),
}

/// An index that is up to date, and what it was derived from.
pub struct Indexed {
    /// The index.
    pub index: Index,
    /// What the index was derived from.
    pub origin: Box<dyn RowOrigin>,
    /// Lines that left no row: blank ones, and repeats of facts.
    pub unlisted: (u64, u64),
}

impl FactsIn<'_> {
    /// Opens the index of a result or a store, which is derived as far as it has to be, and asks. An index that turns out
    /// not to be as it was written is derived again, once.
    ///
    /// The index of a result stands beside it (`NAME.dome-index`), sealed by a secret in the user's own state folder. Where none can be
    /// kept, it is derived in memory.
    ///
    /// # Errors
    ///
    /// When there is no result or store, or it cannot be read; and those of `question`.
    pub fn ask<T>(self, watch: &dyn Watch, question: impl Fn(&mut Indexed) -> Result<T>) -> crate::Result<T> {
        match question(&mut self.open(false, watch)?) {
            Err(error) if error.is_unfit() => Ok(question(&mut self.open(true, watch)?)?),
            answer => Ok(answer?),
        }
    }

    /// The facts in total order, and the rules that they are bound by.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn history(self, watch: &dyn Watch) -> crate::Result<(Ledger, Rules)> {
        match self {
            Self::Result(path) => {
                let result = ResultDir::open(path)?;
                Ok((result.ledger()?, result.rules().clone()))
            }
            Self::Store(path) => {
                let derived = of_store(path, watch)?;
                let history = LogHistory::read(&derived.log)?;
                history.damage().iter().for_each(|damage| watch.note(&damage.to_string()));
                let records = history.records().collect::<crate::Result<_>>()?;
                Ok((Ledger::of(records, &derived.rules.codes), derived.rules))
            }
        }
    }

    fn open(self, anew: bool, watch: &dyn Watch) -> crate::Result<Indexed> {
        match self {
            Self::Result(path) => {
                let result = ResultDir::open(path)?;
                of_result(&result, anew).or_else(|error| {
                    // A file that is not the one that the manifest names says more.
                    FILES.into_iter().try_for_each(|file| result.hold(file))?;
                    Err(error.into())
                })
            }
            Self::Store(path) => {
                if anew {
                    compact(path, watch)?;
                }
                let DerivedStore { index, lines, .. } = of_store(path, watch)?;
                let unlisted = (index.blank_lines()?, index.tallies()?.runs.duplicates);
                Ok(Indexed { index, origin: Box::new(lines), unlisted })
            }
        }
    }
}

/// A store as it is asked: what waits in its inbox is taken in, or said to wait.
fn of_store(store: &Path, watch: &dyn Watch) -> crate::Result<DerivedStore> {
    let derived = DerivedStore::open(store, StoreLimits::default(), watch)?;
    if derived.waiting > 0 {
        watch.note(&format!("{} files wait in the inbox of `{}`", derived.waiting, escaped_path(store)));
    }
    Ok(derived)
}

fn of_result(result: &ResultDir, anew: bool) -> Result<Indexed> {
    let files = ResultFiles::of(result)?;
    let indexed = |index| Ok(Indexed { index, origin: Box::new(files.lines()?), unlisted: result.unlisted() });
    if let (Some(path), Some(secret)) = (beside(result.path()), secret()) {
        let basis = files.basis(secret)?;
        if let Some(index) = Index::read(&path, basis.clone()).ok().filter(|index| !anew && files.are_in(index)) {
            return indexed(index);
        }
        match Index::build(&path, basis.clone(), |index| files.fill(index)).and_then(|()| Index::read(&path, basis)) {
            Ok(index) => return indexed(index),
            // Where none can be kept, one in memory answers as well.
            Err(error) if error.is_unfit() => {}
            Err(error) => return Err(error),
        }
    }
    let mut index = Index::in_memory(files.basis(Sha256Hash::of(b"in memory"))?)?;
    files.fill(&mut index)?;
    indexed(index)
}

/// A secret in this user's state folder, which only this user can read; none where it cannot be kept.
fn secret() -> Option<Sha256Hash> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let path = state.or_else(home)?.join("dome");
    fs::create_dir_all(&path).ok()?;
    let found = fs::metadata(&path).ok()?;
    let is_own = found.uid() == rustix::process::geteuid().as_raw() && found.mode() & OTHERS_WRITE == 0;
    let folder = StoreFolder::open(&path).ok().filter(|_| is_own)?;
    sealing_secret(&folder, "index-secret", true).ok().flatten()
}
