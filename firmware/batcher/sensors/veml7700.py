"""VEML7700: ambient light (Vishay 84286, and its application note 84323).

Rules: the chip is woken for each measurement and shut down after it, so that the reading is
of that time and nothing runs in between. Identity register 7 is checked.
"""

from ..schema import Schema
from .driver import Driver

OPTIONS = {
    "bus": ("i2c0", "i2c"),
    "address": (0x10, (0x10,)),
    "gain": ("1/8", ("1/8", "1/4", "1", "2")),
    "integration_ms": (100, (25, 50, 100, 200, 400, 800)),
}

# Register 0, ALS_CONF_0: bits 12:11 and bits 9:6. The resolution is 0.0042 lx at gain 2 and
# 800 ms, and that times 16 for gain 1/8, times 32 for 25 ms (application note of 2025).
_GAINS = {"1": (0, 2), "2": (1, 1), "1/8": (2, 16), "1/4": (3, 8)}
_TIMES = {25: (12, 32), 50: (8, 16), 100: (0, 8), 200: (1, 4), 400: (2, 2), 800: (3, 1)}
_RESOLUTION = 42  # in 0.0001 lx


def straighten(x: int) -> int:
    """0.01 lx of what gain 1/4 or 1/8 shows as x * 0.01 lx (application note, page 21).

    6.0135e-13 x^4 - 9.3924e-9 x^3 + 8.1488e-5 x^2 + 1.0023 x, x in lux: Horner's scheme on
    y = x / 1000 in 1/1024, clamped where the polynomial ends (23,000 lx shown, 121,000 true).
    """
    if x > 2300000:
        x = 2300000
    y = (x * 32) // 3125  # of 100,000 to 1024
    p = ((2463 * y) >> 10) - 38471  # 0.60135 y - 9.3924, in 1/4096
    p = ((p * y) >> 15) + 10430  # times y + 81.488, in 1/128
    p = ((p * y) >> 10) + 128294  # times y + 1002.3, in 1/128
    p = (p * 16 + 62) // 125  # in 1/16384 of what x is multiplied by
    return (x >> 10) * p // 16 + ((x & 1023) * p >> 14)


class VEML7700(Driver):
    """VEML7700 at `bus`. Row: illuminance in 0.01 lx.

    gain "1/8" with 100 ms shows up to 120,000 lx (0.54 lx steps), "2" with 800 ms 0.0042 lx.
    """

    SCHEMA = Schema("veml7700", (("illuminance", "lx", -2),))

    def __init__(self, bus, address=0x10, gain="1/8", integration_ms=100):
        super().__init__(bus, address)
        code, times = _GAINS[gain]
        time, more = _TIMES[integration_ms]
        config = code << 11 | time << 6
        self._on = bytes((config & 255, config >> 8))
        self._off = bytes((config & 255 | 1, config >> 8))
        self._step = _RESOLUTION * times * more
        self._straighten = times > 2
        # Start-up 2.5 ms, then one integration and a tenth for its tolerance.
        self._ms = integration_ms + integration_ms // 10 + 3
        self._data = bytearray(2)

    def _find(self):
        self.bus.readfrom_mem_into(self.address, 7, self._data)
        self.expect("chip id", self._data[0], 0x81)
        return 0

    def _start(self):
        self.bus.writeto_mem(self.address, 0, self._on)
        return self._ms

    def _read(self, row):
        data = self._data
        self.bus.readfrom_mem_into(self.address, 0, data)
        if data[0] != self._on[0] or data[1] != self._on[1]:
            self.fail("its settings are gone: it was reset while it measured")
        self.bus.readfrom_mem_into(self.address, 4, data)
        self.bus.writeto_mem(self.address, 0, self._off)
        value = decode(data[0] | data[1] << 8, self._step)
        row[1] = straighten(value) if self._straighten else value
        return 0


def decode(raw: int, step: int) -> int:
    """0.01 lx of a raw reading; step: its resolution in 0.0001 lx, 42 to 21,504."""
    # In two halves: 65,535 * 21,504 needs 31 bits.
    high = (raw >> 8) * step
    return high // 100 * 256 + (high % 100 * 256 + (raw & 255) * step) // 100


DRIVER = VEML7700
