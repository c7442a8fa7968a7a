"""BME280 and BMP280, from BST-BME280-DS001 (1.24) and BST-BMP280-DS001 (1.26).

Register map: section 5.3 (BME280), 4.2 (BMP280). Calibration layout: table 16. Formulae in
floating point: section 8.1 (BME280), 3.11.3 and 8.1 (BMP280). The calibration of temperature
and pressure is that of the BMP280 datasheet's worked example (section 3.12).
"""

from batcher.port import ticks_diff

from . import Registers, put16, solve

# dig_T1..T3, dig_P1..P9: the worked example's; dig_H1..H6: a chip's.
EXAMPLE_T = (27504, 26435, -1000)
EXAMPLE_P = (36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
EXAMPLE_H = (75, 362, 0, 313, 50, 30)


def t_fine(raw, T):
    v1 = (raw / 16384.0 - T[0] / 1024.0) * T[1]
    v2 = (raw / 131072.0 - T[0] / 8192.0) * (raw / 131072.0 - T[0] / 8192.0) * T[2]
    return v1 + v2


def temperature(raw, T):
    """Degrees Celsius."""
    return t_fine(raw, T) / 5120.0


def pressure(raw, fine, P):
    """Pascal."""
    v1 = fine / 2.0 - 64000.0
    v2 = v1 * v1 * P[5] / 32768.0
    v2 = v2 + v1 * P[4] * 2.0
    v2 = v2 / 4.0 + P[3] * 65536.0
    v1 = (P[2] * v1 * v1 / 524288.0 + P[1] * v1) / 524288.0
    v1 = (1.0 + v1 / 32768.0) * P[0]
    if v1 == 0:
        return 0
    p = 1048576.0 - raw
    p = (p - v2 / 4096.0) * 6250.0 / v1
    v1 = P[8] * p * p / 2147483648.0
    v2 = p * P[7] / 32768.0
    return p + (v1 + v2 + P[6]) / 16.0


def humidity(raw, fine, H):
    """Per cent, 0 to 100."""
    v = fine - 76800.0
    v = (raw - (H[3] * 64.0 + H[4] / 16384.0 * v)) * (
        H[1] / 65536.0 * (1.0 + H[5] / 67108864.0 * v * (1.0 + H[2] / 67108864.0 * v))
    )
    v = v * (1.0 - H[0] * v / 524288.0)
    return min(max(v, 0.0), 100.0)


class BME280(Registers):
    """`set(temperature=, pressure=, humidity=)` in °C, Pa and %: the next conversion sees it."""

    ID = 0x60

    def __init__(self, clock=None, T=EXAMPLE_T, P=EXAMPLE_P, H=EXAMPLE_H):
        super().__init__(clock)
        self.T, self.P, self.H = T, P, H
        self.world_t, self.world_p, self.world_h = 21.43, 100653.0, 45.0
        self._raw = (0x80000, 0x80000, 0x8000)
        self._done_at = None
        self._hum = 0
        self._is_write = False
        self._register = -1
        self._reset()
        self.set()

    def set(self, temperature=None, pressure=None, humidity=None):
        if temperature is not None:
            self.world_t = temperature
        if pressure is not None:
            self.world_p = pressure
        if humidity is not None:
            self.world_h = humidity
        self._solve()

    def set_raw(self, t, p, h=0x8000):
        """What the converters shall give, 20, 20 and 16 bits."""
        self._raw = (t, p, h)

    def _solve(self):
        t = solve(lambda x: temperature(x, self.T), self.world_t, 0, 0xFFFFF)
        fine = t_fine(t, self.T)
        p = solve(lambda x: pressure(x, fine, self.P), self.world_p, 0, 0xFFFFF)
        h = solve(lambda x: humidity(x, fine, self.H), self.world_h, 0, 0xFFFF)
        self._raw = (t, p, h)

    def _reset(self):
        regs = self.regs
        for i in range(256):
            regs[i] = 0
        regs[0xD0] = self.ID
        for i in range(3):
            put16(regs, 0x88 + 2 * i, self.T[i])
        for i in range(9):
            put16(regs, 0x8E + 2 * i, self.P[i])
        self._calibrate_humidity(regs, self.H)
        regs[0xF7] = regs[0xFA] = regs[0xFD] = 0x80
        self._done_at = None
        self._hum = 0

    def _calibrate_humidity(self, regs, H):
        regs[0xA1] = H[0]
        put16(regs, 0xE1, H[1])
        regs[0xE3] = H[2]
        regs[0xE4] = H[3] >> 4 & 255
        regs[0xE5] = (H[3] & 15) | (H[4] & 15) << 4
        regs[0xE6] = H[4] >> 4 & 255
        regs[0xE7] = H[5] & 255

    # Writing: pairs of register and byte, the register does not count upwards (section 6.2.1).
    def put(self, byte):
        if self._pointing:
            self.pointer = self._register = byte
            self._pointing = False
        elif self._register < 0:
            self._register = byte
        else:
            self.write(self._register, byte)
            self._register = -1
        return True

    def write(self, register, byte):
        if register == 0xE0:
            if byte == 0xB6:
                self._reset()
            return
        if not 0xF2 <= register <= 0xF5 or register == 0xF3:
            return
        self.regs[register] = byte
        if register == 0xF4:
            self._hum = self.regs[0xF2] & 7  # ctrl_hum counts from here on (section 5.4.3)
            if byte & 3 in (1, 2):
                self.sample()
                self._done_at = self.clock.ticks() + self.conversion_ms()

    def conversion_ms(self):
        """The longest time of a conversion, rounded up (section 9.1), in integers of 5 µs."""
        ctrl = self.regs[0xF4]
        t, p, h = _times(ctrl >> 5), _times(ctrl >> 2 & 7), _times(self._hum)
        us = 1250 + 2300 * t
        if p:
            us += 2300 * p + 575
        if h:
            us += 2300 * h + 575
        return (us + 999) // 1000

    def read(self, register):
        if register >= 0xF3:
            self._convert()
            if register == 0xF3:
                return 8 if self._done_at is not None else 0
        if register == 0xD0 and self.corrupt:
            return self.ID ^ 0x20
        return self.regs[register]

    def _convert(self):
        if self._done_at is None or ticks_diff(self.clock.ticks(), self._done_at) < 0:
            return
        self._done_at = None
        regs = self.regs
        ctrl = regs[0xF4]
        regs[0xF4] = ctrl & 0xFC  # forced mode ends in sleep
        t, p, h = self._raw
        _put20(regs, 0xF7, p if ctrl >> 2 & 7 else 0x80000)
        _put20(regs, 0xFA, t if ctrl >> 5 else 0x80000)
        self._put_humidity(h)

    def _put_humidity(self, h):
        if not self._hum:
            h = 0x8000
        self.regs[0xFD] = h >> 8
        self.regs[0xFE] = h & 255


class BMP280(BME280):
    """The same without humidity: no registers 0xE1-0xE7, 0xF2, 0xFD, 0xFE."""

    ID = 0x58

    def _calibrate_humidity(self, regs, H):
        pass

    def write(self, register, byte):
        if register != 0xF2:
            super().write(register, byte)

    def _put_humidity(self, h):
        pass


def _times(osrs):
    """How often a channel is converted, from its oversampling bits."""
    return (0, 1, 2, 4, 8, 16, 16, 16)[osrs]


def _put20(regs, at, value):
    regs[at] = value >> 12
    regs[at + 1] = value >> 4 & 255
    regs[at + 2] = value << 4 & 255
