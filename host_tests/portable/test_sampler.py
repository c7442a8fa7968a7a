"""The sampler: rates without drift, failures survived, slow chips in nobody's way."""

# Sampler, drivers and emulations are compiled from their sources here.
# heap: 512k

from array import array

from batcher.filters import DeadBand, Window
from batcher.port import MICROPYTHON, micropython
from batcher.sampler import Sampler
from batcher.schema import MISSING, Schema
from batcher.sensors.bme280 import BME280
from batcher.sensors.scd4x import SCD4x
from kit.alloc import allocated
from kit.check import raises
from kit.chips import bme280 as bosch
from kit.chips import sensirion
from kit.clock import VirtualClock
from kit.i2c import I2C

SCHEMA = Schema("probe", (("value", "count", 0),))


class Probe:
    """A driver that converts for a while and fails when told."""

    def __init__(self, convert_ms=0, name="probe"):
        self.schema = SCHEMA.named(name)
        self.convert_ms = convert_ms
        self.converting = False
        self.broken = False
        self.value = 0
        self.attempts = 0

    def measure(self, row):
        if self.broken:
            self.converting = False
            self.attempts += 1
            raise OSError(5, "nobody answers")
        if self.convert_ms and not self.converting:
            self.converting = True
            return self.convert_ms
        self.converting = False
        self.value += 1
        row[1] = self.value
        return 0


class Taken:
    """What `add` got: the ticks, by the series' id."""

    def __init__(self):
        self.ticks = {}

    def add(self, row):
        if row[-1] not in self.ticks:
            self.ticks[row[-1]] = array("i")
        self.ticks[row[-1]].append(row[0])
        return True

    def times(self, sensor):
        return list(self.ticks[sensor.schema.id])


class Told:
    def __init__(self):
        self.log = []

    def tell(self, sensor, exc):
        self.log.append((sensor.name, exc is None))


def build(start=0, **options):
    clock = VirtualClock(start)
    taken = Taken()
    told = Told()
    sampler = Sampler(taken.add, clock, told.tell, **options)
    return clock, taken, told, sampler


