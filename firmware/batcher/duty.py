"""For batteries: wake, measure, keep; every n-th time, or past a limit, send; deep sleep.

Rules: a wake that does not send loads neither stores nor network. What is kept lies in RTC
memory where the board has it, else in a file that is replaced whole. It is forgotten when all
of it was taken; an upload that failed is repeated under the same names, after n wakes more, or
at the next where a limit was crossed or the room is used up. No watchdog: RP2's does not sleep;
every wait has its deadline instead. ../README.md has the charge a reading costs.
"""

import os

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
        self._config = config
        self._told = told = config["duty"]
        self._hardware = hardware
        self._make = make
        self._path = path
        # A board counts ticks from its reset on; elsewhere they have run before.
        self._since = ticks_ms() if hardware.port == "unix" else 0
        size = told["keep"] or hardware.rtc_bytes or 4096
        self._rtc = hardware.machine.RTC() if size <= hardware.rtc_bytes else None
        self._limits = []
        schemas = []
        for entry in hardware.drivers:
            schemas.append(entry[0].schema)
            limits = None
            if entry[2]:
                from .limits import Limits

                limits = Limits(entry[0].schema, entry[2], self._crossed)
            self._limits.append(limits)
        self.nap = Nap(schemas, size)
        if not self.nap.load(self._read()):
            self.nap.boot = urandom(8)
        self._urgent = False
        self._outside(False)

    def now(self) -> int:
        """-> ms since boot, sleeps included (as exact as the sleeping board's own clock)."""
        return self.nap.elapsed + ticks_diff(ticks_ms(), self._since)

    async def run(self):
        every = self._told["every_ms"]
        most = self._told["upload_every"]
        nap = self.nap
        end = self.now() + every
        nap.waiting += 1
        await self._measure()
        self._outside(True)
        if nap.waiting >= most or self._urgent or nap.full():
            self._save(self.now() + every)  # a reset in the upload loses nothing
            if await self._upload():
                nap.clear()
            else:
                nap.waiting = most if self._urgent else 0  # urgent: again at the next wake
        now = self.now()
        ms = max(end - now, 1)
        self._save(now + ms)
        self._hardware.machine.deepsleep(ms)

    async def _measure(self):
        """All chips convert at the same time; who fails, or is too slow, misses this wake."""
        begun = ticks_ms()
        todo = []
        for entry in self._hardware.drivers:
            todo.append((len(todo), entry[0], entry[0].schema.row()))
        while todo:
            wait = 0
            waiting = []
            for one in todo:
                i, driver, row = one
                try:
                    ms = driver.measure(row)
                    if ms and ticks_diff(ticks_ms(), begun) > _PATIENCE_MS:
                        raise OSError("is still not ready")
                except Exception as exc:
                    log("%s: %s" % (driver.schema.name, format_exc(exc)))
                    continue
                if ms:
                    wait = max(wait, ms + 1)
                    waiting.append(one)
                    continue
                if self._limits[i]:
                    self._limits[i].feed(row)
                self.nap.add(i, self.now(), row)
            todo = waiting
            await asyncio.sleep(wait / 1000)

    async def _upload(self):
        """-> was all that is kept taken?"""
        from .block import H_SEQ, H_SEQ_HIGH
        from .timebase import boot

        nap = self.nap
        shift = (self.now() - ticks_ms()) & _MASK
        shown = None  # the time that is shown to the store, while what is kept goes into it

        def ticks():
            return (ticks_ms() + shift if shown is None else shown) & _MASK

        # The time since boot goes on where it was.
        boot.ticks = ticks
        boot.begin(self.now())
        make = self._make
        if make is None:
            from .station import Station as make
        memory = max(self._config["batcher"]["memory"], 2 * len(nap.rows) + 2048)
        station = make(self._config, self._hardware, nap.boot.hex(), memory)
        station.shift = shift
        batcher = station.batcher
        store = batcher.store
        rows = []
        for entry in self._hardware.drivers:
            schema = entry[0].schema
            first = nap.first[len(rows)]
            rows.append(schema.row())
            head = store._stages[schema.id]  # numbers go on, too
            head[H_SEQ] = first & _MASK
            head[H_SEQ_HIGH] = first >> 30
        begun = ticks_ms()
        limit = self._told["awake_ms"]
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
                await station.sntp.sync()
            last = -_DAY
            for series, time, values in nap.each():
                # A block's rows are less than half a wrap apart. What finds no room waits until
                # all before it is taken: nothing is dropped that could still be kept here.
                if time - last > _DAY:
                    last = time
                    if not store.seal() and not await batcher.flush(limit):
                        return False
                shown = time
                boot.begin(time)
                row = rows[series]
                row[0] = time & _MASK
                for i in range(len(values)):
                    row[1 + i] = values[i]
                while not batcher._take(row):
                    if not await batcher.flush(limit):
                        return False
            store.seal()
            shown = None
            boot.begin(self.now())
            return await batcher.flush(max(limit - ticks_diff(ticks_ms(), begun), 1000))
        finally:
            await batcher.close(timeout_ms=0)
            done = station.uplink.close()
            if done is not None:
                await done
            if link is not None:
                link.stop()
                log("duty: the radio was on for %d ms" % ticks_diff(ticks_ms(), begun))

    def _crossed(self):
        self._urgent = True

    def _outside(self, keep):
        """Carry over, or with `keep` take down, which limits a reading was beyond."""
        old = self.nap.outside
        bit = 1
        bits = 0
        for limits in self._limits:
            bounds = limits._bounds if limits else ()
            for i in range(3, len(bounds), 4):
                if not keep:
                    bounds[i] = 1 if old & bit else 0
                if bounds[i]:
                    bits |= bit
                bit <<= 1
        self.nap.outside = bits

    def _read(self):
        if self._rtc is not None:
            return self._rtc.memory()
        for end in ("", "2"):
            try:
                with open(self._path + end, "rb") as file:
                    return file.read()
            except OSError:
                pass
        return b""

    def _save(self, elapsed):
        """As of `elapsed`: the time at which the board wakes."""
        data = self.nap.dump(elapsed)
        path = self._path
        if self._rtc is not None:
            self._rtc.memory(data)
            return
        try:
            with open(path + "2", "wb") as file:
                file.write(data)
            os.rename(path + "2", path)  # littlefs: all of it or nothing
        except OSError as exc:
            log("duty: %s: %s" % (path, format_exc(exc)))
