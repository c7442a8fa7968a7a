"""The virtual board's `onewire`: what ds18x20 needs of it, over emulated chips.

`wires[GPIO]` is the list of chips on that pin.
"""

from boards import virtual

from .chips.ds18b20 import DS18B20

wires = {pin: [DS18B20(rom) for rom in roms] for pin, roms in virtual.WIRES.items()}


class OneWireError(Exception):
    pass


class OneWire:
    def __init__(self, pin):
        self.chips = wires.setdefault(pin.id, [])

    def reset(self, required=False):
        found = False
        for chip in self.chips:
            found = chip.reset() or found
        if required and not found:
            raise OneWireError
        return found

    def write(self, byte):
        for chip in self.chips:
            if chip.there:
                chip.write(byte)

    def read(self):
        value = 0xFF  # an open line: who pulls it down wins
        for chip in self.chips:
            if chip.there:
                value &= chip.read()
        return value

    def scan(self):
        return [bytearray(chip.rom) for chip in self.chips if chip.there]
