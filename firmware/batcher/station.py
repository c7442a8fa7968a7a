"""One whole firmware, built from a checked configuration: what main.py runs.

Rules: everything that lasts is built here, once; after the first readings only garbage is
made. The sampler serves the sensors, the batcher sends, the link stays up by itself; what is
done here is to wire them. What the configuration does not name is not loaded.
"""

import gc
import os

from . import unload
from .identity import Identity
from .logring import LogRing
from .port import Signal, asyncio, format_exc, log
from .timebase import boot

_DRAIN_MS = 15000  # at the end of a run: for what is still to be sent
_LOOK_MS = 1000


class Station:
    """`config`: what preflight() returned. `hardware`: what hardware.build() made of it.

    `name`: of this boot, 16 hex digits, where it goes on after a sleep. `memory`: bytes for
    readings, the configuration's unless given."""

    current = None  # the one that runs: batcher.status() asks it

    def __init__(self, config, hardware, name=None, memory=0):
        self._run_ms = config["run_ms"]
        self._report_ms = config["report_ms"]
        self.hardware = hardware
        self.log = LogRing(256)
        self.failing = False
        self.cause = hardware.cause
        self.start = boot.now()
        drivers = hardware.drivers
        told = config["batcher"]
        schemas = []
        for driver, _, _, filter in drivers:
            schemas.append((filter or driver).schema)
        health = None
        if config["health_ms"]:
            from .report import Health

            health = Health(self)
            schemas.append(health.schema)
        # The large piece first: what is loaded later finds room in small ones.
        gc.collect()
        from .records import RecordRing

        store = RecordRing(schemas, memory or told["memory"])
        if config["spool"]:
            from .keep import keep

            store = keep(store, config["spool"])
            name = store.spool.boot.hex()
        self.ident = Identity(config["device"], name)
        from .backoff import Backoff
        from .batcher import Batcher

        up = config["uplink"]
        self.batcher = Batcher(
            store=store,
            batch_size=min(told["batch_size"], store.capacity),
            interval_ms=told["interval_ms"],
            overflow=told["overflow"],
            on_error=self._on_error,
            backoff=Backoff(up["retry_first_ms"], up["retry_most_ms"]),
        )
        gc.collect()
        from .uplink import build

        self.uplink = build.transport(up, self.ident, self.batcher)
        self.batcher.register_handler(self._send)
        self.link = build.wifi(config["wifi"])
        if self.link is not None:
            self.link.on_up(self.batcher.kick)
        del build
        unload("uplink.build", "keep")
        self._unproven = True  # nothing was delivered so far
        self.silent = 0  # attempts in a row that nobody answered
        self.sntp = None
        if config["sntp"]:
            from .uplink.sntp import Sntp

            self.sntp = Sntp(config["sntp"], self._on_time)
        self.shift = 0  # ms from the port's ticks to the time since boot: what slept before
        gc.collect()
        from .sampler import Sampler

        self.sampler = Sampler(self.batcher.add, tell=self._tell, recover=self._recover)
        for driver, every, limits, filter in drivers:
            filters = []
            if limits:
                from .limits import Limits

                filters.append(Limits(driver.schema, limits, self._crossed))
            if filter:
                filters.append(filter)
            self.sampler.add_sensor(driver, every, filters)
        if health:
            self.sampler.add_sensor(health, config["health_ms"])
        Station.current = self

    async def _send(self, batch):
        result = await self.uplink.send(batch)
        self.failing = False
        self.silent = 0
        if self._unproven:
            self._unproven = False
            try:
                os.remove("starts")  # batcher.safemode: this start was a good one
            except OSError:
                pass
        return result

    def _on_error(self, exc):
        self.failing = True
        # A link may say "up" while nothing gets through. An answer that says no has no errno.
        if isinstance(exc, OSError) and type(exc.errno) is int and hasattr(self.link, "renew"):
            self.silent += 1
            if self.silent % 8 == 0:
                self.link.renew()
        self.note(format_exc(exc))

    def _tell(self, sensor, exc):
        self.note("%s %s" % (sensor.name, "is back" if exc is None else format_exc(exc)))

    def _recover(self, bus):
        from .freebus import free

        try:
            free(self.hardware, bus)
        finally:
            unload("freebus")

    def _on_time(self, seconds, ms, ticks):
        boot.set_epoch(seconds, ms, (ticks + self.shift) & 0x3FFFFFFF)

    def _crossed(self):
        # As kick() does, but the row that crossed comes in only after this.
        self.batcher._asked = True
        self.batcher._signal.set()

    def note(self, text):
        """A line for the log, and for whoever watches."""
        self.log.add(text)
        if not self._report_ms:  # else a program reads the console
            log(text)

    def power_is_going(self) -> int:
        """Before reset, deep sleep, brown-out: all to flash -> readings that are not there."""
        store = self.batcher.store
        return store.spill_all() if hasattr(store, "spill_all") else len(store)

    def ended(self, exc):
        """The run ends with `exc`: all that can goes to flash.

        batcher.logring.previous("last.log") reads what was said last.
        """
        try:
            self.note("ended: " + format_exc(exc))
            self.log.save("last.log")
        finally:
            self.power_is_going()

    async def run(self):
        """Sample, send and report, for ever or for `run_ms`. -> readings that were not sent."""
        hardware = self.hardware
        if hardware.watchdog_ms:
            from .watchdog import Watchdog

            # RP2 calls machine.reset() a watchdog's too: it cannot tell.
            sure = None if hardware.port == "rp2" else self.cause == "watchdog"
            feed = hardware.machine.WDT(timeout=hardware.watchdog_ms).feed  # for ever from here on
            dog = Watchdog(feed, "cause", sure)
            self.cause += "; last run: " + dog.cause
            self.uplink.send = dog.watch(self.uplink.send, 30000, "uplink")
            dog.start()
        self.note("started: " + self.cause)
        self.batcher.start()
        if self.link is not None:
            self.link.start()
        if self.sntp is not None:
            asyncio.create_task(self.sntp.run())
        if hardware.led is not None:
            from .led import blink, pattern

            link = self.link
            look = lambda: pattern(link is None or link.up(), self.failing)  # noqa: E731
            asyncio.create_task(blink(hardware.led, look, hardware.led_active))
        self.sampler.start()
        signal = Signal()
        end = self._run_ms
        every = self._report_ms
        if every:
            from .report import report
        while not end or boot.now() - self.start < end:
            if every:
                report(self)
            await signal.wait(every or _LOOK_MS)
        self.sampler.stop()
        end = boot.now() + _DRAIN_MS
        while not await self.batcher.flush(2000) and boot.now() < end:
            await signal.wait(100)
        left = len(self.batcher.store)
        if every:
            report(self)
        await self.batcher.close(timeout_ms=0)
        return left
