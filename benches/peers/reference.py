"""A second program for the same model, in plain Python: `reference.py INPUT OUT [--against RESULT]`.

Written from the rules (M-xx) and not from the Rust, with nothing but the standard library: it reads and
checks lines, makes them canonical, hashes the digest, the fingerprint and the four keys, settles runs,
orders the facts, fires the triggers, and writes the facts and how often each derived key was minted.
`--against` holds that against the result of `dome replay` on the same lines and prints what is equal.

It does not do: every check of the model (ids, paths, hashes and limits are let through), every problem of a
line with its place, remedies, resolutions and contradictions, verdicts, concepts, views, lineage, a manifest.
"""

import hashlib
import json
import os
import re
import sys
from datetime import datetime, timezone

HERE = os.path.dirname(os.path.abspath(__file__))
RULES = os.path.join(HERE, "..", "..", "dome-core", "src", "data", "normalizer-v1.json")
SPACE = "\t\n\x0b\x0c\r "
ENV_KEYS = {"arch", "env_class", "os", "runtime"}
REQUIRED = {"envelope_version", "event_id", "sequence", "run_id", "task_id", "group_id", "ts", "signal",
            "wrapper_policy", "task_spec", "evidence"}
OPTIONAL = {"lane", "policy_reason_code", "gates", "guard_evals", "tool", "env", "attempts", "duration_ms", "message",
            "applied_capsule", "remedy", "labels"}
CHOICES = {"envelope_version": {"1"}, "signal": {"failure", "denial", "success", "anomaly", "observation"},
           "wrapper_policy": {"strict", "hybrid", "lenient"}}
TYPES = {"sequence": int, "attempts": int, "duration_ms": int, "task_spec": dict, "gates": list, "guard_evals": list,
         "tool": dict, "env": dict, "evidence": list, "labels": dict, "remedy": dict}
TIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})", re.ASCII)


class Rejected(Exception):
    """A line that is no envelope."""


