"""How items of a Ring lie on flash: many to a frame, as bytes that the user's `dump` makes.

Payload: the number of the first item (6 bytes), then each item as its length (2 bytes) and
its bytes. A codec knows both ways; Spool and Tiered know nothing of payloads.
"""

from .segment import FRAME, LONGEST, get, put
from .segment import HEAD as SEGMENT_HEAD

_HEAD = 6


class Items:
    """dump(item) -> bytes, load(bytes) -> item; page_bytes: of the frames written.

    A loss is told as Ring tells it: tell(item, reason) for each; None for one that cannot be
    read any more.
    """

    timebase = None

    def __init__(self, dump, load, page_bytes: int = 1016):
        self._dump = dump
        self._load = load
        self.page = bytearray(page_bytes)
        self.used = 0
        self.count = 0  # items waiting in the page
        self._batch = []

    # Writing.

    def put(self, item, seq: int, limit: int = LONGEST) -> bool:
        """Add to the page, of which `limit` bytes may be used -> is there room?"""
        data = self._dump(item)
        n = len(data)
        at = self.used or _HEAD
        if at + 2 + n > limit:
            return False
        if at + 2 + n > len(self.page):
            if self.used:
                return False
            self.page = bytearray(at + 2 + n)  # an item longer than any before
        if not self.used:
            put(self.page, 0, _HEAD, seq)
        put(self.page, at, 2, n)
        self.page[at + 2 : at + 2 + n] = data
        self.used = at + 2 + n
        self.count += 1
        return True

    def clear(self) -> None:
        self.used = self.count = 0

    def fill(self, ram) -> int:
        """-> per cent of the ring's places in use."""
        return len(ram) * 100 // ram.capacity

    def weight(self, ram) -> int:
        """-> bytes its items take on flash, guessed by the oldest."""
        return (2 + len(self._dump(ram.at(0)))) * len(ram)

    def spill(self, ram, spool, skip: int, stop: int) -> int:
        """Append the items of a Ring behind the first `skip` -> how many; 0 where flash fails.

        stop: the size of the segment at which to end, with a full page; 0: all of them.
        """
        i = skip
        n = len(ram)
        done = 0
        seq = -1
        try:
            while i < n:
                number = ram.number(i)
                limit = stop - (spool.size or SEGMENT_HEAD) - FRAME if stop else LONGEST
                if (not self.count or number == seq) and self.put(ram.at(i), number, limit):
                    seq = number + 1
                    i += 1
                elif self.count:
                    if not self._append(spool):
                        return 0
                    done = i - skip
                else:  # no room before `stop`, or an item that no frame can hold
                    break
            if self.count and not stop:
                if not self._append(spool):
                    return 0
                done = i - skip
        finally:
            self.clear()
        return done

    def _append(self, spool):
        done = spool.append(self.page, 0, self.used, self.count)
        self.clear()
        return done

    def remove(self, ram, n: int) -> None:
        """Take the oldest items, which are on flash and not pinned, out of the ring."""
        while n > 0:
            n -= ram.evict(None, "")

    def remove_behind(self, ram) -> int:
        """Take all items out of the ring, as far as a flight lets them go -> how many stay."""
        while ram.evict(None, ""):
            pass
        return len(ram)

    # Reading.

    def announce(self, series) -> bytes:
        return b""

    def note(self, buf, at: int, n: int) -> None:
        pass

    def first(self, buf, at: int) -> int:
        return get(buf, at, _HEAD)

    def _each(self, buf, at, skip, take):
        at += _HEAD
        while take:
            n = buf[at] | buf[at + 1] << 8
            at += 2
            if skip:
                skip -= 1
            else:
                take -= 1
                yield self._load(bytes(buf[at : at + n]))
            at += n

    def batch(self, spool, limit: int):
        """-> list of the oldest items; it ends at a gap in their numbers."""
        batch = self._batch
        batch.clear()
        reader = spool.reader
        skip = spool.skip
        i = spool.frame
        expected = -1
        while i < reader.n and limit:
            at = reader.frames[3 * i]
            first = self.first(reader.buf, at)
            count = reader.frames[3 * i + 2]
            if -1 != expected != first:
                break
            expected = first + count
            take = min(limit, count - skip)
            for item in self._each(reader.buf, at, skip, take):
                batch.append(item)
            limit -= take
            skip = 0
            i += 1
        return batch

    def tell(self, buf, at, n, skip, take, tell, reason) -> None:
        if buf is None:
            for _ in range(take):
                tell(None, reason)
        else:
            for item in self._each(buf, at, skip, take):
                tell(item, reason)
