"""What every driver of an I2C chip must pass: `Rig(chip, Driver, address, ...).check_all()`.

A rig is one emulated chip on one bus with one driver and a time that stands still until the
driver asks for a wait. Each check starts from a rig of its own.
"""

from batcher.schema import MISSING

from .alloc import allocated, locked
from .check import raises
from .chips import Still
from .i2c import I2C


class Rig:
    """make_chip(clock) -> chip; make_driver(bus) -> driver."""

    def __init__(self, make_chip, make_driver, address, checks_corrupt=True):
        self.make_chip = make_chip
        self.make_driver = make_driver
        self.address = address
        self.checks_corrupt = checks_corrupt
        self.build()

    def build(self):
        self.clock = Still()
        self.bus = I2C()
        self.chip = self.bus.attach(self.address, self.make_chip(self.clock))
        self.driver = self.make_driver(self.bus)
        self.row = self.driver.schema.row()
        self.waited = 0
        return self

    def read(self):
        """One measurement, its waits taken -> the fields, a list."""
        self.measure()
        return list(self.row)[1:-1]

    def measure(self):
        steps = 0
        self.waited = 0
        while True:
            ms = self.driver.measure(self.row)
            if not ms:
                return
            self.clock.ms += ms
            self.waited += ms
            steps += 1
            assert steps < 200, "the driver never ends"

    def check_all(self):
        for check in (
            self.fills_the_row,
            self.leaves_the_heap_alone,
            self.survives_unplugging,
            self.survives_silence,
            self.survives_a_stuck_bus,
            self.refuses_what_is_corrupt,
        ):
            self.build()
            check()

    def fills_the_row(self):
        self.row[0] = 12345
        values = self.read()
        assert MISSING not in values, values
        assert self.row[0] == 12345 and self.row[-1] == self.driver.schema.id
        again = self.read()
        assert again == values, (values, again)

    def leaves_the_heap_alone(self):
        self.measure()
        assert allocated(self.measure) == 0, allocated(self.measure)
        locked(self.measure)

    def survives_unplugging(self):
        values = self.read()
        chip = self.bus.detach(self.address)
        for _ in range(3):
            with raises(OSError):
                self.measure()
        self.bus.attach(self.address, self.make_chip(self.clock))  # powered up anew
        assert self.read() == values
        # Pulled and put back while it converts: another chip, which knows of no conversion.
        ms = self.driver.measure(self.row)
        if ms:
            self.bus.attach(self.address, self.make_chip(self.clock))
            self.clock.ms += ms
            try:
                self.measure()
            except OSError:
                pass
        assert self.read() == values
        assert chip is not None

    def survives_silence(self):
        values = self.read()
        self.chip.deaf = True
        with raises(OSError):
            self.measure()
        self.chip.deaf = False
        assert self.read() == values

    def survives_a_stuck_bus(self):
        values = self.read()
        self.bus.stick(3)
        with raises(OSError):
            self.measure()
        self.bus.held = 0
        assert self.read() == values

    def refuses_what_is_corrupt(self):
        if not self.checks_corrupt:
            return
        self.chip.corrupt = True
        with raises(OSError, "0x"):
            self.measure()
        self.chip.corrupt = False
        self.measure()
