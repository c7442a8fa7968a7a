"""Drivers that somebody else wrote, on both interpreters: as the README says, and one of PyPI."""

import re
import textwrap
from pathlib import Path

import pytest

from batcher_tools.paths import FIRMWARE

README = (FIRMWARE / "batcher" / "sensors" / "README.md").read_text()
SMALLEST = """
{driver}

from kit.chips.ti import Words
from kit.driver_suite import Rig


class Chip(Words):
    MASK = 15

    def __init__(self, clock=None):
        super().__init__(clock)
        self.regs = [0] * 16
        self.regs[1] = 0x0220
        self.regs[15] = 0x1117

    def write(self, register, value):
        self.regs[register] = value & 0xDFFF
        self.done_at = self.clock.ticks() + 125

    def finished(self):
        self.regs[0] = -1284 & 0xFFFF  # -10.03 degrees
        self.regs[1] |= 0x2000

    def read(self, register):
        return self.regs[register] ^ (0x40 if self.corrupt and register == 15 else 0)


rig = Rig(Chip, TMP117, 0x48)
rig.check_all()
print("read", rig.build().read())
"""


def smallest():
    found = re.search(r"```python\n( *from \.driver .*?)```", README, re.DOTALL)
    driver = textwrap.dedent(found[1]).replace("from .driver", "from batcher.sensors.driver")
    return SMALLEST.format(driver=driver)


def test_the_smallest_driver_of_the_readme_on_cpython(capsys):
    exec(compile(smallest(), "smallest", "exec"), {})
    assert capsys.readouterr().out == "read [-1003]\n"


def test_the_smallest_driver_of_the_readme_on_micropython(micropython):
    assert "read [-1003]" in micropython(smallest(), heap="512k").stdout


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
    periph = pytest.importorskip("periph")
    folder = Path(periph.__file__).parent / "chips" / "environmental"
    return CODE.format(folder=str(folder))


def test_a_driver_from_pypi_on_cpython():
    exec(compile(code(), "foreign", "exec"), {})


def test_a_driver_from_pypi_on_micropython(micropython):
    assert "read 234" in micropython(code(), heap="512k").stdout
