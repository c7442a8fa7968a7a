"""SCD40, SCD41: CO2, temperature and humidity (Sensirion, SCD4x).

Rules: periodic measurement, a reading every 5 s; each word's CRC is checked; the serial number
stands for the identity. A measurement that is not ready yet is waited for, never blocked on.
"""

from ..port import const
from ..schema import Schema
from .crc8 import check_words
from .driver import Driver
from .sht3x import humidity, temperature

OPTIONS = {"bus": ("i2c0", "i2c"), "address": (0x62, (0x62,))}

_STOP = b"\x3f\x86"  # it takes 500 ms
_SERIAL = b"\x36\x82"
_PERIODIC = b"\x21\xb1"
_READY = b"\xe4\xb8"
_READ = b"\xec\x05"

_ASK = const(0)  # nothing is asked
_ANSWER = const(1)  # data-ready status was asked
_VALUES = const(2)  # the measurement was asked


class SCD4x(Driver):
    """SCD4x at `bus`; measure it every 5 s or less often.

    Row: co2 in 1e-6 (ppm), temperature in 0.01 °C, humidity in 0.01 %.
    """

    SCHEMA = Schema(
        "scd4x", (("co2", "/", -6), ("temperature", "Cel", -2), ("humidity", "%RH", -2))
    )

    def __init__(self, bus, address=0x62):
        super().__init__(bus, address)
        self._data = bytearray(9)
        self._status = bytearray(3)
        self._step = 0  # of finding it
        self._phase = _ASK

    def _find(self):
        step = self._step
        self._step = 0
        self._phase = _ASK
        if step == 0:  # it may measure already: then it knows no command but this one
            self.bus.writeto(self.address, _STOP)
            self._step = 1
            return 500
        if step == 1:
            self.bus.writeto(self.address, _SERIAL)
            self._step = 2
            return 1
        self.bus.readfrom_into(self.address, self._data)
        check_words(self, self._data, 3)
        self.bus.writeto(self.address, _PERIODIC)
        return 0

    def _start(self):
        self._phase = _ASK
        return 0

    def _read(self, row):
        phase = self._phase
        self._phase = _ASK
        if phase == _ASK:
            self.bus.writeto(self.address, _READY)
            self._phase = _ANSWER
            return 1
        if phase == _ANSWER:
            status = self._status
            self.bus.readfrom_into(self.address, status)
            check_words(self, status, 1)
            if not ((status[0] & 7) or status[1]):  # the low 11 bits
                return 1000
            self.bus.writeto(self.address, _READ)
            self._phase = _VALUES
            return 1
        d = self._data
        self.bus.readfrom_into(self.address, d)
        check_words(self, d, 3)
        row[1] = d[0] << 8 | d[1]
        row[2] = temperature(d[3] << 8 | d[4])
        row[3] = humidity(d[6] << 8 | d[7])
        return 0


DRIVER = SCD4x
