"""ADS1115: four voltages, 16 bits (Texas Instruments SBAS444).

Rules: single shots, one channel after the other, so the channels of a row are a conversion
apart. There is no identity: the configuration written must read back.
"""

from array import array

from ..schema import Schema
from .driver import Driver

OPTIONS = {
    "bus": ("i2c0", "i2c"),
    "address": (0x48, (0x48, 0x49, 0x4A, 0x4B)),
    "channels": ("0123", str),
    "full_scale_mv": (4096, (6144, 4096, 2048, 1024, 512, 256)),
    "rate": (128, (8, 16, 32, 64, 128, 250, 475, 860)),
}

_SCALES = (6144, 4096, 2048, 1024, 512, 256)  # PGA
_RATES = (8, 16, 32, 64, 128, 250, 475, 860)  # DR
# Microvolts of one step, as numerator and shift, by range: 187.5, 125, 62.5 ... 7.8125.
_STEPS = ((375, 1), (125, 0), (125, 1), (125, 2), (125, 3), (125, 4))


class ADS1115(Driver):
    """ADS1115 at `address` of `bus`.

    channels: the inputs to measure, as "0123" or "02", each against ground. full_scale_mv: the
    amplifier's range (an input must not exceed the supply). rate: conversions a second.
    Row: v0, v1, ... of the channels, in µV.
    """

    SCHEMA = Schema("ads1115", tuple([("v%d" % i, "V", -6) for i in range(4)]))

    def __init__(self, bus, address=0x48, channels="0123", full_scale_mv=4096, rate=128):
        super().__init__(bus, address)
        if not channels or [c for c in channels if c not in "0123" or channels.count(c) > 1]:
            raise ValueError("ads1115: channels %r: some of 0123 are wanted" % channels)
        self.schema = Schema("ads1115", tuple([("v" + c, "V", -6) for c in channels]))
        pga = _SCALES.index(full_scale_mv)
        self._numerator, self._shift = _STEPS[pga]
        # Config register: start, AINx against ground, single shot, comparator off.
        self._configs = array("H", [0x8103 | (4 + int(c)) << 12 | pga << 9 for c in channels])
        for i in range(len(channels)):
            self._configs[i] |= _RATES.index(rate) << 5
        # The rate is 10 % off at most; waking takes 25 µs.
        self._ms = 1100 // rate + 1
        self._data = bytearray(2)
        self._command = bytearray(2)
        self._channel = 0

    def _trigger(self, channel):
        self._channel = channel
        config = self._configs[channel]
        self._command[0] = config >> 8
        self._command[1] = config & 255
        self.bus.writeto_mem(self.address, 1, self._command)
        return self._ms

    def _start(self):
        return self._trigger(0)

    def _word(self, register):
        data = self._data
        self.bus.readfrom_mem_into(self.address, register, data)
        return data[0] << 8 | data[1]

    def _read(self, row):
        value = self._word(1)
        channel = self._channel
        self.expect("configuration", value & 0x7FFF, self._configs[channel] & 0x7FFF)
        if not value & 0x8000:
            return 1  # OS: it still converts
        value = (self._word(0) ^ 0x8000) - 0x8000
        channel += 1
        row[channel] = (value * self._numerator) >> self._shift
        if channel < len(self._configs):
            return self._trigger(channel)
        return 0


DRIVER = ADS1115
