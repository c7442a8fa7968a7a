"""Reading a block row by row, without the heap.

Rules: `state` is an array('i') that holds where each column stands. Opening walks the columns
once and refuses what is not exactly as long as it says.
"""

from array import array

from .port import const, micropython, ptr8, ptr32  # noqa: F401

# state: [rows in the block, row next, columns, ticks, last difference, ms since the first row,
# then three words a column: offset of its next byte, last value, offset of its bitmap or 0]
S_ROWS = const(0)
S_ROW = const(1)
S_SINCE = const(5)
_COLUMNS = const(6)


def new_state(fields: int):
    """-> a state for blocks of at most `fields` fields."""
    return array("i", bytes(4 * (_COLUMNS + 3 * (fields + 1))))


@micropython.viper
def open_block(state, head, buf, o: int) -> int:
    """Set `state` to the first row of the block at buf[o:] -> 1, 0 where the body is wrong.

    `head` is that block's, read and checked before.
    """
    s = ptr32(state)
    h = ptr32(head)
    b = ptr8(buf)
    n = h[6]
    width = h[0] + 1
    end = o + h[7]
    s[0] = n
    s[1] = 0
    s[2] = width
    s[3] = h[4]
    s[4] = 0
    s[5] = 0
    flags = o + 24
    p = flags + ((width + 6) >> 3)
    c = 0
    while c < width:
        at = 6 + 3 * c
        todo = n
        s[at + 1] = 0
        s[at + 2] = 0
        if c == 0:
            todo -= 1
        elif b[flags + ((c - 1) >> 3)] & (1 << ((c - 1) & 7)):
            if p + ((n + 7) >> 3) > end:
                return 0
            s[at + 2] = p
            todo = 0
            i = 0
            while i < n:
                todo += (b[p + (i >> 3)] >> (i & 7)) & 1
                i += 1
            p += (n + 7) >> 3
        s[at] = p
        while todo:
            i = 5
            while p < end and b[p] & 128:
                p += 1
                i -= 1
            p += 1
            if p > end or i < 1:
                return 0
            todo -= 1
        c += 1
    if p != end:
        return 0
    return 1


@micropython.viper
def next_row(state, buf, row) -> int:
    """Fill row[0:] with the next row (ticks, fields) -> 1, 0 where there is none left."""
    s = ptr32(state)
    b = ptr8(buf)
    r = ptr32(row)
    n = s[1]
    if n >= s[0]:
        return 0
    top = 1
    top <<= 31  # as a variable: a constant of 32 bits would be an object on a 32-bit board
    mask = (top << 1) - 1
    last = 6 + 3 * s[2]
    at = 6
    c = 0
    while at < last:
        bitmap = s[at + 2]
        if bitmap and (b[bitmap + (n >> 3)] >> (n & 7)) & 1 == 0:
            r[c] = 0 - top
            at += 3
            c += 1
            continue
        if c == 0 and n == 0:
            r[0] = s[3]
            at += 3
            c += 1
            continue
        p = s[at]
        v = b[p]
        sign = 0 - (v & 1)
        x = (v & 127) >> 1
        shift = 6
        while v & 128:
            p += 1
            v = b[p]
            x |= (v & 127) << shift
            shift += 7
        s[at] = p + 1
        x ^= sign
        if c == 0:
            x += s[4]
            x = ((x & mask) ^ top) - top
            s[4] = x
            s[5] = (((s[5] + x) & mask) ^ top) - top
            x = (s[3] + x) & 0x3FFFFFFF
            s[3] = x
            r[0] = x
        else:
            x = (((s[at + 1] + x) & mask) ^ top) - top
            s[at + 1] = x
            r[c] = x
        at += 3
        c += 1
    s[1] = n + 1
    return 1
