"""The link is up only to flush: for boards that live on a battery."""

from .. import port as real_clock
from ..port import ticks_diff


class RadioOff:
    """A handler that has the link up only while something is sent.

    `batcher.register_handler(RadioOff(link, uplink).send)`: the radio goes on for a batch and
    off when none has followed for `linger_ms`. deadline_ms: for the link to come up.
    """

    def __init__(self, link, uplink, linger_ms=2000, deadline_ms=20000, clock=None):
        self.link = link
        self.uplink = uplink
        self.linger_ms = linger_ms
        self.deadline_ms = deadline_ms
        self._clock = clock or real_clock
        self._ready = self._clock.signal()
        self._idle = self._clock.signal()
        self._task = None
        link.on_up(self._ready.set)

    async def send(self, batch):
        link = self.link
        self._idle.set()
        if not link.up():
            link.start()
            start = self._clock.ticks()
            while not link.up():
                left = self.deadline_ms - ticks_diff(self._clock.ticks(), start)
                if left <= 0:
                    link.stop()
                    raise OSError("the link did not come up in %d ms" % self.deadline_ms)
                await self._ready.wait(left)
        try:
            return await self.uplink.send(batch)
        finally:
            self._idle.set()
            if self._task is None:
                self._task = self._clock.spawn(self._linger())

    async def _linger(self):
        while await self._idle.wait(self.linger_ms):
            pass
        self._task = None
        done = self.uplink.close()
        if done is not None:
            await done
        self.link.stop()

    def stop(self):
        """Radio off now; no task is left."""
        task = self._task
        self._task = None
        if task is not None:
            task.cancel()
        self.link.stop()
