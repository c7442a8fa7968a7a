"""MPU6050 with its FIFO, from InvenSense's PS-MPU-6000A (3.4) and RM-MPU-6000A (4.2)."""

from batcher.port import micropython, ticks_diff

from . import Registers

_ID = 0x68
_FIFO = 1024


class MPU6050(Registers):
    """`set(ax, ay, az, gx, gy, gz)`: raw words. With `counting`, sample n has n in ax and ay.

    The FIFO fills with time: one frame each SMPLRT_DIV + 1 ms. It is kept as counts, its bytes
    are made when they are read.
    """

    def __init__(self, clock=None, counting=False):
        super().__init__(clock)
        self.words = [100, -200, 16384, 30, -40, 50]
        self.counting = counting
        self.made = 0  # samples since the FIFO was reset
        self.taken = 0  # bytes read of them
        self.since = None  # when the FIFO was switched on
        self.carry = 0
        self._wake()

    def _wake(self):
        for i in range(256):
            self.regs[i] = 0
        self.regs[0x6B] = 0x40
        self.regs[0x75] = _ID
        self.since = None

    def set(self, *words):
        self.words = list(words)

    @micropython.native
    def write(self, register, byte):
        if register == 0x6B and byte & 0x80:
            self._wake()
            return
        if register in (0x72, 0x73, 0x75, 0x3A):
            return
        if register == 0x6A:
            if byte & 4:
                self.made = self.taken = 0
                self.regs[0x3A] = 0
                byte &= ~4
            if byte & 0x40 and not self.regs[0x6A] & 0x40:
                self.since = self.clock.ticks()
            if not byte & 0x40:
                self.since = None
        self.regs[register] = byte

    @micropython.native
    def _fill(self):
        """Put what has been measured since the last look into the FIFO."""
        if self.since is None or self.regs[0x6B] & 0x40 or self.regs[0x23] != 0x78:
            return
        period = self.regs[0x19] + 1
        new = ticks_diff(self.clock.ticks(), self.since) // period
        if new > 0:
            self.since = (self.since + new * period) & 0x3FFFFFFF
            self.made += new
            if self.made * 12 - self.taken > _FIFO:
                self.regs[0x3A] |= 0x10
                self.taken = self.made * 12 - _FIFO

    @micropython.native
    def word(self, axis, sample):
        if self.counting and axis < 2:
            # The sample's number in two words, doubled: a driver's units may be coarser.
            return (sample & 0x1FFF if axis == 0 else sample >> 13) << 1
        return self.words[axis]

    @micropython.native
    def read(self, register):
        if register == 0x72:
            self._fill()
            return (self.made * 12 - self.taken) >> 8
        if register == 0x73:
            return (self.made * 12 - self.taken) & 255
        if register == 0x3A:
            self._fill()
            value = self.regs[0x3A]
            self.regs[0x3A] = 0
            return value
        if register == 0x75:
            return _ID ^ 0x18 if self.corrupt else _ID
        if 0x3B <= register <= 0x48:
            i = register - 0x3B
            if i == 6 or i == 7:
                return 0
            axis = (i if i < 6 else i - 2) >> 1
            value = self.words[axis]
            return value & 255 if i & 1 else value >> 8 & 255
        return self.regs[register]

    @micropython.native
    def get(self):
        if self.pointer == 0x74:  # FIFO_R_W does not count upwards
            at = self.taken
            if at >= self.made * 12:
                return 0xFF
            self.taken = at + 1
            byte = at % 12
            value = self.word(byte >> 1, at // 12)
            return value & 255 if byte & 1 else value >> 8 & 255
        p = self.pointer
        self.pointer = (p + 1) & 255
        return self.read(p)
