-- The index of a store: everything here is derived from the log, and can be derived again.
-- Tables hold what folding on needs; the views hold the names of the model.

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE sources (
    name TEXT PRIMARY KEY,
    lines INTEGER NOT NULL, blank INTEGER NOT NULL,
    last_ts BLOB,
    checkpoint TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE sessions (position INTEGER PRIMARY KEY, terms TEXT NOT NULL);

-- Damage that was met when entries were read.
CREATE TABLE damage (
    first_position INTEGER PRIMARY KEY, last_position INTEGER NOT NULL,
    segment TEXT NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL, what TEXT NOT NULL
);

-- Lines that are no envelope. retried: read again since, and admitted; withdrawn: never was a line.
CREATE TABLE rejected (
    position INTEGER PRIMARY KEY,
    segment INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
    source TEXT NOT NULL, line INTEGER NOT NULL, codes TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'quarantined'
);

CREATE TABLE runs (
    id INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE,
    -- The last envelope that M-41 took: later ones follow it without settling the run again.
    last_sequence INTEGER NOT NULL, last_ts TEXT NOT NULL, last_event TEXT NOT NULL, last_digest BLOB NOT NULL,
    latest_ts TEXT NOT NULL, facts INTEGER NOT NULL
);

CREATE TABLE lines (
    id INTEGER PRIMARY KEY, line_key BLOB NOT NULL UNIQUE,
    scope TEXT NOT NULL, target_kind TEXT NOT NULL, target_id TEXT NOT NULL, action_kind TEXT NOT NULL,
    latency TEXT NOT NULL, last_order BLOB, guard_denied INTEGER NOT NULL,
    since_kept INTEGER NOT NULL DEFAULT 0, keep_interval INTEGER NOT NULL DEFAULT 0
);

-- States of lines some facts ago, so that a late fact does not take a line back to its start.
CREATE TABLE kept_states (
    line INTEGER NOT NULL, fact_order BLOB NOT NULL, state BLOB NOT NULL,
    PRIMARY KEY (line, fact_order)
) WITHOUT ROWID;

CREATE TABLE lanes (
    line INTEGER NOT NULL, lane TEXT NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (line, lane)
) WITHOUT ROWID;

CREATE TABLE capsule_states (
    id INTEGER PRIMARY KEY, derived_key BLOB NOT NULL UNIQUE,
    line INTEGER NOT NULL, concept_key BLOB NOT NULL, fingerprint_hash BLOB NOT NULL,
    failure_reason_code TEXT NOT NULL, first_order BLOB NOT NULL,
    support_count INTEGER NOT NULL, failure_count INTEGER NOT NULL, denial_count INTEGER NOT NULL,
    resolved_count INTEGER NOT NULL, contradiction_count INTEGER NOT NULL, recurrence_count INTEGER NOT NULL,
    run_count INTEGER NOT NULL, first_seen_ts TEXT NOT NULL, last_seen_ts TEXT NOT NULL,
    confirmed_count INTEGER NOT NULL DEFAULT 0, refuted_count INTEGER NOT NULL DEFAULT 0,
    blocked_count INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL
);
CREATE INDEX capsules_of_line ON capsule_states (line);
CREATE INDEX capsules_of_concept ON capsule_states (concept_key);
CREATE INDEX capsules_of_fingerprint ON capsule_states (fingerprint_hash);

-- Every envelope that was admitted. outcome: 0 fact, 1 duplicate, 2 conflict.
CREATE TABLE records (
    position INTEGER PRIMARY KEY,
    segment INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
    source TEXT NOT NULL, source_line INTEGER NOT NULL,
    run INTEGER NOT NULL, line INTEGER NOT NULL, outcome INTEGER NOT NULL,
    digest BLOB NOT NULL, idempotency_key BLOB NOT NULL, derived_key BLOB NOT NULL, fingerprint_hash BLOB NOT NULL,
    event_id TEXT NOT NULL, task_id TEXT NOT NULL, group_id TEXT NOT NULL, sequence INTEGER NOT NULL,
    signal TEXT NOT NULL, failure_reason_code TEXT NOT NULL, policy_reason_code TEXT,
    failing INTEGER NOT NULL,
    -- Of facts alone: M-42's order as bytes that compare like it, M-41's place, M-70 and M-71.
    ordered_ts TEXT, at BLOB, place INTEGER,
    minted INTEGER NOT NULL DEFAULT 0, triggers TEXT NOT NULL DEFAULT '[]',
    -- Of conflicts alone.
    problem TEXT
);
CREATE INDEX records_of_run ON records (run, digest);
CREATE INDEX events_of_run ON records (run, event_id);
CREATE INDEX outcomes_of_run ON records (run, idempotency_key);
CREATE INDEX facts_of_line ON records (line, position) WHERE outcome = 0;
CREATE INDEX failing_facts ON records (at DESC) WHERE outcome = 0 AND failing = 1;

-- The first fact with a policy code of its kind of work (M-71).
CREATE TABLE unseen_denials (kind TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE denial_facts (
    kind TEXT NOT NULL, fact_order BLOB NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (kind, fact_order)
) WITHOUT ROWID;

-- The sets of runs that capsules and remedies are counted by (M-80, M-82), each with the fact that
-- brought the run in.
CREATE TABLE minted_runs (
    run INTEGER NOT NULL, line INTEGER NOT NULL, capsule BLOB NOT NULL, fact_order BLOB NOT NULL,
    PRIMARY KEY (run, line, capsule)
) WITHOUT ROWID;
CREATE TABLE resolved_runs (
    run INTEGER NOT NULL, line INTEGER NOT NULL, capsule BLOB NOT NULL, remedy BLOB NOT NULL,
    fact_order BLOB NOT NULL,
    PRIMARY KEY (run, line, capsule, remedy)
) WITHOUT ROWID;

-- Facts that applied a capsule, and how that ended for each run (M-84).
CREATE TABLE applied (
    capsule BLOB NOT NULL, run INTEGER NOT NULL, fact_order BLOB NOT NULL, line INTEGER NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (capsule, run, fact_order)
) WITHOUT ROWID;
CREATE INDEX applied_of_line ON applied (line);
CREATE TABLE applied_outcomes (
    capsule BLOB NOT NULL, run INTEGER NOT NULL, outcome TEXT NOT NULL,
    PRIMARY KEY (capsule, run)
) WITHOUT ROWID;

-- What each run adds to the rollups (M-110).
CREATE TABLE gate_runs (
    run INTEGER NOT NULL, failure_reason_code TEXT NOT NULL, gate_id TEXT NOT NULL,
    fail_count INTEGER NOT NULL, pass_count INTEGER NOT NULL, skip_count INTEGER NOT NULL,
    first_at BLOB NOT NULL, first_ts TEXT NOT NULL, last_at BLOB NOT NULL, last_ts TEXT NOT NULL,
    PRIMARY KEY (run, failure_reason_code, gate_id)
) WITHOUT ROWID;
CREATE TABLE denial_runs (
    run INTEGER NOT NULL, policy_reason_code TEXT NOT NULL, guard_id TEXT NOT NULL, failure_reason_code TEXT NOT NULL,
    denial_count INTEGER NOT NULL, stop_count INTEGER NOT NULL,
    first_at BLOB NOT NULL, first_ts TEXT NOT NULL, last_at BLOB NOT NULL, last_ts TEXT NOT NULL,
    PRIMARY KEY (run, policy_reason_code, guard_id, failure_reason_code)
) WITHOUT ROWID;

-- The names of the model. SQLite's min() and max() take the other columns from the row they name.
CREATE VIEW facts AS
    SELECT lower(hex(digest)) AS digest, event_id, run_id, task_id, group_id, sequence, signal,
        scope, target_kind, target_id, action_kind, failure_reason_code, policy_reason_code,
        lower(hex(derived_key)) AS derived_key, lower(hex(fingerprint_hash)) AS fingerprint_hash,
        lower(hex(idempotency_key)) AS idempotency_key, lower(hex(line_key)) AS line_key,
        minted, triggers, ordered_ts, source, source_line, place, at, position
    FROM records JOIN runs ON runs.id = run JOIN lines ON lines.id = line WHERE outcome = 0;

CREATE VIEW capsules AS
    SELECT lower(hex(derived_key)) AS derived_key, lower(hex(concept_key)) AS concept_key,
        lower(hex(fingerprint_hash)) AS fingerprint_hash, lower(hex(line_key)) AS line_key,
        scope, target_kind, target_id, action_kind, failure_reason_code,
        CASE WHEN failure_count > 0 THEN 'failure' WHEN denial_count > 0 THEN 'denial' ELSE 'pattern' END AS kind,
        support_count, failure_count, denial_count, resolved_count, contradiction_count, recurrence_count, run_count,
        confirmed_count, refuted_count, blocked_count, first_seen_ts, last_seen_ts, guard_denied, state
    FROM capsule_states JOIN lines ON lines.id = line;

CREATE VIEW mv_recent_failures_by_taskspec AS
    SELECT action_kind, lower(hex(derived_key)) AS derived_key, lower(hex(digest)) AS digest, event_id,
        failure_reason_code, lower(hex(fingerprint_hash)) AS fingerprint_hash, group_id, policy_reason_code,
        run_id, scope, sequence, target_id, target_kind, task_id, ordered_ts AS ts
    FROM records JOIN runs ON runs.id = run JOIN lines ON lines.id = line
    WHERE outcome = 0 AND failing = 1 ORDER BY at DESC, run_id, place;

CREATE VIEW mv_gate_rollup_by_failure_reason_code AS
    WITH sums AS (
        SELECT failure_reason_code, gate_id, sum(fail_count) AS fail_count, sum(pass_count) AS pass_count,
            sum(skip_count) AS skip_count, count(*) AS run_count, min(first_at) AS first_at, first_ts
        FROM gate_runs GROUP BY failure_reason_code, gate_id),
    ends AS (
        SELECT failure_reason_code, gate_id, max(last_at) AS last_at, last_ts
        FROM gate_runs GROUP BY failure_reason_code, gate_id)
    SELECT fail_count, failure_reason_code, first_ts, gate_id, last_ts, pass_count, run_count, skip_count
    FROM sums JOIN ends USING (failure_reason_code, gate_id)
    ORDER BY fail_count DESC, failure_reason_code, gate_id;

CREATE VIEW mv_guard_denials_by_policy_reason_code AS
    WITH sums AS (
        SELECT policy_reason_code, guard_id, sum(denial_count) AS denial_count, sum(stop_count) AS stop_count,
            count(DISTINCT run) AS run_count, min(first_at) AS first_at, first_ts
        FROM denial_runs GROUP BY policy_reason_code, guard_id),
    ends AS (
        SELECT policy_reason_code, guard_id, max(last_at) AS last_at, last_ts
        FROM denial_runs GROUP BY policy_reason_code, guard_id)
    SELECT denial_count,
        (SELECT json_group_array(code) FROM (
            SELECT DISTINCT failure_reason_code AS code FROM denial_runs AS d
            WHERE d.policy_reason_code = sums.policy_reason_code AND d.guard_id = sums.guard_id ORDER BY code
        )) AS failure_reason_codes,
        first_ts, guard_id, last_ts, policy_reason_code, run_count, stop_count
    FROM sums JOIN ends USING (policy_reason_code, guard_id)
    ORDER BY denial_count DESC, policy_reason_code, guard_id;
