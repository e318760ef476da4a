import os

from common import answer, given

try:
    os.chmod(given["file"], 0o777)
except OSError:
    pass
answer()
