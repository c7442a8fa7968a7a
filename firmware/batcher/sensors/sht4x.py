"""SHT40, SHT41, SHT45: temperature and humidity (Sensirion, SHT4x).

Rules: those of sht3x.py, whose way of measuring it shares; its serial number with its CRC
stands for the identity.
"""

from .sht3x import SHT3x


class SHT4x(SHT3x):
    """SHT4x at `address` of `bus`; repeatability "high" (9 ms), "medium" (5) or "low" (2).

    Row: temperature in 0.01 °C, humidity in 0.01 %.
    """

    SCHEMA = ("sht4x", SHT3x.SCHEMA[1])
    OPTIONS = (("address", 0x44, 0x45, 0x46), ("repeatability", "high", "medium", "low"))
    IDENTIFY = b"\x89"  # read the serial number
    SHOTS = ((b"\xfd", 9), (b"\xf6", 5), (b"\xe0", 2))

    @staticmethod
    def humidity(raw: int) -> int:
        """0.01 %: -6 + 125 * raw / 65535, cropped to 0 to 100 %."""
        return min(max((2500 * raw + 6553) // 13107 - 600, 0), 10000)


DRIVER = SHT4x
