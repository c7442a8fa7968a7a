"""How the station is: `import batcher; batcher.status()` in the REPL, a line of JSON, a series.

Loaded when somebody asks. The series' counters are told modulo 2^30, as the rows of this board
need them; what is not known (RSSI without a link) is missing. RSSI is in dBW there, SenML's
unit: dBm less 30.
"""

import gc
import json
import sys

from .port import const
from .schema import MISSING, Schema
from .station import Station
from .timebase import boot

_MASK = const(0x3FFFFFFF)
_COUNTS = ("buffered", "delivered", "dropped", "rejected", "retries", "errors")

_status = {}  # one dict for ever: where memory is short, so are its pieces


def collect(station) -> dict:
    """-> plain data, the same dict each time; collects garbage first."""
    status = _status
    status["error"] = None  # the text of the last time is no part of this one's heap
    gc.collect()
    status.update(station.batcher.stats)
    status["buffered"] = status["pending"]
    if hasattr(gc, "mem_free"):
        status["heap"] = gc.mem_alloc()
        status["free"] = gc.mem_free()
    status["now"] = now = boot.now()
    status["t"] = now - station.start  # uptime in ms
    status["series"] = series = {}
    status["sampled"] = 0
    for sensor in station.sampler.sensors:
        series[sensor.name] = sensor.good
        status["sampled"] += sensor.good
    link = station.link
    status["link"] = link and link.status()
    status["rssi"] = link and link.rssi()
    status["failing"] = station.failing
    lines = station.log.lines()
    status["error"] = lines[-1].partition(" ")[2] if lines else None
    status["reset"] = station.cause
    return status


def report(station):
    """Print it as a line of JSON."""
    try:
        json.dump(collect(station), sys.stdout)  # in pieces: no string of all of it
    except MemoryError:
        pass  # a report is not worth a reading
    print()


def status() -> "dict | None":
    """Print how the station is, and its last log lines. -> the same as a dict."""
    station = Station.current
    if station is None:
        from .logring import previous

        print("no station runs in this interpreter: `import main; main.main()` starts it")
        for line in previous("last.log"):
            print("last run  ", line)
        return None
    found = collect(station)
    print("uptime     %d s" % (found["t"] // 1000))
    for key in sorted(found):
        print("%-10s %s" % (key, found[key]))
    for line in station.log.lines():
        print("log       ", line)
    return found


class Health:
    """The board's own series, measured like any sensor's. `station`: whose it is."""

    SCHEMA = Schema(
        "health",
        (("uptime", "s", 0), ("free", "B", 0), ("rssi", "dBW", 0))
        + tuple([(name, "count", 0) for name in _COUNTS]),
    )

    def __init__(self, station):
        self.schema = self.SCHEMA
        self._station = station

    def measure(self, row):
        status = collect(self._station)
        row[1] = status["t"] // 1000
        row[2] = status.get("free", MISSING)  # of the heap
        rssi = status["rssi"]
        row[3] = MISSING if rssi is None else rssi - 30
        for i in range(len(_COUNTS)):
            row[4 + i] = status[_COUNTS[i]] & _MASK
        return 0
