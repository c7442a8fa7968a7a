"""SHT3x, SHT4x and SCD4x at the level of their commands, and the AHT20, which is alike.

From Sensirion's datasheets SHT3x-DIS (version 7), SHT4x (version 6), SCD4x (version 1.4) and
Aosong's AHT20 manual (A1). An answer is words of two bytes with a CRC; a chip that is busy
refuses its address.
"""

from batcher.port import micropython, ticks_diff

from . import Chip


@micropython.native
def crc(data, start, count):
    """Section 4.12 of SHT3x: polynomial 0x31, from 0xFF. 0xBEEF -> 0x92."""
    value = 0xFF
    for i in range(start, start + count):
        value ^= data[i]
        for _ in range(8):
            value = (value << 1 ^ (0x131 if value & 0x80 else 0)) & 0x1FF
    return value


class Commands(Chip):
    """Collects what is written, hands it over as a command, reads an answer out."""

    COMMAND_BYTES = 2

    def __init__(self, clock=None):
        super().__init__(clock)
        self.inbox = bytearray(8)
        self.got = 0
        self.out = bytearray(9)
        self.left = 0  # bytes of the answer, those read included
        self.at = 0
        self.busy_until = None

    @micropython.native
    def busy(self):
        if self.busy_until is None:
            return False
        if ticks_diff(self.clock.ticks(), self.busy_until) < 0:
            return True
        self.busy_until = None
        self.finished()
        return False

    @micropython.native
    def finished(self):
        pass

    def take(self, ms):
        """The chip is busy that long."""
        self.busy_until = self.clock.ticks() + ms

    @micropython.native
    def start(self, reading):
        if self.deaf or self.busy():
            return False
        if not reading:
            self.got = 0
            return True
        self.at = 0
        return self.left > 0

    @micropython.native
    def put(self, byte):
        self.inbox[self.got & 7] = byte
        self.got += 1
        if self.got == self.COMMAND_BYTES:
            code = self.inbox[0]
            if self.COMMAND_BYTES == 2:
                code = code << 8 | byte
            return self.command(code)
        return True

    @micropython.native
    def get(self):
        i = self.at
        self.at = i + 1
        return self.out[i] if i < self.left else 0xFF

    @micropython.native
    def stop(self):
        if self.at >= self.left:
            self.left = 0  # it was read: the next read finds nothing

    @micropython.native
    def word(self, i, value):
        """Put word i of the answer and its CRC."""
        out = self.out
        j = 3 * i
        out[j] = value >> 8
        out[j + 1] = value & 255
        out[j + 2] = crc(out, j, 2)
        if self.corrupt:
            out[j + 2] ^= 0x10
        self.left = j + 3
        self.at = 0


class SHT3x(Commands):
    """`set(temperature=, humidity=)` in °C and %."""

    SHOTS = {0x2400: 16, 0x240B: 7, 0x2416: 5}
    SERIAL = (0x1234, 0x5678)

    def __init__(self, clock=None):
        super().__init__(clock)
        self.raw_t = self.raw_h = 0
        self.set(21.43, 45.0)

    def set(self, temperature=None, humidity=None):
        if temperature is not None:
            self.raw_t = int((temperature + 45) / 175 * 65535 + 0.5)
        if humidity is not None:
            self.raw_h = self.raw_humidity(humidity)

    def raw_humidity(self, humidity):
        return int(humidity / 100 * 65535 + 0.5)

    @micropython.native
    def command(self, code):
        self.left = 0
        ms = self.SHOTS.get(code)
        if ms is not None:
            self.sample()
            self.take(ms)
        else:
            return self.other(code)
        return True

    def other(self, code):
        if code == 0xF32D:
            self.word(0, 0x8010)
        return code in (0xF32D, 0x30A2, 0x3041)

    @micropython.native
    def finished(self):
        self.word(0, self.raw_t)
        self.word(1, self.raw_h)


