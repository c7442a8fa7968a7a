"""The bytes of a spool on flash: heads, frames, and what seals them.

Rules
- All numbers are little-endian. FLASH.md has the same, byte by byte.
- A segment is a file: a head of 32 bytes, then frames. Files are only ever appended to.
- A frame is 8 bytes (length and kind, count, CRC) and its payload. The CRC covers the first
  four bytes and the payload, so a frame is there whole or it is not there.
- Heads and records begin like frames, 4 bytes and the CRC, so that one function seals all.
"""

from array import array

from .port import const, micropython, ptr8, ptr16  # noqa: F401

HEAD = const(32)  # bytes of a segment's head
FRAME = const(8)  # bytes of a frame's head
RECORD = const(24)  # bytes of one acknowledgement
LONGEST = const(0x3FFF)  # bytes of a payload

# Kinds of frames, in the top two bits of the length.
PAD = const(0)  # skip `length` bytes, these two included; 0 means that nothing follows
DATA = const(1)  # `count` items
NOTE = const(2)  # something that items of this segment need to be read; count is 0

_crc = array("H", (0, 0))  # CRC-32 (IEEE 802.3, as zlib's) in two halves: no number allocates


@micropython.viper
def _take(crc, buf, at: int, n: int):
    """Take n bytes into the CRC."""
    c = ptr16(crc)
    b = ptr8(buf)
    x = c[0] | c[1] << 16
    low = 0x3FFFFFFF
    low = low << 1 | 1  # as one number it would be an object, on 32 bits
    n <<= 3
    while n:
        if not n & 7:
            x ^= b[at]
            at += 1
        # The polynomial is 0xEDB88320, here as a small int of 32 bits.
        x = ((x >> 1) & low) ^ (-306674912 & (0 - (x & 1)))
        n -= 1
    c[0] = x & 0xFFFF
    c[1] = (x >> 16) & 0xFFFF


def seal(head, h: int, body, at: int, n: int, write: bool) -> bool:
    """CRC over head[h:h+4] and body[at:at+n]: put it at head[h+4], or else: is it there?"""
    _crc[0] = _crc[1] = 0xFFFF
    _take(_crc, head, h, 4)
    _take(_crc, body, at, n)
    if write:
        put(head, h + 4, 2, _crc[0] ^ 0xFFFF)
        put(head, h + 6, 2, _crc[1] ^ 0xFFFF)
        return True
    _take(_crc, head, h + 4, 4)
    return _crc[0] == 0x20E3 and _crc[1] == 0xDEBB  # as after every good CRC


def stamp(buf, at: int, n: int, magic: bytes, write: bool) -> bool:
    """Make buf[at:at+n] a head or a record that begins with `magic`, or else: is it one?"""
    if write:
        buf[at : at + 4] = magic
    elif buf[at : at + 4] != magic:
        return False
    return seal(buf, at, buf, at + 8, n - 8, write)


def put(buf, at: int, n: int, value: int) -> None:
    """Write a whole number of n bytes."""
    while n:
        buf[at] = value & 255
        value >>= 8
        at += 1
        n -= 1


def get(buf, at: int, n: int) -> int:
    """-> the whole number of n bytes."""
    value = 0
    while n:
        n -= 1
        value = value << 8 | buf[at + n]
    return value


def block_end(most: int, block: int) -> int:
    """-> the largest size up to `most` at which a littlefs file fills whole flash blocks (none
    is then copied when it grows): block i > 0 begins with ctz(i) + 1 pointers of 4 bytes."""
    end = i = 0
    while True:
        size = end + block
        j = i
        while j:
            size -= 4
            if j & 1:
                break
            j >>= 1
        if size > most:
            return end
        end = size
        i += 1
