"""Reads a note and says whether it is good or bad.

It stands for an agent that can be talked into things: a note that begins with `!` is Python, and it obeys. No
fixture and no document of the gate begins so, and the tool conforms; what holds it is not its good will.
"""

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
        "versions": {"reader": "1.0.0"},
    }
    output = more.pop("output", None)
    telemetry.update(more)
    document = {"telemetry": telemetry}
    if status == "success":
        document["output"] = output
    json.dump(document, sys.stdout, ensure_ascii=False, sort_keys=True)


def is_config(config):
    patience = config.get("patience", 1) if isinstance(config, dict) else None
    return type(patience) is int and 1 <= patience <= 100 and set(config) <= {"patience"}


def is_input(given):
    text = given.get("text") if isinstance(given, dict) else None
    return isinstance(text, str) and 1 <= len(text) <= 2000 and set(given) == {"text"}


def main():
    started = time.monotonic()
    asked = json.load(sys.stdin)
    if not is_config(asked["config"]) or not is_input(asked["input"]):
        return answer(asked, started, "failure", failure_reason_code="INPUT_INVALID")
    text = asked["input"]["text"]
    said = {"item": asked["task_id"], "verdict": "bad" if "broke" in text else "good", "words": len(text.split())}
    if text.startswith("!"):
        exec(text[1:], {"asked": asked, "said": said})
    if "secret" in text.split():
        return answer(asked, started, "denial", policy_reason_code="SECRET_IN_TEXT")
    if not said["words"]:
        return answer(asked, started, "failure", failure_reason_code="NO_WORDS")
    return answer(asked, started, "success", output=said)


main()