def test_each_sensor_at_its_own_rate_without_drift():
    clock, taken, _, sampler = build(start=0x3FFFFFFF - 2500)  # through the wrap of the ticks
    fast = sampler.add_sensor(Probe(7, "fast"), 100)
    slow = sampler.add_sensor(Probe(0, "slow"), 250)
    sampler.start()
    clock.advance(10000)
    for sensor, period in ((fast, 100), (slow, 250)):
        times = taken.times(sensor)
        assert len(times) in (10000 // period, 10000 // period + 1), len(times)
        for i in range(len(times)):
            assert times[i] == (0x3FFFFFFF - 2500 + i * period) & 0x3FFFFFFF
        assert sensor.skipped == 0 and sensor.latest_ms == 0


def test_a_slow_chip_delays_nobody():
    clock, taken, _, sampler = build()
    sampler.add_sensor(Probe(900, "slow"), 1000)
    fast = sampler.add_sensor(Probe(0, "fast"), 10)
    sampler.start()
    clock.advance(5000)
    assert taken.times(fast) == list(range(0, 5001, 10))


def test_a_conversion_longer_than_its_period_skips_slots_and_keeps_the_grid():
    clock, taken, _, sampler = build()
    sensor = sampler.add_sensor(Probe(250), 100)
    sampler.start()
    clock.advance(3000)
    times = taken.times(sensor)
    assert times == list(range(0, 2761, 251)), times  # back to back, that is all it can do
    # Each slot is either read or skipped, and no reading is later than a period.
    assert len(times) + sensor.skipped == sensor.due // 100, (len(times), sensor.skipped)
    assert 0 < sensor.latest_ms < 100, sensor.latest_ms


def test_a_failing_sensor_is_tried_ever_more_rarely_and_told_about_once():
    clock, taken, told, sampler = build()
    probe = Probe()
    sensor = sampler.add_sensor(probe, 1000)
    other = sampler.add_sensor(Probe(0, "other"), 1000)
    sampler.start()
    clock.advance(4500)
    probe.broken = True
    clock.advance(120000)
    # Slots 5, 6, 8, 12, 20, 36, 66 ... : 1, 2, 4, 8, 16 and then 30 again: half a minute.
    assert 8 <= probe.attempts <= 12, probe.attempts
    assert sensor.failed == probe.attempts
    assert "nobody answers" in sensor.error
    assert told.log == [("probe", False)]
    probe.broken = False
    clock.advance(31000)
    assert told.log == [("probe", False), ("probe", True)]
    assert sensor.error is None and sensor.failed == probe.attempts
    before = len(taken.times(sensor))
    clock.advance(10000)
    assert len(taken.times(sensor)) == before + 10
    for ticks in taken.times(sensor):
        assert ticks % 1000 == 0, "it left its grid"
    assert len(taken.times(other)) == 166


def test_a_tell_that_raises_stops_nothing():
    clock = VirtualClock()
    taken = Taken()

    def tell(sensor, exc):
        raise ValueError("tell")

    sampler = Sampler(taken.add, clock, tell)
    probe = Probe()
    probe.broken = True
    sampler.add_sensor(probe, 10)
    good = sampler.add_sensor(Probe(0, "good"), 10)
    sampler.start()
    clock.advance(100)
    assert len(taken.times(good)) == 11


def test_a_fault_that_cannot_be_put_in_words_stops_nothing():
    class Unsayable(OSError):
        def __str__(self):
            raise MemoryError("no memory for a text")

    def fail(*what):
        raise Unsayable

    clock = VirtualClock()
    taken = Taken()
    sampler = Sampler(taken.add, clock, fail, fail)
    probe = Probe()
    probe.bus = object()
    probe.measure = fail
    bad = sampler.add_sensor(probe, 100)
    good = sampler.add_sensor(Probe(0, "good"), 100)
    sampler.start()
    clock.advance(10000)
    assert bad.failed > 5 and bad.error == "Unsayable; freeing the bus: Unsayable"
    assert len(taken.times(good)) == 101


def test_not_a_byte_of_memory_stops_nothing():
    exc = OSError(5)
    locks = [0]

    def fail(*what):
        if MICROPYTHON and not locks[0]:
            micropython.heap_lock()
            locks[0] = 1
        raise exc

    for where in ("measure", "tell", "recover"):
        clock = VirtualClock()
        taken = Taken()
        ignore = lambda *what: None  # noqa: E731
        sampler = Sampler(
            taken.add,
            clock,
            fail if where == "tell" else ignore,
            fail if where == "recover" else ignore,
        )
        probe = Probe()
        probe.bus = object()
        probe.broken = True
        if where == "measure":
            probe.measure = fail
        bad = sampler.add_sensor(probe, 100)
        good = sampler.add_sensor(Probe(0, "good"), 100)
        for now in range(0, 2001, 100):
            while sampler.step(now) <= 0:
                if locks[0]:
                    locks[0] = 0
                    micropython.heap_unlock()
        assert bad.failed > 3 and bad.error
        assert len(taken.times(good)) == 21


def test_the_bus_is_freed_after_two_failures():
    clock = VirtualClock()
    bus = I2C()
    bus.attach(0x76, bosch.BME280(clock))
    freed = []

    def recover(which):
        freed.append(which)
        which.held = 0

    taken = Taken()
    sampler = Sampler(taken.add, clock, Told().tell, recover)
    sensor = sampler.add_sensor(BME280(bus), 1000)
    sampler.start()
    clock.advance(500)
    bus.stick(9)
    clock.advance(10000)
    assert freed == [bus]
    assert sensor.failed == 2 and sensor.error is None
    probe = Probe()
    probe.broken = True
    sampler.add_sensor(probe, 100)
    clock.advance(1000)
    assert probe.attempts > 2 and freed == [bus], "it is on no bus"


def test_chips_on_one_bus_with_conversions_of_ten_and_of_five_thousand_milliseconds():
    clock = VirtualClock()
    bus = I2C()
    bus.attach(0x76, bosch.BME280(clock))
    bus.attach(0x62, sensirion.SCD4x(clock))
    taken = Taken()
    sampler = Sampler(taken.add, clock, Told().tell)
    climate = sampler.add_sensor(BME280(bus), 100)
    air = sampler.add_sensor(SCD4x(bus), 10000)
    sampler.start()
    clock.advance(60000)
    assert taken.times(climate) == list(range(0, 60000, 100))
    assert len(taken.times(air)) == 6


def test_sampling_leaves_nothing_on_the_heap():
    clock = VirtualClock()
    bus = I2C()
    bus.attach(0x76, bosch.BME280(clock))

    def add(row):
        return True

    sampler = Sampler(add, clock, Told().tell)
    driver = BME280(bus)
    band = DeadBand(driver.schema, {"temperature": 5})
    window = Window(driver.schema, 500)
    sampler.add_sensor(driver, 100, (band, window))
    sampler.add_sensor(Probe(3), 50)

    def a_second():
        for _ in range(1000):
            while not sampler.step(clock.ticks()):
                pass
            clock.elapsed += 1

    assert allocated(a_second) == 0, allocated(a_second)


def test_a_period_must_be_sensible():
    sampler = Sampler(None, VirtualClock())
    for wrong in (0, -5, 86400001, "10", 1.5):
        with raises(ValueError, "period_ms"):
            sampler.add_sensor(Probe(), wrong)


def rows(values, schema=SCHEMA, step=100):
    made = []
    for i in range(len(values)):
        row = schema.row()
        row[0] = i * step
        row[1] = values[i]
        made.append(row)
    return made


def test_dead_band_hands_on_what_moved_and_a_sign_of_life():
    band = DeadBand(SCHEMA, {"value": 5}, silence_ms=1000)
    values = [100, 104, 96, 105, 105, 101, 100, 100, MISSING, MISSING, 100]
    passed = [row[0] for row in rows(values) if band.feed(row) is row]
    assert passed == [0, 300, 600, 800, 1000], passed
    band = DeadBand(SCHEMA, {"value": 5}, silence_ms=1000)
    passed = [row[0] for row in rows([100] * 30) if band.feed(row) is not None]
    assert passed == [0, 1000, 2000], passed


def test_dead_band_sees_no_slow_drift_as_nothing():
    band = DeadBand(SCHEMA, {"value": 10})
    passed = [row[1] for row in rows(list(range(100))) if band.feed(row)]
    assert passed == list(range(0, 100, 10)), passed


def test_dead_band_refuses_what_is_not_there():
    with raises(ValueError, "no field 'colour'"):
        DeadBand(SCHEMA, {"colour": 1})
    with raises(ValueError, "value"):
        DeadBand(SCHEMA, {"value": 0})


def test_window_gives_least_mean_and_greatest():
    window = Window(SCHEMA, 1000)
    assert [f.name for f in window.schema.fields] == [
        "value_min",
        "value_mean",
        "value_max",
        "readings",
    ]
    out = []
    values = [5, -7, MISSING, 20, 0, 0, 0, 0, 0, 1] + [1 << 30] * 10 + [3]
    for row in rows(values):
        summary = window.feed(row)
        if summary is not None:
            out.append(list(summary)[:-1])
    assert out[0] == [900, -7, 2, 20, 10], out  # 19 / 9, rounded
    assert out[1] == [1900, 1 << 30, 1 << 30, 1 << 30, 10], out


def test_window_of_large_values_stays_exact():
    window = Window(SCHEMA, 10**9 >> 2)
    big = 0x7FFFFFFF
    row = SCHEMA.row()
    total = 0
    for i in range(2049):
        value = big - i if i % 3 else -big + i
        row[0] = i
        row[1] = value
        summary = window.feed(row)
        if i < 2048:
            total += value
            assert summary is None
    assert summary is not None
    assert summary[2] == (total + 1024) // 2048
    assert summary[4] == 2048


def test_window_without_values_is_missing():
    window = Window(SCHEMA, 300)
    out = [window.feed(row) for row in rows([MISSING] * 4)]
    assert out[3] is not None and list(out[3])[1:4] == [MISSING] * 3
    assert isinstance(out[3], array)
