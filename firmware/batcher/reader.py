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
def open_block(p: int, todo: int, i: int, state, head, buf, o: int) -> int:
    """Set `state` to the first row of the block at buf[o:] -> 1, 0 where the body is wrong.

    `head` is that block's, read and checked before. p, todo and i: anything; viper keeps the
    first three locals in registers, and these are they.
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
        i = 5  # bytes that a number may have
        while todo:
            if p >= end:
                return 0
            if b[p] < 128:
                todo -= 1
                i = 5
            else:
                i -= 1
                if i < 1:
                    return 0
            p += 1
        c += 1
    if p != end:
        return 0
    return 1


@micropython.viper
def read_rows(p: int, v: int, i: int, state, buf, rows, count: int, stride: int) -> int:
    """Fill `rows` with the next rows (ticks, fields), one each `stride` words -> how many.

    Column after column, at most `count` rows. p, v and i: as p, todo and i above.
    """
    s = ptr32(state)
    b = ptr8(buf)
    r = ptr32(rows)
    row = s[1]
    if count > s[0] - row:
        count = s[0] - row
    if count < 1:
        return 0
    # As variables: constants of 32 bits would be objects on a 32-bit board.
    top = 1
    top <<= 31
    mask = (top << 1) - 1
    s[1] = row + count
    after = count * stride
    # Time: the sum of sums.
    i = 0
    p = s[6]
    last = s[3]
    diff = s[4]
    since = s[5]
    if row == 0:
        r[0] = last
        i = stride
    while i < after:
        v = b[p]
        p += 1
        x = (v & 127) >> 1
        sign = 0 - (v & 1)
        shift = 6
        while v & 128:
            v = b[p]
            p += 1
            x |= (v & 127) << shift
            shift += 7
        diff = (((diff + (x ^ sign)) & mask) ^ top) - top
        since += diff
        last = (last + diff) & 0x3FFFFFFF
        r[i] = last
        i += stride
    s[6] = p
    s[3] = last
    s[4] = diff
    s[5] = ((since & mask) ^ top) - top
    c = 1
    at = 9
    while c < s[2]:
        p = s[at]
        last = s[at + 1]
        bitmap = s[at + 2]
        i = c
        j = row
        while i < after:
            if bitmap:
                v = b[bitmap + (j >> 3)] >> (j & 7)
                j += 1
                if v & 1 == 0:
                    r[i] = 0 - top
                    i += stride
                    continue
            v = b[p]
            p += 1
            if v > 127:
                sign = 0 - (v & 1)
                x = (v & 127) >> 1
                shift = 6
                while v > 127:
                    v = b[p]
                    p += 1
                    x |= (v & 127) << shift
                    shift += 7
                v = x ^ sign
            else:
                v = (v >> 1) ^ (0 - (v & 1))
            last = (((last + v) & mask) ^ top) - top
            r[i] = last
            i += stride
        s[at] = p
        s[at + 1] = last
        c += 1
        at += 3
    return count


def next_row(state, buf, row) -> int:
    """Fill `row` with the next row -> 1, 0 where there is none left."""
    return read_rows(0, 0, 0, state, buf, row, 1, 64)
