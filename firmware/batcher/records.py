"""Typed readings in one bytearray, bounded by bytes: a stage a series, and sealed blocks.

Rules
- `nbytes` is everything: the stages and the bytes of the blocks, 4 more for each block.
- A block lies in one piece. Blocks are chained in the order they were sealed, each behind the
  offset of the next; that order and the order in memory differ only where pinned blocks stood
  in the way of new ones.
- Bytes of pinned blocks never move and never change.
- The hot path, the closure of `fuse`, touches the stage and the grant, nothing else. A full
  stage waits for the next push to be sealed. No number here passes 30 bits.
"""

from array import array

from . import block, reader
from .counter import count, value
from .cursor import Cursor
from .cut import cut_front
from .port import const, micropython, ptr8, ptr32  # noqa: F401
from .schema import Schema
from .timebase import boot as _boot

_END = const(0x3FFFFFFF)  # the chain's end; no offset is as large
_LINK = const(4)  # bytes before a block: the offset of the next


@micropython.viper
def _next(buf, o: int) -> int:
    b = ptr8(buf)
    return b[o] | (b[o + 1] << 8) | (b[o + 2] << 16) | (b[o + 3] << 24)


@micropython.viper
def _link(buf, o: int, to: int):
    b = ptr8(buf)
    b[o] = to & 255
    b[o + 1] = (to >> 8) & 255
    b[o + 2] = (to >> 16) & 255
    b[o + 3] = (to >> 24) & 255


@micropython.viper
def _limit(buf, first: int, at: int, size: int) -> int:
    # -> the offset of the first block at or after `at`, `size` where there is none
    b = ptr8(buf)
    o = first
    while o != 0x3FFFFFFF:
        if at <= o and o < size:
            size = o
        o = b[o] | (b[o + 1] << 8) | (b[o + 2] << 16) | (b[o + 3] << 24)
    return size


@micropython.viper
def _stage_row(stage, row):
    s = ptr32(stage)
    r = ptr32(row)
    width = s[2] - 1
    i = 4 + s[0] * width
    j = 0
    while j < width:
        s[i] = r[j]
        i += 1
        j += 1
    s[0] = s[0] + 1


class _Series:
    def __init__(self, schema, rows):
        self.schema = schema
        self.stage = block.new_stage(schema, rows)
        self.head = array("i", bytes(4 * block.HEAD_WORDS))  # seq: of the stage's first row
        self.head[block.H_FIELDS] = len(schema.fields)
        self.head[block.H_ID] = schema.id
        self.expected = -1  # low part of the next block's first: where peek looks for gaps


class _Batch(Cursor):
    def __init__(self, ring, fields):
        super().__init__(fields)
        self._ring = ring
        self.buf = ring._buf
        self._at = 0

    def _rewind(self):
        self._at = self._ring._first

    def _advance(self):
        o = self._at
        self._at = _next(self.buf, o)
        self.start = o = o + _LINK
        self.schema = self._ring._series[self.buf[o + 2] | (self.buf[o + 3] << 8)].schema


