"""For batteries: wake, measure, keep; every n-th time, or past a limit, send; deep sleep.

Rules: a wake that does not send loads neither stores nor network. What is kept lies in RTC
memory where the board has it, else in a file that is replaced whole. It is forgotten when all
of it was taken; an upload that failed is repeated under the same names, after n wakes more, or
at the next where a limit was crossed or the room is used up. No watchdog: RP2's does not sleep;
every wait has its deadline instead. ../README.md has the charge a reading costs.
"""

import os
from binascii import hexlify

from .nap import Nap
from .port import asyncio, const, format_exc, log, ticks_diff, ticks_ms, urandom

_MASK = const(0x3FFFFFFF)
_DAY = const(86400000)
_PATIENCE_MS = const(10000)  # for the slowest chip


class Duty:
    """One wake: `config` and `hardware` as for a Station. `make`: a Station's stand-in.

    `await run()` ends in `machine.deepsleep`.
    """

    def __init__(self, config, hardware, make=None, path="duty.nap"):
        told = config["duty"]
        self._config = config
        self._hardware = hardware
        self._make = make
        self._path = path
        # A board counts ticks from its reset on; elsewhere they have run before.
        self._since = ticks_ms() if hardware.port == "unix" else 0
        size = told["keep"] or hardware.rtc_bytes or 4096
        self._rtc = hardware.machine.RTC() if size <= hardware.rtc_bytes else None
        self.nap = nap = Nap([entry[0].schema for entry in hardware.drivers], size)
        if not nap.load(self._read()):
            nap.boot = urandom(8)
        self._urgent = False
        self._limits = []
        for entry in hardware.drivers:
            limits = None
            if entry[2]:
                from .limits import Limits

                limits = Limits(entry[0].schema, entry[2], self._crossed)
            self._limits.append(limits)
        self._outside(False)

    def now(self) -> int:
        """-> ms since boot, sleeps included (as exact as the sleeping board's own clock)."""
        return self.nap.elapsed + ticks_diff(ticks_ms(), self._since)

    async def run(self):
        begun = self.now()
        told = self._config["duty"]
        nap = self.nap
        nap.wakes += 1
        nap.waiting += 1
        await self._measure()
        self._outside(True)
        if nap.waiting >= told["upload_every"] or self._urgent or nap.full():
            self._save(self.now() + told["every_ms"])  # a reset in the upload loses nothing
            if await self._upload():
                nap.clear()
            elif not self._urgent:
                nap.waiting = 0
            else:
                nap.waiting = told["upload_every"]  # again at the next wake
        now = self.now()
        ms = max(told["every_ms"] - (now - begun), 1)
        self._save(now + ms)
        self._hardware.machine.deepsleep(ms)

    async def _measure(self):
        """All chips convert at the same time; who fails, or is too slow, misses this wake."""
        drivers = self._hardware.drivers
        begun = ticks_ms()
        waiting = list(range(len(drivers)))
        rows = [entry[0].schema.row() for entry in drivers]
        while waiting:
            wait = 0
            for i in list(waiting):
                driver = drivers[i][0]
                try:
                    ms = driver.measure(rows[i])
                    if ms and ticks_diff(ticks_ms(), begun) > _PATIENCE_MS:
                        raise OSError("is still not ready")
                except Exception as exc:
                    log("%s: %s" % (driver.schema.name, format_exc(exc)))
                    waiting.remove(i)
                    continue
                if ms:
                    wait = max(wait, ms + 1)
                    continue
                waiting.remove(i)
                if self._limits[i]:
                    self._limits[i].feed(rows[i])
                self.nap.add(i, self.now(), rows[i])
            if wait:
                await asyncio.sleep(wait / 1000)

    async def _upload(self):
        """-> was all that is kept taken?"""
        from .block import H_SEQ, H_SEQ_HIGH
        from .timebase import boot

        nap = self.nap
        now = self.now()
        shift = (now - ticks_ms()) & _MASK
        # The time since boot goes on where it was, and is shown the oldest reading first.
        boot._ticks = lambda: (ticks_ms() + shift) & _MASK
        shown = nap.oldest(now)
        boot._low = -1
        boot._high = shown >> 30
        boot.high(shown)
        make = self._make
        if make is None:
            from .station import Station as make
        memory = max(self._config["batcher"]["memory"], 2 * len(nap.rows) + 2048)
        station = make(self._config, self._hardware, hexlify(nap.boot).decode(), memory)
        station.shift = shift
        batcher = station.batcher
        store = batcher.store
        rows = []
        for i in range(len(nap.first)):
            schema = self._hardware.drivers[i][0].schema
            rows.append(schema.row())
            head = store._stages[schema.id]  # numbers go on, too
            head[H_SEQ] = nap.first[i] & _MASK
            head[H_SEQ_HIGH] = nap.first[i] >> 30
        begun = ticks_ms()
        limit = self._config["duty"]["awake_ms"]
        link = station.link
        try:
            if link is not None:
                link.start()
                while not link.up():
                    if ticks_diff(ticks_ms(), begun) > limit:
                        log("duty: no link in %d ms: %s" % (limit, link.status()))
                        return False
                    await asyncio.sleep(0.05)
            if self._config["sntp"]:
                await station._sntp.sync()
            n = 0
            for series, time, values in nap.each():
                while time - shown > _DAY:  # the wraps of its ticks are counted
                    store.seal()
                    shown += _DAY
                    boot.high(shown)
                row = rows[series]
                row[0] = time & _MASK
                for i in range(len(values)):
                    row[1 + i] = values[i]
                if n == store.capacity:
                    if not await batcher.flush(limit):
                        return False
                    n = 0
                batcher.add(row)
                n += 1
            return await batcher.flush(max(limit - ticks_diff(ticks_ms(), begun), 1000))
        finally:
            await batcher.close(timeout_ms=0)
            station.uplink.close()
            if link is not None:
                link.stop()
                begun = ticks_diff(ticks_ms(), begun)
                nap.radio_ms += begun
                log("duty: the radio was on for %d ms" % begun)

    def _crossed(self):
        self._urgent = True

    def _outside(self, keep):
        """Carry over, or with `keep` take down, which limits a reading was beyond."""
        bits = 0
        at = 0
        for limits in self._limits:
            bounds = limits._bounds if limits else ()
            for i in range(3, len(bounds), 4):
                if keep:
                    bits |= bounds[i] << at
                else:
                    bounds[i] = self.nap.outside >> at & 1
                at += 1
        if keep:
            self.nap.outside = bits

    def _read(self):
        if self._rtc is not None:
            return self._rtc.memory()
        for path in (self._path, self._path + "2"):
            try:
                with open(path, "rb") as file:
                    return file.read()
            except OSError:
                pass
        return b""

    def _save(self, elapsed):
        """As of `elapsed`: the time at which the board wakes."""
        nap = self.nap
        before = nap.elapsed
        nap.elapsed = elapsed
        data = nap.dump()
        nap.elapsed = before
        if self._rtc is not None:
            self._rtc.memory(data)
            return
        try:
            with open(self._path + "2", "wb") as file:
                file.write(data)
            os.rename(self._path + "2", self._path)  # littlefs: all of it or nothing
        except OSError as exc:
            log("duty: %s: %s" % (self._path, format_exc(exc)))
