"""BMP280: temperature and pressure of one instant (Bosch BST-BMP280-DS001).

Rules: those of bme280.py, whose registers and compensation it shares, less the humidity.
"""

from ..schema import Schema
from .bme280 import BME280

OPTIONS = {
    "bus": ("i2c0", "i2c"),
    "address": (0x76, (0x76, 0x77)),
    "oversampling": (1, (1, 2, 4, 8, 16)),
    "filter": (0, (0, 2, 4, 8, 16)),
}


class BMP280(BME280):
    """BMP280 at `address` of `bus`. Row: temperature in 0.01 °C, pressure in 0.1 Pa."""

    SCHEMA = Schema("bmp280", (("temperature", "Cel", -2), ("pressure", "Pa", -1)))
    _ID = 0x58
    _BYTES = 6

    def __init__(self, bus, address=0x76, oversampling=1, filter=0):
        super().__init__(bus, address, oversampling, filter)
        self._command = self._command[2:]  # there is no ctrl_hum
        # Section 3.8.1: as the BME280 without the conversion of humidity.
        self._ms = (1250 + 4600 * oversampling + 575 + 999) // 1000

    def _calibrate(self):
        """Table 17: 0x88 to 0x9F."""
        self._read_tp(bytearray(24))


DRIVER = BMP280
