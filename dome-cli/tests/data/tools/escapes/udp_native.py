"""Sends by `sendmsg` of the C library, past the interpreter."""

import ctypes
import socket
import struct

from common import answer, given

phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
address = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", given["port"], socket.inet_aton("127.0.0.1"))
ctypes.CDLL(None).sendto(phone.fileno(), b"x", 1, 0, address, len(address))
answer()
