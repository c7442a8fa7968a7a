"""What the board's LED says: a pulse every two seconds is well, the more light the worse.

`pattern` decides, `Led` switches. Nothing allocates but the loop itself.
"""

from .port import Signal

WELL = (30, 1970)  # ms on, ms off
SENDING_FAILS = (250, 250)
NO_LINK = (1000, 1000)
SAFE = (60, 190)  # a flicker: safe mode


def pattern(link_up: bool, failing: bool) -> tuple:
    """-> (ms on, ms off)."""
    if not link_up:
        return NO_LINK
    return SENDING_FAILS if failing else WELL


class Led:
    """`pin`: machine.Pin. `look()` -> a pattern, asked before each pulse. active: the lit level."""

    def __init__(self, pin, look, active: int = 1):
        self._pin = pin
        self._look = look
        self._active = active
        self._signal = Signal()  # never set: its wait leaves nothing on the heap

    async def run(self):
        try:
            while True:
                on, off = self._look()
                self._pin.value(self._active)
                await self._signal.wait(on)
                self._pin.value(1 - self._active)
                await self._signal.wait(off)
        finally:
            self._pin.value(1 - self._active)
