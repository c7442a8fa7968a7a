"""SHT40, SHT41, SHT45: temperature and humidity (Sensirion, SHT4x).

Rules: one conversion for each measurement, both channels of it; each word's CRC is checked;
the serial number with its CRCs stands for the identity.
"""

from ..schema import Schema
from .crc8 import check_words
from .driver import Driver
from .sht3x import temperature

OPTIONS = {
    "bus": ("i2c0", "i2c"),
    "address": (0x44, (0x44, 0x45, 0x46)),
    "repeatability": ("high", ("high", "medium", "low")),
}

# Commands, and longest conversions, rounded up, by repeatability.
_SHOT = {"high": (0xFD, 9), "medium": (0xF6, 5), "low": (0xE0, 2)}


def humidity(raw: int) -> int:
    """0.01 %: -6 + 125 * raw / 65535, cropped to 0 to 100 %."""
    value = (2500 * raw + 6553) // 13107 - 600
    return 0 if value < 0 else 10000 if value > 10000 else value


class SHT4x(Driver):
    """SHT4x at `address` of `bus`; repeatability "high" (9 ms), "medium" (5) or "low" (2).

    Row: temperature in 0.01 °C, humidity in 0.01 %.
    """

    SCHEMA = Schema("sht4x", (("temperature", "Cel", -2), ("humidity", "%RH", -2)))

    def __init__(self, bus, address=0x44, repeatability="high"):
        super().__init__(bus, address)
        code, self._ms = _SHOT[repeatability]
        self._command = bytearray((code,))
        self._data = bytearray(6)
        self._asked = False

    def _find(self):
        if not self._asked:
            self.bus.writeto(self.address, b"\x89")  # serial number
            self._asked = True
            return 1
        self._asked = False
        self.bus.readfrom_into(self.address, self._data)
        check_words(self, self._data, 2)
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


DRIVER = SHT4x
