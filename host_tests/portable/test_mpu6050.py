"""MPU6050: units by the datasheet, the suite, and its FIFO without a loss."""

from array import array

from batcher.port import MICROPYTHON, micropython
from batcher.sampler import Sampler
from batcher.sensors.mpu6050 import MPU6050, decode
from kit.alloc import allocated
from kit.check import raises
from kit.chips.mpu6050 import MPU6050 as Chip
from kit.clock import VirtualClock
from kit.driver_suite import Rig
from kit.i2c import I2C

_PI = 3.141592653589793


def test_passes_the_suite():
    Rig(Chip, MPU6050, 0x68).check_all()


def test_units_of_every_range():
    # Sections 6.1 and 6.2: 131 steps for a degree a second at 250, 16,384 for a g at 2.
    row = array("i", [0] * 8)
    for k in range(4):
        for raw in (-32768, -16384, -131, -1, 0, 1, 131, 16384, 32767):
            word = bytes((raw >> 8 & 255, raw & 255))
            decode(0, 1, word * 6, row, 9807, 13 - k)
            decode(6, 4, word * 6, row, 10914, 12 - k)
            a = raw / (16384 >> k) * 9.80665 * 1000
            g = raw / 131 * (1 << k) * _PI / 180 * 10000
            assert abs(row[1] - a) <= 0.51 + abs(a) / 20000, (k, raw)
            assert abs(row[4] - g) <= 0.51 + abs(g) / 20000, (k, raw)
            assert row[1] == row[2] == row[3] and row[4] == row[5] == row[6]


def rig(rate_hz=1000):
    clock = VirtualClock()
    bus = I2C()
    chip = bus.attach(0x68, Chip(clock, counting=True))
    driver = MPU6050(bus, rate_hz=rate_hz)
    return clock, bus, chip, driver


def test_a_thousand_readings_a_second_none_lost_none_twice():
    clock, bus, chip, driver = rig()
    state = array("i", [0, 0, 0])  # next sample, last time, wrong

    def add(row):
        # Undo the scale: the sample's number was in ax and ay.
        number = (row[1] * 8192 + 4903) // 9807 + ((row[2] * 8192 + 4903) // 9807 << 13)
        if number != state[0]:
            state[2] += 1
        if state[0] and row[0] != state[1] + 1:
            state[2] += 1
        state[0] += 1
        state[1] = row[0]

    sampler = Sampler(add, clock)
    sensor = sampler.add_sensor(driver, 20)
    sampler.start()
    clock.advance(10000)
    assert state[2] == 0
    assert 9800 <= state[0] <= 9900, state[0]  # 130 ms are its start
    assert sensor.failed == 0 and driver.overflows == 0
    assert clock.elapsed - state[1] <= 21, "the newest is as old as the last drain"


def test_slower_rates_have_their_own_step():
    clock, bus, chip, driver = rig(rate_hz=100)
    times = array("i")
    sampler = Sampler(lambda row: times.append(row[0]), clock)
    sampler.add_sensor(driver, 200)
    sampler.start()
    clock.advance(3000)
    assert 260 <= len(times) <= 300
    for i in range(1, len(times)):
        assert times[i] - times[i - 1] == 10


def test_an_overflow_is_said_and_it_starts_anew():
    clock, bus, chip, driver = rig()
    row = driver.schema.row()
    got = array("i", [0])

    def add(row):
        got[0] += 1

    driver.add = add

    def drain():
        while True:
            row[0] = clock.ticks()
            ms = driver.measure(row)
            if not ms:
                return
            clock.elapsed += ms

    drain()
    clock.elapsed += 300
    with raises(OSError, "mpu6050 at 0x68", "overflowed"):
        drain()
    assert driver.overflows == 1
    got[0] = 0
    drain()
    clock.elapsed += 50
    drain()
    assert 50 <= got[0] <= 53, got[0]


def test_a_chip_that_was_reset_is_noticed():
    clock, bus, chip, driver = rig()
    row = driver.schema.row()

    driver.add = lambda row: None

    def drain():
        while True:
            row[0] = clock.ticks()
            ms = driver.measure(row)
            if not ms:
                return
            clock.elapsed += ms

    drain()
    bus.attach(0x68, Chip(clock))
    with raises(OSError, "FIFO is off"):
        drain()
    drain()


def test_draining_leaves_nothing_on_the_heap():
    clock, bus, chip, driver = rig()
    row = driver.schema.row()

    def add(row):
        return True

    driver.add = add

    @micropython.native
    def drain():
        for _ in range(10):
            clock.elapsed += 17
            while True:
                row[0] = clock.elapsed
                ms = driver.measure(row)
                if not ms:
                    break
                clock.elapsed += ms

    assert allocated(drain) == 0 or not MICROPYTHON, allocated(drain)
