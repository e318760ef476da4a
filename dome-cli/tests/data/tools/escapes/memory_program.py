"""Starts a program that is on no file system."""

import os

from common import answer, given

program = os.memfd_create("program")
with open("/usr/bin/touch", "rb") as file:
    os.write(program, file.read())
try:
    os.execve(program, ["touch", given["canary"]], {})
except OSError:
    pass
answer()
