"""Feeds the watchdog while all is well, and knows after a reset why it happened.

Rules
- Fed from a task, so only while the loop turns, and only while every watched handler comes
  back within its limit. Being offline is well: the handler comes back with an error.
- The cause is a marker of our own in a file, because RP2040 cannot tell a watchdog from
  `machine.reset()`: "running" is written at the start; what happens later writes over it.
  Two flash writes for a start and an orderly reset, none while it runs.
"""

from .. import port as real_clock
from ..port import log, ticks_diff

_RUNNING = "running"


class Watchdog:
    """feed: `machine.WDT(timeout=8000).feed`. path: the marker's file, None for none.

    by_watchdog: True, False, or None where the port cannot tell (`machine.reset_cause()`).
    `cause` is what ended the last run, one line; `handler = dog.watch(send, limit_ms)`.
    """

    def __init__(self, feed, path="batcher/cause", by_watchdog=None, period_ms=1000, clock=None):
        self._feed = feed
        self._path = path
        self.period_ms = period_ms
        self._clock = clock or real_clock
        self._signal = self._clock.signal()
        self._watched = []
        self._task = None
        self.stuck = None  # what keeps us from feeding
        self.cause = _cause(self._read(), by_watchdog)
        self._write(_RUNNING)

    def watch(self, handler, limit_ms=30000, name="handler"):
        """-> an async handler that must come back within limit_ms."""
        watched = _Watched(handler, limit_ms, name, self._clock)
        self._watched.append(watched)
        return watched.call

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
        while self.check(self._clock.ticks()):
            self._feed()
            await self._signal.wait(self.period_ms)

    def check(self, now) -> bool:
        """Is all well; where not, the marker says what is stuck."""
        for watched in self._watched:
            if watched.busy and ticks_diff(now, watched.since) > watched.limit_ms:
                self.stuck = "%s stuck for over %d ms" % (watched.name, watched.limit_ms)
                log("watchdog: %s: not fed any more" % self.stuck)
                self._write(self.stuck)
                return False
        return True

    def _read(self):
        try:
            with open(self._path) as file:
                return file.read(200).strip()
        except (OSError, TypeError):
            return ""

    def _write(self, text):
        if self._path is None:
            return
        try:
            with open(self._path, "w") as file:
                file.write(text)
        except OSError as exc:
            log("watchdog: %s: %s" % (self._path, exc))


class _Watched:
    def __init__(self, handler, limit_ms, name, clock):
        self.handler = handler
        self.limit_ms = limit_ms
        self.name = name
        self.clock = clock
        self.busy = False
        self.since = 0

    async def call(self, batch):
        self.since = self.clock.ticks()
        self.busy = True
        try:
            return await self.handler(batch)
        finally:
            self.busy = False


def _cause(marker, by_watchdog):
    if not marker:
        return "first start"
    if marker != _RUNNING:
        return marker
    if by_watchdog is None:
        return "power, or the loop stood still"
    return "the loop stood still" if by_watchdog else "power"
