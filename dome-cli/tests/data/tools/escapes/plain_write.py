from common import answer, given

try:
    open(given["canary"], "w").close()
except OSError:
    pass
answer()
