//! Two stores in one: what ingesting the sources of both would come to, in any order.
//!
//! A store does not keep the sources that it was made of, but it keeps every line of them, and by which content each was
//! known. So their contents are put together: one that both have read, or that one has read further, is taken once; others
//! of one name are told apart as `ingest` does, by a number. The numbers go by what the contents are, not by whose they
//! were: so both orders come to the same store.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use dome_core::{Sha256Hash, canonical, escaped_path};
use dome_replay::Watch;
use dome_replay::error::{Context, Error, Invariant, Result};
use serde::Serialize;
use tempfile::TempDir;

use crate::folder::StoreFolder;
use crate::inbox;
use crate::log::{Checkpoint, Damage, Entry, EntryBytes, Log, LogItem, Segments, SessionTerms, StoreManifest};
use crate::records::StoreRecords;
use crate::writer::{Opening, StoreWriter};

/// What merging came to; its members in canonical order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Merged {
    /// Places of the two logs that could not be read: whoever merges ends with [`crate::ErrorClass::Unreproduced`] if there are
    /// any.
    pub damaged: usize,
    /// Entries of the merged log.
    pub entries: u64,
    /// `"1"`
    pub format_version: &'static str,
    /// Sources of it.
    pub sources: usize,
}

/// By what a content is known: bytes that were read, SHA-256 of them, and of a last line without an end.
type ContentEnd = (u64, String, Option<String>);

struct Content {
    /// Which of the two logs.
    log: usize,
    name: String,
    checkpoint: Option<Checkpoint>,
    redactions: BTreeMap<String, u64>,
    /// Where reading stood at times.
    seen: BTreeSet<ContentEnd>,
    /// The lines, by position.
    lines: BTreeMap<u64, EntryBytes>,
    retried: BTreeSet<u64>,
    /// Over its lines as they are kept.
    digest: Sha256Hash,
}

struct MergeSide {
    number: usize,
    log: Log,
    records: StoreRecords,
    segments: Segments,
    session: Option<SessionTerms>,
    contents: BTreeMap<String, Content>,
    /// Which source a line is of, for entries that speak of it.
    names: BTreeMap<u64, String>,
    damage: Vec<Damage>,
}

/// Makes a store at `out` that holds what `a` and `b` hold. It is made beside and put in place whole; the two are read,
/// and not changed.
///
/// # Errors
///
/// When one of the two cannot be read, when they derive by different rules, or when something stands at `out`.
pub fn merge(a: &Path, b: &Path, out: &Path, opening: Opening, watch: &dyn Watch) -> Result<Merged> {
    let mut sides = [MergeSide::read(0, a, watch)?, MergeSide::read(1, b, watch)?];
    let [first, second] = &sides;
    if first.log.manifest().settings != second.log.manifest().settings {
        return Err(Error::usage(format!(
            "`{}` and `{}` derive by different modes, policies or reason codes; `dome store rebuild` changes those of one",
            escaped_path(a),
            escaped_path(b)
        )));
    }
    let mut terms = terms([first.session.as_ref(), second.session.as_ref()], watch)?;
    let contents = named(sides.iter_mut().flat_map(|side| std::mem::take(&mut side.contents).into_values()).collect());
    if terms.is_none() && !contents.is_empty() {
        // Both have lost by which terms their lines were admitted.
        terms = Some(SessionTerms { dome_version: env!("CARGO_PKG_VERSION").to_owned(), ..SessionTerms::default() });
    }
    let draft = draft(out)?;
    begin(draft.path(), &sides)?;
    let mut writer = StoreWriter::open_existing(draft.path(), opening, watch)?;
    if let Some(terms) = &terms {
        writer.keep(terms, Vec::new())?;
        let mut copy = LineCopy { writer: &mut writer, terms, pending: Vec::new(), bytes: 0, opening };
        for (name, content) in &contents {
            let side = sides.get_mut(content.log).invariant("a content is of one of the two")?;
            copy.content(name, content, &mut side.segments)?;
        }
        copy.keep()?;
        let late = writer.no_longer_late(terms).into_iter().map(|of| Entry::Retried { of }).collect();
        writer.keep(terms, late)?;
    }
    let entries = writer.last_position();
    drop(writer);
    place(draft, out)?;
    let damaged = sides.iter().map(|side| side.damage.len()).sum();
    Ok(Merged { damaged, entries, format_version: "1", sources: contents.len() })
}

