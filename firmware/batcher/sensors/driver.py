"""What every driver is: data about a chip, and a generator that finds it and measures.

Rules: a constructor touches no bus, so a chip that is missing at power-up stops nothing.
`measure(row)` never waits: it returns 0 when the row is filled, or the milliseconds after
which it wants to be called again. It leaves nothing on the heap. Any failure is an OSError
that says what was wanted and what came, and the next call looks for the chip again from its
identity on: it may have been unplugged, reset or exchanged.
"""

from ..port import const
from ..schema import Schema

_EIO = const(5)
_PATIENCE = const(40)  # how often in a row it may ask for more time


class Driver:
    """A subclass has SCHEMA and OPTIONS, and `run`, which is begun anew after each failure.

    `run(part, option, option ...)`: a generator that finds the chip and sets it up, and then
    measures for ever. It yields ms where something takes its time; it fills `self.row[1...]` and
    yields 0. It raises OSError: `fail` and `expect` do.
    """

    PART = ("bus", "i2c")  # the option that names a part of the board, and what the board makes
    SCHEMA: tuple = ()  # (name, fields), as of a Schema
    # (name, default, more choices ...), (name, default, lowest, ..., highest) or (name, default):
    # anything of its type. `run` gets the number of a choice, 0 for the default, and the value of
    # all else, also of the address.
    OPTIONS: tuple = ()
    bus = address = None  # of a chip on I2C
    WIDTH = 1  # bytes of a register, the high one first

    def __init__(self, part, address=None, **options):
        """part: the bus, or what is on the pin. Raises ValueError with every fault."""
        self.schema = Schema(*self.SCHEMA)
        self.row = None
        self._values = values = [part]
        if address is not None:
            options["address"] = address
        faults = []
        place = self.schema.name + ": option %r: "
        known = self.PART[0]
        for name, *choices in self.OPTIONS:
            known += ", " + name
            value = options.pop(name, choices[0])
            right = type(value) is type(choices[0])
            if ... in choices:
                right = right and choices[1] <= value <= choices[3]
                choices = "%d to %d" % (choices[1], choices[3])
            elif len(choices) > 1:
                right = right and value in choices
                if right and name != "address":
                    value = choices.index(value)
            if name == "address":
                self.bus = part
                self.address = value
            if not right:
                faults.append(place % name + "%r is not one of %s" % (value, choices))
            values.append(value)
        for name in options:
            faults.append(place % name + "there is none; there are: " + known)
        if faults:
            raise ValueError(*faults)
        self._data = bytearray(self.WIDTH)
        self._steps = None
        self._waits = 0

    def measure(self, row):
        """-> 0: row[1...] is filled; n > 0: call again after n ms. Raises OSError."""
        steps = self._steps or self.run(*self._values)  # type: ignore[attr-defined]
        self._steps = None  # whatever fails below, the chip is to be found again
        self.row = row
        ms = next(steps)
        self._waits = self._waits + 1 if ms else 0
        if self._waits > _PATIENCE:
            self._waits = 0
            self.fail("is still not ready")
        self._steps = steps
        return ms

    def get(self, register):
        """-> what is in a register of the chip."""
        self.bus.readfrom_mem_into(self.address, register, self._data)
        return int.from_bytes(self._data, "big")

    def put(self, register, value):
        data = self._data
        data[0] = value >> 8
        data[-1] = value & 255
        self.bus.writeto_mem(self.address, register, data)

    def expect(self, what, found, wanted):
        """Raise where the chip is not the one that was wanted, or not as it was set up."""
        if found != wanted:
            self.fail("%s is 0x%02x, wanted 0x%02x" % (what, found, wanted))

    def fail(self, what):
        """Raise OSError(EIO, "NAME at 0xADDRESS: WHAT")."""
        name = self.SCHEMA[0]
        if self.address is not None:
            name += " at 0x%02x" % self.address
        raise OSError(_EIO, "%s: %s" % (name, what))
