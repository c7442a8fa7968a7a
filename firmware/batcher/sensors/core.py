"""The microcontroller's own temperature, by what the board's file says of it.

RP2040 datasheet section 4.9.5: 27 - (V - 0.706) / 0.001721. The ESP32s have a function.
"""

from .driver import Driver


def decode_rp2(raw: int) -> int:
    """0.01 °C of read_u16() at 3.3 V full scale."""
    uv = (raw * 12891) >> 8  # 3,300,000 / 65,535 = 50.354
    return 2700 - (uv - 706000) * 100 // 1721


class Core(Driver):
    """`source`: an ADC (RP2), or (function, "C" or "F"). Row: temperature in 0.01 °C."""

    PART = ("source", "temperature")
    SCHEMA = ("core", (("temperature", "Cel", -2),))

    def run(self, source):
        while True:
            if hasattr(source, "read_u16"):
                value = decode_rp2(source.read_u16())
            else:
                value = source[0]() * 100
                if source[1] == "F":
                    value = (value - 3200) * 5 // 9
            self.row[1] = value
            yield 0


DRIVER = Core
