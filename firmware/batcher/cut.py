"""A block that was partly taken: its first rows are cut off, in place.

Rules: the result is never longer than the block was (a sum's varint is never longer than
those of its terms), so no room is needed, and what is written never passes what is read.
"""

from array import array

from . import block, reader
from .port import micropython, ptr8, ptr32  # noqa: F401
from .schema import MAX_FIELDS

_ends = array("i", bytes(4 * (MAX_FIELDS + 1)))  # where each column ends


@micropython.viper
def _find_ends(state, ends, end: int):
    s = ptr32(state)
    e = ptr32(ends)
    c = s[2] - 1
    while c >= 0:
        e[c] = end
        at = 6 + 3 * c
        end = s[at + 2]
        if end == 0:
            end = s[at]
        c -= 1


@micropython.viper
def _rewrite(state, buf, o: int, ends) -> int:
    # Write the columns again from the state's next row on; o: the block -> the offset after it.
    # `state[5]` becomes the milliseconds from the old first row to the new one.
    s = ptr32(state)
    b = ptr8(buf)
    e = ptr32(ends)
    rows = s[0]
    row = s[1]
    o += 24 + ((s[2] + 6) >> 3)
    c = 0
    while c < s[2]:
        at = 6 + 3 * c
        p = s[at]
        end = e[c]
        bitmap = s[at + 2]
        if bitmap:
            i = row
            v = 0
            while i < rows:
                v |= ((b[bitmap + (i >> 3)] >> (i & 7)) & 1) << ((i - row) & 7)
                i += 1
                if (i - row) & 7 == 0 or i == rows:
                    b[o] = v
                    o += 1
                    v = 0
        base = s[at + 1]
        todo = 1  # varints to decode and add up; the last is written as a whole value
        if c == 0:
            base = s[4]
            todo = 2
        while todo and p < end:
            v = b[p]
            sign = 0 - (v & 1)
            x = (v & 127) >> 1
            shift = 6
            while v & 128:
                p += 1
                v = b[p]
                x |= (v & 127) << shift
                shift += 7
            p += 1
            base += x ^ sign
            todo -= 1
            if c == 0 and todo == 1:
                s[5] = s[5] + base
                todo = 1
                if p == end:
                    todo = -1  # the new first row is the last: no difference to write
                    break
        if todo == 0:
            x = (base << 1) ^ (0 - ((base >> 31) & 1))
            v = (x >> 7) & 0x1FFFFFF
            x &= 127
            while v:
                b[o] = x | 128
                o += 1
                x = v & 127
                v >>= 7
            b[o] = x
            o += 1
        while p < end:
            b[o] = b[p]
            o += 1
            p += 1
        c += 1
    return o


def cut_front(buf, o: int, k: int, state, head, row) -> None:
    """Cut the first k rows off the block at buf[o:], which has more than k.

    state, head, row: scratch of the caller; `head` is that of the shorter block afterwards.
    """
    size = block.read_head(buf, o, len(buf), head)
    if not size or head[block.H_COUNT] <= k or not reader.open_block(0, 0, 0, state, head, buf, o):
        raise ValueError("cannot cut %d rows off the block at offset %d" % (k, o))
    _find_ends(state, _ends, o + size)
    for _ in range(k):
        reader.next_row(state, buf, row)
    after = _rewrite(state, buf, o, _ends)
    seq = head[block.H_SEQ] + k
    head[block.H_SEQ] = seq & 0x3FFFFFFF
    head[block.H_SEQ_HIGH] += seq >> 30
    time = head[block.H_TIME] + state[reader.S_SINCE]
    head[block.H_TIME] = time & 0x3FFFFFFF
    head[block.H_TIME_HIGH] += time >> 30
    head[block.H_COUNT] -= k
    head[block.H_LENGTH] = after - o
    block.write_head(buf, o, head)
    block.sign(buf, o, after)
