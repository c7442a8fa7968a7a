"""Feeds the watchdog while all is well, and knows after a reset why it happened.

Rules
- Fed from a task, so only while the loop turns, and only while every watched handler comes
  back within its limit. Being offline is well: the handler comes back with an error.
- The cause is a marker of our own in a file, because RP2040 cannot tell a watchdog from
  `machine.reset()`: "running" is written at the start; what happens later writes over it.
  Two flash writes for a start and an orderly reset, none while it runs.
"""

from . import port
from .port import log, ticks_diff


class Watchdog:
    """feed: `machine.WDT(timeout=8000).feed`. path: the marker's file, None for none.

    by_watchdog: True, False, or None where the port cannot tell (`machine.reset_cause()`).
    `cause` is what ended the last run, one line; `handler = dog.watch(send, limit_ms)`.
    """

    def __init__(self, feed, path="batcher/cause", by_watchdog=None, period_ms=1000, clock=port):
        self._feed = feed
        self._path = path
        self.period_ms = period_ms
        self._clock = clock
        self._signal = clock.signal()
        self._watched = []  # [since when it is busy or None, limit_ms, name]
        self._task = None
        self.stuck = None  # what keeps us from feeding
        cause = ""
        try:
            with open(path) as file:
                cause = file.read(200).strip()
        except (OSError, TypeError, ValueError):
            pass
        if cause == "running":
            cause = "power, or the loop stood still"
            if by_watchdog is not None:
                cause = "the loop stood still" if by_watchdog else "power"
        self.cause = cause or "first start"
        self._write("running")

    def watch(self, handler, limit_ms=30000, name="handler"):
        """-> an async handler that must come back within limit_ms."""
        watched = [None, limit_ms, name]
        self._watched.append(watched)

        async def call(batch):
            watched[0] = self._clock.ticks()
            try:
                return await handler(batch)
            finally:
                watched[0] = None

        return call

    def start(self):
        self._feed()
        if self._task is None:
            self._task = self._clock.spawn(self._run())

    def stop(self):
        """Feed no more: without `start()` again the watchdog bites."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def asked(self, reason):
        """Note why we are about to reset; then `machine.reset()`."""
        self._write("asked: " + reason)

    async def _run(self):
        while True:
            for since, limit_ms, name in self._watched:
                if since is not None and ticks_diff(self._clock.ticks(), since) > limit_ms:
                    self.stuck = "%s stuck for over %d ms" % (name, limit_ms)
                    log("watchdog: %s: not fed any more" % self.stuck)
                    self._write(self.stuck)
                    return
            self._feed()
            await self._signal.wait(self.period_ms)

    def _write(self, text):
        if self._path is not None:
            try:
                with open(self._path, "w") as file:
                    file.write(text)
            except OSError as exc:
                log("watchdog: %s: %s" % (self._path, exc))
