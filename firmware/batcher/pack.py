"""Whole numbers of n bytes, little-endian, and CRC-32: what blocks and flash are made of.

Rules: nothing here allocates.
"""

from array import array

from .port import const, micropython, ptr8, ptr32, uint  # noqa: F401

# CRC-32 (IEEE 802.3, ISO-HDLC, as zlib's). A table for four bits; then the sum in two halves, so
# that no number is an object: begin with 0xFFFF in both, what is written is their complement.
CRC = array("I", bytes(72))
SUM = const(16)
SUM_HIGH = const(17)  # not SUM + 1: block.seal would need a 12th word, and take it from the heap
for _i in range(16):
    _x = _i
    for _ in range(4):
        _x = _x >> 1 ^ (0xEDB88320 & -(_x & 1))
    CRC[_i] = _x


@micropython.viper
def take(x: uint, at: int, buf: ptr8, crc: ptr32):
    """Take x bytes from buf[at:] into the sum."""
    n = int(x)
    at += int(buf)
    x = uint(crc[17] << 16 | crc[16])
    while n:
        x ^= ptr8(at)[0]
        x = (x >> 4) ^ crc[x & 15]
        x = (x >> 4) ^ crc[x & 15]
        at += 1
        n -= 1
    crc[16] = x & 0xFFFF
    crc[17] = x >> 16


def put(buf, at: int, n: int, number: int) -> None:
    """Write a whole number of n bytes."""
    while n:
        buf[at] = number & 255
        number >>= 8
        at += 1
        n -= 1


@micropython.viper
def get(buf: ptr8, at: int, n: int) -> int:
    """-> the whole number of n bytes, 3 at most."""
    buf = ptr8(int(buf) + at)
    at = n + int(buf)
    n = 0
    while at ^ int(buf):
        at -= 1
        n = n << 8 | ptr8(at)[0]
    return n