class SHT4x(SHT3x):
    COMMAND_BYTES = 1
    SHOTS = {0xFD: 9, 0xF6: 5, 0xE0: 2}

    def raw_humidity(self, humidity):
        return int((humidity + 6) / 125 * 65535 + 0.5)

    def other(self, code):
        if code == 0x89:
            self.word(0, self.SERIAL[0])
            self.word(1, self.SERIAL[1])
        return code in (0x89, 0x94)


class SCD4x(Commands):
    """`set(co2=, temperature=, humidity=)` in ppm, °C and %; a new measurement each 5 s."""

    SERIAL = (0xF896, 0x9F07, 0x3BBE)  # the datasheet's example of get_serial_number

    def __init__(self, clock=None):
        super().__init__(clock)
        self.co2 = self.raw_t = self.raw_h = 0
        self.set(612, 23.5, 48.0)
        self.next_at = None  # periodic measurement: when the next one is ready
        self.ready = False

    def set(self, co2=None, temperature=None, humidity=None):
        if co2 is not None:
            self.co2 = co2
        if temperature is not None:
            self.raw_t = int((temperature + 45) / 175 * 65535 + 0.5)
        if humidity is not None:
            self.raw_h = int(humidity / 100 * 65535 + 0.5)

    @micropython.native
    def _measure(self):
        now = self.clock.ticks()
        while self.next_at is not None and ticks_diff(now, self.next_at) >= 0:
            self.next_at += 5000
            self.ready = True
            self.sample()

    @micropython.native
    def command(self, code):
        self._measure()
        self.left = 0
        if code == 0x3F86:
            self.next_at = None
            self.ready = False
            self.take(500)
        elif code == 0xE4B8:
            self.word(0, 0x8006 if self.ready else 0x8000)
        elif code == 0xEC05:
            if not self.ready:
                return True  # nothing to read: the next read is refused
            self.ready = False
            self.word(0, self.co2)
            self.word(1, self.raw_t)
            self.word(2, self.raw_h)
        elif self.next_at is not None:
            return False  # while it measures it knows no other command
        elif code == 0x21B1:
            self.next_at = self.clock.ticks() + 5000
        elif code == 0x3682:
            for i in range(3):
                self.word(i, self.SERIAL[i])
        else:
            return False
        return True


class AHT20(Commands):
    """`set(temperature=, humidity=)` in °C and %. `calibrated=False`: it wants 0xBE first."""

    COMMAND_BYTES = 9  # none: `put` is its own

    def __init__(self, clock=None, calibrated=False):
        super().__init__(clock)
        self.calibrated = calibrated
        self.raw_t = self.raw_h = 0
        self.set(21.43, 45.0)
        self._status()

    def set(self, temperature=None, humidity=None):
        if temperature is not None:
            self.raw_t = int((temperature + 50) / 200 * 1048576 + 0.5)
        if humidity is not None:
            self.raw_h = min(int(humidity / 100 * 1048576 + 0.5), 0xFFFFF)

    def _status(self):
        self.out[0] = (0x80 if self.busy_until is not None else 0) | (
            0x18 if self.calibrated else 0x10
        )
        self.left = 7

    def start(self, reading):
        if self.deaf:
            return False
        self.busy()  # it answers while it converts, with its busy bit
        if reading:
            self._status()
            self.at = 0
        else:
            self.got = 0
        return True

    def put(self, byte):
        self.inbox[self.got & 7] = byte
        self.got += 1
        if self.got == 3:
            if self.inbox[0] == 0xBE and self.inbox[1] == 8:
                self.calibrated = True
                self.take(10)
            elif self.inbox[0] == 0xAC and self.inbox[1] == 0x33:
                self.sample()
                self.take(80)
        return True

    def stop(self):
        pass

    @micropython.native
    def finished(self):
        if self.inbox[0] != 0xAC:
            return
        t, h, out = self.raw_t, self.raw_h, self.out
        out[1] = h >> 12
        out[2] = h >> 4 & 255
        out[3] = (h & 15) << 4 | t >> 16
        out[4] = t >> 8 & 255
        out[5] = t & 255
        self._status()
        out[6] = crc(out, 0, 6) ^ (0x10 if self.corrupt else 0)
