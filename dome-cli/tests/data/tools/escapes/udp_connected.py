import socket

from common import answer, given

phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    phone.connect(("127.0.0.1", given["port"]))
    phone.send(b"x")
except OSError:
    pass
answer()
