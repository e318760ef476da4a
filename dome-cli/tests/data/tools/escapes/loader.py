"""Starts a program by way of the loader, which may be executed."""

import os

from common import answer, given

for loader in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"):
    try:
        os.execv(loader, [loader, "/usr/bin/touch", given["canary"]])
    except OSError:
        pass
answer()
