"""A batcher whose store has flash behind it: who looks after the store between the adds.

`Tiered.tick` moves what is due to flash: memory nearly full, the link down for a while, items
in RAM alone for too long. The link counts as down while the batcher retries. What the quota
takes away is told, and fails the callers of flush() that wait for it.
"""

_LOOK_MS = 200  # how late a bound of the store may be noticed


class Spilling:
    def __init__(self, batcher):
        self._batcher = batcher
        self._clock = batcher._clock
        self._signal = self._clock.signal()
        self._task = None
        batcher.store.spool.tell = self._lost

    def start(self):
        self._task = self._task or self._clock.spawn(self._run())

    def stop(self):
        if self._task:
            self._task.cancel()

    async def _run(self):
        batcher = self._batcher
        while True:
            wait = batcher.store.tick(self._clock.ticks(), not batcher._retry)
            batcher._landed()  # there may be room for who waits in put()
            await self._signal.wait(min(wait, _LOOK_MS))

    def _lost(self, *what):
        batcher = self._batcher
        batcher._answer(1 if len(what) == 2 else what[1], -1)
        if batcher._tell:
            batcher._tell(*what)
