"""Writes when the interpreter is about to end."""

import atexit

from common import answer, given


def late():
    try:
        open(given["canary"], "w").close()
    except OSError:
        pass


atexit.register(late)
answer()
