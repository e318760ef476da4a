import os

from common import answer, given

try:
    os.truncate(given["file"], 0)
except OSError:
    pass
answer()
