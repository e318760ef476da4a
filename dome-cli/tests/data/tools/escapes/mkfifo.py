import os

from common import answer, given

try:
    os.mkfifo(given["canary"])
except OSError:
    pass
answer()
