"""The link is up only to flush: for boards that live on a battery."""

from . import port
from .port import ticks_diff


class RadioOff:
    """A handler that has the link up only while something is sent.

    `batcher.register_handler(RadioOff(link, uplink).send)`: the radio goes on for a batch and
    off when none has followed for `linger_ms`. deadline_ms: for the link to come up.
    """

    def __init__(self, link, uplink, linger_ms=2000, deadline_ms=20000, clock=port):
        self.link = link
        self.uplink = uplink
        self.linger_ms = linger_ms
        self.deadline_ms = deadline_ms
        self._clock = clock
        self._up = clock.signal()
        self._task = None  # it lingers
        link.on_up(self._up.set)

    async def send(self, batch):
        self._stay()
        link = self.link
        clock = self._clock
        link.start()  # where it is up, this is nothing
        start = clock.ticks()
        try:
            while not link.up():
                left = self.deadline_ms - ticks_diff(clock.ticks(), start)
                if left <= 0:
                    raise OSError("the link did not come up in %d ms" % self.deadline_ms)
                await self._up.wait(left)
        except BaseException:  # cancelled, too: nobody else would switch it off
            link.stop()
            raise
        try:
            return await self.uplink.send(batch)
        finally:
            self._task = clock.spawn(self._linger())

    async def _linger(self):
        await self._clock.signal().wait(self.linger_ms)
        self._task = None
        done = self.uplink.close()
        if done is not None:
            await done
        self.link.stop()

    def _stay(self):
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def stop(self):
        """Radio off now; no task is left."""
        self._stay()
        self.link.stop()
