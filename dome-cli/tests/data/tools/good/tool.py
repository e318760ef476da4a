"""Counts words: one JSON document in, one out."""

import json
import sys
import time

VERSION = "1.0.0"


def answer(asked, started, status, **more):
    telemetry = {
        "attempts": 1,
        "duration_ms": int((time.monotonic() - started) * 1000),
        "failure_reason_code": "NONE",
        "run_id": asked.get("run_id"),
        "status": status,
        "task_id": asked.get("task_id"),
        "versions": {"word-count": VERSION},
    }
    output = more.pop("output", None)
    telemetry.update(more)
    document = {"telemetry": telemetry}
    if status == "success":
        document["output"] = output
    json.dump(document, sys.stdout, ensure_ascii=False, sort_keys=True)


def is_config(config):
    return (
        isinstance(config, dict)
        and set(config) <= {"limit"}
        and type(config.get("limit", 10)) is int
        and 1 <= config.get("limit", 10) <= 100
    )


def is_input(given):
    return (
        isinstance(given, dict)
        and set(given) <= {"text", "language"}
        and isinstance(given.get("text"), str)
        and 1 <= len(given["text"]) <= 2000
        and given.get("language", "en") in ("en", "de")
    )


def main():
    started = time.monotonic()
    asked = json.load(sys.stdin)
    config, given = asked["config"], asked["input"]
    if not is_config(config) or not is_input(given):
        return answer(asked, started, "failure", failure_reason_code="INPUT_INVALID")
    words = given["text"].split()
    if "secret" in words:
        return answer(asked, started, "denial", policy_reason_code="SECRET_IN_TEXT")
    if not words:
        return answer(asked, started, "failure", failure_reason_code="NO_WORDS")
    counted = {}
    for word in words:
        counted[word] = counted.get(word, 0) + 1
    ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    top = [{"count": count, "word": word} for word, count in ranked[: config.get("limit", 10)]]
    return answer(asked, started, "success", output={"total": len(words), "words": top})


main()
