//! What is asked: the result of a replay (`--from`), or a store (`--store`), the same way.

use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use dome_binder::{Ledger, Rules};
use dome_core::Sha256Hash;
use dome_replay::{MANIFEST, ResultDir, ResultFile, manifest_bytes};
use dome_store::index::{self, Basis, Index, Origin, ResultFiles, beside};
use dome_store::{Derived, History, Limits, compact, told};

use crate::output::{Watching, note};

/// Where facts are.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct At {
    /// The result to ask (what `dome replay --out` wrote)
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// The store to ask (what `dome ingest --store` keeps)
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

/// Facts that can be asked.
pub(crate) struct Known {
    pub(crate) index: Index,
    /// What the index was derived from.
    pub(crate) origin: Box<dyn Origin>,
    /// Lines that left no row: blank ones, and repeats of facts.
    pub(crate) unlisted: (u64, u64),
    /// How messages name it.
    pub(crate) shown: String,
}

impl At {
    fn place(&self) -> Place<'_> {
        match (&self.store, &self.from) {
            (Some(store), _) => Place::Store(store),
            (None, from) => Place::Result(from.as_deref().unwrap_or(Path::new("."))),
        }
    }

    /// Opens what is asked, and asks. An index that turns out not to be as it was written is derived again, once.
    ///
    /// # Errors
    ///
    /// When there is no result or store, or it cannot be read; and those of `question`.
    pub(crate) fn ask<T>(&self, question: impl Fn(&mut Known) -> index::Result<T>) -> anyhow::Result<T> {
        let place = self.place();
        match question(&mut place.known(false)?) {
            Err(error) if error.is_unfit() => Ok(question(&mut place.known(true)?)?),
            answer => Ok(answer?),
        }
    }

    /// The facts in total order, and what they are bound by: with this policy, if one is given.
    ///
    /// # Errors
    ///
    /// When they cannot be read, or the policy is none.
    pub(crate) fn history(&self, policy: Option<&Path>) -> anyhow::Result<(Ledger, Rules)> {
        let policy = policy.map(dome_replay::policy).transpose()?;
        let (ledger, own) = match self.place() {
            Place::Result(result) => {
                let result = ResultDir::open(result)?;
                (result.ledger()?, result.rules().clone())
            }
            Place::Store(store) => {
                let derived = of_store(store)?;
                let mut history = History::read(&derived.log)?;
                history.damage().iter().for_each(|damage| note(&format!("dome: {}", told(damage))));
                (Ledger::of(history.take_records()), derived.rules)
            }
        };
        Ok((ledger, Rules { policy: policy.unwrap_or(own.policy), ..own }))
    }
}

/// What holds facts.
#[derive(Clone, Copy)]
enum Place<'p> {
    Result(&'p Path),
    Store(&'p Path),
}

impl Place<'_> {
    /// Opens it with its index, which is derived as far as it has to be; `again` from the start.
    fn known(self, again: bool) -> anyhow::Result<Known> {
        match self {
            Self::Result(path) => {
                let result = ResultDir::open(path)?;
                of_result(&result, again).or_else(|error| {
                    // A file that is not the one that the manifest names says more.
                    HELD.into_iter().try_for_each(|file| result.hold(file))?;
                    Err(error)
                })
            }
            Self::Store(path) => {
                if again {
                    compact(path, &Watching::new("deriving"))?;
                }
                let Derived { index, lines, .. } = of_store(path)?;
                let unlisted = (index.blank_lines()?, index.tallies()?.runs.duplicates);
                let shown = path.display().to_string();
                Ok(Known { index, origin: Box::new(lines), unlisted, shown })
            }
        }
    }
}

/// A store as it is asked: what waits in its inbox is taken in, or said to wait.
fn of_store(store: &Path) -> anyhow::Result<Derived> {
    let derived = Derived::open(store, Limits::default(), &Watching::new("deriving"))?;
    if derived.waiting > 0 {
        note(&format!("dome: note: {} files wait in the inbox of `{}`", derived.waiting, store.display()));
    }
    Ok(derived)
}

