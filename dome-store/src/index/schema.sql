-- What an index holds: everything is derived, and can be derived again.
-- Rows that answers are made of are sealed in their last column, over all others; a seal is looked at when a row is read.

CREATE TABLE meta (key BLOB PRIMARY KEY, row BLOB NOT NULL, seal BLOB NOT NULL) WITHOUT ROWID;

-- Every envelope that was admitted, by its position: where its bytes stand, and its record.
CREATE TABLE entries (key INTEGER PRIMARY KEY, row BLOB NOT NULL, seal BLOB NOT NULL);

-- What each run came to, and what runs add up to: a tree whose leaves are runs and whose root is all of them.
CREATE TABLE runs (key BLOB PRIMARY KEY, row BLOB NOT NULL, seal BLOB NOT NULL);
CREATE TABLE sums (key BLOB PRIMARY KEY, row BLOB NOT NULL, seal BLOB NOT NULL);

-- What each task line came to.
CREATE TABLE lines (key BLOB PRIMARY KEY, row BLOB NOT NULL, line BLOB NOT NULL, seal BLOB NOT NULL);

-- The facts by their place in the total order. flags: 1 failing, 2 lists gates, 4 was denied something.
CREATE TABLE facts (
    key BLOB PRIMARY KEY, row BLOB NOT NULL, flags INTEGER NOT NULL, code TEXT NOT NULL, seal BLOB NOT NULL
) WITHOUT ROWID;
-- How many facts there are from one place of the total order to the next, so that ranks need no scan.
CREATE TABLE spans (first BLOB PRIMARY KEY, facts INTEGER NOT NULL) WITHOUT ROWID;

-- What facts are found by. Who finds one looks at the whole: outcomes and places are starts of hashes.
CREATE TABLE digests (name BLOB NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (name, id)) WITHOUT ROWID;
CREATE TABLE outcomes (name BLOB NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (name, id)) WITHOUT ROWID;
CREATE TABLE events (name BLOB NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (name, id)) WITHOUT ROWID;
CREATE TABLE places (name BLOB NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (name, id)) WITHOUT ROWID;

-- Every derived key that some fact has; row and rank: its capsule, where some fact mints it. The rank is the engine's:
-- bytes that sort as the capsules of a concept do, the best first.
CREATE TABLE keys (
    key BLOB PRIMARY KEY, row BLOB NOT NULL, line BLOB NOT NULL, concept BLOB NOT NULL, fingerprint BLOB NOT NULL,
    fact INTEGER NOT NULL, rank BLOB NOT NULL, seal BLOB NOT NULL
);
CREATE INDEX keys_of_line ON keys (line);
CREATE INDEX keys_of_concept ON keys (concept, rank, key);
CREATE INDEX keys_of_fingerprint ON keys (fingerprint);

-- Facts of a task line that applied a derived key: the key is that one, then the line's.
CREATE TABLE applied (key BLOB PRIMARY KEY, row BLOB NOT NULL, seal BLOB NOT NULL) WITHOUT ROWID;

-- Concepts with a capsule: how many there are, and the concept where it is listed.
CREATE TABLE concepts (
    key BLOB PRIMARY KEY, row BLOB NOT NULL, listed INTEGER NOT NULL, target_kind TEXT NOT NULL,
    action_kind TEXT NOT NULL, fingerprint BLOB NOT NULL, seal BLOB NOT NULL
);
CREATE INDEX concepts_of_kind ON concepts (target_kind, action_kind) WHERE listed;
CREATE INDEX concepts_of_fingerprint ON concepts (fingerprint);

-- Facts with a policy code, by what makes them alike; the first of a kind fired a trigger.
CREATE TABLE kinds (
    kind TEXT NOT NULL, place BLOB NOT NULL, line BLOB NOT NULL, PRIMARY KEY (kind, place)
) WITHOUT ROWID;

-- Lines that are no envelope, or that facts rule out.
CREATE TABLE rejected (
    key INTEGER PRIMARY KEY, row BLOB NOT NULL, place BLOB NOT NULL, sha256 BLOB NOT NULL, seal BLOB NOT NULL
);
CREATE INDEX rejected_by_place ON rejected (place);
CREATE INDEX rejected_by_hash ON rejected (sha256);

-- How far each source was read, as the log says it.
CREATE TABLE sources (key BLOB PRIMARY KEY, row BLOB NOT NULL, seal BLOB NOT NULL) WITHOUT ROWID;
