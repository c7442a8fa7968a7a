"""Segments in a row: appended to at one end, read and deleted at the other.

Rules
- What `sync` answers True for is there after power is cut at any moment, in order. What was
  delivered may come again, under the same name; it is not lost.
- Every item has an index in the life of the spool. Heads of segments and the file `ack` carry
  indexes: counting needs no table, recovery reads one segment and two heads. It repairs nothing:
  a newest file without a head is deleted, a torn tail stays, and a new segment begins behind it.
- A failing flash raises nothing here: methods answer False or 0, one line is said, and what
  was safe stays. The next `revive` tries again.
- One file stays open between appends: opening costs heap, and littlefs copies the last,
  partly filled flash block whenever a file grows again after a sync. Stopping at a block's end
  (`sync(pad_to)`) saves that copy and an erase.
"""

import os

from .ack import Ack
from .port import const, format_exc
from .segfiles import entries, make_folders, shut, size_of, sync, write
from .segment import DATA, FRAME, HEAD, NOTE, block_end, put, seal, stamp
from .segreader import MAGIC, SegmentReader

_RESERVE = const(4)  # flash blocks left to the file system: it copies before it frees
_ENOSPC = const(28)
_MOST = const(0x1FFFFFFF)  # items of a segment
_ZEROS = bytes(64)


def _number_of(name):
    # -> the number of the segment with that file name, 0: it is another file
    try:
        number = int(name[1:], 16)
    except ValueError:
        return 0
    return number if name == "s%08x" % number else 0


