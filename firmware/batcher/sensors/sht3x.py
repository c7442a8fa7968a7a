"""SHT30, SHT31, SHT35: temperature and humidity (Sensirion, SHT3x-DIS).

Rules: single shots without clock stretching; both channels of the same one; each word's CRC is
checked. The chip has no identity of its own: its status register with its CRC stands for it.
"""

from ..schema import Schema
from .crc8 import check_words
from .driver import Driver

OPTIONS = {
    "bus": ("i2c0", "i2c"),
    "address": (0x44, (0x44, 0x45)),
    "repeatability": ("high", ("high", "medium", "low")),
}

# Commands, and longest conversions, rounded up, by repeatability.
_SHOT = {"high": (0x00, 16), "medium": (0x0B, 7), "low": (0x16, 5)}


def temperature(raw: int) -> int:
    """0.01 °C: -45 + 175 * raw / 65535."""
    return (3500 * raw + 6553) // 13107 - 4500


def humidity(raw: int) -> int:
    """0.01 %: 100 * raw / 65535."""
    return (2000 * raw + 6553) // 13107


class SHT3x(Driver):
    """SHT3x at `address` of `bus`; repeatability "high" (16 ms), "medium" (7) or "low" (5).

    Row: temperature in 0.01 °C, humidity in 0.01 %.
    """

    SCHEMA = Schema("sht3x", (("temperature", "Cel", -2), ("humidity", "%RH", -2)))

    def __init__(self, bus, address=0x44, repeatability="high"):
        super().__init__(bus, address)
        code, self._ms = _SHOT[repeatability]
        self._command = bytearray((0x24, code))
        self._data = bytearray(6)

    def _find(self):
        status = bytearray(3)
        self.bus.writeto(self.address, b"\xf3\x2d")  # read the status register
        self.bus.readfrom_into(self.address, status)
        check_words(self, status, 1)
        return 0

    def _start(self):
        self.bus.writeto(self.address, self._command)
        return self._ms

    def _read(self, row):
        data = self._data
        self.bus.readfrom_into(self.address, data)
        check_words(self, data, 2)
        row[1] = temperature(data[0] << 8 | data[1])
        row[2] = humidity(data[3] << 8 | data[4])
        return 0


DRIVER = SHT3x
