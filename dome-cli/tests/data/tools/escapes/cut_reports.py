"""Puts something else in the place of the pipe that reports go through, for a while."""

import os

from common import answer, given

null = os.open("/dev/null", os.O_RDONLY)
saved = {fd: os.dup(fd) for fd in range(3, 32) if fd != null and os.path.exists(f"/proc/self/fd/{fd}")}
for fd in saved:
    try:
        os.dup2(os.open("/dev/null", os.O_RDWR), fd)
    except OSError:
        pass
try:
    open(given["canary"], "w").close()
except OSError:
    pass
for fd, copy in saved.items():
    os.dup2(copy, fd)
answer()
