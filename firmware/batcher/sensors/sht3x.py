"""SHT30, SHT31, SHT35: temperature and humidity (Sensirion, SHT3x-DIS).

Rules: single shots without clock stretching; both channels of the same one; each word's CRC is
checked. The chip has no identity of its own: its status register with its CRC stands for it.
"""

from .crc8 import word
from .driver import Driver


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

    SCHEMA = ("sht3x", (("temperature", "Cel", -2), ("humidity", "%RH", -2)))
    OPTIONS = (("address", 0x44, 0x45), ("repeatability", "high", "medium", "low"))
    IDENTIFY = b"\xf3\x2d"  # read the status register
    # By repeatability: the command, and the longest conversion, rounded up.
    SHOTS = ((b"\x24\x00", 16), (b"\x24\x0b", 7), (b"\x24\x16", 5))
    humidity = staticmethod(humidity)

    def run(self, bus, address, repeatability):
        bus.writeto(address, self.IDENTIFY)
        yield 1
        data = bytearray(3)
        bus.readfrom_into(address, data)
        word(self, data, 0)
        command, ms = self.SHOTS[repeatability]
        data = bytearray(6)
        while True:
            bus.writeto(address, command)
            yield ms
            bus.readfrom_into(address, data)
            self.row[1] = temperature(word(self, data, 0))
            self.row[2] = self.humidity(word(self, data, 1))
            yield 0


DRIVER = SHT3x
