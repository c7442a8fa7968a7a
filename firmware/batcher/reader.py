"""Reading a block row by row, without the heap.

Rules: `state` is an array('i') that holds where each column stands. Opening walks the columns
once and refuses what is not exactly as long as it says.
"""

from array import array

from .port import const, micropython, ptr8, ptr32, uint  # noqa: F401

# state: rows in the block, row next, column to end before, ticks of the first row, step to the
# last row, first column, where in `rows` its value goes; then three words
# a column: offset of its next byte, last value (of the time: ms since the first row), offset of
# its bitmap or 0
S_ROWS = const(0)
_ROW = const(1)
_STOP = const(2)
_TICKS = const(3)
_STEP = const(4)
_FIRST = const(5)
S_TO = const(6)
_COLUMNS = const(7)
S_SINCE = const(8)


def new_state(fields: int):
    """-> a state for blocks of at most `fields` fields."""
    return array("i", bytes(4 * (_COLUMNS + 3 * (fields + 1))))


@micropython.viper
def read_rows(state: ptr32, buf: ptr8, rows: ptr32, count: int, stride: int) -> int:
    """Fill `rows` with the next rows (ticks, fields), one each `stride` words -> how many.

    Column after column, at most `count` rows.
    """
    s = state
    b = int(buf)
    row = s[1]
    n = s[0] - row
    if n > count:
        n = count
    if n > 0:
        s[1] = row + n
        i = (s[6] << 2) + int(rows)
        c = s[5]
        state = ptr32(c * 12 + int(s) + 28)
        while s[2] - c:
            buf = ptr8(b + state[0])
            rows = ptr32(i)
            i += 4
            j = n
            # A field is the sum of its steps, and time the sum of sums of them. Where the last step
            # does not count it goes to where the offset will be.
            sums = 0
            base = 0
            mask = -1
            step = state
            here = 1
            other = here << 31  # missing; as a constant it would be an object
            if not c:
                sums = mask
                mask = 0x3FFFFFFF
                step = ptr32(int(s) + 16)
                here = row  # the first row's is in the head
                base = s[3]
                other = base
            while j:
                if state[2]:
                    v = s[1] - j
                    here = 1 << (v & 7) & ptr8((v >> 3) + b + state[2])[0]
                rows[0] = other
                if here:
                    v = buf[0]
                    buf = ptr8(int(buf) + 1)
                    sign = -(v & 1)
                    x = v >> 1
                    shift = 6
                    while v >> 7:
                        v = buf[0]
                        buf = ptr8(int(buf) + 1)
                        x = ((v - 1) << shift) + x  # less the bit that said so
                        shift += 7
                    v = (x ^ sign) + (step[0] & sums)
                    step[0] = v
                    v += state[1]
                    state[1] = v
                    rows[0] = (v + base) & mask
                here = 1
                rows = ptr32((stride << 2) + int(rows))
                j -= 1
            state[0] = int(buf) - b
            state = ptr32(int(state) + 12)
            c += 1
    return s[1] - row


def _begin(state, first, stop):
    # From the first row on, read columns `first` to before `stop`.
    state[_ROW] = state[_STEP] = 0
    state[_FIRST] = first
    state[_STOP] = stop


def read_column(state, buf, rows, c: int) -> None:
    """Fill rows[state[S_TO]:] with column c of a block that is open, but not read."""
    _begin(state, c, c + 1)
    read_rows(state, buf, rows, state[S_ROWS], 1)


@micropython.viper
def open_block(state: ptr32, head: ptr32, buf: ptr8, o: int) -> bool:
    """Set `state` to the first row of the block at buf[o:] -> False where the body is wrong.

    `head` is that block's, read and checked before.
    """
    b = int(buf)
    o += b
    rows = head[6]
    width = head[0]
    last = head[7] + o - 1
    state[0] = rows
    state[1] = 0
    state[2] = width + 1
    state[3] = head[4]
    state[4] = 0
    state[5] = 0
    state[6] = 0
    o += 24
    head = ptr32(((width + 7) >> 3) + o)  # a register: the next byte from here on
    c = -1
    while c ^ width:
        n = (c >> 31) + rows  # the first time is in the head
        state[9] = 0
        if ~(c >> 31) & 1 << (c & 7) & ptr8((c >> 3) + o)[0]:
            state[9] = int(head) - b
            j = n
            n = 0
            while j:
                j -= 1
                n = (ptr8((j >> 3) + int(head))[0] >> (j & 7) & 1) + n
            head = ptr32(((rows + 7) >> 3) + int(head))
        state[7] = int(head) - b
        state[8] = 0
        while n:
            if last - int(head) >> 31:
                return False
            n = (ptr8(head)[0] >> 7) + n - 1
            head = ptr32(int(head) + 1)
        state = ptr32(int(state) + 12)
        c += 1
    return int(head) == last + 1
