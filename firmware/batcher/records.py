"""Typed readings in one bytearray, bounded by bytes: a stage a series, and sealed blocks.

Rules
- `nbytes` is everything: the stages, one more to cut blocks with, and the bytes of the blocks,
  4 more for each block and up to 3 to the next whole word.
- A block lies in one piece, behind the offset of the next one (0: no more): blocks are chained in
  the order they were sealed. That order and the order in memory differ only where pinned blocks
  stood in the way of new ones. The chain begins at offset 0.
- Bytes of pinned blocks never move and never change.
- The hot path, the closure of `fuse`, touches the stage and the grant, nothing else. A full
  stage waits for the next push to be sealed. No number here passes 30 bits.
"""

from array import array

from . import block
from .block import H_COUNT, H_ID, H_SEQ, H_TIME, ROWS, S_DUE, S_LAST, S_ROOM, read_head
from .counter import count, value
from .cursor import Cursor
from .cut import cut_front
from .pack import get, put
from .port import const, micropython, ptr32  # noqa: F401
from .schema import Schema
from .timebase import boot as _boot

_LINK = const(4)  # bytes before a block: the offset of the next
_FIRST = const(8)  # where blocks may lie; at 0 is the offset of the oldest
_ALL = const(0xFFFF)


@micropython.viper
def _stop(buf: ptr32, stage: ptr32, at: int, pin: int) -> int:
    # Lower the stage's S_LAST so that a block at `at` ends before the next one -> 0 where that
    # may be dropped, 1 where there is none, more where it is pinned. pin: the last one that is.
    kind = 1
    o = buf[0]
    while o:
        if at <= o and o - 5 < stage[12]:
            stage[12] = o - 5
            kind = pin
        if not o ^ pin:
            pin = 0
        o = ptr32(int(buf) + o)[0]
    return kind


def _behind(buf, o):
    # -> where a block may lie behind that one
    return (o + get(buf, o + 8, 2) + _LINK + 3) & ~3


