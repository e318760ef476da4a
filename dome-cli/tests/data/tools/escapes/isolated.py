"""Becomes another interpreter, without the launcher."""

import os
import sys

from common import answer, given

try:
    os.execv(sys.executable, [sys.executable, "-I", "-c", f"open({given['canary']!r}, 'w')"])
except OSError:
    pass
answer()
