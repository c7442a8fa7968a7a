"""An I2C bus with emulated chips on it: machine.I2C's interface, byte for byte on the wire.

Rules: the bus knows no chip. It calls what a chip sees of a transaction, and nothing else:
`start(reading) -> ack`, `put(byte) -> ack`, `get() -> byte`, `stop()`. A refused byte (NACK)
is OSError(EIO), an address without a chip OSError(ENODEV), a bus that is held down
OSError(ETIMEDOUT), as on the ports. No transaction leaves anything on the heap, so a driver's
own allocations can be measured on it.
"""

from batcher.port import micropython

EIO = 5
ENODEV = 19
ETIMEDOUT = 110


class I2C:
    """`attach(address, chip)` plugs a chip in, `detach(address)` pulls it out."""

    def __init__(self):
        self.chips = {}
        self.transactions = 0
        self.held = 0  # clock pulses that a chip still wants before it lets go of SDA
        self.scl = _Line(self)
        self.sda = _Line(self, True)

    def attach(self, address, chip):
        self.chips[address] = chip
        return chip

    def detach(self, address):
        return self.chips.pop(address)

    def stick(self, pulses=5):
        """A chip was interrupted in the middle of a byte and holds SDA down."""
        self.held = pulses

    @micropython.native
    def _select(self, address):
        self.transactions += 1
        if self.held:
            raise OSError(ETIMEDOUT)
        chip = self.chips.get(address)
        if chip is None:
            raise OSError(ENODEV)
        return chip

    def scan(self):
        return sorted(a for a in self.chips if self.chips[a].start(False))

    @micropython.native
    def _send(self, chip, buf):
        for i in range(len(buf)):
            if not chip.put(buf[i]):
                chip.stop()
                raise OSError(EIO)

    @micropython.native
    def _begin(self, chip, reading):
        if not chip.start(reading):
            chip.stop()
            raise OSError(EIO)

    @micropython.native
    def _address(self, chip, register, addrsize):
        self._begin(chip, False)
        if addrsize == 16 and not chip.put(register >> 8):
            raise OSError(EIO)
        if not chip.put(register & 255):
            raise OSError(EIO)

    @micropython.native
    def readfrom_into(self, address, buf, stop=True):
        chip = self._select(address)
        self._begin(chip, True)
        for i in range(len(buf)):
            buf[i] = chip.get()
        if stop:
            chip.stop()

    @micropython.native
    def writeto(self, address, buf, stop=True):
        chip = self._select(address)
        self._begin(chip, False)
        self._send(chip, buf)
        if stop:
            chip.stop()
        return len(buf)

    @micropython.native
    def readfrom_mem_into(self, address, register, buf, *, addrsize=8):
        chip = self._select(address)
        self._address(chip, register, addrsize)
        self._begin(chip, True)
        for i in range(len(buf)):
            buf[i] = chip.get()
        chip.stop()

    @micropython.native
    def writeto_mem(self, address, register, buf, *, addrsize=8):
        chip = self._select(address)
        self._address(chip, register, addrsize)
        self._send(chip, buf)
        chip.stop()

    def readfrom(self, address, count, stop=True):
        buf = bytearray(count)
        self.readfrom_into(address, buf, stop)
        return bytes(buf)

    def readfrom_mem(self, address, register, count, *, addrsize=8):
        buf = bytearray(count)
        self.readfrom_mem_into(address, register, buf, addrsize=addrsize)
        return bytes(buf)


class _Line:
    """SCL or SDA as a pin: what the recovery of a stuck bus sees of them."""

    IN = 0
    OPEN_DRAIN = 2
    PULL_UP = 1

    def __init__(self, bus, is_data=False):
        self._bus = bus
        self._is_data = is_data
        self._level = 1

    def init(self, mode=-1, pull=-1, *, value=None):
        if value is not None:
            self.value(value)

    def value(self, level=None):
        bus = self._bus
        if level is None:
            return 0 if self._is_data and bus.held else self._level
        if not self._is_data and self._level and not level and bus.held:
            bus.held -= 1  # a whole pulse: the chip shifts one bit further
        self._level = level
        return None

    __call__ = value
