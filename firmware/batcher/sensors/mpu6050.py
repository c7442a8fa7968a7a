"""MPU6050: acceleration and rotation (InvenSense PS-MPU-6000A and RM-MPU-6000A).

Rules: `measure` gives one instant from the data registers. With a rate, and somebody to `add` to,
it empties the chip's FIFO in bursts instead: up to 1,000 instants a second, none lost while it is
called at least every 80 ms (1,024 bytes of 12 each). An overflow is an OSError, never a gap in
silence.
"""

from ..port import const, micropython, ptr8, ptr32, ticks_add, ticks_diff  # noqa: F401
from .driver import Driver

_FRAME = const(12)  # bytes of one instant in the FIFO
_BURST = const(192)  # bytes that a transaction reads at most
# To 0.001 m/s2: 9.807 by 16,384 steps a g at 2 g (section 6.2). To 0.0001 rad/s: by 131 steps a
# degree a second at 250 (section 6.1), 10,000 * pi / 180 / 131 = 10914 / 2^13.
_MM = const(9807)
_RAD = const(10914)
_JUMP_MS = const(20)  # the chip's clock may be that far from ours before times are set anew


@micropython.viper
def decode(at: int, k: int, buf: ptr8, row: ptr32, factor: int, shift: int):
    """Fill row[k...k+2] from three big-endian words at `at`: each times factor / 2^(shift + 1)."""
    at += int(buf)
    k = (k << 2) + int(row)
    end = k + 12
    while k ^ end:
        ptr32(k)[0] = (
            ((((ptr8(at)[0] ^ 128) - 128) << 8 | ptr8(at)[1]) * factor) >> shift
        ) + 1 >> 1
        at += 2
        k += 4


class MPU6050(Driver):
    """MPU6050 at `address` of `bus`. rate_hz: 0, or the rate at which the FIFO is filled.

    Row: ax, ay, az in 0.001 m/s2, gx, gy, gz in 0.0001 rad/s (SenML's 1/s).
    `add`, where it is set (the sampler does): each instant of the FIFO is handed to `add(row)`,
    oldest first, row[0] being its time; `measure` gets now in row[0] then and returns None.
    """

    SCHEMA = (
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
    OPTIONS = (
        ("address", 0x68, 0x69),
        ("rate_hz", 0, 50, 100, 125, 200, 250, 500, 1000),
        ("range_g", 2, 4, 8, 16),
        ("range_dps", 250, 500, 1000, 2000),
    )
    add = None
    overflows = 0

    def run(self, bus, address, rate, accel, gyro):
        self.expect("chip id", self.get(0x75), 0x68)
        self.put(0x6B, 0x80)  # reset
        yield 100
        self.put(0x6B, 1)  # awake, clocked by the gyroscope
        yield 30  # until it has started (section 6.1)
        accels, gyros = 13 - accel, 12 - gyro  # shifts
        # SMPLRT_DIV, CONFIG (low pass 184 Hz: the gyroscope then gives 1 kHz), ranges.
        period = 1000 // self.OPTIONS[1][rate + 1] if rate else 1
        bus.writeto_mem(address, 0x19, bytes((period - 1, 1, gyro << 3, accel << 3)))
        add = self.add
        if not rate or not add:
            yield 2  # the first sample
            data = bytearray(14)
            while True:
                if self.get(0x6B) & 0x40:
                    self.fail("it sleeps: it was reset")
                bus.readfrom_mem_into(address, 0x3B, data)
                decode(0, 1, data, self.row, _MM, accels)
                decode(8, 4, data, self.row, _RAD, gyros)
                yield 0
        self.put(0x6A, 0x04)  # FIFO reset
        self.put(0x23, 0x78)  # three axes of rotation and acceleration into it
        self.put(0x6A, 0x40)  # FIFO on
        burst = bytearray(_BURST)
        frame = bytearray(_FRAME)
        time = 0  # of the next instant
        while True:
            yield None
            if not self.get(0x6A) & 0x40:
                self.fail("its FIFO is off: it was reset")
            if self.get(0x3A) & 0x10:
                self.overflows += 1
                self.fail("its FIFO has overflowed: drain it every 80 ms")
            left = (self.get(0x72) << 8 | self.get(0x73)) // _FRAME
            row = self.row
            # The newest of them is as old as now; times follow the chip's pace in between.
            now = ticks_add(row[0], (1 - left) * period)
            if abs(ticks_diff(now, time)) > _JUMP_MS:
                time = now
            while left:
                data = burst if left * _FRAME >= _BURST else frame
                bus.readfrom_mem_into(address, 0x74, data)
                at = 0
                while at < len(data):
                    decode(at, 1, data, row, _MM, accels)
                    decode(at + 6, 4, data, row, _RAD, gyros)
                    row[0] = time
                    add(row)
                    time = ticks_add(time, period)
                    at += _FRAME
                    left -= 1


DRIVER = MPU6050
