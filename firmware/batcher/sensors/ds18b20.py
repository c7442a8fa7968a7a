"""DS18B20: temperature (Maxim DS18B20, 19-7487), on top of the firmware's ds18x20 and onewire.

Rules: `ds18x20` moves the bytes and checks the CRC; its own `read_temp` makes a float, so the
scratchpad is decoded here. A chip that lost power answers 85 °C (its reset value): refused
unless the reading before was near. What ds18x20 takes from the heap is in README.md.
"""

from ..schema import Schema

OPTIONS = {"wire": (None, "onewire"), "rom": ("", str)}

_POWER_ON = 8500


def decode(scratchpad) -> int:
    """0.01 °C of the first two bytes, 1/16 °C (table 1)."""
    raw = ((scratchpad[1] << 8 | scratchpad[0]) ^ 0x8000) - 0x8000
    return (raw * 25 + 2) >> 2


class DS18B20:
    """One chip on the 1-Wire bus `wire` (a ds18x20.DS18X20).

    rom: its 8 bytes as 16 hex digits; left out, there must be one chip only.
    Row: temperature in 0.01 °C.
    """

    SCHEMA = Schema("ds18b20", (("temperature", "Cel", -2),))

    def __init__(self, wire, rom=""):
        self.schema = self.SCHEMA
        self.wire = wire
        self._wanted = rom.lower()
        self._rom = None
        self._busy = False
        self._last = None

    def _find(self):
        found = [bytes(rom) for rom in self.wire.scan()]
        names = ["".join(["%02x" % b for b in rom]) for rom in found]
        if self._wanted in names:
            return found[names.index(self._wanted)]
        if self._wanted or len(found) != 1:
            wanted = self._wanted or "one chip"
            raise OSError(19, "ds18b20: found %s, wanted %s" % (names or "nothing", wanted))
        return found[0]

    def measure(self, row):
        busy = self._busy
        rom = self._rom
        self._busy = False
        self._rom = None
        if rom is None:
            rom = self._find()
            busy = False
        if not busy:
            self.wire.convert_temp()
            self._busy = True
            self._rom = rom
            return 750  # 12 bits (table 2)
        scratchpad = self._read(rom)
        value = decode(scratchpad)
        last = self._last
        self._last = value
        if value == _POWER_ON and (last is None or not 8000 < last < 9000):
            raise OSError(5, "ds18b20: 85 degrees, which is what a chip says that lost its power")
        row[1] = value
        self._rom = rom
        return 0

    def _read(self, rom):
        try:
            return self.wire.read_scratch(rom)
        except OSError:
            raise
        except Exception as exc:  # ds18x20 raises a plain Exception("CRC error")
            raise OSError(5, "ds18b20: %s" % exc)


DRIVER = DS18B20