class RecordRing:
    """A store of rows: `RecordRing(schema, nbytes)`, or a list of schemas for several series.

    nbytes: all the memory it takes. rows: of a stage, chosen by nbytes unless given (8 to 128).
    `capacity` is what fits even of noise that cannot be made shorter; ordinary readings fit
    three to five times as often. ValueError where nbytes is too small or two ids collide.
    """

    def __init__(self, schema, nbytes: int, rows: "int | None" = None, timebase=_boot):
        schemas = [schema] if isinstance(schema, Schema) else list(schema)
        if not schemas:
            raise ValueError("schema: wanted one or more, found none")
        words = sum([len(s.fields) + 1 for s in schemas])
        if rows is None:
            rows = min(128, max(8, nbytes // (32 * words)))
        if type(rows) is not int or not 0 < rows <= 1024:
            raise ValueError("rows: wanted 1 to 1024, found %r" % (rows,))
        fields = max([len(s.fields) for s in schemas])
        worst = _LINK + block.worst_size(fields, rows)
        self._size = size = nbytes - 4 * (words * rows + block.STAGE_HEAD * len(schemas))
        if size < worst or worst > 0xFFFF:
            raise ValueError(
                "nbytes: %d for stages of %d rows: wanted %d or more"
                % (nbytes, rows, nbytes - size + worst)
            )
        self.rows = rows
        self.capacity = size // worst * rows
        self.high_water = 0  # most rows ever held
        self.pinned = 0  # rows a handler has in its hands
        self.told = ""  # the series that discard or evict tells of
        self._series = {}
        self._order = []
        for s in schemas:
            if s.id in self._series:
                raise ValueError("schema %r: its id comes twice, take another name" % s.name)
            series = _Series(s, rows)
            self._series[s.id] = series
            self._order.append(series)
        self._buf = bytearray(size)
        self._timebase = timebase
        self._first = _END  # the oldest block
        self._last = _END  # the newest block
        self._write = 0  # where the next block goes, if it fits
        self._pin = _END  # the last pinned block
        self._sealed = 0  # rows in blocks
        self._gone = [0, 0]  # counter of the rows that have left
        self._full = None  # the series whose full stage found no room
        self._grant = array("i", [0])
        self._head = array("i", bytes(4 * block.HEAD_WORDS))
        self._state = reader.new_state(fields)
        self._row = array("i", bytes(4 * (fields + 2)))
        self._batch = _Batch(self, fields)

    def fuse(self, slow, irq: bool = False):
        """-> add(row) -> bool: stores at once while the grant lasts, else returns slow(row)."""
        if irq:
            raise ValueError("irq: not with a RecordRing")
        adds = {}
        for series in self._order:
            adds[series.schema.id] = add = _fused(self._grant, series.stage, slow)
        if len(adds) == 1:
            return add

        @micropython.native
        def add_any(row):
            add = adds.get(row[-1])
            return add(row) if add else slow(row)

        return add_any

    @micropython.native
    def grant(self, k: int) -> None:
        """The next k pushes need no thought (less where a stage is full)."""
        self._grant[0] = k

    @micropython.native
    def __len__(self):
        # Where all is quiet a batcher asks this every 3 days, or its clock would miss a wrap.
        if self._timebase._low >= 0:
            self._timebase.touch()
        n = self._sealed
        for series in self._order:
            n += series.stage[0]
        if n > self.high_water:
            self.high_water = n
        return n

    @property
    def evicted_at(self) -> int:
        """How many rows are ahead of those that `evict` takes: the pinned ones."""
        return self.pinned

    @property
    def next_seq(self) -> int:
        """How many rows have ever been taken in: with one series the next one's number."""
        return value(self._gone) + len(self)

    total = next_seq

    @micropython.native
    def push(self, row) -> bool:
        """-> True, or False where there is no room and nothing changed. Ends the grant.

        Raises TypeError or ValueError for what is not a row of one of the schemas.
        """
        self._grant[0] = 0
        series = self._series.get(row[-1])
        if series is None:
            raise ValueError("not a row of this store's schemas: use their row()")
        series.schema.check(row)
        stage = series.stage
        if stage[0] == stage[1] and not self._seal(series):
            self._full = series
            return False
        _stage_row(stage, row)
        return True

    def seal(self) -> bool:
        """Close the stages: what is in them becomes blocks -> False where one found no room."""
        self._grant[0] = 0
        done = True
        for series in self._order:
            if series.stage[0] and not self._seal(series):
                done = False
        return done

    @micropython.native
    def _seal(self, series):
        stage = series.stage
        len(self)  # takes down the high water
        head = series.head
        low = stage[block.STAGE_HEAD] & 0x3FFFFFFF
        head[block.H_TIME] = low
        head[block.H_TIME_HIGH] = self._timebase.high(low)
        o = self._place(stage, head)
        if o < 0:
            return False
        _link(self._buf, o, _END)
        if self._first == _END:
            self._first = o
        else:
            _link(self._buf, self._last, o)
        self._last = o
        self._write = o + _LINK + head[block.H_LENGTH]
        self._sealed += stage[0]
        self._empty(series)
        return True

    @micropython.native
    def _empty(self, series):
        head = series.head
        seq = head[block.H_SEQ] + series.stage[0]
        head[block.H_SEQ] = seq & 0x3FFFFFFF
        head[block.H_SEQ_HIGH] += seq >> 30
        series.stage[0] = 0
        if series is self._full:
            self._full = None

    @micropython.native
    def _place(self, stage, head):
        # Write the block where there is room: behind the newest, past pinned ones, at the start.
        buf = self._buf
        size = self._size
        o = start = self._write if self._first != _END else 0
        wrapped = start == 0
        while True:
            limit = _limit(buf, self._first, o, size)
            if block.seal(stage, head, buf, o + _LINK, limit) >= 0:
                return o
            if limit == size:
                if wrapped:
                    return -1
                wrapped = True
                o = 0
            elif self._is_pinned(limit):
                o = limit + _LINK + (buf[limit + 8] | (buf[limit + 9] << 8))
                if wrapped and o >= start and start:
                    return -1
            else:
                return -1

    def _is_pinned(self, o):
        if self._pin == _END:
            return False
        at = self._first
        while at != o:
            if at == self._pin:
                return False
            at = _next(self._buf, at)
        return True

    def peek(self, limit: int) -> "Cursor | None":
        """-> the oldest rows as a cursor, at most `limit`, pinned; None where there is none.

        Whole blocks; only where the first alone is longer than `limit` it is cut. A batch ends
        before a gap in a series.
        """
        len(self)  # keeps the time alive
        if self._first == _END:
            self.seal()
        for series in self._order:
            series.expected = -1
        head = self._head
        o = self._first
        n = 0
        self._pin = _END
        while o != _END and n < limit:
            block.read_head(self._buf, o + _LINK, self._size, head)
            series = self._series[head[block.H_ID]]
            rows = head[block.H_COUNT]
            if n and n + rows > limit or -1 != series.expected != head[block.H_SEQ]:
                break
            series.expected = (head[block.H_SEQ] + rows) & 0x3FFFFFFF
            self._pin = o
            n += rows
            o = _next(self._buf, o)
        self.pinned = n = min(n, limit)
        if not n:
            return None
        batch = self._batch
        batch._length = n
        batch.rewind()
        return batch

    def commit(self, k: int) -> None:
        """The first k of the pinned rows are done and gone; the rest are no longer pinned."""
        self._leave(k, None, None)

    def release(self) -> None:
        """Nothing was taken: every pinned row stays, first in line."""
        self.pinned = 0
        self._pin = _END

    def discard(self, k: int, tell, reason: str) -> None:
        """Like commit, for rows given up: `tell(first, count, reason)` for each block."""
        self._leave(k, tell, reason)

    def _leave(self, k, tell, reason):
        if not 0 <= k <= self.pinned:
            raise ValueError("commit: wanted 0 to %d, found %d" % (self.pinned, k))
        self.release()
        while k:
            rows = self._drop(_END, k)
            k -= rows
            if tell:
                tell(self._first_dropped(), rows, reason)

    def _drop(self, before, k):
        # Unlink the block after `before` (_END: the first), or cut k rows off it -> rows gone.
        buf = self._buf
        head = self._head
        o = self._first if before == _END else _next(buf, before)
        block.read_head(buf, o + _LINK, self._size, head)
        rows = head[block.H_COUNT]
        if k < rows:
            seq, high = head[block.H_SEQ], head[block.H_SEQ_HIGH]
            cut_front(buf, o + _LINK, k, self._state, head, self._row)
            head[block.H_SEQ] = seq
            head[block.H_SEQ_HIGH] = high
            rows = k
        else:
            after = _next(buf, o)
            if before == _END:
                self._first = after
            else:
                _link(buf, before, after)
            if o == self._last:
                self._last = before
        self._sealed -= rows
        count(self._gone, rows)
        self.told = self._series[head[block.H_ID]].schema.name
        return rows

    def _first_dropped(self):
        return block.long(self._head[block.H_SEQ], self._head[block.H_SEQ_HIGH])

    def evict(self, tell, reason: str) -> int:
        """Drop the oldest block that is not pinned, or a stage; -> rows lost, 0: all are pinned.

        Where a full stage waits to be sealed, as many blocks as it takes.
        """
        lost = 0
        while True:
            series = None
            if self._pin != self._last:
                rows = self._drop(self._pin, _END)
                first = self._first_dropped()
            else:
                series = self._full or self._oldest_stage()
                if series is None:
                    return lost
                rows = series.stage[0]
                first = block.long(series.head[block.H_SEQ], series.head[block.H_SEQ_HIGH])
                self.told = series.schema.name
                count(self._gone, rows)
                self._empty(series)
            lost += rows
            if tell:
                tell(first, rows, reason)
            if series or not self._full or self._seal(self._full):
                return lost

    # For flashblocks.py, which takes blocks as they are.

    @property
    def schemas(self) -> list:
        return [series.schema for series in self._order]

    def block_after(self, o: int) -> int:
        """-> offset in `blocks()` of the block behind that one (-1: the oldest), -1: no more."""
        o = self._first if o < 0 else _next(self._buf, o - _LINK)
        return -1 if o == _END else o + _LINK

    def blocks(self):
        """-> the bytes in which the blocks lie."""
        return self._buf

    def drop_block(self) -> int:
        """Forget the oldest block that is not pinned, which is safe elsewhere -> its rows."""
        return 0 if self._pin == self._last else self._drop(self._pin, _END)

    @property
    def sealed(self) -> int:
        """Rows in blocks."""
        return self._sealed

    def _series_named(self, name):
        for series in self._order:
            if series.schema.name == name:
                return series
        raise ValueError("no series %r" % name)

    def _oldest_stage(self):
        for series in self._order:
            if series.stage[0]:
                return series
        return None


def _fused(grant, stage, slow):
    # Its closed variables and its argument are four: from six on, a call would allocate.
    yes = True

    @micropython.viper
    def add(row):
        g = ptr32(grant)
        s = ptr32(stage)
        n = s[0]
        width = s[2]
        if g[0] > 0 and n < s[1] and int(len(row)) == width:
            r = ptr32(row)
            width -= 1
            if r[width] == s[3]:
                g[0] -= 1
                i = 4 + n * width
                j = 0
                while j < width:
                    s[i] = r[j]
                    i += 1
                    j += 1
                s[0] = n + 1
                return yes
        return slow(row)

    return add
