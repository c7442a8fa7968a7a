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

from .errors import Rejected, RetryAfter
from .port import FOREVER, asyncio, format_exc, is_awaitable, log, ticks_diff

_CALLABLE = "%s: wanted a callable, found %r"


class Flusher:
    """The half of the batcher that faces the handler; what it stands on is made in batcher.py."""

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
            while not self._ending:
                wait = self._due(self._clock.ticks())
                if wait:
                    await self._signal.wait(wait)
                    continue
                self._asked = False
                try:
                    self.store.seal()
                    suspect = self._suspect
                    batch = self.store.peek(suspect >> 1 or 1 if suspect else self.batch_size)
                    if self._retry:
                        self._count("retries")
                    self._regrant()
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
        self._suspect = max(0, self._suspect - k)
        self._retry = k < n or self._suspect > 0
        self._answer(k, FOREVER)

    def _failed(self, exc):
        self._count("errors")
        self._retry = True
        try:
            store = self.store
            if not isinstance(exc, Rejected):
                self._put_off(exc)
                self._answer(0, -1)
            elif store.pinned == 1:  # the bad item stands alone: only now it is given up
                self._answer(0, -1)
                store.discard(1, self._tell, str(exc))
                self._count("rejected")
                self._suspect = 0
                self._retry = False
            else:
                self._suspect = store.pinned  # halve it
            store.release()
            if self._on_error:
                self._on_error(exc)
            else:
                log(format_exc(exc))
        except Exception as other:  # memory too short to say so, or to tell of a bad item: later
            store.release()
            if not self._wait_ms:
                self._put_off(other)

    def _put_off(self, exc):
        self._barred_ms = 0
        if isinstance(exc, RetryAfter):
            self._barred_ms = max(0, min(int(exc.ms), FOREVER))
        self._wait_ms = max(self._backoff.next(), self._barred_ms)
        self._wait_from = self._clock.ticks()

    def _answer(self, k, lost_at):
        """k items have gone from the front; who waits for one behind `lost_at` waits in vain.

        Who has an answer is woken, and asks for no further attempt.
        """
        waiters = self._waiters
        for waiter in list(waiters) if waiters else ():
            waiter.left = -1 if waiter.left > lost_at else max(0, waiter.left - k)
            if waiter.left <= 0:
                waiter.set()
                waiters.remove(waiter)

    def _landed(self):
        """The flight is over: who waited for room, or for the end, looks again."""
        self._regrant()
        for signal in self._watchers:
            signal.set()

    def _guarded(self, name, callback):
        """-> the caller's function in a wrap that never raises; None where there is none."""
        if callback is None:
            return None
        if not callable(callback):
            raise TypeError(_CALLABLE % (name, callback))
        drop = name == "on_drop"
        name += " raised"

        def call(*what):
            self._telling = drop
            try:
                callback(*what)
            except Exception as exc:
                self._count("errors")
                log(name, exc)
            finally:
                self._telling = False

        return call
