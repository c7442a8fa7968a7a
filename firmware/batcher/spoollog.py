"""Segments in a row: appended to at one end, read and deleted at the other.

Rules
- What `sync` answers True for is there after power is cut at any moment, in order. What was
  delivered may come again, under the same name; it is not lost.
- Every item has an index in the life of the spool. Heads of segments and the file `ack` carry
  indexes: counting needs no table, recovery reads one segment and two heads.
- A failing flash raises nothing here: methods answer False or 0, one line is said, and what
  was safe stays. The next `revive` tries again.
- Files go oldest first, for the quota or delivered. One being read is not deleted for the
  quota: then it is the next one's turn.
"""

import os

from .port import format_exc
from .recover import Ack, next_number, recover
from .segfiles import geometry, make_folders, size_of
from .segment import FRAME, NOTE, block_end
from .segreader import SegmentReader
from .segwriter import SegmentWriter

_RESERVE = 4  # flash blocks left to the file system: it copies before it frees
_ENOSPC = 28


class Log:
    """What Spool is made of; see there for the arguments."""

    def __init__(self, path, quota_bytes, codec, boot, frame_bytes, segment_blocks, ack_bytes, say):
        self.path = path.rstrip("/")
        self.codec = codec
        self.boot = boot
        self._timebase = codec.timebase  # this boot's clock, None: items have no time
        self.tell = None  # for losses that nobody asked for, see the codec's `tell`
        self.lost = 0  # items so lost: by the quota, or unreadable
        self.torn = 0  # bytes that were no frame: cut off by a loss of power
        self.broken = False
        self.pinned = 0
        self.skip = 0  # items done of the frame in hand
        self.quota = quota_bytes
        self.block = 4096
        self.segment_bytes = 0  # until flash has once worked
        self._say = say
        self._said = ""
        self._segment_blocks = segment_blocks
        self._ack_bytes = ack_bytes
        self.reader = reader = SegmentReader(frame_bytes)
        reader.note = codec.note
        self._writer = SegmentWriter(4096, 0)
        self._ack = None  # None: it has never worked
        self._noted = set()  # series announced in the segment being written
        self._used = self._open_cost = 0
        self._first, self._last = 1, 0
        self._start_at(0)
        self.revive()

    def revive(self) -> bool:
        """Try again after a failure; until it has once worked: read what is there. -> is it up?"""
        self.broken = False
        if self._ack is None:
            try:
                self._recover()
            except OSError as exc:
                self._failed(exc)
        return not self.broken

    def _recover(self):
        make_folders(self.path)
        self.block, free = block, free = geometry(self.path)
        ack = Ack(self.path + "/ack")
        found = recover(self.path, self._cost, self.reader, ack)
        quota = min(self.quota, found.used + free - _RESERVE * block)
        if quota < 2 * block:
            raise OSError(_ENOSPC, "%d bytes free" % free)
        if quota < self.quota:
            self._warn("quota is %d, room is for %d" % (self.quota, quota))
        self.quota = quota
        blocks = max(1, min(self._segment_blocks, quota // block // 4))
        self._segment_cost = blocks * block
        self.segment_bytes = block_end(blocks, block)
        self._first, self._last, self._used = found.first, found.last, found.used
        self.torn = found.torn
        self._writer = SegmentWriter(block, found.end)
        self._start_at(found.index)
        self._ack = ack

    def _start_at(self, index):
        self.index = index  # of the next item to deliver
        self._at = index  # of the first item of the frame in hand
        self._i = 0  # which of the loaded frames that is
        self._ahead = 0  # items told and gone behind the segment being read
        self._stop = None  # index where the segment being read ends; None: it is the newest
        self._done = 0  # bytes delivered since the last acknowledgement
        self._misread = 0

    def _warn(self, line):
        if line != self._said:  # each fault once, until another
            self._said = line
            self._say("spool %s: %s" % (self.path, line))

    @property
    def end(self) -> int:
        """Index of the next item to be stored; all before it are safe."""
        return self._writer.end

    def __len__(self):
        return self._writer.end - self.index - self._ahead

    # Storing.

    def append(self, buf, at: int, n: int, count: int, series=None) -> bool:
        """Append a frame with payload buf[at:at+n] that holds `count` items; not yet safe.

        False: nothing since the last sync was stored; take it again from there.
        """
        if self.broken:
            return False
        writer = self._writer
        try:
            base = self._timebase
            if (
                writer.file is None
                or writer.size + FRAME + n > self.segment_bytes
                or (base and base.known and not writer.epoch)  # what its head says is of use now
            ):
                if not self._begin():
                    return False
            if series is not None and series not in self._noted:
                note = self.codec.announce(series)
                writer.append(note, 0, len(note), 0, NOTE)
                self._noted.add(series)
            writer.append(buf, at, n, count)
        except OSError as exc:
            self._failed(exc)
        return not self.broken

    def sync(self, pad_to: int = 0) -> bool:
        """Everything appended is safe when this is True; False: nothing since the last sync.

        pad_to: fill the segment up to this size first (see `room`).
        """
        writer = self._writer
        try:
            if pad_to and not self.broken:
                writer.pad(pad_to)
            writer.sync()
        except OSError as exc:
            self._failed(exc)
        if self.broken:
            return False
        if self.reader.number == writer.number:
            self.reader.close()  # an open file does not see what was added since
        return True

    def room(self, n: int) -> int:
        """-> the size of the segment at which to stop, to end with a whole flash block.

        n: bytes there are to append, frames included. 0: they fill no block.
        """
        writer = self._writer
        size = writer.size if writer.file is not None else 0
        end = writer.block_end(size + n, self.segment_bytes)
        return end if end > size else 0

    @property
    def size(self) -> int:
        """Bytes of the segment being written."""
        return self._writer.size if self._writer.file is not None else 0

    def _begin(self):
        # Close the segment that is full and begin one, where the quota has room or makes some.
        writer = self._writer
        writer.close()
        self.reader.close()  # it may be in that segment, and would not see its end
        self._settle()
        while self._used + self._segment_cost > self.quota:
            if not self._shrink():
                return False
        number = self._last + 1
        self._noted.clear()
        base = self._timebase
        epoch = base.offset() if base and base.known else 0
        writer.begin(self._name(number), number, self.boot, epoch)
        self._open_cost = self._segment_cost
        self._used += self._open_cost
        if self.reader.number == self._last:
            self._stop = writer.index
        self._last = number
        return True

    def _settle(self):
        # The newest segment is written no more: it costs what it has.
        if self._open_cost:
            self._used += self._cost(self._writer.size) - self._open_cost
            self._open_cost = 0

    def _failed(self, exc):
        self.broken = True
        self._warn("flash failed, going on in RAM: " + format_exc(exc))
        writer = self._writer
        opened = self._open_cost
        empty = writer.synced == 0
        writer.drop()
        self._settle()
        if opened and empty:  # nothing in it is safe: it never was a segment
            self._remove(self._last)
            self._last -= 1
        if exc.args and exc.args[0] == _ENOSPC and self._ack is not None:
            self.quota = max(self._used, 2 * self._segment_cost)  # there is no more than this
            if self._first < self._last:
                self._shrink()

    # Files.

    def _cost(self, size):
        return -(-size // self.block) * self.block

    def _name(self, number):
        return "%s/s%08x" % (self.path, number)

    def _remove(self, number):
        name = self._name(number)
        size = size_of(name)
        try:
            if self.reader.number == number:
                self.reader.forget()
            if size >= 0:
                os.remove(name)
                self._used -= self._cost(size)
        except OSError as exc:
            self._warn("cannot delete: " + format_exc(exc))

    def _next(self, number):
        # -> the next segment there is; one more than the newest where there is none.
        if number + 1 > self._last or size_of(self._name(number + 1)) >= 0:
            return number + 1
        try:
            return next_number(self.path, number, self._last + 1)
        except OSError:
            return self._last + 1

    def _head_index(self, number):
        # -> index of the segment's first item, -1 where its head cannot be read.
        if number > self._last:
            return self._writer.end
        if number == self._writer.number and self._writer.file is not None:
            if self._writer.synced == 0:
                return self._writer.end
        reader = SegmentReader(32)
        try:
            return reader.index if reader.choose(self._name(number), number) else -1
        except OSError:
            return -1
        finally:
            reader.close()
