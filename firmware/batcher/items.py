"""How items of a Ring lie on flash: many to a frame, as bytes that the user's `dump` makes.

Payload: the number of the first item (6 bytes), then each item as its length (2 bytes) and
its bytes. A codec knows both ways; Spool and Tiered know nothing of payloads.
"""

from .port import const
from .segment import FRAME, LONGEST, get, put
from .segment import HEAD as SEGMENT_HEAD

_HEAD = const(6)


class Items:
    """dump(item) -> bytes, load(bytes) -> item; page_bytes: of the frames written.

    An item that `dump` cannot put in bytes stays in RAM. ValueError from `load` says that these
    bytes are no item: it is lost. After any other error it is read again later. A loss is told as
    Ring tells it: tell(item, reason) for each; None for one that cannot be read any more.
    """

    timebase = note = None
    notes = ()

    def __init__(self, dump, load, page_bytes: int = 1016):
        self._dump = dump
        self._load = load
        self.page = bytearray(page_bytes)
        self._batch = []
        self.clear()

    # Writing.

    def clear(self) -> None:
        self.used = _HEAD
        self.count = 0  # items waiting in the page

    def put(self, item, seq: int, limit: int = LONGEST) -> bool:
        """Add to the page, of which `limit` bytes may be used -> is there room?"""
        data = self._dump(item)
        n = len(data)
        at = self.used
        end = at + 2 + n
        if end > limit or self.count and end > len(self.page):
            return False
        if end > len(self.page):
            self.page = bytearray(end)  # an item longer than any before
        page = self.page
        if not self.count:
            put(page, 0, _HEAD, seq)
        put(page, at, 2, n)
        page[at + 2 : end] = data
        self.used = end
        self.count += 1
        return True

    def fill(self, ram) -> int:
        """-> per cent of the ring's places in use."""
        return len(ram) * 100 // ram.capacity

    def weight(self, ram) -> int:
        """-> bytes its items take on flash, guessed by the oldest."""
        try:
            return (2 + len(self._dump(ram.at(0)))) * len(ram)
        except Exception:  # of the user's: spill() says so
            return 0

    def spill(self, ram, spool, skip: int, stop: int) -> bool:
        """Append the items of a Ring behind the first `skip` -> were all of them?

        stop: the size of the segment at which to end, with a full page; 0: all of them.
        """
        i = skip
        n = len(ram)
        seq = -1
        try:
            while i < n or self.count and not stop:
                if i < n:
                    number = ram.number(i)
                    limit = stop - (spool.size or SEGMENT_HEAD) - FRAME if stop else LONGEST
                    fits = not self.count or number == seq
                    try:
                        fits = fits and self.put(ram.at(i), number, limit)
                    except Exception as exc:  # of the user's `dump`
                        spool.warn("cannot put an item in bytes: ", exc)
                        fits = False
                    if fits:
                        seq = number + 1
                        i += 1
                        continue
                # The page is full; or there is no room before `stop`, or in any frame.
                if not self.count or not spool.append(self.page, 0, self.used, self.count):
                    return False
                self.clear()
            return True
        finally:
            self.clear()

    def drop(self, ram) -> int:
        """Take the oldest that is not pinned out of the ring -> 1, 0 where there is none."""
        return ram.evict(None, "")

    # Reading.

    def first(self, reader) -> int:
        return get(reader.buf, reader.at + FRAME, _HEAD) + reader.skip

    def _place(self, reader, at, skip):
        # -> where the item behind the first `skip` of the frame at `at` begins
        at += FRAME + _HEAD
        for _ in range(skip):
            at += 2 + get(reader.buf, at, 2)
        return at

    def _item(self, buf, at):
        return self._load(bytes(buf[at + 2 : at + 2 + get(buf, at, 2)]))

    def batch(self, spool, limit: int):
        """-> list of the oldest items; it ends at a gap in their numbers, and before one that
        cannot be read. ValueError where that is the first."""
        batch = self._batch
        batch.clear()
        reader = spool.reader
        at = reader.at
        skip = reader.skip
        due = -1
        while at < reader.end and limit > 0:
            first = get(reader.buf, at + FRAME, _HEAD)
            if -1 != due != first:
                break
            count = reader.count(at)
            due = first + count
            count -= skip
            place = self._place(reader, at, skip)
            for _ in range(min(limit, count)):
                try:
                    batch.append(self._item(reader.buf, place))
                except ValueError:
                    if not batch:
                        raise
                    return batch
                place += 2 + get(reader.buf, place, 2)
            limit -= count
            skip = 0
            at = reader.after(at)
        return batch

    def tell(self, reader, take, tell, reason) -> None:
        if reader is None:
            for _ in range(take):
                tell(None, reason)
        else:
            place = self._place(reader, reader.at, reader.skip)
            for _ in range(take):  # no generator, and nothing that raises: memory may be short
                item = None
                try:
                    item = self._item(reader.buf, place)
                except Exception:
                    pass
                tell(item, reason)
                place += 2 + get(reader.buf, place, 2)
