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
from .errors import whole
from .port import const, format_exc, log
from .segfiles import FAULTS, ilistdir, make_folders, shut, size_of, sync, write
from .segment import DATA, FRAME, HEAD, LONGEST, NOTE, block_end, put, seal, stamp
from .segreader import MAGIC, SegmentReader

_RESERVE = const(4)  # flash blocks left to the file system: it copies before it frees
_ENOSPC = const(28)
_MOST = const(0x20000000)  # items, bytes
_ZEROS = bytes(64)
_TRIES = const(8)  # readings of a segment before it is given up


class Log:
    """What Spool is made of; see there for the arguments."""

    def __init__(
        self,
        path: str,
        quota_bytes: int,
        *,
        codec,
        boot: bytes,
        max_items: "int | None" = None,
        frame_bytes: int = 2048,
        segment_blocks: int = 8,
        ack_bytes: int = 4096,
        say=log,
    ):
        whole("boot", len(boot), 8, 8)  # bytes
        self.path = path.rstrip("/")
        self.quota = whole("quota_bytes", quota_bytes, 8192, _MOST)
        self.codec = codec
        self.boot = bytes(boot)
        self.capacity = _MOST if max_items is None else max_items
        self._timebase = codec.timebase  # this boot's clock, None: items have no time
        self.torn = 0  # bytes that were no frame: cut off by a loss of power
        self.broken = False
        self.block = 4096
        self.segment_bytes = 0  # until flash has once worked
        self._say = say
        self._said = ""
        self._segment_blocks = whole("segment_blocks", segment_blocks, 1, 1024)
        self._ack_bytes = whole("ack_bytes", ack_bytes, 0, _MOST)
        self.reader = SegmentReader(whole("frame_bytes", frame_bytes, 256, LONGEST), codec.note)
        self._look = SegmentReader(HEAD)  # for a glance at heads
        self._ack = None  # None: it has never worked
        self._first, self._last = 1, 0  # numbers of the oldest segment and of the newest
        self._used = 0
        self._file = None  # of the newest segment, while it is being written
        self.size = 0  # its bytes
        self._synced = 0  # of these, how many are safe
        self._epoch = 0  # as its head has it
        self._head = bytearray(HEAD)
        self.index = 0  # of the next item to deliver
        self.end = 0  # of the next item to be stored; all before it are safe
        self.found = 0  # items of earlier boots
        self._index = 0  # the same, with what was appended since the last sync
        self.tell = None  # for losses that nobody asked for, see the codec's `tell`
        self.lost = 0  # items so lost: by the quota, or unreadable
        # Delivery.
        self.pinned = 0
        self.held = 0  # a flight from RAM has the items before this index: they stay
        self._granted = 0
        self._ahead = 0  # items told and gone that are not reached yet
        self._gap = 0  # the index at which they begin
        self._stop = 0  # where the segment being read ends, while it is not the newest
        self._left = 0  # items of it
        self._acked = 0  # place in it that delivery had reached at the last note
        self._misread = {}  # segment: how often it could not be read, in a row
        self.revive()
        self.high_water = self.end - self.index

    def revive(self) -> bool:
        """Try again after a failure; until it has once worked: read what is there. -> is it up?"""
        self.broken = False
        if self._ack is None:
            try:
                self._recover()
            except FAULTS as exc:
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
            for number in self._numbers():
                last = max(last, number) if first else number
                first = min(first or number, number)
                used += self._cost(number)
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
        end = max(end, ack.index)
        if used and reader.choose(self._name(first), first):
            index = max(index, reader.index)
        reader.forget()
        free = stat[1] * stat[4]
        quota = min(self.quota, used + free - _RESERVE * block)
        if quota < 2 * block:
            raise OSError(_ENOSPC, "%d bytes free" % free)
        if quota < self.quota:
            self.warn("quota is %d, room is for %d" % (self.quota, quota))
        self.quota = quota
        self._segment_cost = max(1, min(self._segment_blocks, quota // block // 4)) * block
        self.segment_bytes = block_end(self._segment_cost, block)
        self._first, self._last, self._used = first, last, used
        self.torn = torn
        self.index = index
        self.end = self._index = end
        self.found = end - index
        self._ack = ack

    def warn(self, line: str, exc=None) -> None:
        """Say what is wrong, once until something else is; it never raises."""
        try:
            if exc:
                line += format_exc(exc)
            if line != self._said:  # each fault once, until another
                self._said = line
                self._say("spool %s: %s" % (self.path, line))
        except Exception:  # memory is too short for words: what failed goes on all the same
            pass

    def append(self, buf, at: int, n: int, count: int) -> bool:
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
            self._append(DATA, buf, at, n, count)
        except FAULTS as exc:
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

        pad_to: fill the segment up to this size first, where a small gap is left.
        """
        try:
            gap = pad_to - self.size
            if self._file is not None and 2 <= gap <= self.block >> 3:
                put(self._head, 0, 2, gap)
                write(self._file, self._head, 0, 2)
                self.size += 2
                while gap := min(pad_to - self.size, 64):
                    write(self._file, _ZEROS, 0, gap)
                    self.size += gap
            self._sync()
        except FAULTS as exc:
            self._failed(exc)
        return not self.broken

    def _sync(self):
        if self._file is not None and self._synced != self.size:
            sync(self._file)
            self._synced = self.size
            if self.reader.number == self._last:
                self.reader.close()  # an open file does not see what was added since
        self.end = self._index

    def _begin(self):
        # Close the segment that is full and begin one, where the quota has room or makes some.
        self._sync()
        self._drop()
        while self._used + self._segment_cost > self.quota:
            used = self._used
            if not self._shrink() or used == self._used:
                return False
        number = self._last + 1
        self._used -= self._cost(number)  # what could not be deleted is written over
        self._file = open(self._name(number), "wb", 0)  # noqa: SIM115 (it stays open)
        if self.reader.number == self._last:
            self._stop = self._index
        self._last = number
        self._synced = 0
        base = self._timebase
        self._epoch = epoch = base and base.offset() or 0
        head = self._head
        head[8:16] = self.boot
        put(head, 16, 4, number)
        put(head, 20, 6, self._index)
        put(head, 26, 6, epoch)
        stamp(head, 0, HEAD, MAGIC, True)
        write(self._file, head, 0, HEAD)
        self.size = HEAD
        for note in self.codec.notes:
            self._append(NOTE, note, 0, len(note), 0)
        return True

    def _drop(self):
        # The newest segment is written no more, and costs what it has. What was not synced is gone.
        self._index = self.end
        if self._file is not None:
            self._file = shut(self._file)
            self.size = 0
            self._used += self._cost(self._last)

    def _failed(self, exc):
        self.broken = True
        self.warn("flash failed, going on in RAM: ", exc)
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

    def _cost(self, number):
        # -> bytes of flash that the segment takes
        return -(-size_of(self._name(number)) // self.block) * self.block

    def _name(self, number):
        return "%s/s%08x" % (self.path, number)

    def _remove(self, number):
        name = self._name(number)
        cost = self._cost(number)
        try:
            if self.reader.number == number:
                self.reader.forget()
            if size_of(name) >= 0:
                os.remove(name)
                self._used -= cost
        except FAULTS as exc:
            self.broken = True  # or the quota would take one segment after the other
            self.warn("cannot delete: ", exc)

    def _numbers(self):
        # Iterate over the segments there are.
        for entry in ilistdir(self.path):
            name = entry[0]
            if len(name) == 9 and name[0] == "s" and not name[1:].strip("0123456789abcdef"):
                yield int(name[1:], 16)

    def _next(self, number):
        # -> the next segment there is; one more than the newest where there is none.
        top = max(self._last, number + 1)
        try:
            for n in self._numbers():
                if number < n < top:
                    top = n
        except FAULTS:
            return number + 1
        return top

    def _is_bad(self, number, exc):
        # Is it this segment that fails, and not memory, or just now?
        if not isinstance(exc, OSError):
            return False
        if exc.errno == 2:  # it is gone; or the whole folder, with the card that it is on
            return size_of(self.path) >= 0
        n = self._misread.get(number, 0) + 1
        self._misread[number] = n
        return n >= _TRIES

    def _start_of(self, number):
        # -> the first index of this segment, or of the next whose head is good: `_look` has it.
        # Raises where one cannot be read just now: what is in it must not count as gone.
        look = self._look
        while number <= self._last:
            try:
                if look.choose(self._name(number), number):
                    self._misread.pop(number, 0)
                    return look.index
            except FAULTS as exc:
                if not self._is_bad(number, exc):
                    raise
            finally:
                look.close()
            number = self._next(number)
        look.forget()
        return self.end