def canonical(value):
    """M-01, for objects whose names are ASCII."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def digest_of(value):
    return hashlib.sha256(canonical(value)).hexdigest()


def unique(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Rejected("json_duplicate_key")
    return members


def read(line):
    """M-10, M-11, M-13: the shape of an envelope."""
    try:
        value = json.loads(line.decode("utf-8"), object_pairs_hook=unique)
    except ValueError as error:
        raise Rejected("json_invalid") from error
    if not isinstance(value, dict):
        raise Rejected("wrong_type")
    spec = value.get("task_spec")
    for place, alias, name in ((spec, "reason_code", "failure_reason_code"),
                               (value, "guard_reason_code", "policy_reason_code")):
        if isinstance(place, dict) and alias in place:
            given = place.pop(alias)
            if place.setdefault(name, given) != given:
                raise Rejected("alias_conflict")
    names = value.keys()
    if not REQUIRED <= names or not names <= REQUIRED | OPTIONAL:
        raise Rejected("missing_field or unknown_field")
    for name, member in value.items():
        if type(member) is not TYPES.get(name, str) or member not in CHOICES.get(name, (member,)):
            raise Rejected("wrong_type or value_not_allowed")
    if not value["evidence"] or value["sequence"] < 1:
        raise Rejected("evidence_missing or out_of_range")
    signal, gates = value["signal"], value.get("gates", [])
    if ((signal == "failure" and spec["failure_reason_code"] == "NONE")
            or (signal == "success" and any(gate["status"] == "FAIL" for gate in gates))
            or (signal == "denial" and "policy_reason_code" not in value)
            or (signal != "success" and "remedy" in value)):
        raise Rejected("signal_mismatch")
    return value


def utc(text):
    """M-05: the text in UTC, and the instant as something that compares."""
    match = TIME.fullmatch(text)
    if not match:
        raise Rejected("timestamp_invalid")
    second, fraction, zone = match.groups()
    fraction = (fraction or "").rstrip("0")
    if zone not in ("Z", "+00:00", "-00:00"):
        moment = datetime.fromisoformat(second + zone).astimezone(timezone.utc)
        second = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return second + ("." + fraction if fraction else "") + "Z", (second, fraction)


def complete(envelope):
    """M-40: the canonical envelope."""
    envelope["ts"], instant = utc(envelope["ts"])
    for name, default in (("gates", []), ("guard_evals", []), ("env", {}), ("labels", {})):
        envelope.setdefault(name, default)
    envelope["gates"].sort(key=lambda gate: gate["gate_id"].encode())
    envelope["guard_evals"].sort(key=lambda guard: guard["guard_id"].encode())
    for guard in envelope["guard_evals"]:
        for name in ("reason_codes", "evidence_refs"):
            guard[name] = sorted(set(guard.get(name, [])), key=str.encode)
    return instant


def normal_version(version):
    """M-51"""
    version = version.strip(SPACE).lower()
    if re.match(r"v[0-9]", version):
        version = version[1:]
    if re.fullmatch(r"(?=.*[a-f])(?=.*[0-9])[0-9a-f]{7,64}", version):
        return "commit"
    match = re.match(r"[0-9]+(\.[0-9]+)?(?![A-Za-z])", version)
    whole = re.match(r"[0-9]+(\.[0-9]+)?", version)
    return match.group() if match and match.group() == whole.group() else version


class Normaliser:
    """M-53: the rules of `normalizer-v1.json`, in their order."""

    def __init__(self):
        with open(RULES, encoding="utf-8") as file:
            rules = json.load(file)["rules"]
        self.rules = [(re.compile(rule["pattern"], re.ASCII), rule["replacement"].replace("$1", r"\g<1>"))
                      for rule in rules]

    def template(self, message):
        for pattern, replacement in self.rules:
            message = pattern.sub(replacement, message)
        lines = [line for line in (line.strip(SPACE) for line in message.split("\n")) if line]
        return "\n".join(lines[:8]).encode()[:1024].decode(errors="ignore")


def fingerprint(envelope, normaliser):
    """M-50"""
    members = {"fingerprint_version": "1",
               "failed_gates": [gate["gate_id"] for gate in envelope["gates"] if gate["status"] == "FAIL"]}
    tool = envelope.get("tool")
    if tool:
        members["tool_name"], members["tool_version"] = tool["name"], normal_version(tool["version"])
        if "config_sha256" in tool:
            members["config_sha256"] = tool["config_sha256"]
    versions = envelope["task_spec"].get("versions")
    if versions:
        members["versions"] = {name: normal_version(version) for name, version in versions.items()}
    env = {name.lower(): value.strip(SPACE).lower() for name, value in envelope["env"].items()
           if name.lower() in ENV_KEYS}
    if env:
        members["env"] = env
    if "message" in envelope:
        members["message_template"] = normaliser.template(envelope["message"])
    return members


class Fact:
    """An envelope with its keys (M-60 to M-63) and its place."""

    def __init__(self, envelope, instant, normaliser):
        spec, self.envelope, self.instant = envelope["task_spec"], envelope, instant
        self.digest = digest_of(envelope)
        self.fingerprint_hash = digest_of(fingerprint(envelope, normaliser))
        line = {"action_kind": spec["action"]["kind"], "scope": spec["scope"], "target_id": spec["target"]["id"],
                "target_kind": spec["target"]["kind"]}
        failure = {"binder_version": "v1", "failure_reason_code": spec["failure_reason_code"],
                   "fingerprint_hash": self.fingerprint_hash}
        outcome = {name: envelope[name] for name in ("group_id", "run_id", "task_id")}
        concept = {"action_kind": line["action_kind"], "target_kind": line["target_kind"], **failure}
        self.idempotency_key = digest_of({"binder_version": "v1", "domain": "dome.idempotency/1", **outcome})
        self.derived_key = digest_of({"domain": "dome.derived/1", **line, **failure})
        self.line_key = digest_of({"domain": "dome.line/1", **line})
        self.concept_key = digest_of({"domain": "dome.concept/1", **concept})
        self.triggers, self.minted = [], False

    def row(self):
        return {"derived_key": self.derived_key, "digest": self.digest, "envelope": self.envelope,
                "fingerprint_hash": self.fingerprint_hash, "idempotency_key": self.idempotency_key,
                "line_key": self.line_key, "minted": self.minted, "ordered_ts": self.ordered_ts,
                "triggers": self.triggers}


def settle(records):
    """M-41, M-42: the facts of a run in order, each with its ordered time."""
    records.sort(key=lambda fact: (fact.envelope["sequence"], fact.instant, fact.envelope["event_id"].encode(),
                                   fact.digest))
    facts, digests, events, outcomes, latest = [], set(), set(), set(), None
    for fact in records:
        event, outcome = fact.envelope["event_id"], (fact.envelope["task_id"], fact.envelope["group_id"])
        if fact.digest in digests or event in events or outcome in outcomes:
            continue
        digests.add(fact.digest)
        events.add(event)
        outcomes.add(outcome)
        if latest is None or fact.instant > latest[0]:
            latest = (fact.instant, fact.envelope["ts"])
        fact.ordered, fact.ordered_ts = latest
        facts.append(fact)
    return facts


def bind(facts):
    """M-70, M-71 with the default policy: triggers, and what mints."""
    durations, denials = {}, set()
    for fact in facts:
        envelope, spec = fact.envelope, fact.envelope["task_spec"]
        if envelope.get("attempts", 0) >= 4:
            fact.triggers.append("retry_storm")
        duration = envelope.get("duration_ms")
        if duration is not None:
            earlier = durations.setdefault(fact.line_key, [])
            window = sorted(earlier[-20:])
            if len(earlier) >= 5:
                median = window[(len(window) - 1) // 2]
                if duration >= 3 * median and duration - median >= 1000:
                    fact.triggers.append("latency_delta")
            earlier.append(duration)
        policy_code = envelope.get("policy_reason_code")
        kind = (spec["scope"], spec["target"]["kind"], spec["action"]["kind"], policy_code)
        if policy_code is not None and kind not in denials:
            denials.add(kind)
            fact.triggers.append("unseen_denial")
        fact.minted = mints(envelope, bool(fact.triggers))


def mints(envelope, triggered):
    strict = envelope["signal"] in ("failure", "denial")
    if strict or envelope["wrapper_policy"] == "strict":
        return strict
    return (envelope["wrapper_policy"] == "lenient" or triggered or envelope["signal"] == "anomaly"
            or any(gate["status"] == "FAIL" for gate in envelope["gates"])
            or any(guard.get("decision") in ("DENY", "STOP") for guard in envelope["guard_evals"]))


def replay(path):
    """The facts in total order, and how many lines were rejected."""
    normaliser, runs, rejected = Normaliser(), {}, 0
    with open(path, "rb") as file:
        for line in file:
            try:
                envelope = read(line.rstrip(b"\r\n"))
                fact = Fact(envelope, complete(envelope), normaliser)
            except (Rejected, KeyError, TypeError, AttributeError):
                rejected += 1
                continue
            runs.setdefault(envelope["run_id"], []).append(fact)
    facts = [fact for records in runs.values() for fact in settle(records)]
    # The sort is stable: facts of one run and one time stay in the order of their run.
    facts.sort(key=lambda fact: (fact.ordered, fact.envelope["run_id"].encode()))
    bind(facts)
    return facts, rejected


def supports(facts):
    support = {}
    for fact in facts:
        if fact.minted:
            support[fact.derived_key] = support.get(fact.derived_key, 0) + 1
    return support


def write(path, rows):
    with open(path, "wb") as file:
        for row in rows:
            file.write(canonical(row) + b"\n")


def compare(facts, rejected, result):
    """Prints how much of what `dome` wrote is the same here, place by place; gives whether all is."""
    def rows_of(name):
        with open(os.path.join(result, name), "rb") as file:
            return [json.loads(line) for line in file]

    theirs, ours = rows_of("facts.jsonl"), [fact.row() for fact in facts]
    quarantined, same = len(rows_of("quarantine.jsonl")), len(ours) == len(theirs)
    print(f"lines that are no envelope: {rejected} here, {quarantined} in quarantine")
    print(f"facts: {len(ours)} here, {len(theirs)} in dome; equal at the same place of the total order:")
    for name in ours[0] if ours else ():
        equal = sum(mine[name] == other[name] for mine, other in zip(ours, theirs))
        same = same and equal == len(theirs)
        print(f"  {name:<18}{equal:>9}")
    capsules = rows_of("capsules.jsonl")
    mine = supports(facts)
    equal = sum(mine.get(row["derived_key"]) == row["support_count"] for row in capsules)
    same = same and equal == len(mine) == len(capsules) and rejected == quarantined
    print(f"capsules: {len(mine)} here, {len(capsules)} in dome; {equal} with the same key and support")
    concepts = {row["derived_key"]: row["concept_key"] for row in capsules}
    equal = sum(concepts[fact.derived_key] == fact.concept_key for fact in facts if fact.derived_key in concepts)
    among = sum(fact.derived_key in concepts for fact in facts)
    print(f"concept keys: {equal} of {among} facts have that of their capsule in dome")
    return same and equal == among


def main(arguments):
    input_path, out = arguments[:2]
    facts, rejected = replay(input_path)
    if arguments[2:3] == ["--against"]:
        return compare(facts, rejected, arguments[3])
    os.makedirs(out)
    write(os.path.join(out, "facts.jsonl"), (fact.row() for fact in facts))
    support = sorted(supports(facts).items())
    write(os.path.join(out, "capsules.jsonl"), ({"derived_key": key, "support_count": count} for key, count in support))
    return True


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
