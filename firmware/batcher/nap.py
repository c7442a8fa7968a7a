"""What a board carries through deep sleep: readings, their numbers, and the time.

Rules: a wake is not a boot, so the boot's name, the numbers of each series and the time since
boot go on. Bounded: where a new reading finds no room, the oldest goes, and is counted.
As bytes, little-endian: CRC-32 of the rest (begun with the series' definitions), head, the
number of the oldest kept reading of each series (4), then readings: series (1), ms since boot
(8), fields (4 each).
"""

from binascii import crc32
from struct import pack, unpack_from

from .port import const

_HEAD = "<8sQIII"
_FIRST = const(32)  # bytes before the numbers
_TIME = "<BQ"
_RECORD = const(9)  # bytes before the fields


class Nap:
    """`schemas`: of the series, in a fixed order. `nbytes`: for everything, 512 or more.

    boot: 8 bytes. elapsed: ms since boot, when the sleep ends. waiting: wakes since the last
    upload. dropped: readings that found no room. outside: one bit for each limit that a reading
    is beyond.
    """

    def __init__(self, schemas, nbytes: int):
        self._sizes = []
        self._sign = 0
        for schema in schemas:
            self._sizes.append(_RECORD + 4 * len(schema.fields))
            self._sign = crc32(schema.definition, self._sign)
        n = len(schemas)
        self.first = [0] * n
        self._numbers = "<%dI" % n
        self._room = nbytes - _FIRST - 4 * n
        if self._room < max(self._sizes):
            raise ValueError("duty.keep: found %d, too small for a reading" % nbytes)
        self.rows = b""
        self.boot = bytes(8)
        self.elapsed = self.waiting = self.dropped = self.outside = 0

    def load(self, data) -> bool:
        """-> was it ours, whole, and of the same series?"""
        end = _FIRST + 4 * len(self._sizes)
        if len(data) < end or unpack_from("<I", data)[0] != crc32(data[4:], self._sign):
            return False
        (
            self.boot,
            self.elapsed,
            self.waiting,
            self.dropped,
            self.outside,
        ) = unpack_from(_HEAD, data, 4)
        self.first = list(unpack_from(self._numbers, data, _FIRST))
        self.rows = bytes(data[end:])
        return True

    def dump(self, elapsed: int) -> bytes:
        """-> its bytes, for a sleep that ends `elapsed` ms since boot."""
        rest = pack(
            _HEAD,
            self.boot,
            elapsed,
            self.waiting,
            self.dropped,
            self.outside,
        )
        rest += pack(self._numbers, *self.first) + self.rows
        return pack("<I", crc32(rest, self._sign)) + rest

    def add(self, series: int, time: int, row) -> None:
        """Keep one reading; `row`: of the series' schema."""
        record = pack(_TIME, series, time) + bytes(memoryview(row)[1:-1])
        while len(self.rows) + len(record) > self._room:
            self._forget()
            self.dropped += 1
        self.rows += record

    def full(self) -> bool:
        """Would another wake's readings push out the oldest?"""
        return len(self.rows) + sum(self._sizes) > self._room

    def _forget(self):
        series = self.rows[0]
        self.first[series] += 1
        self.rows = self.rows[self._sizes[series] :]

    def clear(self) -> None:
        """All of it is delivered."""
        while self.rows:
            self._forget()
        self.waiting = 0

    def each(self):
        """Yield (series, time, fields as a tuple), oldest first."""
        at = 0
        while at < len(self.rows):
            series, time = unpack_from(_TIME, self.rows, at)
            end = at + self._sizes[series]
            n = (end - at - _RECORD) // 4
            yield series, time, unpack_from("<%di" % n, self.rows, at + _RECORD)
            at = end
