//! An index beside a large result, or in a large store: columns of its facts, so that a question
//! reads a few columns and a few facts.
//!
//! It is made by the first question, says what it is of ([`Origin::identity`]) and is made again when
//! that is no longer so. Every section is checked against its digest when it is read, and every fact
//! that is read back against the digest that was indexed; what does not fit is never answered from.

mod container;
mod gather;
mod origin;
mod rows;

use std::rc::Rc;

use clap::ValueEnum;
use dome_binder::columns::{COLUMNS_VERSION, Columns, Section};
use dome_binder::{Rules, columns};
use dome_core::{Sha256Hash, Timestamp};
use serde::{Deserialize, Serialize};

use crate::known::At;
use crate::output::note;
use container::Container;
use gather::gather;
use origin::Origin;
use rows::Rows;
pub(crate) use rows::{Brought, RowPlace};

/// When to answer from an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Indexing {
    /// When there is much to read.
    Auto,
    /// Whatever the size.
    Always,
    /// Never: views or all facts are read.
    Never,
}

/// The option of verbs that may answer from an index.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct IndexArgs {
    /// Whether to keep an index for the next question: `auto` from 16 MiB of facts on
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(crate) index: Indexing,
}

/// What is known of the whole history beside its facts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) as_of: Option<Timestamp>,
    /// Blank lines, and lines that repeat a fact.
    pub(crate) blank: u64,
    pub(crate) duplicates: u64,
    pub(crate) snapshot: Sha256Hash,
}

type Fetch = Box<dyn Fn(Section) -> Option<Vec<u8>>>;

/// An index that is open.
pub(crate) struct Lookup {
    pub(crate) columns: Columns<Fetch>,
    pub(crate) about: About,
    pub(crate) rules: Rules,
    pub(crate) shown: String,
    container: Rc<Container>,
    rows: Rows,
}

/// Asks an index, if there is to be one; `None` where all facts are to be read instead.
///
/// # Errors
///
/// When the result or store cannot be read, or the question is refused.
pub(crate) fn ask<T>(
    at: &At,
    indexing: Indexing,
    question: impl Fn(&Lookup) -> anyhow::Result<Option<T>>,
) -> anyhow::Result<Option<T>> {
    let Some(origin) = Origin::of(at, indexing)? else { return Ok(None) };
    if let Some(lookup) = Lookup::open(&origin)?
        && let Some(answer) = question(&lookup)?
    {
        return Ok(Some(answer));
    }
    if !make(&origin)? {
        return Ok(None);
    }
    Lookup::open(&origin)?.map_or(Ok(None), |lookup| question(&lookup))
}

/// Makes the index of an origin; whether it is there now.
fn make(origin: &Origin) -> anyhow::Result<bool> {
    let (identity, gathered) = (origin.identity()?, gather(origin)?);
    let Some(sections) = columns::columns(&gathered.ledger) else { return Ok(false) };
    let mut named: Vec<(&str, &[u8])> =
        sections.iter().map(|(section, bytes)| (section.name(), bytes.as_slice())).collect();
    named.extend([(rows::PLACES, gathered.places.as_slice()), (gather::QUARANTINE, gathered.quarantine.as_slice())]);
    let written = Container::write(origin.index(), COLUMNS_VERSION, &identity, &gathered.about, &named);
    if let Err(error) = &written {
        let path = origin.index().display();
        note(&format!("dome: cannot keep the index `{path}`: {error}; every question reads all facts"));
    }
    Ok(written.is_ok())
}

impl Lookup {
    /// Opens the index of an origin; `None` when there is none that fits.
    fn open(origin: &Origin) -> anyhow::Result<Option<Self>> {
        let Some((container, about)) = Container::open(origin.index(), COLUMNS_VERSION, &origin.identity()?) else {
            return Ok(None);
        };
        let container = Rc::new(container);
        let sections = Rc::clone(&container);
        let fetch: Fetch = Box::new(move |section| sections.section(section.name()));
        let Some(columns) = Columns::new(fetch) else { return Ok(None) };
        let (rules, shown) = (origin.rules()?, origin.path().display().to_string());
        Ok(Some(Self { columns, about, rules, shown, container, rows: origin.rows()? }))
    }
}
