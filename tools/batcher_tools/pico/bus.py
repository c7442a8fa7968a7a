"""Emulated chips on the emulated board's I2C bus, at the byte boundary.

A chip is any object with `write(bytes)` and `read(n) -> bytes` that raises OSError where a
real one would not acknowledge. The board's controller moves one byte at a time; a chip is
told of a write when its transaction ends, and asked once for a read.
"""

from rp2040py.peripherals.i2c import I2CMode

TX_EMPTY = 1 << 4
LONGEST = 64  # bytes a chip is asked for; a longer read asks again


class Bus:
    """The chips of one controller (0 or 1), by address."""

    def __init__(self, controller) -> None:
        self.i2c = controller
        self.chips: dict[int, object] = {}
        self.chip = None
        self.written = bytearray()
        self.answer = b""
        self.transactions = 0
        controller.on_connect = self._connect
        controller.on_write_byte = self._write
        controller.on_read_byte = self._read
        controller.on_stop = self._stop

    def _finish_write(self) -> bool:
        """Hand the chip what was written to it; False: it did not acknowledge."""
        if self.chip is None or not self.written:
            return True
        data = bytes(self.written)
        self.written.clear()
        try:
            self.chip.write(data)
        except OSError:
            return False
        return True

    def _connect(self, address: int, mode) -> None:
        self._finish_write()  # a repeated start ends the write before it
        self.transactions += 1
        self.chip = self.chips.get(address)
        self.answer = b""
        present = self.chip is not None
        if present and mode == I2CMode.READ:
            try:
                self.answer = self.chip.read(LONGEST)
            except OSError:
                present = False
        self.i2c.complete_connect(present)
        if not present:
            # The controller's FIFO is empty after an abort; unsaid, the SDK waits 50 ms for it
            # and reports a timeout where a real board reports that nobody answered.
            self.i2c._set_interrupts(TX_EMPTY)

    def _write(self, value: int) -> None:
        self.written.append(value)
        self.i2c.complete_write(True)

    def _read(self, ack: bool) -> None:
        if not self.answer:
            self.answer = self.chip.read(LONGEST)
        value, self.answer = self.answer[0], self.answer[1:]
        self.i2c.complete_read(value)

    def _stop(self) -> None:
        self._finish_write()
        self.i2c.complete_stop()
