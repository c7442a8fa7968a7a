"""INA219: voltage, current and power of a bus (Texas Instruments SBOS448).

Rules: triggered conversions of shunt and bus, averaged in the chip. Current and power are
computed from what it measured, not taken from its calibrated registers, which would round them
and which a reset clears. There is no identity: after a reset its configuration must read 0x399F.
"""

from ..schema import Schema
from .driver import Driver

OPTIONS = {
    "bus": ("i2c0", "i2c"),
    "address": (0x40, range(0x40, 0x50)),
    "shunt_mohm": (100, range(1, 10001)),
    "samples": (1, (1, 2, 4, 8, 16, 32, 64, 128)),
}


def current(raw: int, shunt_mohm: int) -> int:
    """0.1 mA: raw * 10 µV / shunt."""
    return (raw * 100 + (shunt_mohm >> 1)) // shunt_mohm


def power(mv: int, ma10: int) -> int:
    """mW of mV and 0.1 mA, no product wider than 30 bits."""
    return ma10 // 10000 * mv + (ma10 % 10000 * mv + 5000) // 10000


class INA219(Driver):
    """INA219 at `address` of `bus`, with a shunt of shunt_mohm milliohm; samples: averaged.

    Row: voltage (of the load side) in mV, current in 0.1 mA, power in mW.
    """

    SCHEMA = Schema("ina219", (("voltage", "V", -3), ("current", "A", -4), ("power", "W", -3)))

    def __init__(self, bus, address=0x40, shunt_mohm=100, samples=1):
        super().__init__(bus, address)
        self._shunt = shunt_mohm
        # Configuration register: 32 V, 320 mV, both triggered, 12 bits, averaged.
        adc = 3 if samples == 1 else 8 | (1, 2, 4, 8, 16, 32, 64, 128).index(samples)
        config = 1 << 13 | 3 << 11 | adc << 7 | adc << 3 | 3
        self._config = bytes((config >> 8, config & 255))
        self._ms = (2 * 586 * samples + 999) // 1000
        self._data = bytearray(2)

    def _find(self):
        data = self._data
        self.bus.writeto_mem(self.address, 0, b"\x80\x00")
        self.bus.readfrom_mem_into(self.address, 0, data)
        self.expect("configuration after a reset", data[0] << 8 | data[1], 0x399F)
        return 0

    def _start(self):
        self.bus.writeto_mem(self.address, 0, self._config)
        return self._ms

    def _read(self, row):
        data = self._data
        self.bus.readfrom_mem_into(self.address, 0, data)
        if data[0] != self._config[0] or data[1] != self._config[1]:
            self.fail("its settings are gone: it was reset while it measured")
        self.bus.readfrom_mem_into(self.address, 2, data)
        if not data[1] & 2:
            return 1  # CNVR: the conversion is not ready
        mv = (data[0] << 8 | data[1]) >> 3 << 2
        self.bus.readfrom_mem_into(self.address, 1, data)
        ma10 = current(((data[0] << 8 | data[1]) ^ 0x8000) - 0x8000, self._shunt)
        row[1] = mv
        row[2] = ma10
        row[3] = power(mv, ma10)
        return 0


DRIVER = INA219
