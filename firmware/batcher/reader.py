"""Reading a block row by row, without the heap.

Rules: `state` is an array('i') that holds where each column stands. Opening walks the columns
once and refuses what is not exactly as long as it says.
"""

from array import array

from .port import const, micropython, ptr8, ptr32, uint  # noqa: F401

# state: rows in the block, row next, column to end before, ticks of the first row, step to the
# last row, first column, where in `rows` its value goes, a word to write into; then three words
# a column: offset of its next byte, last value (of the time: ms since the first row), offset of
# its bitmap or 0
S_ROWS = const(0)
_ROW = const(1)
_STOP = const(2)
_TICKS = const(3)
_STEP = const(4)
_FIRST = const(5)
S_TO = const(6)
_NOWHERE = const(7)
_COLUMNS = const(8)
S_SINCE = const(9)


def new_state(fields: int):
    """-> a state for blocks of at most `fields` fields."""
    return array("i", bytes(4 * (_COLUMNS + 3 * (fields + 1))))


@micropython.viper
def read_rows(state: ptr32, buf: ptr8, rows: ptr32, count: int, stride: int) -> int:
    """Fill `rows` with the next rows (ticks, fields), one each `stride` words -> how many.

    Column after column, at most `count` rows.
    """
    row = state[1]
    stop = row + count
    if stop > state[0]:
        stop = state[0]
    state[1] = stop
    c = state[5]
    to = state[6]
    at = 8 + 3 * c
    while state[2] - c:
        p = state[at]
        last = state[at + 1]
        bitmap = state[at + 2]
        i = to
        to += 1
        j = row
        while j < stop:
            v = 1
            if bitmap:
                v = buf[bitmap + (j >> 3)] >> (j & 7)
            if v & 1:
                v = 0
                if c + j:  # the first row's time is in the head
                    v = buf[p]
                    p += 1
                x = uint(v)
                shift = 7
                while v & 128:
                    v = buf[p]
                    p += 1
                    x += (v - 1) << shift  # less the bit that said so
                    shift += 7
                v = int((x >> 1) ^ (0 - (x & 1)))
                if c:
                    last += v
                    v = last
                else:
                    v += state[4]
                    state[4] = v
                    last += v
                    v = (last + state[3]) & 0x3FFFFFFF
            else:
                v = (v | 1) << 31  # missing; as a constant it would be an object
            rows[i] = v
            i += stride
            j += 1
        state[at] = p
        state[at + 1] = last
        at += 3
        c += 1
    return stop - row


def _begin(state, first, stop):
    # From the first row on, read columns `first` to before `stop`.
    state[_ROW] = state[_STEP] = 0
    state[_FIRST] = first
    state[_STOP] = stop


def read_column(state, buf, rows, c: int, stride: int = 1) -> None:
    """Fill rows[state[S_TO]:] with column c of a block that is open, but not read."""
    _begin(state, c, c + 1)
    read_rows(state, buf, rows, state[S_ROWS], stride)


def _open_column(state, buf, c, p):
    # Column c begins at p -> where it ends. A seventh local would put the frame on the heap.
    at = _COLUMNS + 3 * c
    state[at] = p
    state[at + 1] = 0
    read_column(state, buf, state, c, 0)
    c = state[at]
    state[at] = p
    state[at + 1] = 0
    return c


def open_block(state, head, buf, o: int) -> bool:
    """Set `state` to the first row of the block at buf[o:] -> False where the body is wrong.

    `head` is that block's, read and checked before.
    """
    state[S_ROWS] = head[6]
    state[_TICKS] = head[4]
    state[S_TO] = _NOWHERE
    p = o + 24 + ((head[0] + 7) >> 3)
    c = 0
    while c <= head[0]:
        state[_COLUMNS + 2 + 3 * c] = 0
        if c and buf[o + 24 + ((c - 1) >> 3)] >> ((c - 1) & 7) & 1:
            state[_COLUMNS + 2 + 3 * c] = p
            p += (head[6] + 7) >> 3
        p = _open_column(state, buf, c, p)
        c += 1
    _begin(state, 0, c)
    state[S_TO] = 0
    return p == o + head[7]
