"""Emulated chips on the emulated board's I2C bus, byte for byte.

A chip is what host_tests/kit/chips has: `start(reading) -> ack`, `put(byte) -> ack`,
`get() -> byte`, `stop()`, and it may take a clock whose `ticks()` gives milliseconds.
"""

from rp2040py.peripherals.i2c import I2CMode

TX_EMPTY = 1 << 4


class BoardClock:
    """The emulated board's own time, for chips that take time to convert."""

    def __init__(self, simulator) -> None:
        self.clock = simulator.clock

    def ticks(self) -> int:
        return int(self.clock.nanos // 1_000_000) & 0x3FFFFFFF


class Bus:
    """The chips of one controller (0 or 1), by address."""

    def __init__(self, controller) -> None:
        self.i2c = controller
        self.chips: dict[int, object] = {}
        self.chip = None  # in a transaction
        self.transactions = 0
        controller.on_connect = self._connect
        controller.on_write_byte = lambda value: controller.complete_write(self.chip.put(value))
        controller.on_read_byte = lambda ack: controller.complete_read(self.chip.get() & 0xFF)
        controller.on_stop = self._stop

    def _connect(self, address: int, mode) -> None:
        self.transactions += 1
        self.chip = self.chips.get(address)
        present = self.chip is not None and bool(self.chip.start(mode == I2CMode.READ))
        self.i2c.complete_connect(present)
        if not present:
            # The controller's FIFO is empty after an abort; unsaid, the SDK waits 50 ms for it
            # and reports a timeout where a real board reports that nobody answered.
            self.i2c._set_interrupts(TX_EMPTY)

    def _stop(self) -> None:
        chip, self.chip = self.chip, None
        if chip is not None:
            chip.stop()
        self.i2c.complete_stop()
