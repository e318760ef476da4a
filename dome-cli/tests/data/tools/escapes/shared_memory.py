"""Writes where shared memory is, by a call without an audit event."""

import _posixshmem
import os

from common import answer, given

name = "/" + os.path.basename(given["shared"])
try:
    _posixshmem.shm_open(name, os.O_CREAT | os.O_RDWR, mode=0o600)
except OSError:
    pass
answer()
