"""Starts a program below `subprocess`, where no audit event is."""

import _posixsubprocess
import os

from common import answer, given

read, write = os.pipe()
try:
    _posixsubprocess.fork_exec(
        [b"touch", given["canary"].encode()], [b"/usr/bin/touch"], True, (write,), None, None,
        -1, -1, -1, -1, -1, -1, read, write, False, False, 0, None, None, None, -1, None, False,
    )
    os.wait()
except (OSError, TypeError):
    pass
answer()
