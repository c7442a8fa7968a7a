"""The block: rows of one series, sealed. Its bytes are RAM format, flash record and payload.

Rules: this file knows bytes and integers, and no store. Nothing here allocates. BLOCKS.md
is the format, byte by byte; a change of either is a change of both and a new version.

Arrays of ints stand in for structures, because viper code reads them without a box. A head is
an `array('i')` of HEAD_WORDS, see the `H_` names. A stage, where rows wait to be sealed, is a
head that goes on: H_COUNT are the rows in it, and they lie from ROWS on, without their last
element (the id).

Viper ints are 32 or 64 bits wide, its ptr32 loads are unsigned on 64-bit builds and in CPython,
and a store keeps the low bits: every line here is right in all three, and no constant needs 31
bits. What is called from viper's loops runs once a row or more, the rest once a block.
"""

from array import array

from .pack import CRC, SUM, SUM_HIGH, get, put, take
from .port import const, micropython, ptr8, ptr32, uint  # noqa: F401
from .reader import S_TO, read_column

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
H_LENGTH = const(7)  # bytes, head included; while it is sealed: offset of the next byte
HEAD_WORDS = const(8)

S_ROOM = const(8)  # rows that a stage can hold
S_WIDTH = const(9)  # elements of a row
S_STRIDE = const(10)  # words from one value of a column to the next
S_SKIP = const(11)  # words before the first row that counts
S_LAST = const(12)  # the last offset at which a number may begin: 5 before the end
S_DUE = const(13)  # sequence number of the series' next block in a batch; the store's own
_FROM = const(14)  # where the column begins that is being written
_START = const(15)  # the offset of its first number
_WORD = const(16)  # to cut a number to 32 bits
ROWS = const(17)


def worst_size(fields: int, rows: int) -> int:
    """-> the bytes a block of so many rows needs at most."""
    return HEAD + ((fields + 7) >> 3) + 5 * rows + fields * (5 * rows + ((rows + 7) >> 3))


def new_stage(fields: int, ident: int, rows: int, stride: int):
    """-> an empty stage for `rows` rows of a schema. stride 1: to cut a block with, see cut.py."""
    stage = array("i", bytes(4 * (ROWS + rows * stride + fields)))
    stage[H_FIELDS] = fields
    stage[H_ID] = ident
    stage[S_ROOM] = rows
    stage[S_WIDTH] = fields + 2
    stage[S_STRIDE] = stride
    return stage


@micropython.viper
def _write_column(stage: ptr32, buf: ptr8, time: int, bitmap: int) -> int:
    # Write the numbers of a column behind the bitmap, if there is one -> how many are missing.
    # Ends after the number that reaches behind S_LAST.
    b = int(buf)
    # The first time, which the head has, leaves a 0 in the byte before.
    buf = ptr8(int(buf) + stage[7] - time)
    i = stage[14]
    rows = stage[6]
    left = rows
    none = 1
    none <<= 31
    p = stage[i] * time
    step = 0
    bits = 0
    row = 0
    while rows:
        v = stage[i]
        i += stage[10]
        rows -= 1
        bits >>= 1
        if (v ^ none) | time:
            bits |= 128
            left -= 1
            x = v - p
            p = v
            if time:  # the difference of differences, while ticks wrap
                v = ((x + 0x20000000) & 0x3FFFFFFF) - 0x20000000
                x = v - step
                step = v
            stage[16] = (x << 1) ^ -(x >> 31 & 1)
            while uint(stage[16]) >> 7:
                buf[0] = stage[16] | 128
                stage[16] = uint(stage[16]) >> 7
                buf = ptr8(int(buf) + 1)
            buf[0] = stage[16]
            buf = ptr8(int(buf) + 1)
            if b - int(buf) + stage[12] >> 31:
                rows = 0
        if bitmap:
            ptr8((row >> 3) + b + bitmap)[0] = bits >> (~row & 7)
            row += 1
    stage[7] = int(buf) - b
    return left


def _column(stage, buf, o, c) -> bool:
    # Write column c of the block at buf[o:] -> was there room?
    stage[_FROM] = ROWS + stage[S_SKIP] + c
    stage[_START] = stage[H_LENGTH]
    missing = _write_column(stage, buf, not c, 0)
    if stage[H_LENGTH] <= stage[S_LAST] and missing:  # once more, and say which
        c -= 1
        buf[o + HEAD + (c >> 3)] |= 1 << (c & 7)
        stage[H_LENGTH] = stage[_START] + ((stage[H_COUNT] + 7) >> 3)
        if stage[H_LENGTH] <= stage[S_LAST]:
            _write_column(stage, buf, 0, stage[_START])
    return stage[H_LENGTH] <= stage[S_LAST]


def seal(stage, buf, o: int, state=None) -> bool:
    """Write the stage's rows as one block at buf[o:] -> True, False: no room up to S_LAST.

    The stage stays full; its H_LENGTH is the block's. state: see cut.py.
    """
    c = (stage[H_FIELDS] + 7) >> 3
    stage[H_LENGTH] = o + HEAD + c
    if stage[H_LENGTH] > stage[S_LAST]:
        return False
    put(buf, o + HEAD, c, 0)
    c = 0
    while c <= stage[H_FIELDS]:
        if state:
            state[S_TO] = ROWS + c
            read_column(state, buf, stage, c)
        if not _column(stage, buf, o, c):
            return False
        c += 1
    stage[H_LENGTH] -= o
    _write_head(buf, o, stage)
    CRC[SUM] = CRC[SUM_HIGH] = 0xFFFF
    take(20, o, buf, CRC)  # type: ignore[arg-type]
    take(stage[H_LENGTH] - HEAD, o + HEAD, buf, CRC)  # type: ignore[arg-type]
    put(buf, o + 20, 2, CRC[SUM] ^ 0xFFFF)
    put(buf, o + 22, 2, CRC[SUM_HIGH] ^ 0xFFFF)
    return True


def _write_head(buf, o, head):
    put(buf, o, 2, head[H_FIELDS] << 8 | VERSION)
    put(buf, o + 2, 2, head[H_ID])
    put(buf, o + 4, 2, head[H_LENGTH])
    put(buf, o + 6, 2, head[H_COUNT])
    i = H_SEQ
    while i <= H_TIME:
        high = head[i] >> 24 | head[i + 1] << 6
        put(buf, o + 3 * i + 2, 3, head[i])
        put(buf, o + 3 * i + 5, 3, high)
        i += 2


def read_head(buf, o: int, end: int, head) -> int:
    """Fill `head` from buf[o:end] -> the block's length in bytes, 0 where no block can be there."""
    if end - o < HEAD or buf[o] != VERSION:
        return 0
    head[H_FIELDS] = buf[o + 1]
    head[H_ID] = get(buf, o + 2, 2)
    head[H_LENGTH] = get(buf, o + 4, 2)
    head[H_COUNT] = get(buf, o + 6, 2)
    i = H_SEQ
    while i <= H_TIME:
        high = get(buf, o + 3 * i + 5, 3)
        head[i] = get(buf, o + 3 * i + 2, 3) | (high & 63) << 24
        head[i + 1] = high >> 6
        i += 2
    return head[H_LENGTH] if head[H_COUNT] and HEAD <= head[H_LENGTH] <= end - o else 0
