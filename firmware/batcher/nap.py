"""What a board carries through deep sleep: readings, their numbers, and the time.

Rules: a wake is not a boot, so the boot's name, the numbers of each series and the time since
boot go on. Bounded: where a new reading finds no room, the oldest goes, and is counted.
As bytes, little-endian: magic, CRC-32 of the rest, head, the number of the oldest kept reading
of each series (4), then readings: series (1), ms since boot (8), fields (4 each).
"""

from binascii import crc32
from struct import calcsize, pack, unpack_from

_MAGIC = b"BNP1"
_HEAD = "<8sIQIIIII"
_TIME = "<BQ"
_RECORD = 9  # bytes before the fields


class Nap:
    """`schemas`: of the series, in a fixed order. `nbytes`: for everything, 512 or more.

    boot: 8 bytes. elapsed: ms since boot, when the sleep ends. wakes, waiting: in all, and since
    the last upload that worked. dropped: readings that found no room. radio_ms: how long the
    radio was on, in all. outside: one bit for each limit that a reading is beyond.
    """

    def __init__(self, schemas, nbytes: int):
        self._sizes = [_RECORD + 4 * len(schema.fields) for schema in schemas]
        self._sign = 0
        for schema in schemas:
            self._sign = crc32(schema.definition, self._sign)
        self.first = [0] * len(schemas)
        self._room = nbytes - 8 - calcsize(_HEAD) - 4 * len(schemas)
        if self._room < max(self._sizes):
            raise ValueError("duty.keep: found %d, too small for a reading" % nbytes)
        self.rows = b""
        self.boot = bytes(8)
        self.elapsed = self.wakes = self.waiting = self.dropped = self.radio_ms = self.outside = 0

    def load(self, data) -> bool:
        """-> was it ours, whole, and of the same series?"""
        at = 8 + calcsize(_HEAD)
        if len(data) < at or data[:4] != _MAGIC or unpack_from("<I", data, 4)[0] != crc32(data[8:]):
            return False
        boot, sign, elapsed, wakes, waiting, dropped, radio, outside = unpack_from(_HEAD, data, 8)
        if sign != self._sign:
            return False
        self.boot = boot
        self.elapsed = elapsed
        self.wakes = wakes
        self.waiting = waiting
        self.dropped = dropped
        self.radio_ms = radio
        self.outside = outside
        n = len(self.first)
        self.first = list(unpack_from("<%dI" % n, data, at))
        self.rows = bytes(data[at + 4 * n :])
        return True

    def dump(self) -> bytes:
        rest = pack(
            _HEAD,
            self.boot,
            self._sign,
            self.elapsed,
            self.wakes,
            self.waiting,
            self.dropped,
            self.radio_ms & 0xFFFFFFFF,
            self.outside,
        )
        rest += pack("<%dI" % len(self.first), *self.first) + self.rows
        return _MAGIC + pack("<I", crc32(rest)) + rest

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

    def oldest(self, default: int) -> int:
        """-> the time of the oldest reading."""
        return unpack_from(_TIME, self.rows)[1] if self.rows else default

    def each(self):
        """Yield (series, time, fields as a tuple), oldest first."""
        at = 0
        while at < len(self.rows):
            series, time = unpack_from(_TIME, self.rows, at)
            n = (self._sizes[series] - _RECORD) // 4
            yield series, time, unpack_from("<%di" % n, self.rows, at + _RECORD)
            at += self._sizes[series]
