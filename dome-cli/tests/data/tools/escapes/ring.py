"""Asks for a ring of system calls, which filters do not see."""

import ctypes

from common import answer, given

parameters = ctypes.create_string_buffer(120)
if ctypes.CDLL(None).syscall(425, 8, parameters) >= 0:
    open(given["canary"], "w").close()
answer()
