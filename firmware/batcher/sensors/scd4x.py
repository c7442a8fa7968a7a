"""SCD40, SCD41: CO2, temperature and humidity (Sensirion, SCD4x).

Rules: periodic measurement, a reading every 5 s; each word's CRC is checked; the serial number
stands for the identity. A measurement that is not ready yet is waited for, never blocked on.
"""

from .crc8 import word
from .driver import Driver
from .sht3x import SHT3x, humidity, temperature


class SCD4x(Driver):
    """SCD4x at `bus`; measure it every 5 s or less often.

    Row: co2 in 1e-6 (ppm), temperature in 0.01 °C, humidity in 0.01 %.
    """

    SCHEMA = ("scd4x", (("co2", "/", -6),) + SHT3x.SCHEMA[1])
    OPTIONS = (("address", 0x62, 0x62),)

    def run(self, bus, address):
        # Stop: it may measure already, and knows no other command then.
        bus.writeto(address, b"\x3f\x86")
        yield 500
        bus.writeto(address, b"\x36\x82")  # serial number
        yield 1
        status = bytearray(3)
        data = bytearray(9)
        bus.readfrom_into(address, data)
        for i in range(3):
            word(self, data, i)
        bus.writeto(address, b"\x21\xb1")  # measure from now on
        while True:
            while True:
                bus.writeto(address, b"\xe4\xb8")  # is there anything new?
                yield 1
                bus.readfrom_into(address, status)
                if word(self, status, 0) & 0x7FF:
                    break
                yield 1000
            bus.writeto(address, b"\xec\x05")
            yield 1
            bus.readfrom_into(address, data)
            self.row[1] = word(self, data, 0)
            self.row[2] = temperature(word(self, data, 1))
            self.row[3] = humidity(word(self, data, 2))
            yield 0


DRIVER = SCD4x
