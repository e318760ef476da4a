-- What an index holds: everything is derived, and can be derived again.
-- Rows that answers are made of carry a seal, which is looked at when they are read.

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL, seal BLOB NOT NULL) WITHOUT ROWID;

-- Names of sources, reason codes and policy codes, each kept once.
CREATE TABLE words (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);

-- Every envelope that was admitted, by its position: where its bytes stand, and its record.
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, segment INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
    run INTEGER NOT NULL, row BLOB NOT NULL, seal BLOB NOT NULL
);

-- What each run came to, and what each task line came to.
CREATE TABLE runs (id INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, row BLOB NOT NULL, seal BLOB NOT NULL);
CREATE TABLE lines (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, row BLOB NOT NULL, seal BLOB NOT NULL);

-- The facts in total order. flags: 1 failing, 2 lists gates, 4 was denied something.
CREATE TABLE facts (
    place BLOB PRIMARY KEY, id INTEGER NOT NULL, line INTEGER NOT NULL, code INTEGER NOT NULL, policy INTEGER,
    flags INTEGER NOT NULL, seal BLOB NOT NULL
) WITHOUT ROWID;
-- How many facts there are from one place of the total order to the next, so that ranks need no scan.
CREATE TABLE spans (first BLOB PRIMARY KEY, facts INTEGER NOT NULL) WITHOUT ROWID;

-- What facts are called.
CREATE TABLE digests (digest BLOB PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE outcomes (key BLOB NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (key, id)) WITHOUT ROWID;
CREATE TABLE events (event TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (event, id)) WITHOUT ROWID;
CREATE TABLE places (
    source INTEGER NOT NULL, line INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (source, line, id)
) WITHOUT ROWID;

-- Every derived key that some fact has; row: its capsule, where some fact mints it.
CREATE TABLE keys (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, line INTEGER NOT NULL, concept BLOB NOT NULL,
    fingerprint BLOB NOT NULL, fact INTEGER NOT NULL, row BLOB NOT NULL, seal BLOB NOT NULL
);
CREATE INDEX keys_of_line ON keys (line);
CREATE INDEX keys_of_concept ON keys (concept);
CREATE INDEX keys_of_fingerprint ON keys (fingerprint);

-- Facts that applied a derived key, by the line that they are of; and what all of them came to.
CREATE TABLE applied (
    key BLOB NOT NULL, line INTEGER NOT NULL, row BLOB NOT NULL, seal BLOB NOT NULL, PRIMARY KEY (key, line)
) WITHOUT ROWID;
CREATE TABLE judged (key BLOB PRIMARY KEY, row BLOB NOT NULL, seal BLOB NOT NULL) WITHOUT ROWID;

-- The concepts that are listed.
CREATE TABLE concepts (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, target_kind TEXT NOT NULL, action_kind TEXT NOT NULL,
    fingerprint BLOB NOT NULL, row BLOB NOT NULL, seal BLOB NOT NULL
);
CREATE INDEX concepts_of_kind ON concepts (target_kind, action_kind);

-- Facts with a policy code, by what makes them alike; the first of a kind fired a trigger.
CREATE TABLE kinds (
    kind TEXT NOT NULL, place BLOB NOT NULL, line INTEGER NOT NULL, PRIMARY KEY (kind, place)
) WITHOUT ROWID;

-- Rows of the two views that count: what all runs add up to.
CREATE TABLE totals (
    view INTEGER NOT NULL, name TEXT NOT NULL, row BLOB NOT NULL, seal BLOB NOT NULL, PRIMARY KEY (view, name)
) WITHOUT ROWID;

-- Lines that are no envelope, or that facts rule out. state: quarantined, conflict, retried, withdrawn.
CREATE TABLE rejected (
    id INTEGER PRIMARY KEY, segment INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
    source INTEGER NOT NULL, line INTEGER NOT NULL, sha256 BLOB NOT NULL, state TEXT NOT NULL, problem TEXT NOT NULL
);
CREATE INDEX rejected_by_place ON rejected (source, line);
CREATE INDEX rejected_by_hash ON rejected (sha256);

-- How far each source was read, as the log says it.
CREATE TABLE checkpoints (name TEXT PRIMARY KEY, blank INTEGER NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;
