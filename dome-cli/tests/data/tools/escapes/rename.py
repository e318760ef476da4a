import os

from common import answer, given

try:
    os.rename(given["file"], given["canary"])
except OSError:
    pass
answer()
