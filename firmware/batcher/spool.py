"""A store on flash: what Log keeps, handed out in order and forgotten when it is taken.

Rules
- A batch comes from one segment, so it never crosses a boot; the codec ends it at a gap.
- Bytes of a pinned batch stay in the reader's buffer, and its segment is not deleted.
- Files go oldest first, for the quota or delivered. One being read is not deleted for the
  quota: then it is the next one's turn.
- What a payload is, only the codec knows: items.py and flashblocks.py.
"""

from .errors import whole
from .segfiles import FAULTS
from .segreader import SegmentReader
from .spoollog import Log


class Spool(Log):
    """`path`: a folder of its own. `quota_bytes`: of flash, at most; the oldest goes first.

    codec          what payloads are: Items(dump, load) for a Ring, FlashBlocks for a RecordRing
    boot           8 bytes that name this boot; stored with everything written
    max_items      push() refuses above this many; None: the quota alone counts
    frame_bytes    of the buffer that frames are read into; longer frames make it grow
    segment_blocks flash blocks a file
    ack_bytes      delivered bytes between two notes of where delivery is: a power cut repeats
                   at most that much
    say            called with one line for a person where flash fails
    Raises TypeError or ValueError naming the argument; a flash that does not work raises nothing.
    """

    # Items come in.

    def __len__(self):
        return self.end - self.index - self._ahead + self.codec.count

    @property
    def evicted_at(self) -> int:
        """How many items are ahead of those that `evict` takes: the pinned ones."""
        return self.pinned

    @property
    def next_seq(self) -> int:
        """The number the next item gets; it goes on across restarts."""
        return self._index + self.codec.count

    @property
    def first(self) -> int:
        """Sequence number of the oldest item, as it was numbered when it was taken in."""
        return self.codec.first(self.reader) if self._ready() else self.index

    def push(self, item) -> bool:
        """-> True, or False where there is no room or flash fails."""
        codec = self.codec
        if len(self) >= self.capacity:
            return False
        if not codec.put(item, self.next_seq):
            if not codec.count:
                raise ValueError("an item does not fit a frame")
            if not self.seal() or not codec.put(item, self.next_seq):
                return False
        self.high_water = max(self.high_water, len(self))
        return True

    def fuse(self, slow, irq: bool = False):
        """-> add(item) -> bool: pushes at once while the grant lasts, else returns slow(item)."""
        if irq:
            raise ValueError("irq: not with a Spool")

        def add(item):
            if self._granted and self.push(item):
                self._granted -= 1
                return True
            return slow(item)

        return add

    def grant(self, k: int) -> None:
        self._granted = k

    def seal(self) -> bool:
        """Write what waits in the page: it is safe when this is True."""
        codec = self.codec
        for _ in range(2):  # where flash was full, the first attempt has made room
            n = codec.count
            if not n:
                return True
            if self.append(codec.page, 0, codec.used, n) and self.sync():
                codec.clear()
                return True
            self.revive()
        return False

    # Batches go out.

    def peek(self, limit: int):
        """-> the oldest items as the codec's batch, at most `limit`, pinned; None: none."""
        reader = self.reader
        self.pinned = reader.cut = 0
        reader.end = reader.at  # fill the buffer again, from the frame in hand on
        while self._oldest():
            try:
                batch = self.codec.batch(self, min(limit, self._left))
            except ValueError as exc:  # the codec's word that the oldest is no item
                reason = "unreadable: %s" % exc
                self.pinned = 1
                self.discard(1)
                self._lose(None, 1, reason)
                continue
            self.pinned = len(batch)
            return batch
        return None

    def _oldest(self):
        return self._ready() or self.codec.count and self.seal() and self._ready()

    def _ready(self):
        # Have a frame with undelivered items in hand -> how many
        reader = self.reader
        while self.index < self.end:
            try:
                if not reader.number:
                    if self._open():
                        return 0
                    continue
                stop = self.end if reader.number == self._last else self._stop
                self._left = left = stop - self.index
                n = left > 0 and reader.frame()
                if n:
                    self._misread.pop(self._first, 0)
                    return min(n - reader.skip, left)
                self._leave()
            except FAULTS as exc:
                self.warn("cannot be read: ", exc)
                reader.close()
                if not self._is_bad(self._first, exc) or not self._others(exc):
                    return 0
                self._leave()
        return 0

    def _others(self, exc):
        # Can another segment be read? Where none can, it is flash that fails, and all may be well
        # again. (One that is not there any more needs no such proof.)
        try:
            self._start_of(self._next(self._first))
        except FAULTS:
            return False
        return self._look.number or exc.errno == 2

    def _open(self):
        # Choose the oldest segment, where it is there and whole. -> True: not just now
        number = self._first
        if number > self._last:
            self._miss(self.end)
            return False
        reader = self.reader
        look = self._look
        good = reader.choose(self._name(number), number)
        if self._ahead and self._gap <= reader.index < self._gap + self._ahead:
            good = False  # told as gone, and could not be deleted then
        try:
            self._stop = self._start_of(self._next(number))
            if good and self._timebase and reader.boot != self.boot:
                # Where its boot had no time yet, a later segment of that boot may say it.
                while not reader.epoch and look.boot == reader.boot:
                    reader.epoch = look.epoch
                    self._start_of(self._next(look.number))
        except FAULTS as exc:
            self.warn("cannot be read: ", exc)
            reader.forget()
            return True
        if good:
            self._miss(reader.index)
            reader.skip = self.index - reader.index
            self._acked = 0
        else:
            self._leave()
        return False

    def _miss(self, index):
        # Items before `index` are not there any more: tell it, and go on with that one.
        if index > self.index:
            lost = index - self.index - self._ahead_of(index)
            self.index = index
            self._lose(None, lost, "unreadable")

    def _ahead_of(self, stop):
        # -> how many of the items before that index were told already; they are left behind
        n = max(0, min(self._ahead, stop - self._gap))
        self._ahead -= n
        self._gap += n
        return n

    def _lose(self, reader, count, reason):
        if count > 0:
            self.lost += count
            if self.tell:
                self.codec.tell(reader, count, self.tell, reason)

    def _leave(self):
        # The oldest segment has nothing more to give: delete it and go on behind it.
        self.reader.forget()
        number = self._first
        self._misread.pop(number, 0)
        if number == self._last:
            self._drop()  # it may still be written
        self._first = self._next(number)
        self._remove(number)

    def release(self) -> None:
        """Nothing was taken: every pinned item stays, first in line."""
        self.pinned = 0

    def discard(self, k: int, tell=None, reason: str = "") -> None:
        """The first k of the pinned items are done and gone; the rest are no longer pinned.

        Where they are given up: told as the codec tells them.
        """
        whole("commit", k, 0, self.pinned)
        self.pinned = 0
        reader = self.reader
        while k:
            n = min(k, reader.frame() - reader.skip)
            if tell:
                self.codec.tell(reader, n, tell, reason)
            k -= n
            self.index += n
            reader.skip += n
        if self.index + self._ahead == self._index:
            self._emptied()
        elif reader.base + reader.at - self._acked >= self._ack_bytes:
            self.acknowledge()

    commit = discard

    def _emptied(self):
        # Nothing is left: deleting the files says so for good, and for less than a note.
        self._drop()
        self.index = self.end
        self._ahead = 0
        while self._first <= self._last:
            self._leave()

    def pass_over(self, k: int) -> None:
        """The k oldest items were delivered from elsewhere."""
        self.reader.forget()  # a damaged copy is no loss: it is not looked at
        self.index += k
        if self.index + self._ahead == self._index:
            self._emptied()

    def evict(self, tell, reason: str) -> int:
        """Drop what is left of the oldest frame, unless it is pinned; -> how many items."""
        if self.pinned:
            return 0
        self.pinned = n = self._oldest() or 0
        self.discard(n, tell, reason)
        return n

    @property
    def batch_boot(self) -> "bytes | None":
        """The boot in which the batch's items were taken in; None: this one."""
        return None if self.reader.boot == self.boot else self.reader.boot

    def acknowledge(self) -> None:
        """Note on flash how far delivery is."""
        ack = self._ack
        if ack is None or ack.index == self.index or self.index >= self.end:
            return
        try:
            ack.note(self.index, self._last)
            self._acked = self.reader.base + self.reader.at
        except FAULTS as exc:
            self.warn("cannot note what was delivered: ", exc)
            ack.close()

    def _shrink(self):
        try:
            return self._shrunk()
        except FAULTS as exc:
            self.warn("cannot be read: ", exc)
            return False

    def _shrunk(self):
        # Delete the oldest segment, or the one behind it while that is pinned -> was there one?
        number = self._first
        start = self.index
        pinned = self.pinned or start < min(self.held, self.end)
        if pinned:
            while True:
                number = self._next(number)
                start = self._start_of(number)
                if number > self._last or start >= max(
                    self.held, self._ahead and self._gap + self._ahead
                ):
                    break
        if number > self._last or self._ack is None:
            return False
        reader = SegmentReader(256)  # may raise: nothing has been changed yet
        after = self._next(number)
        stop = self._start_of(after)
        if not pinned:
            self._miss(min(stop, self._start_of(number)))
            start = self.index
        count = stop - start
        if pinned:
            if not self._ahead:
                self._gap = start
            self._ahead += count
        else:
            count -= self._ahead_of(stop)
            self._first = after
            self.index = max(start, stop)
            self.reader.forget()
        try:
            if reader.choose(self._name(number), number):
                reader.skip = start - reader.index
                while count > 0 and (n := reader.frame()):
                    n = min(n - reader.skip, count)
                    count -= n
                    self._lose(reader, n, "quota")
                    reader.skip += n
        except FAULTS:
            pass
        reader.close()
        self._remove(number)
        self._lose(None, count, "quota")
        return True

    def close(self) -> None:
        """Write what waits, note how far delivery is, close every file."""
        self.seal()
        self.sync()
        self.acknowledge()
        self.reader.close()
        if self._ack is not None:
            self._ack.close()
        self._drop()
