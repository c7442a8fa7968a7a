"""BMP280: temperature and pressure of one instant (Bosch BST-BMP280-DS001).

Rules: those of bme280.py, whose registers and compensation it shares, less the humidity.
"""

from .bme280 import BME280


class BMP280(BME280):
    """BMP280 at `address` of `bus`. Row: temperature in 0.01 °C, pressure in 0.1 Pa."""

    SCHEMA = ("bmp280", BME280.SCHEMA[1][:2])
    ID = 0x58


DRIVER = BMP280
