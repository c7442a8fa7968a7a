"""BH1750 and VEML7700, from ROHM's and Vishay's data sheets (84286, and 84323)."""

from batcher.port import micropython, ticks_diff

from . import Chip

_MS = {12: 25, 8: 50, 0: 100, 1: 200, 2: 400, 3: 800}


class BH1750(Chip):
    """`set(lux)`. No identity, no checksum: `corrupt` does nothing."""

    def __init__(self, clock=None):
        super().__init__(clock)
        self.set(321.5)
        self.on = False
        self.time = 69
        self.raw = 0
        self.next = 0
        self.ready_at = None
        self.at = 0

    def set(self, lux):
        self.hundredths = int(lux * 100 + 0.5)

    @micropython.native
    def start(self, reading):
        self.at = 0
        return not self.deaf

    @micropython.native
    def put(self, code):
        if code in (0, 1):
            self.on = code == 1
        elif code & 0xF8 == 0x40:
            self.time = (code & 7) << 5 | self.time & 31
        elif code & 0xE0 == 0x60:
            self.time = self.time & 0xE0 | code & 31
        elif code in (0x20, 0x21, 0x23) and self.on:
            self.sample()
            fineness = 2 if code == 0x21 else 1
            count = (self.hundredths * 12 * self.time * fineness + 34500) // 69000
            self.next = min(count, 65535)
            ms = (24 if code == 0x23 else 180) * self.time // 69
            self.ready_at = self.clock.ticks() + ms
        return True

    @micropython.native
    def get(self):
        if self.ready_at is not None and ticks_diff(self.clock.ticks(), self.ready_at) >= 0:
            self.ready_at = None
            self.raw = self.next
            self.on = False  # a one-time measurement ends in power down
        self.at += 1
        return self.raw >> 8 if self.at == 1 else self.raw & 255


class VEML7700(Chip):
    """`set(lux)`, what the chip shows before its non-linearity is corrected. 16-bit registers."""

    def __init__(self, clock=None):
        super().__init__(clock)
        self.set(321.5)
        self.regs = [1, 0, 0, 0, 0, 0, 0, 0xC481]
        self.register = 0
        self.at = 0
        self.low = 0
        self.since = None

    def set(self, lux):
        self.hundredths = int(lux * 100 + 0.5)

    @micropython.native
    def start(self, reading):
        self.at = 1 if reading else 0
        return not self.deaf

    @micropython.native
    def put(self, byte):
        if self.at == 0:
            self.register = byte & 7
        elif self.at == 1:
            self.low = byte
        elif self.register < 4:
            self.regs[self.register] = byte << 8 | self.low
            if self.register == 0:
                self.configure()
        self.at += 1
        return True

    @micropython.native
    def configure(self):
        config = self.regs[0]
        if config & 1:
            self.since = None
            return
        self.sample()
        # 0.0042 lx a step at gain 2 and 800 ms; coarser by the gain and by the time.
        self.ms = _MS[config >> 6 & 15]
        step = 42 * (2, 1, 16, 8)[config >> 11 & 3] * (800 // self.ms)
        self.count = min((self.hundredths * 100 + step // 2) // step, 65535)
        self.since = self.clock.ticks()

    @micropython.native
    def get(self):
        if self.since is not None and ticks_diff(self.clock.ticks(), self.since) >= self.ms + 2:
            self.regs[4] = self.count
        value = self.regs[self.register]
        if self.corrupt and self.register == 7:
            value ^= 1
        self.at += 1
        return value & 255 if self.at == 2 else value >> 8
