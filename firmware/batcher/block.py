"""The block: rows of one series, sealed. Its bytes are RAM format, flash record and payload.

Rules: this file knows bytes and integers, and no store. Nothing here allocates. BLOCKS.md
is the format, byte by byte; a change of either is a change of both and a new version.

Arrays of ints stand in for structures, because viper code reads them without a box:
stage  `array('i')`: [rows in it, rows it can hold, length of a row, schema id, rows ...],
       a row without its last element (the id);
head   `array('i')`: see the `H_` names.

Viper ints are 32 or 64 bits wide, its ptr32 loads are unsigned on 64-bit builds, and CPython's
ints have no width: every line here is right in all three, and no constant needs 31 bits.
"""

from array import array

from .port import const, micropython, ptr8, ptr32  # noqa: F401

VERSION = const(0xB1)  # 0xB: "batcher block", 1: the version
HEAD = const(24)
TICKS_MASK = const(0x3FFFFFFF)

H_FIELDS = const(0)  # number of fields
H_ID = const(1)  # schema id
H_SEQ = const(2)  # sequence number of the first row: low 30 bits, then the high part
H_SEQ_HIGH = const(3)
H_TIME = const(4)  # ms since boot of the first row: low 30 bits, then the high part
H_TIME_HIGH = const(5)
H_COUNT = const(6)  # rows
H_LENGTH = const(7)  # bytes, head included
HEAD_WORDS = const(8)

STAGE_HEAD = const(4)

_CRC_TABLE = array(
    "I",
    [
        0x00000000,
        0x1DB71064,
        0x3B6E20C8,
        0x26D930AC,
        0x76DC4190,
        0x6B6B51F4,
        0x4DB26158,
        0x5005713C,
        0xEDB88320,
        0xF00F9344,
        0xD6D6A3E8,
        0xCB61B38C,
        0x9B64C2B0,
        0x86D3D2D4,
        0xA00AE278,
        0xBDBDF21C,
    ],
)


def worst_size(fields: int, rows: int) -> int:
    """-> the bytes a block of so many rows needs at most."""
    return HEAD + ((fields + 7) >> 3) + 5 * rows + fields * (5 * rows + ((rows + 7) >> 3))


def new_stage(schema, rows: int):
    """-> an empty stage for `rows` rows of `schema`."""
    width = len(schema.fields) + 1
    stage = array("i", bytes(4 * (STAGE_HEAD + rows * width)))
    stage[1] = rows
    stage[2] = width + 1
    stage[3] = schema.id
    return stage


@micropython.viper
def write_body(o: int, stage, buf, end: int) -> int:
    """Write the body of the stage's rows at buf[o:end] -> the offset after it, -1: no room."""
    s = ptr32(stage)
    b = ptr8(buf)
    n = s[0]
    width = s[2] - 1
    top = 4 + n * width
    flags = o
    o += (width + 6) >> 3
    if o > end:
        return -1
    i = flags
    while i < o:
        b[i] = 0
        i += 1
    # Time: the difference of differences; the first row's time is in the head.
    p = s[4]
    pd = 0
    i = 4 + width
    while i < top:
        v = s[i]
        x = ((v - p + 0x20000000) & 0x3FFFFFFF) - 0x20000000  # ticks wrap
        p = v
        v = x
        x -= pd
        pd = v
        x = (x << 1) ^ (0 - ((x >> 31) & 1))
        if o + 5 > end:
            return -1
        v = (x >> 7) & 0x1FFFFFF
        x &= 127
        while v:
            b[o] = x | 128
            o += 1
            x = v & 127
            v >>= 7
        b[o] = x
        o += 1
        i += width
    c = 1
    while c < width:
        bitmap = 0
        start = o
        row = 0
        p = 0
        i = 4 + c
        while i < top:
            v = s[i]
            if (v >> 30) & 3 == 2 and v & 0x3FFFFFFF == 0:  # missing
                if bitmap == 0:  # the first one: begin the column again, with a bitmap
                    b[flags + ((c - 1) >> 3)] |= 1 << ((c - 1) & 7)
                    bitmap = start
                    o = start + ((n + 7) >> 3)
                    if o > end:
                        return -1
                    i = start
                    while i < o:
                        b[i] = 0
                        i += 1
                    row = 0
                    p = 0
                    i = 4 + c
                    continue
                row += 1
                i += width
                continue
            if bitmap:
                b[bitmap + (row >> 3)] |= 1 << (row & 7)
            row += 1
            i += width
            x = v - p
            p = v
            x = (x << 1) ^ (0 - ((x >> 31) & 1))
            if o + 5 > end:
                return -1
            v = (x >> 7) & 0x1FFFFFF
            x &= 127
            while v:
                b[o] = x | 128
                o += 1
                x = v & 127
                v >>= 7
            b[o] = x
            o += 1
        c += 1
    return o


