"""INA219 and ADS1115, from Texas Instruments' SBOS448 and SBAS444: registers of 16 bits."""

from batcher.port import micropython, ticks_diff

from . import Chip


class Words(Chip):
    """Registers of two bytes, the high one first; the pointer stays."""

    MASK = 7

    def __init__(self, clock=None):
        super().__init__(clock)
        self.regs = [0] * 8
        self.register = 0
        self.at = 0
        self.high = 0
        self.done_at = None

    @micropython.native
    def start(self, reading):
        self.at = 1 if reading else 0
        if reading and self.done_at is not None:
            if ticks_diff(self.clock.ticks(), self.done_at) >= 0:
                self.done_at = None
                self.finished()
        return not self.deaf

    @micropython.native
    def put(self, byte):
        if self.at == 0:
            self.register = byte & self.MASK
        elif self.at == 1:
            self.high = byte
        elif self.at == 2:
            self.write(self.register, self.high << 8 | byte)
        self.at += 1
        return True

    @micropython.native
    def get(self):
        value = self.read(self.register)
        self.at += 1
        return value >> 8 & 255 if self.at == 2 else value & 255

    @micropython.native
    def read(self, register):
        return self.regs[register]


class INA219(Words):
    """`set(mv, shunt_uv)`: what is at the bus and over the shunt."""

    def __init__(self, clock=None):
        super().__init__(clock)
        self.mv, self.uv = 5128, 12340
        self.regs[0] = 0x399F

    def set(self, mv, uv):
        self.mv, self.uv = mv, uv

    @micropython.native
    def write(self, register, value):
        if register == 0:
            if value & 0x8000:
                value = 0x399F
                self.regs[5] = 0
            self.regs[0] = value
            self.regs[2] &= ~2
            if value & 7 == 3:
                self.sample()
                self.done_at = (
                    self.clock.ticks() + (self.us(value >> 3) + self.us(value >> 7)) // 1000
                )
        elif register == 5:
            self.regs[5] = value & 0xFFFE

    def us(self, adc):
        """The longest times."""
        adc &= 15
        if adc & 8:
            return 586 * (1 << (adc & 7))
        return (93, 163, 304, 586)[adc & 3]

    @micropython.native
    def finished(self):
        # 4 mV steps from bit 3, CNVR; 10 µV steps, signed.
        self.regs[2] = self.mv // 4 << 3 | 2
        self.regs[1] = self.uv // 10 & 0xFFFF

    @micropython.native
    def read(self, register):
        if self.corrupt and register == 0:
            return self.regs[0] ^ 0x0800
        return self.regs[register]


class ADS1115(Words):
    """`volts[0..3]` in µV at the inputs."""

    MASK = 3

    def __init__(self, clock=None):
        super().__init__(clock)
        self.volts = [1234500, -2500, 3300000, 250]
        self.regs[1] = 0x8583

    @micropython.native
    def write(self, register, value):
        if register != 1:
            return
        self.regs[1] = value & 0x7FFF | (self.regs[1] & 0x8000)
        if value & 0x8000 and value & 0x100 and self.done_at is None:
            self.sample()
            self.regs[1] &= 0x7FFF
            rate = (8, 16, 32, 64, 128, 250, 475, 860)[value >> 5 & 7]
            self.done_at = self.clock.ticks() + 1100 // rate

    @micropython.native
    def finished(self):
        config = self.regs[1]
        self.regs[1] = config | 0x8000
        mux = config >> 12 & 7
        # 187.5, 125, 62.5 ... 7.8125 µV a step; ints of 30 bits do.
        pga = config >> 9 & 7
        if pga > 5:
            pga = 5
        raw = (
            (self.volts[mux - 4] << (1, 0, 1, 2, 3, 4)[pga]) // (125 if pga else 375)
            if mux >= 4
            else 0
        )
        self.regs[0] = min(max(raw, -32768), 32767) & 0xFFFF

    @micropython.native
    def read(self, register):
        if self.corrupt and register == 1:
            return self.regs[1] ^ 0x20
        return self.regs[register]
