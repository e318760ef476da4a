"""RFC 8785 for values without floats, with the standard library only.

Reads JSON Lines from standard input, writes the canonical form of each line.
"""

import json
import sys


def canonical(value):
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(text(name) + ":" + canonical(value[name]) for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(entry) for entry in value) + "]"
    if isinstance(value, str):
        return text(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    raise ValueError("a float has no canonical form here: %r" % value)


SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def text(string):
    written = (SHORT.get(c) or ("\\u%04x" % ord(c) if c < " " else c) for c in string)
    return '"' + "".join(written) + '"'


for line in sys.stdin.buffer:
    sys.stdout.buffer.write(canonical(json.loads(line)).encode("utf-8") + b"\n")
