"""Sealed blocks of a RecordRing on flash: the same bytes, a frame each.

Rules: a segment announces every series before its first block (a note: the schema's
definition), so that it can be read by a firmware whose schemas have changed. Nothing is
encoded again, but that a block of which a part was taken is cut in the reader's buffer.
"""

from . import block
from .cursor import Cursor
from .cut import cut_front
from .schema import MAX_FIELDS, from_definition
from .segment import FRAME, HEAD, get


class _Batch(Cursor):
    """The batch that a handler gets: a RecordRing's, over the reader's buffer."""

    def __init__(self, codec):
        super().__init__(codec, None)
        self._reader = None
        self._at = 0

    def begin(self, spool, rows):
        self._length = rows
        self._reader = reader = spool.reader
        self.buf = reader.buf
        boot = spool.batch_boot
        if boot != self.boot:
            self.boot = boot
            self.epoch = None
            epoch = reader.epoch
            if boot and epoch:
                self.epoch = (epoch // 10000000, epoch // 1000 % 10000, epoch % 1000)
        self.rewind()

    def _rewind(self):
        self._at = self._reader.at

    def _advance(self):
        self.start = o = self._at + FRAME
        self._at = self._reader.after(self._at)
        self.schema = self._store.schemas.get(get(self.buf, o + 2, 2))
        if self.schema is None:
            raise ValueError("a block of a series that nothing announces")


class FlashBlocks:
    """The codec between a RecordRing and a Spool. A loss is told as tell(first, count, reason),
    the series' name in the ring's `told`; first is -1 where the block cannot be read."""

    count = 0  # a RecordRing has its own stages: nothing waits here

    def __init__(self, ring):
        self.schemas = schemas = {}
        self.notes = notes = []  # what every segment begins with
        for schema in ring.schemas:
            schemas[schema.id] = schema
            notes.append(schema.definition)
        self._ring = ring
        self.timebase = ring._timebase
        self._due = {}
        self._batch = _Batch(self)
        self._spare = block.new_stage(MAX_FIELDS, 0, ring.rows, 1)

    # Writing.

    def fill(self, ram) -> int:
        """-> per cent of the ring's bytes in use."""
        return self.weight(ram) * 100 // len(ram.blocks())

    def weight(self, ram) -> int:
        """-> bytes its blocks take on flash."""
        n = 0
        o = ram.block_after(-1)
        while o >= 0:
            n += FRAME + get(ram.blocks(), o + 4, 2)
            o = ram.block_after(o)
        return n

    def spill(self, ram, spool, skip: int, stop: int) -> bool:
        """Append the blocks behind the first `skip` rows -> were all of them?

        stop: the size of the segment at which to end; 0: all of them.
        """
        buf = ram.blocks()
        o = ram.block_after(-1)
        while o >= 0:
            size = get(buf, o + 4, 2)
            count = get(buf, o + 6, 2)
            if skip > 0:
                skip -= count
            elif stop and (spool.size or HEAD) + FRAME + size > stop:
                break
            elif not spool.append(buf, o, size, count):
                return False
            o = ram.block_after(o)
        return o < 0

    def drop(self, ram) -> int:
        """Take the oldest block that is not pinned out of the ring -> its rows."""
        return ram.drop_block()

    # Reading.

    def note(self, buf, at: int, n: int) -> None:
        schema = from_definition(buf[at : at + n])
        if schema.id not in self.schemas:
            self.schemas[schema.id] = schema

    def first(self, reader) -> int:
        return get(reader.buf, reader.at + FRAME + 8, 6) + reader.skip - reader.cut

    def batch(self, spool, limit: int):
        """-> cursor over the oldest blocks: whole ones, the first cut where it must be."""
        batch = self._batch
        reader = spool.reader
        buf = reader.buf
        at = reader.at
        skip = reader.skip
        if skip:
            cut_front(buf, at + FRAME, skip, batch.state, self._spare)
            reader.cut = skip
        due = self._due
        for series in due:
            due[series] = -1
        rows = 0
        while at < reader.end and rows < limit:
            count = reader.count(at) - skip
            series = get(buf, at + FRAME + 2, 2)
            seq = get(buf, at + FRAME + 8, 6)
            if rows and (rows + count > limit or -1 != due.get(series, -1) != seq):
                break
            due[series] = seq + count
            rows += count
            skip = 0
            at = reader.after(at)
        batch.begin(spool, min(rows, limit))
        return batch

    def tell(self, reader, take, tell, reason) -> None:
        first = -1
        schema = None
        if reader:
            first = self.first(reader)
            schema = self.schemas.get(get(reader.buf, reader.at + FRAME + 2, 2))
        self._ring.told = schema.name if schema else ""
        tell(first, take, reason)