impl MergeSide {
    fn read(number: usize, store: &Path, watch: &dyn Watch) -> Result<Self> {
        let waiting = inbox::waiting(store)?;
        if waiting > 0 {
            let shown = escaped_path(store);
            watch.note(&format!("{waiting} files wait in the inbox of `{shown}`; they stay there and are not merged"));
        }
        let log = Log::open(store)?;
        let records = StoreRecords::of(log.store())?;
        let segments = log.segments();
        let (contents, names, damage) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let mut side = Self { number, log, records, segments, session: None, contents, names, damage };
        for found in side.log.scan(1) {
            match found? {
                LogItem::Entry { position, place, entry } => side.take(position, place, entry),
                LogItem::Damage(damage) => {
                    watch.note(&format!("`{}`: {}", escaped_path(store), damage));
                    side.damage.push(damage);
                }
            }
        }
        Ok(side)
    }

    fn take(&mut self, position: u64, place: EntryBytes, entry: Entry) {
        match entry {
            Entry::Line(line) => {
                let raw = Sha256Hash::of(line.raw.as_bytes());
                self.content(&line.source.name).line(position, place, raw);
            }
            Entry::Rejected(rejected) => {
                let name = rejected.row.source.name.to_string();
                self.content(&name).line(position, place, rejected.row.sha256);
                self.names.insert(position, name);
            }
            Entry::Source(checkpoint) => {
                if let Some(line) = checkpoint.unfinished.as_ref().and_then(|unfinished| unfinished.position) {
                    self.names.insert(line, checkpoint.name.clone());
                }
                self.content(&checkpoint.name).checkpoint(checkpoint);
            }
            Entry::Session(session) => self.session = Some(session),
            Entry::Retried { of: line } => {
                if let Some(content) = self.names.get(&line).and_then(|name| self.contents.get_mut(name)) {
                    content.retried.insert(line);
                }
            }
            Entry::Withdrawn { of: line } => {
                // A line that came and went in one batch is told of by no checkpoint.
                let name = self.names.get(&line);
                let is_its = |content: &&mut Content| name.is_none_or(|name| *name == content.name);
                for content in self.contents.values_mut().filter(is_its) {
                    content.lines.remove(&line);
                    content.retried.remove(&line);
                }
            }
            Entry::State(_) => {}
        }
    }

    fn content(&mut self, name: &str) -> &mut Content {
        self.contents.entry(name.to_owned()).or_insert_with(|| Content {
            log: self.number,
            name: name.to_owned(),
            checkpoint: None,
            redactions: BTreeMap::new(),
            seen: BTreeSet::new(),
            lines: BTreeMap::new(),
            retried: BTreeSet::new(),
            digest: Sha256Hash::of(b""),
        })
    }
}

impl Content {
    fn line(&mut self, position: u64, place: EntryBytes, line: Sha256Hash) {
        self.lines.insert(position, place);
        self.digest = Sha256Hash::of(&[self.digest.as_bytes().as_slice(), line.as_bytes().as_slice()].concat());
    }

    fn checkpoint(&mut self, checkpoint: Checkpoint) {
        for (rule, count) in &checkpoint.redactions {
            *self.redactions.entry(rule.clone()).or_default() += count;
        }
        // Whoever had read all but the last line is held by this one as well.
        self.seen.insert((checkpoint.offset, checkpoint.sha256.clone(), None));
        self.checkpoint = Some(checkpoint);
        self.seen.extend(self.end());
    }

