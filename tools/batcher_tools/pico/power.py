"""Resets, and power cuts at a chosen flash operation."""

from rp2040py.device import ResetCause


class Power:
    """Counts the flash's erases and page programs, and cuts the power at one of them."""

    def __init__(self, device) -> None:
        self.device = device
        self.ssi = device.mcu.ssi
        self.operations = 0
        self.cut_at: int | None = None
        self.torn = False
        self.cuts = 0
        self._apply = self.ssi._apply_command
        self.ssi._apply_command = self._operation
        clock = device.simulator.clock
        # From an alarm, between two instructions: the operation's own pins are still in use.
        self._cut = clock.create_alarm(self._power_off)
        self._quiet = clock.create_alarm(self._watchdog_off)
        self._bite = device.mcu.watchdog.on_watchdog_trigger
        device.mcu.watchdog.on_watchdog_trigger = self._watchdog

    def reset(self, cause: ResetCause) -> None:
        self.device.hard_reset(cause=cause)
        self._watchdog_off()

    def _watchdog(self) -> None:
        """The watchdog bit, or the board reset itself through it."""
        self._bite()
        self._quiet.schedule(1000)  # after the register write that may have led here

    def _watchdog_off(self) -> None:
        # A reset board runs without a watchdog until it starts one; the emulator lets it run on.
        watchdog = self.device.mcu.watchdog
        watchdog._enable = watchdog.timer.enable = watchdog.alarm.enable = False

    def cut_after(self, operations: int, torn: bool) -> None:
        """Cut in the operation after the next `operations` ones; torn: half of it takes place."""
        self.cut_at = self.operations + operations + 1
        self.torn = torn

    def _operation(self) -> None:
        buffer = self.ssi._tx_buffer
        if not buffer or buffer[0] not in (0x02, 0x20, 0xD8):  # program, erase 4 K, erase 64 K
            self._apply()
            return
        self.operations += 1
        if self.operations != self.cut_at:
            self._apply()
            return
        if self.torn and buffer[0] == 0x02:
            del buffer[4 + (len(buffer) - 4) // 2 :]
            self._apply()
        self.cut_at = None
        self._cut.schedule(100)

    def _power_off(self) -> None:
        self.cuts += 1
        self.reset(ResetCause.POWER_ON)
