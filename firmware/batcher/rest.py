"""The safe mode's own loop: it says why, the LED flickers, and Ctrl-C leaves the REPL to a person.

Rules: no sensor, no radio, no watchdog. Where nobody comes, it tries again after ten minutes,
but not where the pin was held.
"""

from .led import SAFE, blink
from .logring import previous
from .port import asyncio, ticks_diff, ticks_ms

_REST_MS = 600000


async def rest(hardware, ms: int = 0):
    """Say why, and what the last run said; flicker for `ms` (0: ten minutes, for ever where the
    pin was held), then reset."""
    print("safe mode:", hardware.reason)
    for line in previous("last.log"):
        print("last run:", line)
    led = None
    if hardware.led is not None:
        led = asyncio.create_task(blink(hardware.led, lambda: SAFE, hardware.led_active))
    begun = ticks_ms()
    end = ms or _REST_MS
    try:
        while ms == 0 and hardware.held or ticks_diff(ticks_ms(), begun) < end:
            await asyncio.sleep(min(end, 10000) / 1000)
            print("safe mode:", hardware.reason)
    finally:
        if led is not None:
            led.cancel()
    if hasattr(hardware.machine, "reset"):
        hardware.machine.reset()