    fn end(&self) -> Option<ContentEnd> {
        let unfinished = |known: &Checkpoint| known.unfinished.as_ref().map(|line| line.sha256.clone());
        self.checkpoint.as_ref().map(|known| (known.offset, known.sha256.clone(), unfinished(known)))
    }

    /// Which of two that are known by the same is taken, and in which order contents are numbered.
    fn rank(&self) -> (Option<ContentEnd>, usize, usize, String) {
        (self.end(), self.lines.len(), self.retried.len(), self.digest.to_string())
    }

    /// Whether another one holds all that this one does: it was known by the same before it was read on.
    fn is_within(&self, other: &Self) -> bool {
        let Some(end) = self.end() else { return false };
        let is_empty = matches!(end, (0, _, None));
        other.end().as_ref() != Some(&end) && (is_empty || other.seen.contains(&end))
    }
}

fn named(contents: Vec<Content>) -> BTreeMap<String, Content> {
    let names: BTreeSet<String> = contents.iter().map(|content| content.name.clone()).collect();
    let mut families: BTreeMap<String, Vec<Content>> = BTreeMap::new();
    for content in contents {
        families.entry(family(&names, &content.name).to_owned()).or_default().push(content);
    }
    let mut named = BTreeMap::new();
    for (family, mut contents) in families {
        contents.sort_by_key(Content::rank);
        let mut kept: Vec<Content> = Vec::new();
        // From the last on: of those that are known by the same, the one of the highest rank is taken.
        while let Some(content) = contents.pop() {
            let is_held =
                |other: &Content| content.is_within(other) || content.end().is_some() && content.end() == other.end();
            if !kept.iter().any(is_held) && !contents.iter().any(|other| content.is_within(other)) {
                kept.push(content);
            }
        }
        for (number, content) in (1_u64..).zip(kept.into_iter().rev()) {
            let name = if number == 1 { family.clone() } else { format!("{family}#{number}") };
            named.insert(name, content);
        }
    }
    named
}

/// The name that a content had before it got a number, if it did.
fn family<'n>(names: &BTreeSet<String>, name: &'n str) -> &'n str {
    match name.rsplit_once('#') {
        Some((family, number)) if number.parse::<u64>().is_ok() && names.contains(family) => family,
        _ => name,
    }
}

/// The terms of both: the later instant, and the rules that mask secrets.
fn terms(sessions: [Option<&SessionTerms>; 2], watch: &dyn Watch) -> Result<Option<SessionTerms>> {
    let (first, second) = match sessions {
        [Some(first), Some(second)] => (first, second),
        [one, other] => return Ok(one.or(other).cloned()),
    };
    let not_after = first.not_after.zip(second.not_after).map(|(first, second)| first.max(second));
    let bytes = |session: &SessionTerms| {
        let bytes = session.redaction.as_ref().map(canonical::to_vec).transpose();
        bytes.invariant("recorded redaction rules have canonical bytes")
    };
    if first.redaction != second.redaction {
        watch.note("the two stores mask secrets by different rules: lines stay as each has masked them");
    }
    let later = if bytes(first)? < bytes(second)? { second } else { first };
    Ok(Some(SessionTerms {
        dome_version: env!("CARGO_PKG_VERSION").to_owned(),
        not_after,
        redaction: later.redaction.clone(),
    }))
}

struct LineCopy<'c> {
    writer: &'c mut StoreWriter,
    terms: &'c SessionTerms,
    pending: Vec<Entry>,
    bytes: u64,
    opening: Opening,
}

