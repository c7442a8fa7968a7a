"""The batch that block stores give a handler: a cursor over whole blocks.

Rules: stepping allocates nothing; nothing is copied. A store brings its blocks by `_rewind`
and `_advance` and never moves their bytes while the batch is out.

A handler or an encoder goes through it like this, from the start as often as it likes:

    batch.rewind()
    while batch.next_block():       # batch.schema, .first, .count, .buf, .start, .size
        while batch.next_row(row):  # row[0] = ticks ms, row[1..] = the fields
            ...

or, without looking at blocks, `batch.next(row)` -> the row's schema, None at the end.
"""

from array import array

from . import block, reader
from .port import micropython
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

    def __init__(self, fields: int = MAX_FIELDS):
        self.head = array("i", bytes(4 * block.HEAD_WORDS))
        self.state = reader.new_state(fields)
        self.buf = None
        self.start = 0
        self.size = 0
        self.schema = None
        self.rows = 0
        self.count = 0
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

    @micropython.native
    def next_block(self) -> bool:
        """Go to the next block -> False after the last. Raises ValueError for a damaged one."""
        if not self._left:
            return False
        self._advance()
        head = self.head
        self.size = size = block.read_head(self.buf, self.start, len(self.buf), head)
        if not size or not reader.open_block(0, 0, 0, self.state, head, self.buf, self.start):
            raise ValueError("a damaged block at offset %d" % self.start)
        self.rows = n = head[block.H_COUNT]
        if n > self._left:
            n = self._left
        self.count = self.state[0] = n  # reading ends there
        self._left -= n
        return True

    def next_row(self, row) -> int:
        """Fill `row` with the block's next row -> 1, 0 after the last."""
        return reader.next_row(self.state, self.buf, row)

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
        head = self.head
        return block.long(head[block.H_SEQ], head[block.H_SEQ_HIGH])

    @property
    def time(self) -> int:
        """Milliseconds since boot of the block's first row."""
        head = self.head
        return block.long(head[block.H_TIME], head[block.H_TIME_HIGH])

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
                yield self.series, first + i, time + self.state[reader.S_SINCE], values

    def _rewind(self):
        """Prepare to give the first block."""

    def _advance(self):
        """Set buf, start and schema to the next block."""
        raise NotImplementedError
