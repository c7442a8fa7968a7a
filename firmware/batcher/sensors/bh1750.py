"""BH1750FVI: ambient light (ROHM).

Rules: one-time measurements, after each of which the chip powers down by itself. It has no
identity and no checksum: a missing chip shows as a refused address.
"""

from .driver import Driver

# Instruction set, and the longest conversion at the default measurement time of 69.
_MODES = ((0x20, 180, 1), (0x21, 180, 2), (0x23, 24, 1))


def decode(raw: int, time: int = 69, fineness: int = 1) -> int:
    """0.1 lx: raw / 1.2 * 69 / time, halved in high2 (fineness 2)."""
    time *= fineness
    return (raw * 575 + (time >> 1)) // time


class BH1750(Driver):
    """BH1750 at `address` of `bus`.

    mode: "high" (1 lx steps), "high2" (0.5 lx), "low" (4 lx, 24 ms). time: the measurement time
    register, 31 (least sensitive, to 121,557 lx) to 254 (most, 0.11 lx steps).
    Row: illuminance in 0.1 lx.
    """

    SCHEMA = ("bh1750", (("illuminance", "lx", -1),))
    OPTIONS = (
        ("address", 0x23, 0x5C),
        ("mode", "high", "high2", "low"),
        ("time", 69, 31, ..., 254),
    )

    def run(self, bus, address, mode, time):
        code, ms, fineness = _MODES[mode]
        commands = bytes((1, 0x40 | time >> 5, 0x60 | time & 31, code))  # 1: power on
        one = bytearray(1)
        data = bytearray(2)
        while True:
            for command in commands:
                one[0] = command
                bus.writeto(address, one)
            yield (ms * time + 68) // 69
            bus.readfrom_into(address, data)
            self.row[1] = decode(data[0] << 8 | data[1], time, fineness)
            yield 0


DRIVER = BH1750
