"""The board's own health, a series like any sensor's.

Rules: counters are told modulo 2^30, as the rows of this board need them; what is not known
(RSSI without a link) is missing. RSSI is in dBW, SenML's unit: dBm less 30.
"""

import gc

from .port import const
from .schema import MISSING, Schema
from .timebase import boot

_MASK = const(0x3FFFFFFF)
_KEYS = ("pending", "delivered", "dropped", "rejected", "retries", "errors")


class Health:
    """`station`: whose `batcher`, `link` and `start` are looked at."""

    SCHEMA = Schema(
        "health",
        (
            ("uptime", "s", 0),
            ("free", "B", 0),  # of the heap
            ("rssi", "dBW", 0),
            ("buffered", "count", 0),
            ("delivered", "count", 0),
            ("dropped", "count", 0),
            ("rejected", "count", 0),
            ("retries", "count", 0),
            ("errors", "count", 0),
        ),
    )

    def __init__(self, station):
        self.schema = self.SCHEMA
        self._station = station

    def measure(self, row):
        station = self._station
        gc.collect()
        row[1] = (boot.now() - station.start) // 1000
        row[2] = gc.mem_free() if hasattr(gc, "mem_free") else MISSING
        rssi = None if station.link is None else station.link.rssi()
        row[3] = MISSING if rssi is None else rssi - 30
        stats = station.batcher.stats
        for i in range(len(_KEYS)):
            row[4 + i] = stats[_KEYS[i]] & _MASK
        return 0
