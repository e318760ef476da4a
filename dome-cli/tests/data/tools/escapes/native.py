"""Writes by the C library."""

import ctypes

from common import answer, given

libc = ctypes.CDLL(None)
libc.creat(given["canary"].encode(), 0o600)
answer()
