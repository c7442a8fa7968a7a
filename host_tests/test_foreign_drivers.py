"""A driver that somebody else wrote and put on PyPI, behind the adapter, on both interpreters."""

from pathlib import Path

import pytest

periph = pytest.importorskip("periph")

CODE = """
import sys
# The package itself wants CPython's `abc`; a driver of it needs its own file and a connection.
sys.path.append({folder!r})
from bme280 import BME280Minimal
from batcher.sampler import Sampler
from batcher.sensors.adapter import Adapter
from kit.chips.bme280 import BME280
from kit.clock import VirtualClock
from kit.i2c import I2C

class Connection:
    def __init__(self, bus, address):
        self.bus = bus
        self.address = address

    def write(self, data):
        self.bus.writeto(self.address, data)

    def write_read(self, data, count):
        return self.bus.readfrom_mem(self.address, data[0], count)


class Hasty:
    # The driver waits less than the longest time of the datasheet: this chip is done at once.

    ms = 0

    def ticks(self):
        self.ms += 20
        return self.ms


clock = VirtualClock()
bus = I2C()
emulated = bus.attach(0x76, BME280(Hasty()))
emulated.set(temperature=23.45, pressure=98765.0)

chip = BME280Minimal(Connection(bus, 0x76))
fields = (("temperature", "Cel", -2), ("pressure", "Pa", 0))
foreign = Adapter("attic", fields, lambda: (chip.temperature(), chip.pressure() * 100))

rows = []
told = []
sampler = Sampler(lambda row: rows.append(list(row)), clock, lambda s, exc: told.append(exc))
sampler.add_sensor(foreign, 1000)
sampler.start()
clock.advance(3000)
assert len(rows) == 4, rows
assert abs(rows[0][1] - 2345) <= 1, rows
assert abs(rows[0][2] - 98765) <= 5, rows
emulated.deaf = True
clock.advance(3000)
assert len(told) == 1, told
emulated.deaf = False
clock.advance(10000)
assert told[1] is None and len(rows) >= 6, (told, rows)
print("read", rows[-1][1], rows[-1][2])
"""


def code():
    folder = Path(periph.__file__).parent / "chips" / "environmental"
    return CODE.format(folder=str(folder))


def test_a_driver_from_pypi_on_cpython():
    exec(compile(code(), "foreign", "exec"), {})


def test_a_driver_from_pypi_on_micropython(micropython):
    assert "read 234" in micropython(code(), heap="512k").stdout
