"""DS18B20 on its wire, byte for byte, from Maxim's 19-7487: ROM and function commands.

Skip ROM 0xCC, match ROM 0x55, convert 0x44, read scratchpad 0xBE. Search is left to the bus.
"""

from batcher.port import ticks_diff

from . import Now


def crc(data):
    """Polynomial x^8 + x^5 + x^4 + 1, reflected (section "CRC generation")."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x8C if value & 1 else 0)
    return value


class DS18B20:
    """`set(temperature)`. `unpowered()`: it starts anew, with 85 °C in its scratchpad."""

    def __init__(self, rom, clock=None):
        self.rom = bytes(int(rom[2 * i : 2 * i + 2], 16) for i in range(8))
        self.clock = clock or Now()
        self.there = True
        self.corrupt = False
        self.raw = 0
        self.set(21.5)
        self.unpowered()

    def set(self, temperature):
        self.raw = int(temperature * 16 + (0.5 if temperature >= 0 else -0.5))

    def unpowered(self):
        self.shown = 0x0550
        self.done_at = None

    def reset(self):
        self.inbox = bytearray()
        self.out = None
        self.at = 0
        return self.there

    def write(self, byte):
        self.inbox.append(byte)
        start = 9 if self.inbox[0] == 0x55 else 1
        if start == 9 and len(self.inbox) >= 9 and bytes(self.inbox[1:9]) != self.rom:
            return  # another one is meant
        if len(self.inbox) != start + 1:
            return
        if byte == 0x44:
            self.done_at = self.clock.ticks() + 750
        elif byte == 0xBE:
            if self.done_at is not None and ticks_diff(self.clock.ticks(), self.done_at) >= 0:
                self.done_at = None
                self.shown = self.raw
            pad = bytes((self.shown & 255, self.shown >> 8 & 255, 0x4B, 0x46, 0x7F, 255, 12, 16))
            self.out = pad + bytes((crc(pad) ^ (1 if self.corrupt else 0),))

    def read(self):
        if self.out is None:
            return 0xFF
        self.at += 1
        return self.out[self.at - 1] if self.at <= len(self.out) else 0xFF
