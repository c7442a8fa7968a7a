"""AHT20: temperature and humidity (Aosong AHT20 data sheet).

Rules: one conversion of 80 ms for each measurement, its CRC is checked (section 5.4). The chip
has no identity; its status must say that it is calibrated.
"""

from .crc8 import crc8
from .driver import Driver


def temperature(raw: int) -> int:
    """0.01 °C: raw / 2^20 * 200 - 50, raw of 20 bits."""
    return ((625 * raw + 16384) >> 15) - 5000


def humidity(raw: int) -> int:
    """0.01 %: raw / 2^20 * 100, raw of 20 bits."""
    return (625 * raw + 32768) >> 16


class AHT20(Driver):
    """AHT20 at `bus`. Row: temperature in 0.01 °C, humidity in 0.01 %."""

    SCHEMA = ("aht20", (("temperature", "Cel", -2), ("humidity", "%RH", -2)))
    OPTIONS = (("address", 0x38, 0x38),)

    def run(self, bus, address):
        if not self.get(0x71) & 8:
            bus.writeto(address, b"\xbe\x08\x00")  # calibrate
            yield 10
            self.expect("calibration bit", self.get(0x71) & 8, 8)
        d = bytearray(7)
        while True:
            bus.writeto(address, b"\xac\x33\x00")
            yield 80
            while True:
                bus.readfrom_into(address, d)
                if not d[0] & 0x80:
                    break
                yield 5
            self.expect("CRC", d[6], crc8(d, 0, 6))
            self.row[1] = temperature((d[3] & 15) << 16 | d[4] << 8 | d[5])
            self.row[2] = humidity(d[1] << 12 | d[2] << 4 | d[3] >> 4)
            yield 0


DRIVER = AHT20
