import os

from common import answer, given

try:
    os.symlink("/etc/passwd", given["canary"])
except OSError:
    pass
answer()
