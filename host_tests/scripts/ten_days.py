"""Ten days of a station in virtual time: three chips, two of them failing at random.

Run on MicroPython: prints a line of figures and ends with 1 where a promise is broken.
"""

import gc
import sys

from batcher.records import RecordRing
from batcher.sampler import Sampler
from batcher.sensors.bme280 import BME280
from batcher.sensors.scd4x import SCD4x
from batcher.sensors.sht4x import SHT4x
from kit.chips import Still, sensirion
from kit.chips import bme280 as bosch
from kit.i2c import I2C

DAY = 86400000
_MASK = 0x3FFFFFFF


class Dice:
    """A generator of its own, so that every run is the same."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 69069 + 12345) & 0x3FFFFFFF
        return (self.state >> 8) % n


class Clock(Still):
    """Ticks that wrap, from a time that does not."""

    def ticks(self):
        return self.ms & _MASK


class Station:
    def __init__(self, days):
        self.days = days
        self.clock = Clock()
        self.dice = Dice(20261123)
        self.bus = I2C()
        self.chips = {
            0x44: self.bus.attach(0x44, sensirion.SHT4x(self.clock)),
            0x62: self.bus.attach(0x62, sensirion.SCD4x(self.clock)),
        }
        self.bus.attach(0x76, bosch.BME280(self.clock))
        self.drivers = [BME280(self.bus), SHT4x(self.bus), SCD4x(self.bus)]
        self.store = RecordRing([d.schema for d in self.drivers], 8192)
        self.sampler = Sampler(self.add, self.clock, self.tell, self.recover)
        for driver, period in zip(self.drivers, (10000, 5000, 30000)):  # noqa: B905
            self.sampler.add_sensor(driver, period)
        self.told = 0
        self.freed = 0
        self.faults = 0
        self.wrong = 0
        self.last = None

    def add(self, row):
        if row[-1] == self.drivers[0].schema.id:
            # The chip that works: each reading exactly one period after the other.
            if self.last is not None and (row[0] - self.last) & _MASK != 10000:
                self.wrong += 1
            self.last = row[0]
        if not self.store.push(row):
            self.wrong += 1
        if len(self.store) >= 300:
            while len(self.store) > 50:
                batch = self.store.peek(200)
                self.store.commit(len(batch))

    def tell(self, sensor, exc):
        self.told += 1

    def recover(self, bus):
        if bus.held:
            self.freed += 1
            bus.held = 0

    def fault(self):
        """Break or mend one of the two chips."""
        self.faults += 1
        dice = self.dice
        address = 0x44 if dice.below(2) else 0x62
        chip = self.chips[address]
        kind = dice.below(5)
        if kind == 0:
            chip.deaf = not chip.deaf
        elif kind == 1:
            chip.corrupt = not chip.corrupt
        elif kind == 2 and address in self.bus.chips:
            self.bus.detach(address)
        elif kind == 3:
            chip.next_at = None  # a brown-out: it forgets that it measures
            self.bus.attach(address, chip)
        else:
            chip.deaf = chip.corrupt = False
            self.bus.attach(address, chip)

    def mend(self):
        for address in self.chips:
            self.chips[address].deaf = self.chips[address].corrupt = False
            self.bus.attach(address, self.chips[address])

    def run_until(self, end, failing):
        clock = self.clock
        step = self.sampler.step
        next_fault = clock.ms + 1 + self.dice.below(600000)
        while clock.ms < end:
            ms = step(clock.ticks())
            clock.ms += ms
            if failing and clock.ms >= next_fault:
                self.fault()
                next_fault = clock.ms + 1 + self.dice.below(600000)

    def heap(self):
        """Every sensor well, the store empty: what is in use then, day after day."""
        self.mend()
        self.run_until(self.clock.ms + 120000, False)
        while len(self.store):
            self.store.seal()
            batch = self.store.peek(500)
            self.store.commit(len(batch))
        gc.collect()
        return gc.mem_alloc()


def main():
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    station = Station(days)
    heaps = [0] * days
    for day in range(days):
        station.run_until((day + 1) * DAY, True)
        heaps[day] = station.heap()
    # A word left on the C stack can keep an object for a day: the least of several days tells.
    first = min(heaps[: days // 2])
    last = min(heaps[days // 2 :])
    working = station.sampler.sensors[0]
    for sensor in station.sampler.sensors:
        print(sensor.name, sensor.good, sensor.failed, sensor.skipped, sensor.error)
    print("days", days, "faults", station.faults, "told", station.told)
    print("heap", heaps)
    print("BENCH station_days=%d" % days)
    print("BENCH station_heap_growth=%d" % (last - first))
    print("BENCH station_late_ms=%d" % working.latest_ms)
    print("BENCH station_failures=%d" % sum([s.failed for s in station.sampler.sensors]))
    fine = last <= first and not station.wrong and not working.failed and not working.skipped
    fine = fine and working.latest_ms <= working.period_ms
    fine = fine and all([s.error is None for s in station.sampler.sensors])
    print("wrong", station.wrong)
    sys.exit(0 if fine else 1)


main()