class RecordRing:
    """A store of rows: `RecordRing(schema, nbytes)`, or a list of schemas for several series.

    nbytes: all the memory it takes. rows: of a stage, chosen by nbytes unless given (8 to 128).
    `capacity` is what fits even of noise that cannot be made shorter; ordinary readings fit
    three to five times as often. ValueError where nbytes is too small or two ids collide.
    """

    def __init__(self, schema, nbytes: int, rows: "int | None" = None, timebase=_boot):
        self.schemas = schemas = [schema] if isinstance(schema, Schema) else list(schema)
        if not schemas:
            raise ValueError("schema: wanted one or more, found none")
        words = fields = 0
        for s in schemas:
            n = len(s.fields)
            words += n + 1
            fields = max(fields, n)
        if rows is None:
            rows = min(128, 2600 // (fields + 1), max(8, nbytes // (32 * words)))
        if type(rows) is not int or not 0 < rows <= 1024:
            raise ValueError("rows: wanted 1 to 1024, found %r" % (rows,))
        size = nbytes - 4 * ((words + 1) * rows + (ROWS + fields) * (len(schemas) + 1)) - _FIRST
        worst = _LINK + block.worst_size(fields, rows) + 3
        if worst > 0x3FFF:  # what the head of a frame on flash can say
            raise ValueError("rows: %d make blocks of up to %d bytes: wanted 16383" % (rows, worst))
        if size < worst:
            raise ValueError(
                "nbytes: %d for stages of %d rows: wanted %d or more"
                % (nbytes, rows, nbytes - size + worst)
            )
        self.rows = rows
        self.capacity = size // worst * rows
        self.high_water = 0  # most rows ever held
        self.evicted_at = 0  # rows ahead of those that `evict` takes: of the pinned blocks
        self.pinned = 0  # rows a handler has in its hands
        self.sealed = 0  # rows in blocks
        self.told = ""  # the series that discard or evict tells of
        self.by_id = {}
        self._stages = {}
        self._order = []  # of the stages
        for s in schemas:
            if s.id in self._stages:
                raise ValueError("schema %r: its id comes twice, take another name" % s.name)
            self.by_id[s.id] = s
            n = len(s.fields)
            self._stages[s.id] = stage = block.new_stage(n, s.id, rows, n + 1)
            self._order.append(stage)
        self._spare = block.new_stage(fields, 0, rows, 1)
        self._size = size = (size & ~3) + _FIRST
        self._buf = bytearray(size)
        self._timebase = timebase
        self._last = 0  # the newest block; 0: the beginning of the chain
        self._pin = 0  # the last pinned block
        self._gone = [0, 0]  # counter of the rows that have left
        self._full = None  # the stage that is full and found no room
        self._grant = array("i", [0])
        self._put = self.fuse(None)
        self._batch = Cursor(self, self._buf, fields)

    def fuse(self, slow, irq: bool = False):
        """-> add(row) -> bool: stores at once while the grant lasts, else returns slow(row)."""
        if irq:
            raise ValueError("irq: not with a RecordRing")
        for stage in self._order:
            slow = _fused(self._grant, stage, slow)
        return slow

    def grant(self, k: int) -> None:
        """The next k pushes need no thought (less where a stage is full)."""
        self._grant[0] = k

    def __len__(self):
        # Where all is quiet a batcher asks this every 3 days, or its clock would miss a wrap.
        if self._timebase._low >= 0:
            self._timebase.touch()
        n = self.sealed
        for stage in self._order:
            n += stage[H_COUNT]
        if n > self.high_water:
            self.high_water = n
        return n

    @property
    def next_seq(self) -> int:
        """How many rows have ever been taken in: with one series the next one's number."""
        return value(self._gone) + len(self)

    def push(self, row) -> bool:
        """-> True, or False where there is no room and nothing changed. Ends the grant.

        Raises TypeError or ValueError for what is not a row of one of the schemas.
        """
        grant = self._grant
        grant[0] = 0
        schema = self.by_id.get(row[-1])
        if schema is None:
            raise ValueError("not a row of this store's schemas: use their row()")
        schema.check(row)
        stage = self._stages[row[-1]]
        if stage[H_COUNT] == stage[S_ROOM] and not self._seal(stage):
            self._full = stage
            return False
        grant[0] = 1
        return self._put(row)

    def seal(self) -> bool:
        """Close the stages: what is in them becomes blocks -> False where one found no room."""
        self._grant[0] = 0
        done = True
        for stage in self._order:
            if stage[H_COUNT] and not self._seal(stage):
                done = False
        return done

    def _seal(self, stage):
        len(self)  # takes down the high water
        stage[H_TIME] = low = stage[ROWS] & block.TICKS_MASK
        stage[H_TIME + 1] = self._timebase.high(low)
        o = self._place(stage)
        if not o:
            return False
        put(self._buf, o, 4, 0)
        put(self._buf, self._last, 4, o)
        self._last = o
        self.sealed += stage[H_COUNT]
        self._empty(stage)
        return True

    def _empty(self, stage):
        count(stage, stage[H_COUNT], H_SEQ)
        stage[H_COUNT] = 0
        if stage is self._full:
            self._full = None

    def _place(self, stage):
        # Write the block where there is room: behind the newest, past pinned ones, at the start.
        o = _behind(self._buf, self._last) if self._last else _FIRST
        again = o > _FIRST
        while True:
            stage[S_LAST] = self._size - 5
            kind = _stop(self._buf, stage, o, self._pin)
            if block.seal(stage, self._buf, o + _LINK):
                return o
            if kind > 1:
                o = _behind(self._buf, stage[S_LAST] + 5)
            elif kind and again:
                o = _FIRST
                again = False
            else:
                return 0

    def peek(self, limit: int) -> "Cursor | None":
        """-> the oldest rows as a cursor, at most `limit`, pinned; None where there is none.

        Whole blocks; only where the first alone is longer than `limit` it is cut. A batch ends
        before a gap in a series.
        """
        len(self)  # keeps the time alive
        if not self._last:
            self.seal()
        for stage in self._order:
            stage[S_DUE] = -1
        head = self._spare
        buf = self._buf
        o = get(buf, 0, 4)
        n = self._pin = 0
        while o and n < limit:
            read_head(buf, o + _LINK, self._size, head)
            rows = head[H_COUNT]
            stage = self._stages[head[H_ID]]
            if n and n + rows > limit or -1 != stage[S_DUE] != head[H_SEQ]:
                break
            stage[S_DUE] = (head[H_SEQ] + rows) & block.TICKS_MASK
            self._pin = o
            n += rows
            o = get(buf, o, 4)
        self.evicted_at = n
        self.pinned = n = min(n, limit)
        if not n:
            return None
        batch = self._batch
        batch.limit(n)
        return batch

    def commit(self, k: int) -> None:
        """The first k of the pinned rows are done and gone; the rest are no longer pinned."""
        self.discard(k, None, "")

    def release(self) -> None:
        """Nothing was taken: every pinned row stays, first in line."""
        self.pinned = self._pin = self.evicted_at = 0

    def discard(self, k: int, tell, reason: str) -> None:
        """Like commit, for rows given up: `tell(first, count, reason)` for each block."""
        if not 0 <= k <= self.pinned:
            raise ValueError("commit: wanted 0 to %d, found %d" % (self.pinned, k))
        self.release()
        while k:
            k -= self._drop(0, k, tell, reason)

    def _drop(self, before, k, tell, reason):
        # Unlink the block after `before`, or cut k rows off it -> rows gone.
        buf = self._buf
        head = self._spare
        o = get(buf, before, 4)
        read_head(buf, o + _LINK, self._size, head)
        if k < head[H_COUNT]:
            cut_front(buf, o + _LINK, k, self._batch.state, head)
            head[H_COUNT] = k
        else:
            put(buf, before, 4, get(buf, o, 4))
            if o == self._last:
                self._last = before
        self.sealed -= head[H_COUNT]
        return self._went(head, tell, reason)

    def _went(self, head, tell, reason):
        rows = head[H_COUNT]
        first = value(head, H_SEQ)
        count(self._gone, rows)
        self.told = self.by_id[head[H_ID]].name
        if head is not self._spare:
            self._empty(head)
        if tell:
            tell(first, rows, reason)
        return rows

    def evict(self, tell, reason: str) -> int:
        """Drop the oldest block that is not pinned, or a stage; -> rows lost, 0: all are pinned.

        Where a full stage waits to be sealed, as many blocks as it takes.
        """
        lost = 0
        while self._pin != self._last:
            lost += self._drop(self._pin, _ALL, tell, reason)
            if not self._full or self._seal(self._full):
                return lost
        for stage in [self._full] if self._full else self._order:
            if stage[H_COUNT]:
                return lost + self._went(stage, tell, reason)
        return lost

    # For flashblocks.py, which takes blocks as they are.

    def block_after(self, o: int) -> int:
        """-> offset in `blocks()` of the block behind that one (-1: the oldest), -1: no more."""
        o = get(self._buf, max(o - _LINK, 0), 4)
        return o + _LINK if o else -1

    def blocks(self):
        """-> the bytes in which the blocks lie."""
        return self._buf

    def drop_block(self) -> int:
        """Forget the oldest block that is not pinned, which is safe elsewhere -> its rows."""
        return 0 if self._pin == self._last else self._drop(self._pin, _ALL, None, "")


def _fused(grant, stage, slow):
    # Its closed variables and its argument are five: from six on, a call would allocate. A name
    # that is not closed, len itself, would cost each call a look-up and an exception handler.
    length = len

    @micropython.viper
    def add(row):
        g = ptr32(grant)
        s = ptr32(stage)
        n = s[6]
        if g[0] and n < s[8] and int(length(row)) == s[9]:
            r = ptr32(row)
            width = s[10]
            if not r[width] ^ s[1]:
                g[0] = g[0] - 1
                s[6] = n + 1
                s = ptr32((n * width + 17 << 2) + int(s))
                while width:
                    s[0] = r[0]
                    s = ptr32(int(s) + 4)
                    r = ptr32(int(r) + 4)
                    width -= 1
                return row is row  # True: in viper code that word is a number
        return slow(row)

    return add
