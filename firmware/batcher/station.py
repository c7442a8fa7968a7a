"""One whole firmware, built from a checked configuration: what main.py runs.

Rules: everything that lasts is built here, once, the largest piece first; after the first
readings only garbage is made. Each sensor is read at its own rate; a slow chip delays nobody.
"""

import gc
import json
import sys

from .backoff import Backoff
from .batcher import Batcher
from .identity import Identity
from .port import asyncio, format_exc, ticks_add, ticks_diff, ticks_ms
from .records import RecordRing
from .timebase import boot

_DRAIN_MS = 15000  # at the end of a run: for what is still to be sent


class Station:
    """`config`: what preflight() returned."""

    def __init__(self, config):
        self.config = config
        from . import sensors
        from .board import Board, load

        told = config["batcher"]
        up = config["uplink"]
        board = Board(load("boards." + config["board"]), config["wifi"] is not None)
        self.drivers = []
        for entry in config["sensors"]:
            driver = sensors.create(entry["driver"], entry["options"], board)
            if entry["name"] != driver.schema.name:
                driver.schema = driver.schema.named(entry["name"])
            self.drivers.append((driver, entry["every_ms"]))
        store = RecordRing([driver.schema for driver, _ in self.drivers], told["memory"])
        self.sampled = {driver.schema.name: 0 for driver, _ in self.drivers}
        self.error = None
        self.start = boot.now()
        self.ident = Identity(config["device"])
        self.batcher = Batcher(
            store=store,
            batch_size=min(told["batch_size"], store.capacity),
            interval_ms=told["interval_ms"],
            overflow=told["overflow"],
            on_error=self._on_error,
            backoff=Backoff(up["retry_first_ms"], up["retry_most_ms"]),
        )
        from .uplink.build import build

        self.uplink = build(up, self.ident, self.batcher)
        self.batcher.register_handler(self.uplink.send)
        for name in ("board", "sensors"):  # what built the hardware is not needed again
            sys.modules.pop("batcher." + name, None)
            sys.modules["batcher"].__dict__.pop(name, None)
        sys.modules.pop("boards." + config["board"], None)

    def _on_error(self, exc):
        self.error = format_exc(exc)
        if not self.config["report_ms"]:
            print("batcher:", self.error)

    async def _sample(self, driver, every):
        row = driver.schema.row()
        name = driver.schema.name
        due = ticks_ms()
        while True:
            row[0] = ticks_ms()
            try:
                while ms := driver.measure(row):
                    await asyncio.sleep_ms(ms)
            except OSError as exc:  # the chip is away: the next slot looks for it again
                self.error = format_exc(exc)
            else:
                self.sampled[name] += 1
                self.batcher.add(row)
            due = ticks_add(due, every)
            await asyncio.sleep_ms(max(0, ticks_diff(due, ticks_ms())))

    def status(self) -> dict:
        """What there is to know, as plain data; collects garbage first."""
        gc.collect()
        heap = gc.mem_alloc()
        now = boot.now()
        status = {"t": now - self.start, "now": now, "heap": heap, "free": gc.mem_free()}
        stats = self.batcher.stats
        for key in ("delivered", "dropped", "rejected", "retries", "errors", "high_water"):
            status[key] = stats[key]
        status["buffered"] = stats["pending"]
        status["sampled"] = sum(self.sampled.values())
        status["error"] = self.error
        return status

    async def run(self):
        """Sample, send and report, for ever or for `run_ms`."""
        self.batcher.start()
        tasks = [asyncio.create_task(self._sample(*pair)) for pair in self.drivers]
        end = self.config["run_ms"]
        every = self.config["report_ms"]
        while not end or boot.now() - self.start < end:
            if every:
                print(json.dumps(self.status()))
            await asyncio.sleep_ms(every or 1000)
        for task in tasks:
            task.cancel()
        left = await self._drain()
        status = self.status()
        status["series"] = self.sampled
        print(json.dumps(status))
        await self.batcher.close(timeout_ms=0)
        return left

    async def _drain(self):
        """Send what is left; -> how many readings that did not work for."""
        start = ticks_ms()
        while ticks_diff(ticks_ms(), start) < _DRAIN_MS:
            if await self.batcher.flush(2000):
                break
            await asyncio.sleep_ms(100)
        return self.batcher.stats["pending"]
