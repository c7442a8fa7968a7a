"""How the station is: `import batcher; batcher.status()` in the REPL, and a line of JSON.

Loaded when somebody asks.
"""

import gc
import json
import sys

from .station import Station
from .timebase import boot

_status = {}  # one dict for ever: where memory is short, so are its pieces
_COUNTS = ("delivered", "dropped", "rejected", "retries", "errors", "high_water")


def collect(station) -> dict:
    """-> plain data, the same dict each time; collects garbage first."""
    gc.collect()
    status = _status
    if hasattr(gc, "mem_free"):
        status["heap"] = gc.mem_alloc()
        status["free"] = gc.mem_free()
    now = boot.now()
    status["now"] = now
    status["t"] = now - station.start  # uptime in ms
    stats = station.batcher.stats
    for key in _COUNTS:
        status[key] = stats[key]
    status["buffered"] = stats["pending"]
    status["sampled"] = sum([sensor.good for sensor in station.sampler.sensors])
    link = station.link
    status["link"] = link.status() if link is not None else None
    status["rssi"] = link.rssi() if link is not None else None
    status["failing"] = station.failing
    status["error"] = station.log.last()
    status["reset"] = station.cause
    return status


def report(station, last=False):
    """Print it as a line of JSON; with what each series has, where it is the last one."""
    try:
        status = collect(station)
        if last:
            status["series"] = {sensor.name: sensor.good for sensor in station.sampler.sensors}
        json.dump(status, sys.stdout)  # in pieces: no string of all of it
        print()
    except MemoryError:
        print()  # a report is not worth a reading


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
