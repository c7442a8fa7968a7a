"""The bytes of a spool on flash: heads, frames, and what seals them.

Rules
- All numbers are little-endian. FLASH.md has the same, byte by byte.
- A segment is a file: a head of 32 bytes, then frames. Files are only ever appended to.
- A frame is 8 bytes (length and kind, count, CRC) and its payload. The CRC covers the first
  four bytes and the payload, so a frame is there whole or it is not there.
- Heads and records begin like frames, 4 bytes and the CRC, so that one function seals all.
"""

from .pack import CRC as _crc
from .pack import SUM, SUM_HIGH, put
from .pack import take as _take
from .port import const

HEAD = const(32)  # bytes of a segment's head
FRAME = const(8)  # bytes of a frame's head
RECORD = const(24)  # bytes of one acknowledgement
LONGEST = const(0x3FFF)  # bytes of a payload

# Kinds of frames, in the top two bits of the length.
PAD = const(0)  # skip `length` bytes, these two included; 0 means that nothing follows
DATA = const(1)  # `count` items
NOTE = const(2)  # something that items of this segment need to be read; count is 0


def seal(head, h: int, body, at: int, n: int, write: bool) -> bool:
    """CRC over head[h:h+4] and body[at:at+n]: put it at head[h+4], or else: is it there?"""
    _crc[SUM] = _crc[SUM_HIGH] = 0xFFFF
    _take(4, h, head, _crc)  # type: ignore[arg-type]
    _take(n, at, body, _crc)  # type: ignore[arg-type]
    if write:
        put(head, h + 4, 2, _crc[SUM] ^ 0xFFFF)
        put(head, h + 6, 2, _crc[SUM_HIGH] ^ 0xFFFF)
        return True
    return _good(head, h)


def _good(head, h):
    _take(4, h + 4, head, _crc)  # type: ignore[arg-type]
    return _crc[SUM] == 0x20E3 and _crc[SUM_HIGH] == 0xDEBB  # as after every good CRC


def seals(read, buf, have: int, n: int) -> bool:
    """Is there a whole frame of n bytes, longer than `buf`, of which the first `have` are in it?

    read(at) -> bytes put into `buf`, from `at` bytes behind the frame's beginning on.
    """
    head = bytes(buf[:FRAME])
    _crc[SUM] = _crc[SUM_HIGH] = 0xFFFF
    _take(4, 0, head, _crc)  # type: ignore[arg-type]
    at = FRAME
    done = 0
    while have > at:
        _take(have - at, at, buf, _crc)  # type: ignore[arg-type]
        done += have
        at = 0
        have = min(read(done), n - done) if done < n else 0
    return done == n and _good(head, 0)


def stamp(buf, at: int, n: int, magic: bytes, write: bool) -> bool:
    """Make buf[at:at+n] a head or a record that begins with `magic`, or else: is it one?"""
    if write:
        buf[at : at + 4] = magic
    elif buf[at : at + 4] != magic:
        return False
    return seal(buf, at, buf, at + 8, n - 8, write)


def get(buf, at: int, n: int) -> int:
    """-> the whole number of n bytes, of any length (pack.get stops at 3, and is fast)."""
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
