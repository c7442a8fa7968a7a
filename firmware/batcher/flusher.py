"""When a batch goes out, what the handler's answer means, how long a failure waits.

Rules
- The store holds items and knows nothing of time; this file decides and waits; the network
  is the handler's business.
- One task, `_run`, calls the handler, so there are never two flights at once. It sleeps on one
  signal; whoever wants it to look again sets that signal. `_due` alone decides.
- Every decision about time takes `now`, in 30-bit milliseconds of the clock handed in.
- A flight that fails waits: only flush() and kick() end that early, and nothing ends early
  what RetryAfter asked for.
"""

from . import port as real_clock
from .backoff import Backoff
from .counter import count
from .errors import Rejected, RetryAfter
from .port import FOREVER, asyncio, format_exc, is_awaitable, log, ticks_diff

COUNTED = ("delivered", "dropped", "rejected", "retries", "errors", "flushes")


class Waiter:
    """One caller of flush(): done when `left` items have gone from the front."""

    def __init__(self, left, signal):
        self.left = left
        self.signal = signal
        self.failed = False  # an attempt failed, or one of its items was lost


class Flusher:
    """The half of the batcher that faces the handler."""

    def __init__(self, store, interval_ms, batch_size, on_error, on_drop, clock, backoff):
        self.store = store
        self.interval_ms = interval_ms
        self.batch_size = batch_size
        self._on_error = on_error
        self._on_drop = on_drop
        self._tell = on_drop and self._told
        self._clock = clock = clock or real_clock
        self._backoff = backoff or Backoff()
        self._handler = None
        self._signal = clock.signal()
        self._task = None
        self._running = False  # the task has begun and not ended
        self._in_flight = False
        self._closed = False
        self._ending = False  # close() is cancelling the task
        self._retry = False  # the oldest items were tried before: they are due without a trigger
        self._asked = False  # kick()
        self._suspect = 0  # of the oldest items so many hold one that was rejected
        self._oldest = 0  # ticks at which the oldest waiting item came in, or a little earlier
        self._wait_from = 0  # ticks of the last failure
        self._wait_ms = 0  # how long it waits
        self._barred_ms = 0  # the part of it that RetryAfter asked for
        self._waiters = []  # callers of flush()
        self._watchers = []  # signals of who waits for room, or for the end
        self._counts = counts = {}
        for name in COUNTED:
            counts[name] = [0, 0]

    def _count(self, what, k=1):
        count(self._counts[what], k)

    def _due(self, now):
        """-> ms until the next attempt is due; 0 is now."""
        n = len(self.store)
        if n == 0 or self._handler is None:
            return FOREVER
        asked = self._asked or self._waiters
        if self._wait_ms:
            wait = self._barred_ms if asked else self._wait_ms
            wait -= ticks_diff(now, self._wait_from)
            if wait > 0:
                return wait
            self._wait_ms = 0
        if asked or self._retry or self._closed or n >= self.batch_size:
            return 0
        wait = self.interval_ms - ticks_diff(now, self._oldest)
        return wait if wait > 0 else 0

    async def _run(self):
        self._running = True
        try:
            while True:
                wait = self._due(self._clock.ticks())
                if wait:
                    await self._signal.wait(wait)
                    continue
                batch = self._begin()
                try:
                    if batch is None:  # flash that can't be read
                        raise OSError("the store gives nothing")
                    result = self._handler(batch)
                    if is_awaitable(result):
                        result = await result
                    self._succeeded(self.store.pinned, result)
                except asyncio.CancelledError as exc:
                    # The handler's own affair, unless it is this task that is being cancelled.
                    if self._ending or self._clock.cancelling():
                        raise
                    self._failed(exc)
                except Exception as exc:
                    self._failed(exc)
                self._landed()
                await self._clock.breathe()
        finally:
            self._running = False
            self._task = None
            self.store.release()
            self._answer(0, -1)
            self._landed()

    def _begin(self):
        self.store.seal()
        suspect = self._suspect
        batch = self.store.peek(suspect >> 1 or 1 if suspect else self.batch_size)
        self._in_flight = True
        self._asked = False
        if self._retry:
            self._count("retries")
        self._regrant()
        return batch

    def _succeeded(self, n, result):
        k = n
        if type(result) is int:  # neither True nor a response object: the first k are done
            k = result
            if not 0 < k <= n:
                kind = ValueError if k else RuntimeError
                self._failed(kind("handler: took %d of %d" % (k, n)))
                return
        self.store.commit(k)
        self._count("delivered", k)
        self._count("flushes")
        self._backoff.reset()
        self._retry = k < n or self._suspect > k
        self._went(k)

    def _failed(self, exc):
        self._count("errors")
        if isinstance(exc, Rejected):
            self._poison(str(exc))
        else:
            self.store.release()
            self._retry = True
            self._barred_ms = 0
            if isinstance(exc, RetryAfter):
                self._barred_ms = max(0, min(int(exc.ms), FOREVER))
            self._wait_ms = max(self._backoff.next(), self._barred_ms)
            self._wait_from = self._clock.ticks()
            self._answer(0, -1)
        if self._on_error:
            self._told(exc, name="on_error")
        else:
            log(format_exc(exc))

    def _poison(self, reason):
        """Halve until the bad item stands alone; only then is it given up."""
        n = self.store.pinned
        if n > 1:
            self._suspect = n
            self._retry = True
            self.store.release()
            return
        self._answer(0, -1)
        self.store.discard(1, self._tell, reason)
        self._count("rejected")
        self._suspect = 0
        self._retry = False
        self._went(1)

    def _went(self, k):
        """The k oldest items have gone, one way or the other."""
        self._suspect = max(0, self._suspect - k)
        self._answer(k, FOREVER)

    def _answer(self, k, lost_at):
        """k items have gone from the front; who waited for one behind `lost_at` has failed.

        Who has an answer is woken, and asks for no further attempt.
        """
        waiting = self._waiters
        if waiting:
            self._waiters = []
        for waiter in waiting:
            if waiter.left > lost_at:
                waiter.failed = True
            waiter.left -= k
            if waiter.failed or waiter.left <= 0:
                waiter.signal.set()
            else:
                self._waiters.append(waiter)

    def _landed(self):
        """The flight is over: who waited for room, or for the end, looks again."""
        self._in_flight = False
        self._regrant()
        for signal in self._watchers:
            signal.set()

    def _told(self, *what, name="on_drop"):
        callback = self._on_drop if name == "on_drop" else self._on_error
        try:
            callback(*what)
        except Exception as exc:
            self._count("errors")
            log("%s raised %s" % (name, format_exc(exc)))
