"""The microcontroller's own temperature, by what the board's file says of it.

RP2040 datasheet section 4.9.5: 27 - (V - 0.706) / 0.001721. The ESP32s have a function.
"""

from ..schema import Schema

OPTIONS = {"source": ("core", "temperature")}


def decode_rp2(raw: int) -> int:
    """0.01 °C of read_u16() at 3.3 V full scale."""
    uv = (raw * 12891) >> 8  # 3,300,000 / 65,535 = 50.354
    return 2700 - (uv - 706000) * 100 // 1721


class Core:
    """`source`: an ADC (RP2), or (function, "C" or "F"). Row: temperature in 0.01 °C."""

    SCHEMA = Schema("core", (("temperature", "Cel", -2),))

    def __init__(self, source):
        self.schema = self.SCHEMA
        self.source = source

    def measure(self, row):
        source = self.source
        if hasattr(source, "read_u16"):
            row[1] = decode_rp2(source.read_u16())
        elif source[1] == "F":
            row[1] = (source[0]() - 32) * 500 // 9
        else:
            row[1] = source[0]() * 100
        return 0


DRIVER = Core
