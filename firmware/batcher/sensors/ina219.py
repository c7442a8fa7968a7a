"""INA219: voltage, current and power of a bus (Texas Instruments SBOS448).

Rules: triggered conversions of shunt and bus, averaged in the chip. Current and power are
computed from what it measured, not taken from its calibrated registers, which would round them
and which a reset clears. There is no identity: after a reset its configuration must read 0x399F.
"""

from .driver import Driver


def current(raw: int, shunt_mohm: int) -> int:
    """0.1 mA: raw * 10 µV / shunt, raw a signed word."""
    return (((raw ^ 0x8000) - 0x8000) * 100 + (shunt_mohm >> 1)) // shunt_mohm


def power(mv: int, ma10: int) -> int:
    """mW of mV and 0.1 mA, no product wider than 30 bits."""
    return ma10 // 10000 * mv + (ma10 % 10000 * mv + 5000) // 10000


class INA219(Driver):
    """INA219 at `address` of `bus`, with a shunt of shunt_mohm milliohm; samples: averaged.

    Row: voltage (of the load side) in mV, current in 0.1 mA, power in mW.
    """

    SCHEMA = ("ina219", (("voltage", "V", -3), ("current", "A", -4), ("power", "W", -3)))
    OPTIONS = (
        ("address", 0x40, 0x40, ..., 0x4F),
        ("shunt_mohm", 100, 1, ..., 10000),
        ("samples", 1, 2, 4, 8, 16, 32, 64, 128),
    )
    WIDTH = 2

    def run(self, bus, address, shunt, samples):
        self.put(0, 0x8000)
        self.expect("configuration", self.get(0), 0x399F)
        # 32 V, 320 mV, both triggered, 12 bits, averaged.
        adc = samples | 8 if samples else 3
        config = 0x3803 | adc << 7 | adc << 3
        while True:
            self.put(0, config)
            yield ((2 * 586 << samples) + 999) // 1000
            while True:
                self.expect("configuration", self.get(0), config)
                mv = self.get(2)
                if mv & 2:
                    break  # CNVR: the conversion is ready
                yield 1
            self.row[1] = mv = mv >> 3 << 2
            self.row[2] = ma10 = current(self.get(1), shunt)
            self.row[3] = power(mv, ma10)
            yield 0


DRIVER = INA219