impl LineCopy<'_> {
    fn content(&mut self, name: &str, content: &Content, segments: &mut Segments) -> Result<()> {
        let mut moved = BTreeMap::new();
        for (position, place) in &content.lines {
            let entry = segments.read(*place, *position)?;
            let mut entry = entry.ok_or_else(|| Error::failed("a log changed while it was read"))?;
            match &mut entry {
                Entry::Line(line) => line.source.name = name.into(),
                Entry::Rejected(rejected) => rejected.row.source.name = name.into(),
                _ => return Err(Error::broken("a line is admitted or rejected")),
            }
            let to = self.next_position();
            moved.insert(*position, to);
            self.pending.push(entry);
            if content.retried.contains(position) {
                self.pending.push(Entry::Retried { of: to });
            }
            self.bytes += place.length;
            self.keep_if_full()?;
        }
        let mut checkpoint = match &content.checkpoint {
            Some(checkpoint) => checkpoint.clone(),
            // It is lost: how far the source was read is not known, and no content is known by this.
            None => Checkpoint { ended: true, lines: content.lines.len() as u64, ..Checkpoint::default() },
        };
        name.clone_into(&mut checkpoint.name);
        checkpoint.redactions.clone_from(&content.redactions);
        if let Some(unfinished) = &mut checkpoint.unfinished {
            unfinished.position = unfinished.position.and_then(|position| moved.get(&position).copied());
        }
        self.pending.push(Entry::Source(checkpoint));
        self.keep_if_full()
    }

    fn next_position(&self) -> u64 {
        self.writer.next_position(self.terms) + self.pending.len() as u64
    }

    fn keep_if_full(&mut self) -> Result<()> {
        let limits = self.opening.limits;
        let full = self.pending.len() >= limits.batch_lines || self.bytes >= limits.batch_bytes as u64;
        if full { self.keep() } else { Ok(()) }
    }

    fn keep(&mut self) -> Result<()> {
        self.bytes = 0;
        self.writer.keep(self.terms, std::mem::take(&mut self.pending))
    }
}

/// Begins a store whose identity says of which two it is made, with the records of both.
fn begin(path: &Path, sides: &[MergeSide; 2]) -> Result<()> {
    let manifests = sides.each_ref().map(|side| side.log.manifest());
    let mut identities = manifests.map(|manifest| manifest.store.as_str());
    identities.sort_unstable();
    let identity = Sha256Hash::of(identities.join("+").as_bytes()).to_string();
    let identity = identity.get(..32).invariant("a hash has 64 digits")?.to_owned();
    let [manifest, _] = manifests;
    let store = StoreFolder::open(path).context(|| format!("cannot open `{}`", escaped_path(path)))?;
    let records = StoreRecords::united(sides.each_ref().map(|side| side.records.clone()), &identity);
    if !records.is_empty() {
        records.keep(&store)?;
    }
    StoreManifest::new(manifest.settings.clone(), identity).write(&store)
}

/// A folder beside the place of a store, which is put there when it is whole and removed otherwise.
fn draft(out: &Path) -> Result<TempDir> {
    let failed = || format!("cannot make `{}`", escaped_path(out));
    match std::fs::read_dir(out).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Ok(false) => return Err(Error::failed(format!("`{}` is not empty; choose another --out", escaped_path(out)))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).context(failed),
    }
    let whole = std::path::absolute(out).context(failed)?;
    let (Some(parent), Some(name)) = (whole.parent(), whole.file_name()) else {
        return Err(Error::usage(format!("`{}` is no name for a store", escaped_path(out))));
    };
    let mut begin = OsString::from(".");
    begin.push(name);
    begin.push(".");
    std::fs::create_dir_all(parent).context(failed)?;
    // As open as any folder that the user makes.
    let open = Permissions::from_mode(0o777);
    tempfile::Builder::new().prefix(&begin).suffix(".part").permissions(open).tempdir_in(parent).context(failed)
}

fn place(draft: TempDir, out: &Path) -> Result<()> {
    let failed = || format!("cannot make `{}`", escaped_path(out));
    std::fs::rename(draft.path(), out).context(failed)?;
    let _placed = draft.keep();
    let whole = std::path::absolute(out).context(failed)?;
    let parent = whole.parent().invariant("a store that was made has a folder above it")?;
    std::fs::File::open(parent).and_then(|parent| parent.sync_all()).context(failed)
}
