"""The bytes of a spool on flash: segment heads, frames, the record of what was acknowledged.

Rules
- All numbers are little-endian. FLASH.md has the same, byte by byte.
- A segment is a file: a head of 32 bytes, then frames. Files are only ever appended to.
- A frame is 8 bytes (length and kind, count, CRC) and its payload. The CRC covers the first
  four bytes and the payload, so a frame is there whole or it is not there.
- Heads and records begin like frames, 4 bytes and the CRC, so that one function checks all.
"""

from array import array

from .port import const, micropython, ptr8, ptr32  # noqa: F401

HEAD = const(32)  # bytes of a segment's head
FRAME = const(8)  # bytes of a frame's head
RECORD = const(24)  # bytes of one acknowledgement
LONGEST = const(0x3FFF)  # bytes of a payload

# Kinds of frames, in the top two bits of the length.
PAD = const(0)  # skip `length` bytes, these two included; 0 means that nothing follows
DATA = const(1)  # `count` items
NOTE = const(2)  # something that items of this segment need to be read; count is 0

_MAGIC = const(0x31475342)  # b"BSG1"
_MAGIC_ACK = const(0x314B4142)  # b"BAK1"

# CRC-32 (IEEE 802.3, as zlib's), four bits at a time: 64 bytes of table instead of 1 KB.
_TABLE = array(
    "I",
    (
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158,
        0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4,
        0xA00AE278, 0xBDBDF21C,
    ),
)  # fmt: skip


@micropython.viper
def seal(head, h: int, body, at: int, n: int, write: int) -> int:
    """CRC over head[h:h+4] and body[at:at+n]: put it at head[h+4], or (write=0) is it there?

    No number of more than 30 bits leaves this function: on a 32-bit port it would allocate.
    """
    table = ptr32(_TABLE)
    b = ptr8(head)
    crc = -1
    i = h
    end = h + 4
    rounds = 0
    while rounds < 2:
        while i < end:
            x = b[i]
            crc = int(table[(crc ^ x) & 15]) ^ ((crc >> 4) & 0x0FFFFFFF)
            crc = int(table[(crc ^ (x >> 4)) & 15]) ^ ((crc >> 4) & 0x0FFFFFFF)
            i += 1
        b = ptr8(body)
        i = at
        end = at + n
        rounds += 1
    b = ptr8(head)
    i = 4
    while i < 8:
        x = (crc & 255) ^ 255
        if write:
            b[h + i] = x
        elif int(b[h + i]) != x:
            return 0
        crc >>= 8
        i += 1
    return 1


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


def pack_frame(head, kind: int, n: int, count: int, body, at: int) -> None:
    """Fill head[0:8] for the payload body[at:at+n]."""
    put(head, 0, 2, n | kind << 14)
    put(head, 2, 2, count)
    seal(head, 0, body, at, n, 1)


def pack_head(head, boot: bytes, number: int, index: int, epoch: int) -> None:
    """boot: 8 bytes; number of the segment; index of its first item in the life of the spool;
    epoch: Unix milliseconds at which the boot's clock stood at 0, or 0 where it is not known."""
    put(head, 0, 4, _MAGIC)
    head[8:16] = boot
    put(head, 16, 4, number)
    put(head, 20, 6, index)
    put(head, 26, 6, epoch)
    seal(head, 0, head, 8, HEAD - 8, 1)


def good_head(head, number: int) -> bool:
    """Is it the whole head of this segment?"""
    return (
        get(head, 0, 4) == _MAGIC
        and get(head, 16, 4) == number
        and seal(head, 0, head, 8, HEAD - 8, 0) == 1
    )


def pack_record(buf, at: int, version: int, number: int, index: int) -> None:
    """An acknowledgement: every item before `index` is done; segments up to `number` existed."""
    put(buf, at, 4, _MAGIC_ACK)
    put(buf, at + 8, 4, version)
    put(buf, at + 12, 4, number)
    put(buf, at + 16, 6, index)
    put(buf, at + 22, 2, 0)
    seal(buf, at, buf, at + 8, RECORD - 8, 1)


def good_record(buf, at: int) -> bool:
    return get(buf, at, 4) == _MAGIC_ACK and seal(buf, at, buf, at + 8, RECORD - 8, 0) == 1


def block_end(k: int, block: int) -> int:
    """-> size at which a littlefs file fills exactly k flash blocks (no partial block is then
    copied when the file grows): block i > 0 begins with ctz(i) + 1 pointers of 4 bytes."""
    size = k * block
    i = 1
    while i < k:
        size -= 4
        j = i
        while not j & 1:
            size -= 4
            j >>= 1
        i += 1
    return size
