import os

from common import answer, given

try:
    os.utime(given["file"], (1, 1))
except OSError:
    pass
answer()
