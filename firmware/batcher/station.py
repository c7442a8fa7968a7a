"""One whole firmware, built from a checked configuration: what main.py runs.

Rules: everything that lasts is built here, once; after the first readings only garbage is
made. The sampler serves the sensors, the batcher sends, the link stays up by itself; what is
done here is to wire them and to tell how they are.
"""

import gc
import json
import sys
from binascii import hexlify

from .backoff import Backoff
from .batcher import Batcher
from .identity import Identity
from .logring import LogRing
from .port import Signal, asyncio, format_exc, log, ticks_diff, ticks_ms
from .records import RecordRing
from .safemode import Starts
from .sampler import Sampler
from .timebase import boot

_DRAIN_MS = 15000  # at the end of a run: for what is still to be sent
_LOOK_MS = 1000


class Station:
    """`config`: what preflight() returned. `hardware`: what hardware.build() made of it.

    `starts`: told of the first delivery."""

    current = None  # the one that runs: batcher.status() asks it

    def __init__(self, config, hardware, starts=None):
        self._run_ms = config["run_ms"]
        self._report_ms = config["report_ms"]
        self.starts = starts or Starts()
        self.log = LogRing(256)
        self.failing = False
        self._status = {}
        self.start = boot.now()
        drivers = hardware.drivers
        self._led = hardware.led
        self._led_active = hardware.led_active
        self._wdt = hardware.wdt
        told = config["batcher"]
        store = RecordRing([driver.schema for driver, _ in drivers], told["memory"])
        overflow = told["overflow"]
        name = None
        if config["spool"]:
            from .keep import keep

            overflow = "spill"
            store = keep(store, config["spool"])
            name = hexlify(store.spool.boot).decode()
        self.ident = Identity(config["device"], name)
        up = config["uplink"]
        self.batcher = Batcher(
            store=store,
            batch_size=min(told["batch_size"], store.capacity),
            interval_ms=told["interval_ms"],
            overflow=overflow,
            on_error=self._on_error,
            backoff=Backoff(up["retry_first_ms"], up["retry_most_ms"]),
        )
        from .uplink import build

        self.uplink = build.transport(up, self.ident, self.batcher)
        self.batcher.register_handler(self._send)
        self.link = build.wifi(config["wifi"])
        if self.link is not None:
            self.link.on_up(self.batcher.kick)
        self.sampler = Sampler(self.batcher.add, tell=self._tell)
        for driver, every in drivers:
            self.sampler.add_sensor(driver, every)
        Station.current = self

    async def _send(self, batch):
        result = await self.uplink.send(batch)
        self.failing = False
        self._status = {}
        self.starts.delivered()
        return result

    def _on_error(self, exc):
        self.failing = True
        self._note(format_exc(exc))

    def _tell(self, sensor, exc):
        self._note("%s %s" % (sensor.name, "is back" if exc is None else format_exc(exc)))

    def _note(self, text):
        self.log.add(text)
        if not self._report_ms:  # else a program reads the console
            log(text)

    def status(self) -> dict:
        """What there is to know, as plain data; collects garbage first."""
        gc.collect()
        status = self._status  # one dict for ever: where memory is short, so are its pieces
        status["heap"] = gc.mem_alloc()
        status["free"] = gc.mem_free()
        now = boot.now()
        status["now"] = now
        status["t"] = now - self.start  # uptime in ms
        stats = self.batcher.stats
        for key in ("delivered", "dropped", "rejected", "retries", "errors", "high_water"):
            status[key] = stats[key]
        status["buffered"] = stats["pending"]
        status["sampled"] = sum([sensor.good for sensor in self.sampler.sensors])
        status["link"] = self.link.status() if self.link is not None else None
        status["rssi"] = self.link.rssi() if self.link is not None else None
        status["failing"] = self.failing
        status["error"] = self.log.last()
        return status

    def power_is_going(self) -> int:
        """Before reset, deep sleep, brown-out: all to flash -> readings that are not there."""
        store = self.batcher.store
        return store.spill_all() if hasattr(store, "spill_all") else len(store)

    async def run(self):
        """Sample, send and report, for ever or for `run_ms`. -> readings that were not sent."""
        if self._wdt is not None:
            from .uplink.watchdog import Watchdog

            dog = Watchdog(self._wdt.feed, "cause")
            self._note("started; last run: %s" % dog.cause)
            dog.start()
        self.batcher.start()
        if self.link is not None:
            self.link.start()
        if self._led is not None:
            from .led import Led, pattern

            led = Led(self._led, lambda: pattern(self._is_up(), self.failing), self._led_active)
            asyncio.create_task(led.run())
        self.sampler.start()
        signal = Signal()
        end = self._run_ms
        every = self._report_ms
        while not end or boot.now() - self.start < end:
            if every:
                self._report()
            await signal.wait(every or _LOOK_MS)
        self.sampler.stop()
        left = await self._drain(signal)
        self._status["series"] = {sensor.name: sensor.good for sensor in self.sampler.sensors}
        self._report()
        await self.batcher.close(timeout_ms=0)
        return left

    def _report(self):
        try:
            json.dump(self.status(), sys.stdout)  # in pieces: no string of all of it
            print()
        except MemoryError:
            print()  # a report is not worth a reading

    def _is_up(self):
        return self.link is None or self.link.up()

    async def _drain(self, signal):
        """Send what is left; -> how many readings that did not work for."""
        start = ticks_ms()
        while ticks_diff(ticks_ms(), start) < _DRAIN_MS:
            if await self.batcher.flush(2000):
                break
            await signal.wait(100)
        return self.batcher.stats["pending"]
