"""BME280: temperature, pressure and humidity of one instant (Bosch BST-BME280-DS001).

Rules: forced mode, one conversion for each measurement, all channels of the same one. The
compensation is the datasheet's integer code (sections 4.2.3 and 8.2) with its lost bits kept,
in 32-bit words only: nothing of it reaches the heap on a 32-bit board.
"""

from array import array

from ..port import micropython, ptr8, ptr16, ptr32  # noqa: F401
from ..schema import Schema
from .driver import Driver

OPTIONS = {
    "bus": ("i2c0", "i2c"),
    "address": (0x76, (0x76, 0x77)),
    "oversampling": (1, (1, 2, 4, 8, 16)),
    "filter": (0, (0, 2, 4, 8, 16)),
}


@micropython.viper
def compensate(calibration, raw, row) -> int:
    """Fill row[1] (0.01 °C), row[2] (0.1 Pa) and, where row is long enough, row[3] (0.01 %).

    calibration: array('H') of T1..T3, P1..P9, H1..H6. raw: registers 0xF7 to 0xFE (or 0xFC:
    calibration[12] to [17] are zeros then and row[3] is not touched).
    Returns 0, or 1 where the calibration is no chip's.
    The formulae of section 4.2.3, its long products split into halves so that no step is wider
    than 32 bits: within 0.01 °C, 0.1 Pa and 0.02 % of the floating-point formulae.
    """
    c = ptr16(calibration)
    d = ptr8(raw)
    out = ptr32(row)
    # Temperature: t_fine in 1/5120 degrees.
    adc = d[3] << 12 | d[4] << 4 | d[5] >> 4
    a = (adc >> 4) - c[0]
    fine = (((a * a) >> 12) * ((c[2] ^ 0x8000) - 0x8000)) >> 14
    adc -= c[0] << 4
    a = (c[1] ^ 0x8000) - 0x8000
    fine += ((adc >> 6) * a + (((adc & 63) * a) >> 6) + 128) >> 8
    out[1] = (fine * 5 + 128) >> 8
    # Pressure. u is the datasheet's first var1, uu its square / 2^8.
    u = fine - 128000
    a = (u + 8) >> 4
    uu = a * a
    # Offset in 1/64 of a converter step: P4 * 16 + u * P5 / 2^14 + u * u * P6 / 2^31.
    a = (c[7] ^ 0x8000) - 0x8000
    num = (((c[6] ^ 0x8000) - 0x8000) << 10) + (u >> 8) * a + (((u & 255) * a) >> 8)
    a = (c[8] ^ 0x8000) - 0x8000
    num += (((uu >> 14) * a) >> 3) + (((uu & 16383) * a) >> 17)
    num = ((1048576 - (d[0] << 12 | d[1] << 4 | d[2] >> 4)) << 6) - num
    # Divisor, P1 * (1 + u * P2 / 2^35 + u * u * P3 / 2^55), times 2^8.
    a = (c[4] ^ 0x8000) - 0x8000
    den = (1 << 28) + (u >> 7) * a + (((u & 127) * a) >> 7)
    a = (c[5] ^ 0x8000) - 0x8000
    den += (((uu >> 14) * a) >> 5) + (((uu & 16383) * a) >> 19)
    den = (c[3] * (den >> 14) + ((c[3] * (den & 16383)) >> 14) + 32) >> 6
    if den <= 0 or num < 0:
        return 1
    # p = num * 6250 / divisor in 1/64 Pa: a long division, the factor 25 * 25 * 40 * 64 in steps.
    p = num // den
    num = num % den * 25
    p = p * 25 + num // den
    num = num % den * 25
    p = p * 25 + num // den
    num = num % den * 40
    p = p * 40 + num // den
    num = num % den * 64
    p = p * 64 + num // den
    if p > 11500000:  # 180 kPa: outside of what the chip can measure, and of these 32 bits
        return 1
    # p + (P9 * p * p / 2^31 + P8 * p / 2^15 + P7) / 16; a is p * p / 2^16.
    b = p >> 9
    num = p & 511
    a = ((b * b) << 2) + ((b * num) >> 6) + ((num * num) >> 16)
    b = (c[11] ^ 0x8000) - 0x8000
    num = ((a >> 15) * b >> 10) + (((a & 32767) * b) >> 25)
    b = (c[10] ^ 0x8000) - 0x8000
    num += ((p >> 9) * b >> 10) + (((p & 511) * b) >> 19)
    p += num + (((c[9] ^ 0x8000) - 0x8000) << 2)
    out[2] = (p * 5 + 16) >> 5
    if int(len(raw)) < 8:
        return 0
    # Humidity in 1/1024 per cent.
    u = fine - 76800
    a = ((u * ((c[17] ^ 0x8000) - 0x8000)) >> 10) * (((u * c[14]) >> 11) + 32768)
    a = ((a >> 10) + 2097152) * ((c[13] ^ 0x8000) - 0x8000)
    b = ((d[6] << 8 | d[7]) << 14) - (((c[15] ^ 0x8000) - 0x8000) << 20)
    b = (b - ((c[16] ^ 0x8000) - 0x8000) * u + 16384) >> 15
    b = b * ((a + 8192) >> 14)
    a = b >> 15
    b -= (((a * a) >> 7) * c[12]) >> 4
    if b < 0:
        b = 0
    if b > 419430400:
        b = 419430400
    out[3] = ((b >> 12) * 25 + 128) >> 8
    return 0


