"""VEML7700: ambient light (Vishay 84286, and its application note 84323).

Rules: the chip is woken for each measurement and shut down after it, so that the reading is
of that time and nothing runs in between. Identity register 7 is checked.
"""

from .driver import Driver

# Register 0, ALS_CONF_0: bits 12:11 and bits 9:6. The resolution is 0.0042 lx at gain 2 and
# 800 ms, and that times 16 for gain 1/8, times 32 for 25 ms (application note of 2025).
_GAINS = ((2, 16), (3, 8), (0, 2), (1, 1))
_TIMES = ((0, 8), (12, 32), (8, 16), (1, 4), (2, 2), (3, 1))


def decode(raw: int, step: int) -> int:
    """0.01 lx of a raw reading; step: its resolution in 0.0001 lx, 42 to 21,504."""
    return raw * (step >> 1) // 50  # half of it: 65,535 * 21,504 needs 31 bits


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

    SCHEMA = ("veml7700", (("illuminance", "lx", -2),))
    OPTIONS = (
        ("address", 0x10, 0x10),
        ("gain", "1/8", "1/4", "1", "2"),
        ("integration_ms", 100, 25, 50, 200, 400, 800),
    )
    WIDTH = 2  # here the low byte comes first

    def run(self, bus, address, gain, time):
        self.expect("chip id", self.get(7) >> 8, 0x81)
        ms = self.OPTIONS[2][time + 1]
        gain, times = _GAINS[gain]
        time, more = _TIMES[time]
        on = (time << 6 & 255) << 8 | gain << 3 | time >> 2
        while True:
            self.put(0, on)
            # Start-up 2.5 ms, then one integration and a tenth for its tolerance.
            yield ms + ms // 10 + 3
            self.expect("configuration", self.get(0), on)
            value = self.get(4)
            self.put(0, on | 0x100)  # off
            value = decode((value & 255) << 8 | value >> 8, 42 * times * more)
            self.row[1] = straighten(value) if times > 2 else value
            yield 0


DRIVER = VEML7700
