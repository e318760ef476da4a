"""Tags in the order of a set: another one with another hash seed."""

import json
import sys


def answer(asked, status, output=None, **codes):
    telemetry = {
        "attempts": 1,
        "duration_ms": 0,
        "failure_reason_code": "NONE",
        "run_id": asked["run_id"],
        "status": status,
        "task_id": asked["task_id"],
        "versions": {"tags": "1.0.0"},
    }
    telemetry.update(codes)
    json.dump({"telemetry": telemetry} if output is None else {"output": output, "telemetry": telemetry}, sys.stdout)


def is_input(given):
    text = given.get("text") if isinstance(given, dict) and set(given) == {"text"} else None
    return isinstance(text, str) and 1 <= len(text) <= 200


asked = json.load(sys.stdin)
if asked["config"] != {} or not is_input(asked["input"]):
    answer(asked, "failure", failure_reason_code="INPUT_INVALID")
    sys.exit()
words = asked["input"]["text"].split()
answer(asked, "success", {"tags": list(set(words))})
