import socket

from common import answer, given

try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", given["port"]))
except OSError:
    pass
answer()