class Log:
    """What Spool is made of; see there for the arguments."""

    def __init__(self, path, quota_bytes, codec, boot, frame_bytes, segment_blocks, ack_bytes, say):
        self.path = path.rstrip("/")
        self.codec = codec
        self.boot = boot
        self._timebase = codec.timebase  # this boot's clock, None: items have no time
        self.torn = 0  # bytes that were no frame: cut off by a loss of power
        self.broken = False
        self.quota = quota_bytes
        self.block = 4096
        self.segment_bytes = 0  # until flash has once worked
        self._say = say
        self._said = ""
        self._segment_blocks = segment_blocks
        self._ack_bytes = ack_bytes
        self.reader = SegmentReader(frame_bytes, codec.note)
        self._look = SegmentReader(HEAD)  # for a glance at heads
        self._ack = None  # None: it has never worked
        self._noted = set()  # series announced in the segment being written
        self._first, self._last = 1, 0  # numbers of the oldest segment and of the newest
        self._used = 0
        self._file = None  # of the newest segment, while it is being written
        self.size = 0  # its bytes
        self._synced = 0  # of these, how many are safe
        self._epoch = 0  # as its head has it
        self._head = bytearray(HEAD)
        self.index = 0  # of the next item to deliver
        self.end = 0  # of the next item to be stored; all before it are safe
        self._index = 0  # the same, with what was appended since the last sync
        self._stop = 0  # where the segment being read ends, while it is not the newest
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
        # The heap that it takes does not depend on how much is stored.
        path = self.path
        make_folders(path)
        stat = os.statvfs(path)
        self.block = block = stat[0]
        ack = Ack(path + "/ack")
        reader = self.reader
        end = ack.index
        torn = 0
        while True:
            first = used = 0
            last = ack.number
            for name, size in entries(path):
                number = _number_of(name)
                if number:
                    last = max(last, number) if first else number
                    first = min(first or number, number)
                    used += self._cost(size)
            if not first:
                first = last + 1
                break
            if reader.choose(self._name(last), last):
                reader.skip = _MOST
                reader.frame()
                end = reader.index + _MOST - reader.skip
                torn += reader.torn
                break
            # Power went before its first sync: nothing in it was acknowledged.
            torn += size_of(self._name(last))
            os.remove(self._name(last))
        index = ack.index if ack.index <= end else 0  # of another life: better deliver twice
        if used and reader.choose(self._name(first), first):
            index = max(index, reader.index)
        reader.forget()
        free = stat[1] * stat[4]
        quota = min(self.quota, used + free - _RESERVE * block)
        if quota < 2 * block:
            raise OSError(_ENOSPC, "%d bytes free" % free)
        if quota < self.quota:
            self._warn("quota is %d, room is for %d" % (self.quota, quota))
        self.quota = quota
        self._segment_cost = max(1, min(self._segment_blocks, quota // block // 4)) * block
        self.segment_bytes = block_end(self._segment_cost, block)
        self._first, self._last, self._used = first, last, used
        self.torn = torn
        self.index = index
        self.end = self._index = end
        self._ack = ack

    def _warn(self, line, exc=None):
        if exc:
            line += format_exc(exc)
        if line != self._said:  # each fault once, until another
            self._said = line
            self._say("spool %s: %s" % (self.path, line))

    def append(self, buf, at: int, n: int, count: int, series=None) -> bool:
        """Append a frame with payload buf[at:at+n] that holds `count` items; not yet safe.

        False: nothing since the last sync was stored; take it again from there.
        """
        if self.broken:
            return False
        try:
            base = self._timebase
            if (
                self._file is None
                or self.size + FRAME + n > self.segment_bytes
                or (base and base.known and not self._epoch)  # what its head says is of use now
            ) and not self._begin():
                return False
            if series is not None and series not in self._noted:
                note = self.codec.announce(series)
                self._append(NOTE, note, 0, len(note), 0)
                self._noted.add(series)
            self._append(DATA, buf, at, n, count)
        except OSError as exc:
            self._failed(exc)
        return not self.broken

    def _append(self, kind, buf, at, n, count):
        head = self._head
        put(head, 0, 2, n | kind << 14)
        put(head, 2, 2, count)
        seal(head, 0, buf, at, n, True)
        write(self._file, head, 0, FRAME)
        write(self._file, buf, at, n)
        self.size += FRAME + n
        self._index += count

    def sync(self, pad_to: int = 0) -> bool:
        """Everything appended is safe when this is True; False: nothing since the last sync.

        pad_to: fill the segment up to this size first (see `room`), where a small gap is left.
        """
        try:
            gap = pad_to - self.size
            if not self.broken and self._file is not None and 2 <= gap <= self.block >> 3:
                put(self._head, 0, 2, gap)
                write(self._file, self._head, 0, 2)
                gap -= 2
                while gap:
                    n = min(gap, 64)
                    write(self._file, _ZEROS, 0, n)
                    gap -= n
                self.size = pad_to
            self._sync()
        except OSError as exc:
            self._failed(exc)
        return not self.broken

    def _sync(self):
        if self._file is not None and self._synced != self.size:
            sync(self._file)
            self._synced = self.size
            if self.reader.number == self._last:
                self.reader.close()  # an open file does not see what was added since
        self.end = self._index

    def room(self, n: int) -> int:
        """-> the size of the segment at which to stop, to end with a whole flash block.

        n: bytes there are to append, frames included. 0: they fill no block.
        """
        end = block_end(min(self.size + n, self.segment_bytes), self.block)
        return end if end > self.size else 0

    def _begin(self):
        # Close the segment that is full and begin one, where the quota has room or makes some.
        self._sync()
        self._drop()
        while self._used + self._segment_cost > self.quota:
            if not self._shrink():
                return False
        number = self._last + 1
        self._file = open(self._name(number), "wb", 0)  # noqa: SIM115 (it stays open)
        self._used += self._segment_cost
        if self.reader.number == self._last:
            self._stop = self._index
        self._last = number
        self._synced = 0
        self._noted.clear()
        base = self._timebase
        self._epoch = epoch = base.offset() if base and base.known else 0
        head = self._head
        head[8:16] = self.boot
        put(head, 16, 4, number)
        put(head, 20, 6, self._index)
        put(head, 26, 6, epoch)
        stamp(head, 0, HEAD, MAGIC, True)
        write(self._file, head, 0, HEAD)
        self.size = HEAD
        return True

    def _drop(self):
        # The newest segment is written no more, and costs what it has. What was not synced is gone.
        self._index = self.end
        if self._file is not None:
            self._file = shut(self._file)
            self.size = 0
            self._used += self._cost(size_of(self._name(self._last))) - self._segment_cost

    def _failed(self, exc):
        self.broken = True
        self._warn("flash failed, going on in RAM: ", exc)
        empty = self._file is not None and not self._synced
        self._drop()
        if empty:  # nothing in it is safe: it never was a segment
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
            self._warn("cannot delete: ", exc)

    def _next(self, number):
        # -> the next segment there is; one more than the newest where there is none.
        top = max(self._last, number + 1)
        try:
            for name, _ in entries(self.path):
                n = _number_of(name)
                if number < n < top:
                    top = n
        except OSError:
            pass
        return top

    def _start_of(self, number):
        # -> the first index of this segment, or of the next whose head can be read: `_look` has it
        look = self._look
        while number <= self._last:
            try:
                if look.choose(self._name(number), number):
                    return look.index
            except OSError:
                pass
            finally:
                look.close()
            number = self._next(number)
        look.forget()
        return self.end
