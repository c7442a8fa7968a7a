"""A store on flash: what Log keeps, handed out in order and forgotten when it is taken.

Rules
- A batch comes from one segment, so it never crosses a boot; the codec ends it at a gap.
- Bytes of a pinned batch stay in the reader's buffer, and its segment is not deleted.
- What a payload is, only the codec knows: items.py and flashblocks.py.
"""

from .port import format_exc, log
from .segment import FRAME, LONGEST
from .segreader import SegmentReader
from .spoollog import Log

_TRIES = 3  # readings of a segment before it is given up


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
    Raises ValueError naming the argument; a flash that does not work raises nothing.
    """

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
        if len(boot) != 8:
            raise ValueError("boot: wanted 8 bytes, found %d" % len(boot))
        for name, number, low, high in (
            ("quota_bytes", quota_bytes, 8192, 1 << 29),
            ("frame_bytes", frame_bytes, 256, LONGEST),
            ("segment_blocks", segment_blocks, 1, 1024),
            ("ack_bytes", ack_bytes, 0, 1 << 29),
        ):
            if not low <= number <= high:
                raise ValueError("%s: wanted %d to %d, found %r" % (name, low, high, number))
        self.capacity = (1 << 28) if max_items is None else max_items
        self.high_water = 0
        self._granted = 0
        self.held = False  # a flight from RAM has the oldest items: they may not be deleted
        self._cut = 0  # items the codec cut off the frame in hand, in the buffer only
        super().__init__(
            path, quota_bytes, codec, bytes(boot), frame_bytes, segment_blocks, ack_bytes, say
        )
        self.high_water = len(self)

    # Items come in.

    def __len__(self):
        return self._writer.end - self.index - self._ahead + self.codec.count

    @property
    def evicted_at(self) -> int:
        """How many items are ahead of those that `evict` takes: the pinned ones."""
        return self.pinned

    @property
    def next_seq(self) -> int:
        """The number the next item gets; it goes on across restarts."""
        return self._writer.index + self.codec.count

    total = next_seq

    @property
    def first(self) -> int:
        """Sequence number of the oldest item, as it was numbered when it was taken in."""
        if not self._ready():
            return self.index
        i = 3 * self._i
        return self.codec.first(self.reader.buf, self.reader.frames[i]) + self.skip

    def push(self, item) -> bool:
        """-> True, or False where there is no room or flash fails. Ends the grant."""
        self._granted = 0
        codec = self.codec
        if len(self) >= self.capacity:
            return False
        if not codec.put(item, self.next_seq):
            if not codec.count:
                raise ValueError("an item does not fit a frame of %d bytes" % len(codec.page))
            if not self.seal() or not codec.put(item, self.next_seq):
                return False
        n = len(self)
        if n > self.high_water:
            self.high_water = n
        return True

    def fuse(self, slow, irq: bool = False):
        """-> add(item) -> bool: pushes at once while the grant lasts, else returns slow(item)."""
        if irq:
            raise ValueError("irq: not with a Spool")

        def add(item):
            if self._granted and self._room_in_page():
                self._granted -= 1
                left = self._granted
                taken = self.push(item)
                self._granted = left
                return taken
            return slow(item)

        return add

    def _room_in_page(self):
        return len(self) < self.capacity

    def grant(self, k: int) -> None:
        self._granted = k

    def seal(self) -> bool:
        """Write what waits in the page: it is safe when this is True."""
        codec = self.codec
        for _ in range(2):  # where flash was full, the first attempt has made room
            if not codec.count:
                return True
            n = codec.count
            if self.append(codec.page, 0, codec.used, n) and self.sync():
                codec.clear()
                return True
            self.revive()
        return False

    # Batches go out.

    def peek(self, limit: int):
        """-> the oldest items as the codec's batch, at most `limit`, pinned; None: none."""
        self.pinned = 0
        if not self._ready():
            if not (self.codec.count and self.seal() and self._ready()):
                return None
        reader = self.reader
        if self._i and self._loaded() < limit:
            try:  # the buffer is nearly used up: fill it again from the frame in hand on
                self._at -= self._cut
                self._cut = 0
                reader.back(self._i)
                self._i = 0
            except OSError as exc:
                self._misread_now(exc)
            if not self._ready():
                return None
        batch = self.codec.batch(self, min(limit, self._stop_index() - self.index))
        self.pinned = len(batch)
        return batch

    def _loaded(self):
        frames = self.reader.frames
        n = -self.skip
        for i in range(self._i, self.reader.n):
            n += frames[3 * i + 2]
        return n

    def cut(self, k: int) -> None:
        """The codec has cut the first k items off the frame in hand, in the buffer."""
        self.reader.frames[3 * self._i + 2] -= k
        self._cut += k
        self._at += k
        self.skip = 0

    @property
    def frame(self) -> int:
        """Which of the reader's frames is in hand: `skip` of its items are done."""
        return self._i

    def _stop_index(self):
        return self._writer.end if self._stop is None else self._stop

    def _ready(self):
        # Have a frame with an undelivered item in hand: `skip` of its items are done.
        reader = self.reader
        while self.index < self._writer.end:
            try:
                if not reader.number and not self._open_first():
                    continue
                stop = self._stop_index()
                if self._i < reader.n and self._at < stop:
                    n = reader.frames[3 * self._i + 2]
                    if self._at + n > self.index:
                        self.skip = self.index - self._at
                        return True
                    self._at += n
                    self._i += 1
                    self._cut = 0
                elif self._at < stop and reader.load():
                    self._i = 0
                else:
                    self._leave(stop)
            except OSError as exc:
                self._misread_now(exc)
        return False

    def _misread_now(self, exc):
        self._warn("cannot be read: " + format_exc(exc))
        self.reader.close()
        self._misread += 1
        if self._misread == _TRIES:
            self._misread = 0
            self._leave(self._start_of(self._next(self._first)))

    def _open_first(self):
        # Choose the oldest segment -> is it there and whole?
        number = self._first
        if number > self._last:
            self._miss(self._writer.end)
            return False
        self._stop = None
        good = self.reader.choose(self._name(number), number)
        after = self._next(number)
        if after <= self._last:
            self._stop = self._start_of(after)
        self._find_epoch(after)
        if not good:
            self._leave(self._stop_index())
            return False
        self._miss(self.reader.index)
        self._at = self.reader.index
        self._i = self._cut = 0
        self._misread = 0
        return True

    def _find_epoch(self, number):
        # Its boot had no time yet: a later segment of that boot may say it.
        reader = self.reader
        if not self._timebase or reader.boot == self.boot:
            return
        later = SegmentReader(32)
        try:
            while not reader.epoch and number <= self._last:
                if not later.choose(self._name(number), number) or later.boot != reader.boot:
                    break
                reader.epoch = later.epoch
                number = self._next(number)
        except OSError:
            pass
        later.close()

    def _start_of(self, number):
        # -> index of the first item of this segment or of the next that can be read
        while (index := self._head_index(number)) < 0:
            number = self._next(number)
        return index

    def _miss(self, index):
        # Items before `index` are not there any more: tell it, and go on with that one.
        lost = index - self.index
        if lost > 0:
            self._lose(None, 0, 0, 0, lost, "unreadable")
            self.index = index

    def _lose(self, buf, at, n, skip, count, reason):
        self.lost += count
        if self.tell:
            self.codec.tell(buf, at, n, skip, count, self.tell, reason)

    def _leave(self, stop):
        # The oldest segment has nothing more to give: delete it and go on behind it.
        self._miss(stop)
        self.index += self._ahead
        self._ahead = self._i = self._cut = 0
        self._at = self.index
        number = self._first
        self.reader.forget()
        self._stop = None
        if number == self._last and self._writer.file is not None:
            return  # still being written
        self._first = self._next(number)
        self._remove(number)

    def commit(self, k: int) -> None:
        """The first k of the pinned items are done and gone; the rest are no longer pinned."""
        self._go(k, None, None)

    def release(self) -> None:
        """Nothing was taken: every pinned item stays, first in line."""
        self.pinned = 0

    def discard(self, k: int, tell, reason: str) -> None:
        """Like commit, for items given up; told as the codec tells them."""
        self._go(k, tell, reason)

    def _go(self, k, tell, reason):
        if not 0 <= k <= self.pinned:
            raise ValueError("commit: wanted 0 to %d, found %d" % (self.pinned, k))
        self.pinned = 0
        frames = self.reader.frames
        while k:
            i = 3 * self._i
            count = frames[i + 2]
            n = min(k, count - self.skip)
            if tell:
                self.codec.tell(
                    self.reader.buf, frames[i], frames[i + 1], self.skip, n, tell, reason
                )
            k -= n
            self.index += n
            self.skip += n
            if self.skip == count:
                self._done += FRAME + frames[i + 1]
                self._at += count
                self._i += 1
                self.skip = self._cut = 0
        if len(self) == self.codec.count:
            self._drained()
        elif self._at >= self._stop_index():
            self._leave(self._stop_index())
        elif self._done >= self._ack_bytes:
            self.acknowledge()

    def pass_over(self, k: int) -> None:
        """The k oldest items were delivered from elsewhere."""
        while k and self._ready():
            n = min(k, self.reader.frames[3 * self._i + 2] - self.skip)
            self.pinned = n
            self._go(n, None, None)
            k -= n

    @property
    def batch_boot(self) -> "bytes | None":
        """The boot in which the batch's items were taken in; None: this one."""
        return None if self.reader.boot == self.boot else self.reader.boot

    @property
    def batch_epoch(self) -> int:
        """Unix ms at which that boot's clock stood at 0; 0: not known."""
        return self.reader.epoch

    def acknowledge(self) -> None:
        """Note on flash how far delivery is."""
        if self._ack is None or self._ack.index == self.index or self.index >= self._writer.end:
            return
        try:
            self._ack.note(self.index, self._last)
            self._done = 0
        except OSError as exc:
            self._warn("cannot note what was delivered: " + format_exc(exc))
            self._ack.close()

    def _drained(self):
        # Nothing is left: deleting the files says so for good, and for less than a note.
        writer = self._writer
        if writer.index != writer.end:
            return
        writer.drop()
        self._settle()
        self.reader.forget()
        self.index = self._at = writer.end
        self._ahead = self._i = self._done = 0
        self._stop = None
        while self._first <= self._last:
            number = self._first
            self._first = self._next(number)
            self._remove(number)

    def evict(self, tell, reason: str) -> int:
        """Drop what is left of the oldest frame, unless it is pinned; -> how many items."""
        if self.pinned:
            return 0
        if not self._ready() and not (self.codec.count and self.seal() and self._ready()):
            return 0
        self.pinned = n = self.reader.frames[3 * self._i + 2] - self.skip
        self._go(n, tell, reason)
        return n

    def _shrink(self):
        # Delete the oldest segment, or the one behind it while that is pinned -> was there one?
        number = self._first
        if self.held:
            self._ready()
        pinned = (self.pinned or self.held) and self.reader.number == number
        if pinned:
            number = self._next(number)
        if number > self._last or self._ack is None:
            return False
        after = self._next(number)
        stop = self._start_of(after)
        start = self._start_of(number) if pinned else self.index
        if stop > start:
            self._tell_segment(number, start, stop, "quota")
        if pinned:
            self._ahead += stop - start
        else:
            self.reader.forget()
            self.index = stop + self._ahead
            self._at = self.index
            self._ahead = self._i = self._cut = 0
            self._stop = None
            self._first = after
        self._remove(number)
        return True

    def _tell_segment(self, number, start, stop, reason):
        reader = SegmentReader(256)
        try:
            at = reader.index if reader.choose(self._name(number), number) else stop
            at = reader.index
            while start < stop and reader.load():
                for i in range(reader.n):
                    f = reader.frames
                    n = f[3 * i + 2]
                    skip = max(0, start - at)
                    take = min(n, stop - at) - skip
                    if take > 0:
                        self._lose(reader.buf, f[3 * i], f[3 * i + 1], skip, take, reason)
                        start += take
                    at += n
        except OSError:
            pass
        finally:
            reader.close()
        if start < stop:
            self._lose(None, 0, 0, 0, stop - start, reason)

    def close(self) -> None:
        """Write what waits, note how far delivery is, close every file."""
        self.seal()
        self.sync()
        self.acknowledge()
        self.reader.close()
        if self._ack is not None:
            self._ack.close()
        self._writer.drop()
        self._settle()