@micropython.viper
def write_head(buf, o: int, head):
    """Write the head but for its CRC at buf[o:]."""
    b = ptr8(buf)
    h = ptr32(head)
    b[o] = 0xB1
    b[o + 1] = h[0]
    b[o + 2] = h[1] & 255
    b[o + 3] = (h[1] >> 8) & 255
    b[o + 4] = h[7] & 255
    b[o + 5] = (h[7] >> 8) & 255
    b[o + 6] = h[6] & 255
    b[o + 7] = (h[6] >> 8) & 255
    k = 2
    o += 8
    while k < 6:
        low = h[k]
        high = h[k + 1]
        b[o] = low & 255
        b[o + 1] = (low >> 8) & 255
        b[o + 2] = (low >> 16) & 255
        b[o + 3] = ((low >> 24) & 63) | ((high & 3) << 6)
        b[o + 4] = (high >> 2) & 255
        b[o + 5] = (high >> 10) & 255
        o += 6
        k += 2


@micropython.viper
def _crc(buf, o: int, end: int, table, write: int) -> int:
    # CRC-32 of all but bytes 20 to 23; write it there, or compare -> 1 where it is the same.
    b = ptr8(buf)
    t = ptr32(table)
    at = o + 20
    c = 0 - 1
    while o < end:
        if o == at:
            o += 4
            continue
        c ^= b[o]
        c = ((c >> 4) & 0x0FFFFFFF) ^ t[c & 15]
        c = ((c >> 4) & 0x0FFFFFFF) ^ t[c & 15]
        o += 1
    c ^= 0 - 1
    k = 0
    while k < 4:
        if write:
            b[at + k] = c & 255
        elif b[at + k] != c & 255:
            return 0
        c >>= 8
        k += 1
    return 1


def sign(buf, o: int, end: int) -> None:
    """Write the CRC of the block buf[o:end] into its head."""
    _crc(buf, o, end, _CRC_TABLE, 1)


@micropython.viper
def read_head(buf, o: int, end: int, head) -> int:
    """Fill `head` from buf[o:end] -> the block's length in bytes, 0 where no block can be there."""
    b = ptr8(buf)
    h = ptr32(head)
    if end - o < 24 or b[o] != 0xB1:
        return 0
    h[0] = b[o + 1]
    h[1] = b[o + 2] | (b[o + 3] << 8)
    size = b[o + 4] | (b[o + 5] << 8)
    h[7] = size
    h[6] = b[o + 6] | (b[o + 7] << 8)
    k = 2
    i = o + 8
    while k < 6:
        high = b[i + 3]
        h[k] = b[i] | (b[i + 1] << 8) | (b[i + 2] << 16) | ((high & 63) << 24)
        h[k + 1] = (high >> 6) | (b[i + 4] << 2) | (b[i + 5] << 10)
        i += 6
        k += 2
    if size < 24 or size > end - o or h[6] == 0:
        return 0
    return size


def check(buf, o: int, end: int, head) -> int:
    """Fill `head` and check the CRC -> the block's length, 0 where buf[o:end] begins with none."""
    size = read_head(buf, o, end, head)
    if size and not _crc(buf, o, o + size, _CRC_TABLE, 0):
        return 0
    return size


@micropython.native
def seal(stage, head, buf, o: int, end: int) -> int:
    """Write the stage's rows as one block at buf[o:end] -> the offset after it, -1: no room.

    `head` gives sequence number and time; the rest of it is filled here. The stage stays full.
    """
    after = write_body(o + HEAD, stage, buf, end)
    if after < 0:
        return -1
    head[H_COUNT] = stage[0]
    head[H_LENGTH] = after - o
    write_head(buf, o, head)
    _crc(buf, o, after, _CRC_TABLE, 1)
    return after


def long(low: int, high: int) -> int:
    """-> the number whose low 30 bits and high part these are (may allocate on 32 bits)."""
    return (high << 30) | low
