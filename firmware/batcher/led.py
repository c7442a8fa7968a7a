"""What the board's LED says: a pulse every two seconds is well, the more light the worse.

`pattern` decides, `blink` switches. Nothing allocates but the loop itself.
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


async def blink(pin, look, active: int = 1):
    """`pin`: machine.Pin. `look()` -> a pattern, asked before each pulse. active: the lit level."""
    signal = Signal()  # never set: its wait leaves nothing on the heap
    try:
        while True:
            on, off = look()
            pin.value(active)
            await signal.wait(on)
            pin.value(1 - active)
            await signal.wait(off)
    finally:
        pin.value(1 - active)
