"""ADS1115: four voltages, 16 bits (Texas Instruments SBAS444).

Rules: single shots, one channel after the other, so the channels of a row are a conversion
apart. There is no identity: the configuration written must read back.
"""

from ..schema import Schema
from .driver import Driver


class ADS1115(Driver):
    """ADS1115 at `address` of `bus`.

    channels: the inputs to measure, as "0123" or "02", each against ground. full_scale_mv: the
    amplifier's range (an input must not exceed the supply). rate: conversions a second.
    Row: v0, v1, ... of the channels, in µV.
    """

    SCHEMA = ("ads1115", (("v0", "V", -6), ("v1", "V", -6), ("v2", "V", -6), ("v3", "V", -6)))
    OPTIONS = (
        ("address", 0x48, 0x49, 0x4A, 0x4B),
        ("channels", "0123"),
        ("full_scale_mv", 4096, 2048, 1024, 512, 256, 6144),
        ("rate", 128, 250, 475, 860, 8, 16, 32, 64),
    )
    WIDTH = 2

    def __init__(self, bus, address=None, channels="0123", **options):
        super().__init__(bus, address, channels=channels, **options)
        if channels.strip("0123"):
            raise ValueError("ads1115: channels %r: some of 0123 are wanted" % channels)
        self.schema = Schema("ads1115", [("v" + c, "V", -6) for c in channels])

    def run(self, bus, address, channels, scale, rate):
        # The rate is 10 % off at most; waking takes 25 µs.
        ms = 1100 // self.OPTIONS[3][rate + 1] + 1
        # Start, single shot, comparator off. The chip counts ranges from 6144, rates from 8.
        config = 0xC103 | (scale + 1) % 6 << 9 | (rate + 4 & 7) << 5
        # µV of a step: 187.5 at 6144 mV, else 125, 62.5 ... 7.8125.
        factor, shift = (375, 1) if scale == 5 else (125, scale)
        channels = channels.encode()
        while True:
            for i in range(len(channels)):
                wanted = config | (channels[i] & 3) << 12
                self.put(1, wanted)
                yield ms
                while self.get(1) == wanted & 0x7FFF:
                    yield 1  # it still converts
                self.expect("configuration", self.get(1), wanted)
                self.row[i + 1] = ((self.get(0) ^ 0x8000) - 0x8000) * factor >> shift
            yield 0


DRIVER = ADS1115
