"""DS18B20: temperature (Maxim DS18B20, 19-7487), on top of the firmware's ds18x20 and onewire.

Rules: `ds18x20` moves the bytes and checks the CRC; its own `read_temp` makes a float, so the
scratchpad is decoded here. A chip that lost power answers 85 °C (its reset value): refused
unless the reading before was near. What ds18x20 takes from the heap is in README.md.
"""

from binascii import hexlify

from .driver import Driver


def decode(scratchpad) -> int:
    """0.01 °C of the first two bytes, 1/16 °C (table 1)."""
    raw = ((scratchpad[1] << 8 | scratchpad[0]) ^ 0x8000) - 0x8000
    return (raw * 25 + 2) >> 2


class DS18B20(Driver):
    """One chip on the 1-Wire bus `wire` (a ds18x20.DS18X20).

    rom: its 8 bytes as 16 hex digits; left out, there must be one chip only.
    Row: temperature in 0.01 °C.
    """

    PART = ("wire", "onewire")
    SCHEMA = ("ds18b20", (("temperature", "Cel", -2),))
    OPTIONS = (("rom", ""),)
    last = 0  # the reading before, failed ones too

    def run(self, wire, rom):
        roms = wire.scan()
        names = [hexlify(found).decode() for found in roms]
        wanted = rom.lower() or (names[0] if len(names) == 1 else "one chip")
        if wanted not in names:
            self.fail("found %s, wanted %s" % (names or "nothing", wanted))
        rom = roms[names.index(wanted)]
        while True:
            wire.convert_temp()
            yield 750  # 12 bits (table 2)
            try:
                told = wire.read_scratch(rom)
                if told[4] & 0x9F != 0x1F:  # figure 10; a line held low is nine zeros, CRC too
                    self.fail("scratchpad: found 0x%02x, wanted a DS18B20's" % told[4])
                value = decode(told)
            except Exception as exc:  # ds18x20 raises a plain Exception("CRC error")
                self.fail(exc)
            if value == 8500 and not 8000 < self.last < 9000:
                self.fail("85 degrees: it has lost its power")
            self.last = value
            self.row[1] = value
            yield 0


DRIVER = DS18B20
