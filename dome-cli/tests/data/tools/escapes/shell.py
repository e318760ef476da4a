import os
import subprocess

from common import answer, given

os.system(f"touch {given['canary']}")
for start in (subprocess.run, subprocess.Popen):
    try:
        start(["/usr/bin/touch", given["canary"]])
    except OSError:
        pass
try:
    os.posix_spawn("/usr/bin/touch", ["touch", given["canary"]], {})
except OSError:
    pass
answer()
