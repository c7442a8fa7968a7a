"""Whole numbers of n bytes, little-endian, and CRC-32: what blocks and flash are made of.

Rules: nothing here allocates.
"""

from array import array

from .port import micropython, ptr8, ptr32, uint  # noqa: F401

# CRC-32 (IEEE 802.3, ISO-HDLC, as zlib's). The sum in two halves, so that no number is an object;
# begin with 0xFFFF in both, what is written is their complement. Then a table for four bits.
CRC = array("I", bytes(72))
for _i in range(16):
    _x = _i
    for _ in range(4):
        _x = _x >> 1 ^ (0xEDB88320 & -(_x & 1))
    CRC[2 + _i] = _x


@micropython.viper
def take(crc: ptr32, buf: ptr8, at: int, n: int):
    """Take n bytes into the sum."""
    x = uint(crc[0] | (crc[1] << 16))
    while n:
        x ^= buf[at]
        x = (x >> 4) ^ crc[2 + (x & 15)]
        x = (x >> 4) ^ crc[2 + (x & 15)]
        at += 1
        n -= 1
    crc[0] = x & 0xFFFF
    crc[1] = x >> 16


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
    number = 0
    while n:
        n -= 1
        number = number << 8 | buf[at + n]
    return number
