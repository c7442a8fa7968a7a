"""BME280: temperature, pressure and humidity of one instant (Bosch BST-BME280-DS001).

Rules: forced mode, one conversion for each measurement, all channels of the same one. The
compensation is that of sections 4.2.3 and 8.2 with small integers only: no step of it passes
30 bits, so that nothing of it reaches the heap on a 32-bit board.
"""

from struct import unpack_from

from ..port import const
from .driver import Driver

# Places of the calibration (table 16).
_T1 = const(0)
_T2 = const(1)
_T3 = const(2)
_P1 = const(3)
_P2 = const(4)
_P3 = const(5)
_P4 = const(6)
_P5 = const(7)
_P6 = const(8)
_P7 = const(9)
_P8 = const(10)
_P9 = const(11)
_H1 = const(12)
_H2 = const(13)
_H3 = const(14)
_H4 = const(15)
_H5 = const(16)
_H6 = const(17)


def mul(a, b):
    """a * b / 2^14, rounded down; a of 29 bits, b of 16, and no product wider than 30."""
    return (a >> 14) * b + ((a & 16383) * b >> 14)


def compensate(c, d, chip):
    """Each step fills chip.row[1] (0.01 °C), [2] (0.1 Pa) and, with humidity, [3] (0.01 %).

    c: T1..T3, P1..P9, H1 and, with humidity, H2..H6. d: registers 0xF7 to 0xFE, or 0xFC.
    Yields True where the calibration is no chip's. A generator, so that its many values have a
    place of their own. Within 0.01 °C, 0.2 Pa and 0.02 % of the floating-point formulae.
    """
    while True:
        # Temperature: t_fine in 1/5120 degrees.
        a = (d[3] << 12 | d[4] << 4 | d[5] >> 4) - (c[_T1] << 4)
        b = a >> 6
        fine = mul(a, c[_T2]) + (mul(b * b, c[_T3]) >> 8) + 1  # both are rounded down
        chip.row[1] = (fine * 5 + 128) >> 8
        # Pressure. u is 128 times the datasheet's first var1, uu that value's square / 2^6.
        u = fine - 128000
        a = (u + 8) >> 4
        uu = a * a
        u <<= 6
        # 1/64 steps of the converter, less P4 * 16 + var1 * P5 / 2^13 + var1 * var1 * P6 / 2^29.
        num = ((1048576 - (d[0] << 12 | d[1] << 4 | d[2] >> 4)) << 6) - (c[_P4] << 10)
        num -= mul(u, c[_P5]) + (mul(uu, c[_P6]) >> 3)
        # P1 * (1 + var1 * P2 / 2^34 + var1 * var1 * P3 / 2^53) in 1/128.
        den = (mul((1 << 27) + mul(u, c[_P2]) + (mul(uu, c[_P3]) >> 6), c[_P1]) + 32) >> 6
        # p = num * 6250 / divisor in 1/64 Pa: a long division, its factor 100 * 100 * 80 in steps.
        p = num // den
        for a in (100, 100, 80):
            num = num % den * a
            p = p * a + num // den
        # + (P9 * p * p / 2^31 + P8 * p / 2^15 + P7) / 16
        p += (mul((c[_P8] << 8) + mul(p, c[_P9]), (p + 128) >> 8) >> 5) + (c[_P7] << 2)
        chip.row[2] = (p * 5 + 16) >> 5
        if len(c) > _H2:
            u = fine - 76800
            # 1/16 steps of the converter; 1 + H6 * u / 2^26 * (1 + H3 * u / 2^26) in 1/2^26.
            a = ((d[6] << 8 | d[7]) << 4) - (c[_H4] << 10) - mul(u << 4, c[_H5])
            b = (1 << 26) + mul(c[_H6] * u, 16384 + (c[_H3] * u >> 12))
            # In 1/8192 per cent; the datasheet's last step bends it, by less than half of it.
            a = min(max(mul(a, mul(b, c[_H2]) >> 5), 0), 1638400)
            b = a >> 6
            a -= mul(b * b, c[_H1]) >> 6
            chip.row[3] = (min(a, 819200) * 25 + 1024) >> 11
        yield not 0 <= p < 11500000  # 180 kPa


class BME280(Driver):
    """BME280 at `address` of `bus`. oversampling: of all channels; filter: the IIR's coefficient.

    Row: temperature in 0.01 °C, pressure in 0.1 Pa, humidity in 0.01 %.
    """

    SCHEMA = (
        "bme280",
        (("temperature", "Cel", -2), ("pressure", "Pa", -1), ("humidity", "%RH", -2)),
    )
    OPTIONS = (
        ("address", 0x76, 0x77),
        ("oversampling", 1, 2, 4, 8, 16),
        ("filter", 0, 2, 4, 8, 16),
    )
    ID = 0x60

    def run(self, bus, address, oversampling, filter):
        self.expect("chip id", self.get(0xD0), self.ID)
        while self.get(0xF3) & 1:
            yield 2  # it still copies its calibration (section 5.4.4)
        channels = len(self.SCHEMA[1])
        # Table 16: 0x88 to 0xA1 and 0xE1 to 0xE7.
        data = bytearray(26)
        bus.readfrom_mem_into(address, 0x88, data)
        calibration = unpack_from("<HhhHhhhhhhhhxB", data)
        if not calibration[3]:
            self.fail("calibration is blank")
        if channels > 2:
            bus.readfrom_mem_into(address, 0xE1, data)
            # H4 and H5 share a byte: 12 bits each, signed.
            h2, h3, h4, shared, h5, h6 = unpack_from("<hBbBbb", data)
            calibration += (h2, h3, h4 << 4 | shared & 15, h5 << 4 | shared >> 4, h6)
        # Section 9.1 (BMP280: 3.8.1), the longest time: 1.25 ms + 2.3 ms a conversion + 0.575 ms a
        # channel, less the first's; rounded up.
        ms = (1674 + channels * (575 + (2300 << oversampling))) // 1000
        osrs = oversampling + 1
        # Pairs of register and value: ctrl_hum, config, ctrl_meas with both and forced mode. Sent
        # each time, so that a chip that was reset in between measures all the same.
        command = bytes((0xF2, osrs, 0xF5, filter << 2, 0xF4, osrs * 0x24 | 1))
        if channels < 3:
            command = command[2:]
        data = bytearray(2 + 2 * channels)
        steps = compensate(calibration, data, self)
        while True:
            bus.writeto(address, command)
            yield ms
            while self.get(0xF3) & 8:
                yield 2
            bus.readfrom_mem_into(address, 0xF7, data)
            if data[3] == 0x80 and not data[4] | data[5]:
                self.fail("no measurement: it was reset while it converted")
            if next(steps):
                self.fail("readings beyond its calibration")
            yield 0


DRIVER = BME280
