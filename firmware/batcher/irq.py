"""Adding from an interrupt: what the interrupt leaves for the loop to do.

An interrupt may neither allocate nor touch the event loop's queue. It stores the item and
sets a flag; a small task passes the flag on to the flusher and tells `on_drop` what was
refused. Such items cannot be handed over: on_drop(None, "3 refused in an interrupt").
"""

from . import port
from .port import disable_irq, enable_irq


def guarded(add):
    """-> the same `add`, for an interrupt and for the loop alike: neither meets a half-done one."""

    def add_irq(item):
        state = disable_irq()
        try:
            return add(item)
        finally:
            enable_irq(state)

    return add_irq


class Waker:
    def __init__(self, signal, tell, clock=port):
        self.untold = 0
        self._signal = signal
        self._tell = tell
        self._clock = clock
        self._flag = clock.flag()
        self.set = self._flag.set  # from an interrupt: no allocation
        self._task = None

    def start(self):
        self._task = self._task or self._clock.spawn(self._run())

    def stop(self):
        if self._task:
            self._task.cancel()

    async def _run(self):
        while True:
            await self._flag.wait()
            self._signal.set()
            state = disable_irq()
            untold = self.untold
            self.untold = 0
            enable_irq(state)
            if untold and self._tell:
                self._tell(None, "%d refused in an interrupt" % untold)
