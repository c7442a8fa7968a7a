"""The batch that block stores give a handler: a cursor over whole blocks.

Rules: stepping allocates nothing; nothing is copied. A store brings its blocks by `block_after`,
or a subclass by `_rewind` and `_advance`, and never moves their bytes while the batch is out.

A handler or an encoder goes through it like this, from the start as often as it likes:

    batch.rewind()
    while batch.next_block():       # batch.schema, .first, .count, .buf, .start, .size
        while batch.next_row(row):  # row[0] = ticks ms, row[1..] = the fields
            ...

or, without looking at blocks, `batch.next(row)` -> the row's schema, None at the end.
"""

from array import array

from .block import H_COUNT, H_SEQ, H_TIME, HEAD_WORDS, read_head
from .counter import value
from .pack import get
from .reader import S_SINCE, new_state, open_block, read_rows
from .schema import MAX_FIELDS, MISSING


class Cursor:
    """Steps through blocks. `len` is the number of rows.

    Of the current block: `schema`, `series` (its name), `first` (sequence number), `count` (rows
    that belong to the batch, of `rows` in all: the last block may be cut), and the bytes as they
    are, `buf[start:start + size]`. `boot` is the 8 bytes of the boot its rows were taken
    in, None for this one; `epoch` the offset of that boot as (seconds // 10000, seconds % 10000,
    ms), None where unknown or for this boot.
    """

    boot = None
    epoch = None

    schema: "object"
    start: int
    size: int
    rows: int
    count: int

    def __init__(self, store, buf, fields: int = MAX_FIELDS):
        self._store = store
        self.head = array("i", bytes(4 * HEAD_WORDS))
        self.state = new_state(fields)
        self.buf = buf
        self.skip = 0  # rows before it that are passed over; whole blocks only
        self._length = 0  # rows in the batch
        self._left = 0  # of these, after the current block
        self._row = None

    def __len__(self):
        return self._length

    def rewind(self) -> None:
        """Back to before the first block."""
        n = self.skip
        self._left = n + self._length
        self.count = self.state[0] = self.state[1] = 0
        self._rewind()
        while n > 0:
            self.next_block()
            n -= self.count
        self.count = self.state[0] = 0

    def limit(self, n: int) -> None:
        """Give only the first n rows from now on, where the whole is too much at once."""
        self._length = n
        self.rewind()

    def next_block(self) -> bool:
        """Go to the next block -> False after the last. Raises ValueError for a damaged one."""
        if not self._left:
            return False
        self._advance()
        head = self.head
        self.size = read_head(self.buf, self.start, len(self.buf), head)
        buf = self.buf
        if not self.size or not open_block(self.state, head, buf, self.start):  # type: ignore
            raise ValueError("a damaged block at offset %d" % self.start)
        self.rows = head[H_COUNT]
        self.count = self.state[0] = n = min(self.rows, self._left)  # reading ends there
        self._left -= n
        return True

    def next_row(self, row) -> int:
        """Fill `row` with the block's next row -> 1, 0 after the last."""
        return read_rows(self.state, self.buf, row, 1, 0)

    def next(self, row=None) -> "object | None":
        """Fill `row`, where there is one, with the batch's next row -> its schema, None: no more.

        The row must have room for the widest schema of the store; its last element (the id)
        is set only where it is a row of just that schema.
        """
        if row is None:
            row = self._row = self._row or self._scratch()
        while not self.next_row(row):
            if not self.next_block():
                return None
        return self.schema

    @property
    def series(self) -> str:
        return self.schema.name  # type: ignore[attr-defined]

    @property
    def first(self) -> int:
        return value(self.head, H_SEQ)

    @property
    def time(self) -> int:
        """Milliseconds since boot of the block's first row."""
        return value(self.head, H_TIME)

    def _scratch(self):
        return array("i", bytes(4 * (MAX_FIELDS + 2)))

    def __iter__(self):
        """For people: (series, sequence number, ms since boot, [values or None]) of each row."""
        self.rewind()
        row = self._scratch()
        while self.next_block():
            first = self.first
            time = self.time
            for i in range(self.count):
                self.next_row(row)
                values = [None if v == MISSING else v for v in row[1 : len(self.schema.fields) + 1]]
                yield self.series, first + i, time + self.state[S_SINCE], values

    def _rewind(self):
        """Prepare to give the first block."""
        self.start = -1

    def _advance(self):
        """Set buf, start and schema to the next block."""
        self.start = o = self._store.block_after(self.start)
        self.schema = self._store.by_id[get(self.buf, o + 2, 2)]
