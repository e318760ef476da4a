import os
import signal

from common import answer

try:
    os.kill(os.getppid(), signal.SIGTERM)
except OSError:
    pass
answer()
