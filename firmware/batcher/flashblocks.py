"""Sealed blocks of a RecordRing on flash: the same bytes, a frame each.

Rules: a segment announces each series before its first block (a note: the schema's
definition), so that it can be read by a firmware whose schemas have changed. Nothing is
encoded again, but that a block of which a part was taken is cut in the reader's buffer.
"""

from . import block
from .cursor import Cursor
from .cut import cut_front
from .schema import MAX_FIELDS, from_definition
from .segment import FRAME, get


class _Batch(Cursor):
    """The batch that a handler gets: a RecordRing's, over the reader's buffer."""

    def __init__(self, codec):
        super().__init__(codec, None)
        self._spool = None
        self._i = 0

    def begin(self, spool, rows):
        self._spool = spool
        self._length = rows
        self.buf = spool.reader.buf
        boot = spool.batch_boot
        if boot != self.boot or boot is None:
            self.boot = boot
            self.epoch = None
            epoch = 0 if boot is None else spool.batch_epoch
            if epoch:
                seconds, ms = divmod(epoch, 1000)
                self.epoch = (seconds // 10000, seconds % 10000, ms)
        self.rewind()

    def _rewind(self):
        self._i = self._spool.frame

    def _advance(self):
        self.start = o = self._spool.reader.frames[3 * self._i]
        self._i += 1
        self.schema = self._store.schemas.get(self.buf[o + 2] | self.buf[o + 3] << 8)
        if self.schema is None:
            raise ValueError("a block of a series that nothing announces")


class FlashBlocks:
    """The codec between a RecordRing and a Spool. A loss is told as tell(first, count, reason),
    the series' name in the ring's `told`; first is -1 where the block cannot be read."""

    page = b""
    used = count = 0  # a RecordRing has its own stages: nothing waits here

    def __init__(self, ring):
        self.schemas = {}
        for schema in ring.schemas:
            self.schemas[schema.id] = schema
        self._ring = ring
        self.timebase = ring._timebase
        self._expected = {}
        self._batch = _Batch(self)
        self._head = block.new_stage(MAX_FIELDS, 0, ring.rows, 1)

    # Writing.

    def put(self, item, seq) -> bool:
        raise TypeError("rows go into a RecordRing: Tiered(ring, spool)")

    def clear(self) -> None:
        pass

    def fill(self, ram) -> int:
        """-> per cent of the ring's bytes in use."""
        return self.weight(ram) * 100 // len(ram.blocks())

    def weight(self, ram) -> int:
        """-> bytes its blocks take on flash."""
        n = 0
        buf = ram.blocks()
        o = ram.block_after(-1)
        while o >= 0:
            n += FRAME + (buf[o + 4] | buf[o + 5] << 8)
            o = ram.block_after(o)
        return n

    def spill(self, ram, spool, skip: int, stop: int) -> int:
        """Append the blocks behind the first `skip` rows -> rows; 0 where flash fails.

        stop: the size of the segment at which to end; 0: all of them.
        """
        rows = 0
        buf = ram.blocks()
        o = ram.block_after(-1)
        while o >= 0:
            size = buf[o + 4] | buf[o + 5] << 8
            count = buf[o + 6] | buf[o + 7] << 8
            if skip > 0:
                skip -= count
            else:
                if stop and (spool.size or 32) + FRAME + size > stop:
                    break
                if not spool.append(buf, o, size, count, buf[o + 2] | buf[o + 3] << 8):
                    return 0
                rows += count
            o = ram.block_after(o)
        return rows

    def remove(self, ram, rows: int) -> None:
        """Take the oldest blocks, which are on flash and not pinned, out of the ring."""
        while rows > 0:
            rows -= ram.drop_block()

    def remove_behind(self, ram) -> int:
        """Take all blocks behind the pinned ones out -> rows that stay, pinned or beside them."""
        while ram.drop_block():
            pass
        return ram.sealed

    # Reading.

    def announce(self, series: int) -> bytes:
        return self.schemas[series].definition

    def note(self, buf, at: int, n: int) -> None:
        schema = from_definition(buf[at : at + n])
        if schema.id not in self.schemas:
            self.schemas[schema.id] = schema

    def first(self, buf, at: int) -> int:
        return get(buf, at + 8, 6)

    def batch(self, spool, limit: int):
        """-> cursor over the oldest blocks: whole ones, the first cut where it must be."""
        reader = spool.reader
        frames = reader.frames
        i = spool.frame
        if spool.skip:
            k = spool.skip
            cut_front(reader.buf, frames[3 * i], k, self._batch.state, self._head)
            spool.cut(k)
        expected = self._expected
        for series in expected:
            expected[series] = -1
        rows = 0
        while i < reader.n and rows < limit:
            at = frames[3 * i]
            count = frames[3 * i + 2]
            block.read_head(reader.buf, at, len(reader.buf), self._head)
            seq = self._head[block.H_SEQ]
            series = self._head[block.H_ID]
            due = expected.get(series, -1)
            if rows and (rows + count > limit or -1 != due != seq):  # a tuple would allocate
                break
            expected[series] = (seq + count) & 0x3FFFFFFF
            rows += count
            i += 1
        rows = min(rows, limit)
        self._batch.begin(spool, rows)
        return self._batch

    def tell(self, buf, at, n, skip, take, tell, reason) -> None:
        if buf is None:
            self._ring.told = ""
            tell(-1, take, reason)
        else:
            schema = self.schemas.get(buf[at + 2] | buf[at + 3] << 8)
            self._ring.told = schema.name if schema else ""
            tell(self.first(buf, at) + skip, take, reason)
