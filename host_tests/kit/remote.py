"""machine.I2C whose chips are emulated in another process, one exchange a transaction.

A board with a small heap has room for its firmware then, and none of it is the emulation's.
Request: operation, bus, address, flags, register (2 bytes), length (2 bytes), then the bytes
that are written. Answer: errno or 0, then the bytes that were read.
"""

import socket
from os import getenv

_request = bytearray(8)
_status = bytearray(1)
_wire = None


def connect(port):
    """Where the chips are: a TCP port of this machine."""
    global _wire
    _wire = socket.socket()
    _wire.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])


def _ask(operation, bus, address, flags, register, length, written, read):
    _request[0] = operation
    _request[1] = bus
    _request[2] = address
    _request[3] = flags
    _request[4] = register >> 8
    _request[5] = register & 255
    _request[6] = length >> 8
    _request[7] = length & 255
    _wire.write(_request)
    if written:
        _wire.write(written)
    _wire.readinto(_status)
    if _status[0]:
        raise OSError(_status[0])
    if read:
        _wire.readinto(read)


class Pin:
    """A pin that nothing is connected to."""

    IN = 0
    OUT = 1
    PULL_UP = 1

    def __init__(self, id, mode=-1, pull=-1, value=0):
        self._level = 1 if pull == self.PULL_UP else value

    def value(self, level=None):
        if level is not None:
            self._level = level
        return self._level


class I2C:
    def __init__(self, id, scl=None, sda=None, freq=0):
        self.id = id
        if _wire is None:
            connect(int(getenv("BATCHER_CHIPS")))

    def readfrom_into(self, address, buf, stop=True):
        _ask(0, self.id, address, stop, 0, len(buf), None, buf)

    def writeto(self, address, buf, stop=True):
        _ask(1, self.id, address, stop, 0, len(buf), buf, None)
        return len(buf)

    def readfrom_mem_into(self, address, register, buf, *, addrsize=8):
        _ask(2, self.id, address, addrsize, register, len(buf), None, buf)

    def writeto_mem(self, address, register, buf, *, addrsize=8):
        _ask(3, self.id, address, addrsize, register, len(buf), buf, None)
