"""A database does what it can of a replay: `duckdb_peer.py INPUT OUT [--nearest RULES]`.

DuckDB, on two threads, reads the JSON Lines, hashes a fingerprint of each row, and writes the rows sorted
by time and the groups by task line and fingerprint, as JSON Lines.

With `--nearest` it does as much of a replay as SQL comes to: the message goes through the regular
expressions of the normaliser before it is hashed (M-53), each row gets a digest and four keys as well,
repeats are dropped, and two of the three views are written.

It does not do, either way: any check of a value, canonical bytes (its hashes are over its own renderings),
conflicts, the order inside a run, triggers, the fold (what is open, what resolved it, whether that held),
verdicts, concepts, digests of files, and a quarantine that says why: lines that do not parse, or lack
their names, are dropped. Nothing is synced to the disk.
"""

import json
import os
import sys

import duckdb

COLUMNS = {
    "envelope_version": "VARCHAR", "event_id": "VARCHAR", "sequence": "BIGINT", "run_id": "VARCHAR",
    "task_id": "VARCHAR", "group_id": "VARCHAR", "lane": "VARCHAR", "ts": "TIMESTAMPTZ", "signal": "VARCHAR",
    "wrapper_policy": "VARCHAR",
    "task_spec": "STRUCT(scope VARCHAR, target STRUCT(kind VARCHAR, id VARCHAR), action STRUCT(kind VARCHAR),"
                 " failure_reason_code VARCHAR, versions MAP(VARCHAR, VARCHAR))",
    "policy_reason_code": "VARCHAR", "gates": "STRUCT(gate_id VARCHAR, status VARCHAR)[]",
    "guard_evals": "STRUCT(guard_id VARCHAR, status VARCHAR, decision VARCHAR, reason_codes VARCHAR[])[]",
    "tool": "STRUCT(name VARCHAR, version VARCHAR)", "env": "MAP(VARCHAR, VARCHAR)", "attempts": "BIGINT",
    "duration_ms": "BIGINT", "message": "VARCHAR", "applied_capsule": "VARCHAR",
    "remedy": "STRUCT(kind VARCHAR, ref VARCHAR, summary VARCHAR)",
    "evidence": "STRUCT(path VARCHAR, sha256 VARCHAR, bytes BIGINT)[]", "labels": "MAP(VARCHAR, VARCHAR)",
}


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def template(rules_path):
    """The message as it goes into the fingerprint: as it is, or normalised rule by rule."""
    text = "message"
    if rules_path is None:
        return text
    with open(rules_path, encoding="utf-8") as file:
        rules = json.load(file)["rules"]
    for rule in rules:
        replacement = rule["replacement"].replace("$1", "\\1")
        text = f"regexp_replace({text}, {quoted(rule['pattern'])}, {quoted(replacement)}, 'g')"
    return text


def hashed(*parts):
    return f"sha256(concat_ws(chr(31), {', '.join(parts)}))"


LINE = ["task_spec.scope", "task_spec.target.kind", "task_spec.target.id", "task_spec.action.kind"]
CODE = "task_spec.failure_reason_code"


def read(connection, input_path, text):
    columns = ", ".join(f"{name}: {quoted(kind)}" for name, kind in COLUMNS.items())
    fingerprint = hashed(
        "tool.name", "tool.version", "CAST(task_spec.versions AS VARCHAR)", "CAST(env AS VARCHAR)",
        "CAST(list_sort([gate.gate_id FOR gate IN gates IF gate.status = 'FAIL']) AS VARCHAR)", text)
    connection.execute(f"""
        CREATE TABLE facts AS SELECT *, {fingerprint} AS fingerprint_hash
        FROM read_json({quoted(input_path)}, format = 'newline_delimited', ignore_errors = true,
            columns = {{{columns}}})
        WHERE event_id IS NOT NULL AND run_id IS NOT NULL AND ts IS NOT NULL""")


def add_keys(connection):
    """Digest, keys, and one row for each digest of a run."""
    connection.execute(f"""
        CREATE TABLE keyed AS SELECT *, sha256(CAST(to_json(facts) AS VARCHAR)) AS digest,
            {hashed("run_id", "task_id", "group_id")} AS idempotency_key,
            {hashed(*LINE, CODE, "fingerprint_hash")} AS derived_key, {hashed(*LINE)} AS line_key,
            {hashed(LINE[1], LINE[3], CODE, "fingerprint_hash")} AS concept_key
        FROM facts QUALIFY row_number() OVER (PARTITION BY run_id, digest) = 1""")
    connection.execute("DROP TABLE facts")
    connection.execute("ALTER TABLE keyed RENAME TO facts")


def write(connection, select, path):
    connection.execute(f"COPY ({select}) TO {quoted(path)} (FORMAT json)")


def write_views(connection, out):
    write(connection, "SELECT * EXCLUDE (gates, guard_evals, evidence, labels, env, message) FROM facts"
          " WHERE signal = 'failure' ORDER BY ts DESC, run_id, sequence", f"{out}/recent_failures.jsonl")
    write(connection, f"""
        SELECT code, gate.gate_id AS gate_id, count(*) FILTER (gate.status = 'FAIL') AS fail_count,
            count(*) FILTER (gate.status = 'PASS') AS pass_count, count(*) FILTER (gate.status = 'SKIP') AS skip_count,
            count(DISTINCT run_id) AS run_count, min(ts) AS first_ts, max(ts) AS last_ts
        FROM (SELECT {CODE} AS code, unnest(gates) AS gate, run_id, ts FROM facts)
        GROUP BY ALL ORDER BY fail_count DESC, code, gate_id""", f"{out}/gate_rollup.jsonl")


def main(input_path, out, rules_path):
    os.makedirs(out)
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    read(connection, input_path, template(rules_path))
    if rules_path is not None:
        add_keys(connection)
        write_views(connection, out)
    write(connection, "SELECT * FROM facts ORDER BY ts, run_id, sequence", f"{out}/facts.jsonl")
    write(connection, f"""
        SELECT {", ".join(LINE)}, {CODE}, fingerprint_hash, count(*) AS support_count,
            count(DISTINCT run_id) AS run_count, min(ts) AS first_seen_ts, max(ts) AS last_seen_ts
        FROM facts GROUP BY ALL ORDER BY fingerprint_hash, task_spec.target.id""", f"{out}/capsules.jsonl")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(arguments[0], arguments[1], arguments[3] if arguments[2:3] == ["--nearest"] else None)
