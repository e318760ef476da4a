//! The file of an index: whether it may be believed, how it is opened, and how it is made.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use dome_core::Sha256Hash;
use rusqlite::{Connection, OpenFlags};

use super::error::{Fits, IndexError, Result};

const SCHEMA: &str = include_str!("schema.sql");
/// How long a reader or writer waits for SQLite's own locks.
const WAIT: Duration = Duration::from_secs(10);
pub(super) const OTHERS_WRITE: u32 = 0o022;
/// Ends of the names of the files that SQLite keeps beside its main one.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Refuses a file that someone else may have written: an index is believed, so it belongs to the owner of the folder
/// that it stands in, to the caller or to root, and nobody else may write to it.
fn believe(path: &Path) -> Result<()> {
    let found = fs::symlink_metadata(path).map_err(IndexError::at(path))?;
    let folder = folder_of(path);
    let owner = fs::metadata(folder).map_err(IndexError::at(folder))?.uid();
    let is_own = |found: &Metadata| [owner, rustix::process::geteuid().as_raw(), 0].contains(&found.uid());
    found.is_file().then_some(()).fits("it is no file of its own")?;
    (is_own(&found) && found.mode() & OTHERS_WRITE == 0).then_some(()).fits("someone else may have written it")?;
    let mut journals = BESIDE.iter().filter_map(|end| fs::symlink_metadata(beside(path, end)).ok());
    let own = journals.all(|journal| journal.is_file() && is_own(&journal));
    own.then_some(()).fits("someone else may have written its journal")
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Opens a file for reading, and holds on to what is in it now: whoever writes meanwhile is not waited for.
pub(super) fn for_reading(path: &Path) -> Result<Connection> {
    believe(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let open = |location: &Path| -> Result<Connection> {
        let db = Connection::open_with_flags(location, flags)?;
        tune(&db)?;
        db.execute_batch("PRAGMA query_only = ON; BEGIN")?;
        check_schema(&db)?;
        Ok(db)
    };
    open(path).or_else(|error| {
        // Where nothing can be written, SQLite cannot make the file that readers and writers share; without a
        // transaction that waits in the journal, none is needed.
        let waits = fs::metadata(beside(path, "-wal")).is_ok_and(|found| found.len() > 0);
        let Some(location) = path.to_str().filter(|path| !waits && !path.contains(['?', '#', '%'])) else {
            return Err(error);
        };
        let Ok(absolute) = std::path::absolute(location) else { return Err(error) };
        open(Path::new(&format!("file:{}?immutable=1", absolute.display()))).map_err(|_| error)
    })
}

/// Opens a file for deriving on; readers see the state before until a transaction ends.
pub(super) fn for_writing(path: &Path) -> Result<Connection> {
    believe(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    tune(&db)?;
    // A torn index is derived again, so that nothing waits for the disk.
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 20000;")?;
    check_schema(&db)?;
    Ok(db)
}

fn tune(db: &Connection) -> Result<()> {
    db.busy_timeout(WAIT)?;
    db.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -131072; PRAGMA mmap_size = 0;",
    )?;
    db.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Makes an empty index that goes to a file or stays in memory.
pub(super) fn make(path: Option<&Path>) -> Result<Connection> {
    let db = match path {
        Some(path) => Connection::open(path)?,
        None => Connection::open_in_memory()?,
    };
    db.execute_batch("PRAGMA page_size = 8192;")?;
    tune(&db)?;
    // Nobody sees it before it is whole.
    let journal = if path.is_some() { "OFF" } else { "MEMORY" };
    db.execute_batch(&format!("PRAGMA journal_mode = {journal}; PRAGMA synchronous = OFF;"))?;
    db.execute_batch(SCHEMA)?;
    Ok(db)
}

/// Refuses a file with other tables, or with anything that runs by itself.
fn check_schema(db: &Connection) -> Result<()> {
    // What SQLite makes of our own text, worked out once.
    static OURS: OnceLock<Sha256Hash> = OnceLock::new();
    let ours = match OURS.get() {
        Some(ours) => *ours,
        None => *OURS.get_or_init({
            let empty = Connection::open_in_memory()?;
            empty.execute_batch(SCHEMA)?;
            let ours = shape(&empty)?;
            move || ours
        }),
    };
    (shape(db)? == ours).then_some(()).fits("it has other tables")
}

fn shape(db: &Connection) -> Result<Sha256Hash> {
    let mut select = db.prepare("SELECT type, name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name")?;
    let mut rows = select.query([])?;
    let mut all = String::new();
    while let Some(row) = rows.next()? {
        for column in 0..3 {
            all.push_str(&row.get::<_, String>(column)?);
            all.push('\n');
        }
    }
    Ok(Sha256Hash::of(all.as_bytes()))
}

/// Puts a file in the place of whatever stands there: written under another name first, whole or not at all.
pub(super) fn replace(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let folder = folder_of(path);
    // As open as any file that the user makes, but that no other may write to it.
    let open = fs::Permissions::from_mode(0o644);
    let made = tempfile::Builder::new().prefix(".dome-index-").permissions(open).tempfile_in(folder);
    let file = made.map_err(IndexError::at(folder))?.into_temp_path();
    write(&file)?;
    // A journal of what stood there goes first: it is of no other file.
    for end in [""].iter().chain(&BESIDE) {
        match fs::remove_file(beside(path, end)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(IndexError::at(path)(error)),
            _ => {}
        }
    }
    file.persist(path).map_err(|error| IndexError::at(path)(error.error))
}
