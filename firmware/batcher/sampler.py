"""Reads each sensor at its own rate, without drift, whatever the others do.

Rules: one task serves all sensors, the one that is due first, one step at a time; no step
waits for a chip. Readings stay on the grid of their period: a late one does not move the next,
and slots that have passed are counted as skipped, not caught up. A failing sensor is tried
again on its own grid, ever more rarely, and told about once when it fails and once when it is
back. While all is well nothing is left on the heap.
"""

from . import port
from .port import const, format_exc, log, ticks_add, ticks_diff

_DAY = const(86400000)
_REST_MS = const(30000)  # the longest pause between two attempts on a failing sensor


class Sensor:
    """One driver with its period; made by `Sampler.add_sensor`, read by whoever wants status."""

    def __init__(self, driver, period_ms, filters, now, add):
        self.driver = driver
        self.name = driver.schema.name
        self.period_ms = period_ms
        self.filters = filters
        self.schema = filters[-1].schema if filters else driver.schema  # of what is handed on
        self.add = self._filter if filters else add  # takes what the driver read
        self._add = add
        self.row = driver.schema.row()
        if hasattr(driver, "add"):
            driver.add = self.add  # it may have many at a time to hand on
        self.due = now  # the slot that is served, or the next one
        self.wake = now  # when something is to be done; later than due where a measurement runs
        self.good = 0  # readings
        self.failed = 0  # attempts that raised
        self.skipped = 0  # slots that passed unserved
        self.streak = 0  # failures in a row
        self.latest_ms = 0  # the latest that a measurement has begun after its slot
        self.error = None  # of the last failure, as text, while it fails

    def _filter(self, row):
        for filter in self.filters:
            row = filter.feed(row)
            if row is None:
                return
        self._add(row)


def _log(sensor, exc):
    log("%s: %s" % (sensor.name, "is back" if exc is None else format_exc(exc)))


class Sampler:
    """`add(row)` takes each reading, row[0] being the ticks at which its measurement began.

    tell(sensor, exc): called when a sensor begins to fail, and with None when it is back;
    without one both are logged. recover(bus): called after two failures in a row with the
    driver's bus, to free it where it is stuck (batcher.freebus).
    """

    def __init__(self, add, clock=port, tell=_log, recover=None):
        self._add = add
        self._clock = clock
        self._tell = tell
        self._recover = recover
        self._signal = None
        self._task = None
        self._now = 0
        self._steps = self._serve()
        self.sensors = []

    def add_sensor(self, driver, period_ms: int, filters=()):
        """Measure `driver` every period_ms (1 ms to a day), from now on. -> its Sensor.

        filters: objects whose `feed(row)` gives the row to add, or None for not now
        (batcher.filters); the first is fed by the driver, the next by the first.
        """
        if type(period_ms) is not int or not 1 <= period_ms <= _DAY:
            raise ValueError(
                "%s: period_ms %r is not 1 to 86400000" % (driver.schema.name, period_ms)
            )
        sensor = Sensor(driver, period_ms, filters, self._clock.ticks(), self._add)
        self.sensors.append(sensor)
        if self._signal is not None:
            self._signal.set()
        return sensor

    def start(self):
        """-> the task, started once; RuntimeError outside of a running loop."""
        if self._task is None:
            self._task = self._clock.spawn(self.run())
        return self._task

    def stop(self):
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def run(self):
        """Serve the sensors for ever."""
        clock = self._clock
        self._signal = signal = clock.signal()
        while True:
            await signal.wait(self.step(clock.ticks()))

    def step(self, now):
        """Serve the sensor that is due first, if one is. -> ms until the next is due."""
        self._now = now
        return next(self._steps)

    def _serve(self):
        # A generator: its frame, with room for try, is made once.
        while True:
            now = self._now
            sensor = None
            for other in self.sensors:
                if sensor is None or ticks_diff(other.wake, sensor.wake) < 0:
                    sensor = other
            ms = _DAY if sensor is None else ticks_diff(sensor.wake, now)
            if ms > 0:
                yield ms
                continue
            fault = None
            try:
                if sensor.wake == sensor.due:
                    sensor.row[0] = now
                    sensor.latest_ms = max(sensor.latest_ms, ticks_diff(now, sensor.due))
                ms = sensor.driver.measure(sensor.row)
                if ms == 0:  # not None: then the driver has handed on by itself what it had
                    sensor.add(sensor.row)
            except Exception as exc:
                fault = exc
                ms = 0
            if ms:
                # One more: a tick that has begun is not a whole one.
                sensor.wake = ticks_add(self._clock.ticks(), ms + 1)
                yield 0
                continue
            period = sensor.period_ms
            streak = sensor.streak
            slots = 1
            if fault is None:
                sensor.good = (sensor.good + 1) & 0x3FFFFFFF
                sensor.streak = 0
                sensor.error = None
            else:
                sensor.failed += 1
                sensor.streak += 1
                sensor.error = format_exc(fault)
                # 1, 2, 4 ... slots, no longer than the rest.
                slots = max(min(1 << min(streak, 15), _REST_MS // period), 1)
            # To the slot so many further, and past those that are over already.
            due = ticks_add(sensor.due, period * slots)
            slots = ticks_diff(now, due) // period  # whole ones that have passed
            if slots > 0:
                sensor.skipped = (sensor.skipped + slots) & 0x3FFFFFFF
                due = ticks_add(due, slots * period)
            sensor.due = sensor.wake = due
            if (fault is None) == (streak > 0):
                try:
                    self._tell(sensor, fault)
                except Exception as exc:
                    log("tell:", exc)
            bus = getattr(sensor.driver, "bus", None)
            if fault is not None and streak and bus is not None and self._recover is not None:
                try:
                    try:
                        self._recover(bus)
                    except Exception as exc:
                        sensor.error += "; freeing the bus: " + format_exc(exc)
                except MemoryError:
                    pass
            yield 0
