"""Reads each sensor at its own rate, without drift, whatever the others do.

Rules: one task serves all sensors, the one that is due first, one step at a time; no step
waits for a chip. Readings stay on the grid of their period: a late one does not move the next,
and slots that have passed are counted as skipped, not caught up. A failing sensor is tried
again on its own grid, ever more rarely, and told about once when it fails and once when it is
back. While all is well nothing is left on the heap.
"""

from . import clock as real_clock
from .port import const, format_exc, log, micropython, ticks_add, ticks_diff

_DAY = const(86400000)
_REST_MS = const(30000)  # the longest pause between two attempts on a failing sensor
_STUCK_AFTER = const(2)  # failures in a row, then the bus is looked at


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
        self.wake = now  # when something is to be done
        self.busy = False  # a measurement of this slot runs
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

    @property
    def status(self):
        """-> dict: good, failed, skipped, latest_ms, error (None while it works)."""
        return {
            "name": self.name,
            "good": self.good,
            "failed": self.failed,
            "skipped": self.skipped,
            "latest_ms": self.latest_ms,
            "error": self.error,
        }


class Sampler:
    """`add(row)` takes each reading, row[0] being the ticks at which its measurement began.

    tell(sensor, exc): called when a sensor begins to fail, and with None when it is back;
    without one both are logged. recover(bus): called after two failures in a row with the
    driver's bus, to free it where it is stuck (batcher.board.Board.free_bus).
    """

    def __init__(self, add, clock=real_clock, tell=None, recover=None):
        self._add = add
        self._clock = clock
        self._tell = tell
        self._recover = recover
        self._signal = None
        self._task = None
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

    @micropython.native
    def step(self, now):
        """Serve the sensor that is due first, if one is. -> ms until the next is due."""
        first = None
        soonest = _DAY
        for sensor in self.sensors:
            ms = ticks_diff(sensor.wake, now)
            if ms < soonest:
                soonest = ms
                first = sensor
        if first is None or soonest > 0:
            return soonest
        self._serve(first, now)
        return 0

    @micropython.native
    def _serve(self, sensor, now):
        try:
            if not sensor.busy:
                self._begin(sensor, now)
            ms = self._measure(sensor, now)
        except Exception as exc:
            self._failed(sensor, exc, now)
            return
        if ms > 0:
            # One more: a tick that has begun is not a whole one.
            sensor.wake = ticks_add(self._clock.ticks(), ms + 1)
            return
        sensor.busy = False
        sensor.good = (sensor.good + 1) & 0x3FFFFFFF
        if sensor.streak:
            self._is_back(sensor)
        self._next_slot(sensor, now, 1)

    def _begin(self, sensor, now):
        late = ticks_diff(now, sensor.due)
        if late > sensor.latest_ms:
            sensor.latest_ms = late
        sensor.row[0] = now
        sensor.busy = True

    def _measure(self, sensor, now):
        """-> ms that the driver asks for, 0 when its readings are handed on."""
        row = sensor.row
        ms = sensor.driver.measure(row)
        if ms:
            return ms
        if ms is not None:  # else the driver has handed them on by itself
            sensor.add(row)
        return 0

    def _next_slot(self, sensor, now, slots):
        """Move to the slot `slots` further, and past those that are over already."""
        period = sensor.period_ms
        due = ticks_add(sensor.due, period * slots)
        slots = ticks_diff(now, due) // period  # whole ones that have passed
        if slots > 0:
            sensor.skipped = (sensor.skipped + slots) & 0x3FFFFFFF
            due = ticks_add(due, slots * period)
        sensor.due = sensor.wake = due

    def _failed(self, sensor, exc, now):
        sensor.busy = False
        sensor.failed = (sensor.failed + 1) & 0x3FFFFFFF
        sensor.streak += 1
        sensor.error = format_exc(exc)
        # 1, 2, 4 ... slots, as long as that is no longer than the rest.
        slots = 1 << min(sensor.streak - 1, 15)
        while slots > 1 and slots * sensor.period_ms > _REST_MS:
            slots >>= 1
        self._next_slot(sensor, now, slots)
        if sensor.streak == 1:
            self._say(sensor, exc)
        bus = getattr(sensor.driver, "bus", None)
        if self._recover is not None and bus is not None and sensor.streak >= _STUCK_AFTER:
            try:
                self._recover(bus)
            except Exception as trouble:
                sensor.error += "; freeing the bus: " + format_exc(trouble)

    def _is_back(self, sensor):
        sensor.streak = 0
        sensor.error = None
        self._say(sensor, None)

    def _say(self, sensor, exc):
        if self._tell is None:
            log("%s: %s" % (sensor.name, "is back" if exc is None else format_exc(exc)))
            return
        try:
            self._tell(sensor, exc)
        except Exception as trouble:
            log("tell: " + format_exc(trouble))
