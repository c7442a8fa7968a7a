"""BH1750FVI: ambient light (ROHM).

Rules: one-time measurements, after each of which the chip powers down by itself. It has no
identity and no checksum: a missing chip shows as a refused address.
"""

from ..schema import Schema
from .driver import Driver

OPTIONS = {
    "bus": ("i2c0", "i2c"),
    "address": (0x23, (0x23, 0x5C)),
    "mode": ("high", ("high", "high2", "low")),
    "time": (69, range(31, 255)),
}

# Instruction set, and the longest conversion at the default measurement time of 69.
_MODES = {"high": (0x20, 180, 1), "high2": (0x21, 180, 2), "low": (0x23, 24, 1)}


def decode(raw: int, time: int = 69, fineness: int = 1) -> int:
    """0.1 lx: raw / 1.2 * 69 / time, halved in high2 (fineness 2)."""
    return (raw * 575 + (time * fineness >> 1)) // (time * fineness)


class BH1750(Driver):
    """BH1750 at `address` of `bus`.

    mode: "high" (1 lx steps), "high2" (0.5 lx), "low" (4 lx, 24 ms). time: the measurement time
    register, 31 (least sensitive, to 121,557 lx) to 254 (most, 0.11 lx steps).
    Row: illuminance in 0.1 lx.
    """

    SCHEMA = Schema("bh1750", (("illuminance", "lx", -1),))

    def __init__(self, bus, address=0x23, mode="high", time=69):
        super().__init__(bus, address)
        code, ms, self._fineness = _MODES[mode]
        self._time = time
        self._ms = (ms * time + 68) // 69
        self._commands = (
            b"\x01",  # power on
            bytes((0x40 | time >> 5,)),
            bytes((0x60 | time & 31,)),
            bytes((code,)),
        )
        self._data = bytearray(2)

    def _start(self):
        for command in self._commands:
            self.bus.writeto(self.address, command)
        return self._ms

    def _read(self, row):
        data = self._data
        self.bus.readfrom_into(self.address, data)
        row[1] = decode(data[0] << 8 | data[1], self._time, self._fineness)
        return 0


DRIVER = BH1750
