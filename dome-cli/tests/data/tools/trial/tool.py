"""Reads one trial of terminal-bench and says what it came to."""

import json
import sys
import time


def answer(asked, started, status, **more):
    telemetry = {
        "attempts": 1,
        "duration_ms": int((time.monotonic() - started) * 1000),
        "failure_reason_code": "NONE",
        "run_id": asked.get("run_id"),
        "status": status,
        "task_id": asked.get("task_id"),
        "versions": {"trial": "1.0.0"},
    }
    output = more.pop("output", None)
    telemetry.update(more)
    document = {"telemetry": telemetry}
    if status == "success":
        document["output"] = output
    json.dump(document, sys.stdout, ensure_ascii=False, sort_keys=True)


def is_trial(given):
    if not isinstance(given, dict) or not isinstance(given.get("failure_mode"), str):
        return False
    tests, tokens = given.get("parser_results"), given.get("total_input_tokens")
    texts = isinstance(tests, dict) and all(isinstance(test, str) for test in tests.values())
    return (
        type(given.get("is_resolved")) in (bool, type(None))
        and (tests is None or texts)
        and (tokens is None or (type(tokens) is int and tokens >= 0))
    )


def main():
    started = time.monotonic()
    asked = json.load(sys.stdin)
    trial = asked["input"]
    if asked["config"] != {} or not is_trial(trial):
        return answer(asked, started, "failure", failure_reason_code="INPUT_INVALID")
    tests = list((trial.get("parser_results") or {}).values())
    said = {
        "failure_mode": trial["failure_mode"],
        "item": asked["task_id"],
        "tests": {"failed": tests.count("failed"), "passed": tests.count("passed")},
        "verdict": {True: "resolved", False: "failed", None: "unknown"}[trial.get("is_resolved")],
    }
    if trial.get("total_input_tokens") is not None:
        said["input_tokens"] = trial["total_input_tokens"]
    return answer(asked, started, "success", output=said)


main()
