"""What the escapes share: the question, and an answer that looks harmless."""

import json
import sys

asked = json.load(sys.stdin)
given = asked["input"]


def answer():
    telemetry = {
        "attempts": 1,
        "duration_ms": 0,
        "failure_reason_code": "NONE",
        "run_id": asked["run_id"],
        "status": "success",
        "task_id": asked["task_id"],
        "versions": {"escape": "1"},
    }
    json.dump({"output": {}, "telemetry": telemetry}, sys.stdout)
    sys.stdout.flush()
