"""MPU6050: acceleration and rotation (InvenSense PS-MPU-6000A and RM-MPU-6000A).

Rules: `measure` gives one instant from the data registers. With a rate, `drain` empties the
chip's FIFO in bursts instead: up to 1,000 instants a second, none lost while it is called at
least every 80 ms (1,024 bytes of 12 each). An overflow is an OSError, never a gap in silence.
"""

from ..port import const, micropython, ptr8, ptr32, ticks_add, ticks_diff  # noqa: F401
from ..schema import Schema
from .driver import Driver

OPTIONS = {
    "bus": ("i2c0", "i2c"),
    "address": (0x68, (0x68, 0x69)),
    "rate_hz": (0, (0, 50, 100, 125, 200, 250, 500, 1000)),
    "range_g": (2, (2, 4, 8, 16)),
    "range_dps": (250, (250, 500, 1000, 2000)),
}

_FRAME = const(12)  # bytes of one instant in the FIFO
_BURST = const(16)  # instants a transaction reads at most
_JUMP_MS = const(20)  # the chip's clock may be that far from ours before times are set anew


@micropython.viper
def decode(buf, start: int, row, gap: int, shift_a: int, shift_g: int):
    """Fill row[1...6] from big-endian words at `start`.

    Acceleration in 0.001 m/s2: raw * 9807 / 2^14 at 2 g (section 6.2: 16,384 steps a g).
    Rotation in 0.0001 rad/s: raw * 10,000 * pi / 180 / 131 (section 6.1) = raw * 10914 / 2^13.
    gap: bytes between the two (2 in the registers, for the temperature; 0 in the FIFO).
    """
    b = ptr8(buf)
    r = ptr32(row)
    i = start
    k = 1
    while k < 7:
        v = ((b[i] << 8 | b[i + 1]) ^ 0x8000) - 0x8000
        if k < 4:
            r[k] = (v * 9807 + (1 << (shift_a - 1))) >> shift_a
        else:
            r[k] = (v * 10914 + (1 << (shift_g - 1))) >> shift_g
        i += 2
        k += 1
        if k == 4:
            i += gap


class MPU6050(Driver):
    """MPU6050 at `address` of `bus`. rate_hz: 0, or the rate of the FIFO that `drain` empties.

    Row: ax, ay, az in 0.001 m/s2, gx, gy, gz in 0.0001 rad/s (SenML's 1/s).
    """

    SCHEMA = Schema(
        "mpu6050",
        (
            ("ax", "m/s2", -3),
            ("ay", "m/s2", -3),
            ("az", "m/s2", -3),
            ("gx", "1/s", -4),
            ("gy", "1/s", -4),
            ("gz", "1/s", -4),
        ),
    )

    def __init__(self, bus, address=0x68, rate_hz=0, range_g=2, range_dps=250):
        super().__init__(bus, address)
        accel = (2, 4, 8, 16).index(range_g)
        gyro = (250, 500, 1000, 2000).index(range_dps)
        self._shift_a = 14 - accel
        self._shift_g = 13 - gyro
        self._period_ms = 1000 // rate_hz if rate_hz else 0
        # SMPLRT_DIV, CONFIG (low pass 184 Hz: the gyroscope then gives 1 kHz), ranges.
        self._settings = bytes((self._period_ms - 1 if rate_hz else 0, 1, gyro << 3, accel << 3))
        self._one = bytearray(1)
        self._two = bytearray(2)
        self._data = bytearray(14)
        self._burst = bytearray(_FRAME * _BURST)
        self._frame = bytearray(_FRAME)
        self._step = 0
        self._next = 0  # ticks of the next instant in the FIFO
        if not rate_hz:
            self.drain = None
        self.overflows = 0

    def _write(self, register, value):
        self._one[0] = value
        self.bus.writeto_mem(self.address, register, self._one)

    def _find(self):
        step = self._step
        self._step = 0
        one = self._one
        self.bus.readfrom_mem_into(self.address, 0x75, one)
        self.expect("chip id (WHO_AM_I)", one[0], 0x68)
        if step == 0:
            self._write(0x6B, 0x80)  # reset
            self._step = 1
            return 100
        if step == 1:
            self._write(0x6B, 1)  # awake, clocked by the gyroscope
            self._step = 2
            return 30  # until it has started (section 6.1)
        if step == 3:
            return 0
        self._step = 3
        self.bus.writeto_mem(self.address, 0x19, self._settings)
        if self._period_ms:
            self._write(0x6A, 0x04)  # FIFO reset
            self._write(0x23, 0x78)  # three axes of rotation and acceleration into it
            self._write(0x6A, 0x40)  # FIFO on
        return 2  # the first sample

    def _read(self, row):
        one = self._one
        self.bus.readfrom_mem_into(self.address, 0x6B, one)
        if one[0] & 0x40:
            self.fail("it sleeps: it was reset")
        self.bus.readfrom_mem_into(self.address, 0x3B, self._data)
        decode(self._data, 0, row, 2, self._shift_a, self._shift_g)
        return 0

    def drain(self, row, now, add):
        """Hand every instant of the FIFO to `add(row)`, oldest first, row[0] being its time.

        -> 0, or the ms after which it wants to be called again (it is being set up). Raises
        OSError where the FIFO has overflowed or the chip was reset; it starts anew then.
        """
        if not self._stage:
            left = self._find()
            if left:
                return left
        self._stage = 0  # whatever fails below, the chip is to be found again
        left = self._filled()
        # The newest of them is as old as now; times follow the chip's pace in between.
        now = ticks_add(now, (1 - left) * self._period_ms)
        if abs(ticks_diff(now, self._next)) > _JUMP_MS:
            self._next = now
        while left >= _BURST:
            self._hand_on(self._burst, _BURST, row, add)
            left -= _BURST
        while left:
            self._hand_on(self._frame, 1, row, add)
            left -= 1
        self._stage = 1
        return 0

    def _filled(self):
        """-> instants in the FIFO; OSError where it is not what it should be."""
        one = self._one
        self.bus.readfrom_mem_into(self.address, 0x6A, one)
        if not one[0] & 0x40:
            self.fail("its FIFO is off: it was reset")
        self.bus.readfrom_mem_into(self.address, 0x3A, one)
        if one[0] & 0x10:
            self.overflows += 1
            self.fail("its FIFO has overflowed: it must be drained at least every 80 ms")
        one = self._two
        self.bus.readfrom_mem_into(self.address, 0x72, one)
        return (one[0] << 8 | one[1]) // _FRAME

    @micropython.native
    def _hand_on(self, buf, count, row, add):
        self.bus.readfrom_mem_into(self.address, 0x74, buf)
        at = 0
        time = self._next
        period = self._period_ms
        shift_a = self._shift_a
        shift_g = self._shift_g
        for _ in range(count):
            decode(buf, at, row, 0, shift_a, shift_g)
            row[0] = time
            add(row)
            time = ticks_add(time, period)
            at += _FRAME
        self._next = time


DRIVER = MPU6050