/// The files that an index is derived from.
const HELD: [ResultFile; 3] = [ResultFile::Facts, ResultFile::Lineage, ResultFile::Quarantine];

fn of_result(result: &ResultDir, again: bool) -> anyhow::Result<Known> {
    let files = files(result)?;
    let basis = |seal| Ok(files.basis(result.rules().clone(), result.as_of(), seal)?);
    let mark = files.manifest.to_string();
    let derive = |index: &mut Index| match index.standing()?.mark == mark {
        true => Ok(()),
        false => files.fill(index),
    };
    let index = derived(beside(result.path()).as_deref(), basis, &derive, again)?;
    let (unlisted, shown) = (result.unlisted(), result.path().display().to_string());
    Ok(Known { index, origin: Box::new(files.lines()?), unlisted, shown })
}

fn files(result: &ResultDir) -> anyhow::Result<ResultFiles> {
    let named = |file: ResultFile| {
        let entry = result.manifest().files.get(file.name());
        entry.map(|entry| entry.sha256).with_context(|| format!("`{MANIFEST}` names no `{file}`"))
    };
    Ok(ResultFiles {
        path: result.path().to_owned(),
        manifest: Sha256Hash::of(&manifest_bytes(result.path())?),
        facts: named(ResultFile::Facts)?,
        lineage: named(ResultFile::Lineage)?,
        quarantine: named(ResultFile::Quarantine)?,
        binder: result.binder(),
    })
}

/// An index that stands where its history does. Where none can be kept, it is derived in memory.
fn derived(
    path: Option<&Path>,
    basis: impl Fn(Sha256Hash) -> anyhow::Result<Basis>,
    derive: &dyn Fn(&mut Index) -> index::Result<()>,
    again: bool,
) -> anyhow::Result<Index> {
    if let (Some(path), Some(seal)) = (path, seal()) {
        let basis = basis(seal)?;
        let kept = if again { None } else { opened(path, &basis, derive)? };
        if let Some(index) = kept {
            return Ok(index);
        }
        match Index::build(path, basis.clone(), derive).and_then(|()| Index::read(path, basis)) {
            Ok(index) => return Ok(index),
            Err(error) if error.is_unfit() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut index = Index::in_memory(basis(Sha256Hash::of(b"in memory"))?)?;
    derive(&mut index)?;
    Ok(index)
}

/// The index that stands there, derived on; `None` where it does not fit.
fn opened(
    path: &Path,
    basis: &Basis,
    derive: &dyn Fn(&mut Index) -> index::Result<()>,
) -> anyhow::Result<Option<Index>> {
    let opened = Index::write(path, basis.clone()).or_else(|_| Index::read(path, basis.clone()));
    match opened.and_then(|mut index| derive(&mut index).map(|()| index)) {
        Ok(index) => Ok(Some(index)),
        Err(error) if error.is_unfit() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What indexes are sealed by: a secret that only this user can read, so that nobody else makes rows that are believed.
/// None where it cannot be kept.
fn seal() -> Option<Sha256Hash> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let folder = state.or_else(home)?.join("dome");
    let path = folder.join("index-secret");
    secret(&path).or_else(|| {
        std::fs::create_dir_all(&folder).ok()?;
        let mut drawn = [0; 32];
        std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut drawn)).ok()?;
        // Written beside and linked: of two that make one, both go by the first.
        let beside = tempfile::NamedTempFile::new_in(&folder).ok()?;
        std::fs::write(beside.path(), drawn).ok()?;
        let _another_was_first = beside.persist_noclobber(&path);
        secret(&path)
    })
}

/// The secret, if it is this user's own.
fn secret(path: &Path) -> Option<Sha256Hash> {
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let mut file = std::fs::OpenOptions::new().read(true).custom_flags(no_follow).open(path).ok()?;
    let found = file.metadata().ok()?;
    let own = found.is_file() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o077 == 0;
    let mut secret = Vec::new();
    file.read_to_end(&mut secret).ok().filter(|_| own && secret.len() == 32)?;
    Some(Sha256Hash::of(&secret))
}
