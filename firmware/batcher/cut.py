"""A block that was partly taken: its first rows are cut off, in place.

Rules: each column is read as a whole, then what is left of it is written, from where the block
begins. It is never longer than it was (a sum's varint is never longer than those of its terms),
so no room is needed, and what is written never passes what is read.
"""

from .block import (
    H_COUNT,
    H_FIELDS,
    H_SEQ,
    H_TIME,
    ROWS,
    S_LAST,
    S_SKIP,
    new_stage,
    read_head,
    seal,
)
from .counter import count
from .reader import S_SINCE, S_TO, open_block, read_rows


def cut_front(buf, o: int, k: int, state, spare) -> None:
    """Cut the first k rows off the block at buf[o:], which has more than k.

    state, spare: scratch of the caller, `spare` a stage with a stride of 1; afterwards that is the
    head of what was cut off, but for its count.
    """
    size = read_head(buf, o, len(buf), spare)
    rows = spare[H_COUNT]
    if not size or rows <= k or not open_block(state, spare, buf, o):
        raise ValueError("a damaged block at offset %d" % o)
    if len(spare) < ROWS + rows + spare[H_FIELDS]:  # a block of another configuration
        spare = new_stage(spare[H_FIELDS], 0, rows, 1)
        read_head(buf, o, size + o, spare)
    state[S_TO] = ROWS
    read_rows(state, buf, spare, k + 1, 0)
    since = state[S_SINCE]
    open_block(state, spare, buf, o)
    count(spare, since, H_TIME)
    count(spare, k, H_SEQ)
    spare[H_COUNT] = rows - k
    spare[S_SKIP] = k
    spare[S_LAST] = o + size
    seal(spare, buf, o, state)
    count(spare, -k, H_SEQ)
