"""Chips emulated at the register level, one file each, written from the datasheets.

Rules: an emulation imports no driver. It answers what the datasheet's register map says, takes
as long to convert as the datasheet's longest time, and has faults on demand:
`chip.deaf = True` (it acknowledges nothing any more), `chip.corrupt = True` (one bit of each
answer's checksum, or of its identity, is wrong). Plugging out is the bus's: `bus.detach`.
Every chip takes a clock: any object whose `ticks()` gives milliseconds in 30 bits.
"""

from batcher.port import micropython, ticks_ms


class Now:
    """The real time."""

    def ticks(self):
        return ticks_ms()


class Still:
    """A time that stands until a test moves it: `still.ms += 10`."""

    def __init__(self, ms=0):
        self.ms = ms

    def ticks(self):
        return self.ms


class Chip:
    """What every chip on an I2C bus has; the subclass answers `put` and `get`."""

    def __init__(self, clock=None):
        self.clock = clock or Now()
        self.deaf = False
        self.corrupt = False
        self.world = None  # called as world(chip) when a conversion starts, to set new values

    @micropython.native
    def start(self, reading):
        return not self.deaf

    def stop(self):
        pass

    @micropython.native
    def sample(self):
        if self.world is not None:
            self.world(self)


class Registers(Chip):
    """A chip with 8-bit registers: the first byte written points, then reads count upwards."""

    def __init__(self, clock=None):
        super().__init__(clock)
        self.regs = bytearray(256)
        self.pointer = 0
        self._pointing = False

    @micropython.native
    def start(self, reading):
        self._pointing = not reading
        return not self.deaf

    @micropython.native
    def put(self, byte):
        if self._pointing:
            self.pointer = byte
            self._pointing = False
        else:
            self.write(self.pointer, byte)
            self.pointer = (self.pointer + 1) & 255
        return True

    @micropython.native
    def get(self):
        p = self.pointer
        self.pointer = (p + 1) & 255
        return self.read(p)

    @micropython.native
    def read(self, register):
        return self.regs[register]

    @micropython.native
    def write(self, register, byte):
        self.regs[register] = byte


def put16(regs, at, value):
    """Little-endian, signed or not."""
    regs[at] = value & 255
    regs[at + 1] = value >> 8 & 255


def solve(f, wanted, low, high):
    """The integer in low..high whose monotone f comes nearest to `wanted`."""
    rising = f(high) > f(low)
    while high - low > 1:
        middle = (low + high) // 2
        if (f(middle) < wanted) == rising:
            low = middle
        else:
            high = middle
    return low if abs(f(low) - wanted) <= abs(f(high) - wanted) else high
