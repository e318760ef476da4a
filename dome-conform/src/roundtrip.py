"""One document per line in, `dumps(loads(line))` of each out: Python's own half of a round trip."""

import json
import sys

for line in sys.stdin.buffer.read().splitlines():
    try:
        told = {"ok": json.dumps(json.loads(line))}
    except ValueError as error:
        told = {"error": str(error)}
    print(json.dumps(told))
