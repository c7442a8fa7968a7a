"""The virtual board's `ds18x20`: the interface of the module that MicroPython brings along."""

from .chips.ds18b20 import crc


class DS18X20:
    def __init__(self, onewire):
        self.ow = onewire
        self.buf = bytearray(9)

    def scan(self):
        return [rom for rom in self.ow.scan() if rom[0] in (0x10, 0x22, 0x28)]

    def convert_temp(self):
        self.ow.reset(True)
        self.ow.write(0xCC)
        self.ow.write(0x44)

    def read_scratch(self, rom):
        self.ow.reset(True)
        self.ow.write(0x55)
        for byte in rom:
            self.ow.write(byte)
        self.ow.write(0xBE)
        for i in range(9):
            self.buf[i] = self.ow.read()
        if crc(self.buf):
            raise Exception("CRC error")
        return self.buf
