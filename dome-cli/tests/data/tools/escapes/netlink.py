"""A socket that needs no address to reach the kernel's own tables."""

import socket

from common import answer, given

try:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    open(given["canary"], "w").close()
except OSError:
    pass
answer()
