"""AHT20: temperature and humidity (Aosong AHT20 data sheet).

Rules: one conversion of 80 ms for each measurement, its CRC is checked (section 5.4). The chip
has no identity; its status must say that it is calibrated.
"""

from ..schema import Schema
from .crc8 import crc8
from .driver import Driver

OPTIONS = {"bus": ("i2c0", "i2c"), "address": (0x38, (0x38,))}


def temperature(raw: int) -> int:
    """0.01 °C: raw / 2^20 * 200 - 50, raw of 20 bits."""
    return ((625 * raw + 16384) >> 15) - 5000


def humidity(raw: int) -> int:
    """0.01 %: raw / 2^20 * 100, raw of 20 bits."""
    return (625 * raw + 32768) >> 16


class AHT20(Driver):
    """AHT20 at `bus`. Row: temperature in 0.01 °C, humidity in 0.01 %."""

    SCHEMA = Schema("aht20", (("temperature", "Cel", -2), ("humidity", "%RH", -2)))

    def __init__(self, bus, address=0x38):
        super().__init__(bus, address)
        self._data = bytearray(7)
        self._one = bytearray(1)
        self._set_up = False

    def _find(self):
        one = self._one
        self.bus.readfrom_mem_into(self.address, 0x71, one)
        if one[0] & 8:
            self._set_up = False
            return 0
        if self._set_up:
            self._set_up = False
            self.fail("status is 0x%02x: not calibrated" % one[0])
        self.bus.writeto(self.address, b"\xbe\x08\x00")
        self._set_up = True
        return 10

    def _start(self):
        self.bus.writeto(self.address, b"\xac\x33\x00")
        return 80

    def _read(self, row):
        d = self._data
        self.bus.readfrom_into(self.address, d)
        if d[0] & 0x80:
            return 5
        if crc8(d, 0, 6) != d[6]:
            self.expect("CRC", d[6], crc8(d, 0, 6))
        row[1] = temperature((d[3] & 15) << 16 | d[4] << 8 | d[5])
        row[2] = humidity(d[1] << 12 | d[2] << 4 | d[3] >> 4)
        return 0


DRIVER = AHT20