class BME280(Driver):
    """BME280 at `address` of `bus`. oversampling: of all channels; filter: the IIR's coefficient.

    Row: temperature in 0.01 °C, pressure in 0.1 Pa, humidity in 0.01 %.
    """

    SCHEMA = Schema(
        "bme280", (("temperature", "Cel", -2), ("pressure", "Pa", -1), ("humidity", "%RH", -2))
    )
    _ID = 0x60
    _BYTES = 8  # of data, from register 0xF7

    def __init__(self, bus, address=0x76, oversampling=1, filter=0):
        super().__init__(bus, address)
        osrs = (1, 2, 4, 8, 16).index(oversampling) + 1
        # Written at each start, in pairs of register and value, so that a chip that was reset
        # in between measures all the same: ctrl_hum, config, ctrl_meas (forced mode).
        self._command = bytearray(
            (0xF2, osrs, 0xF5, (0, 2, 4, 8, 16).index(filter) << 2, 0xF4, osrs << 5 | osrs << 2 | 1)
        )
        # Section 9.1, the longest time: 1.25 ms + 2.3 ms a conversion + 2 * 0.575 ms.
        self._ms = (1250 + 6900 * oversampling + 1150 + 999) // 1000
        self._data = bytearray(self._BYTES)
        self._one = bytearray(1)
        self._calibration = array("H", bytes(36))

    def _find(self):
        one = self._one
        self.bus.readfrom_mem_into(self.address, 0xD0, one)
        self.expect("chip id", one[0], self._ID)
        self.bus.readfrom_mem_into(self.address, 0xF3, one)
        if one[0] & 1:
            return 2  # it still copies its calibration (section 5.4.4)
        self._calibrate()
        if not self._calibration[3]:
            self.fail("calibration is blank")
        return 0

    def _calibrate(self):
        """Table 16: 0x88 to 0xA1 and 0xE1 to 0xE7."""
        c = self._calibration
        buf = bytearray(26)
        self._read_tp(buf)
        c[12] = buf[25]
        buf = bytearray(7)
        self.bus.readfrom_mem_into(self.address, 0xE1, buf)
        c[13] = buf[0] | buf[1] << 8
        c[14] = buf[2]
        # H4 and H5 share a byte: 12 bits each, signed. H6 is a signed byte.
        c[15] = (((buf[3] << 4 | buf[4] & 15) ^ 0x800) - 0x800) & 0xFFFF
        c[16] = (((buf[5] << 4 | buf[4] >> 4) ^ 0x800) - 0x800) & 0xFFFF
        c[17] = ((buf[6] ^ 0x80) - 0x80) & 0xFFFF

    def _read_tp(self, buf):
        self.bus.readfrom_mem_into(self.address, 0x88, buf)
        for i in range(12):
            self._calibration[i] = buf[2 * i] | buf[2 * i + 1] << 8

    def _start(self):
        self.bus.writeto(self.address, self._command)
        return self._ms

    def _read(self, row):
        one = self._one
        self.bus.readfrom_mem_into(self.address, 0xF3, one)
        if one[0] & 8:
            return 2
        data = self._data
        self.bus.readfrom_mem_into(self.address, 0xF7, data)
        if data[3] == 0x80 and not data[4] and not data[5]:
            self.fail("no measurement in its registers: it was reset while it converted")
        if compensate(self._calibration, data, row):
            self.fail("readings that its calibration does not allow")
        return 0


DRIVER = BME280
