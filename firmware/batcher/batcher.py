"""The batcher as its users see it: items come in here, and a flush can be waited for.

Rules
- `_slow` is the part of `add` that needs thought: the first item into an empty buffer (it
  starts the timer), the one that completes a batch, a full buffer, the end of the ring.
  Between these the store's fused `add` asks nobody.
- The law, after every step: added = delivered + dropped + rejected + pending.
"""

from . import port
from .backoff import Backoff
from .counter import count, value
from .errors import whole
from .flusher import _CALLABLE, Flusher
from .port import FOREVER, disable_irq, enable_irq, ticks_diff

_COUNTED = ("delivered", "dropped", "rejected", "retries", "errors", "flushes")


class Batcher(Flusher):
    """Batches items for a handler, in bounded memory, and forgets one only when it is taken.

    capacity     how many items fit, those in flight included; or hand in a `store`
    interval_ms  an item waits no longer than this for its flush to start
    batch_size   items that start a flush, and the most a handler gets; min(64, capacity)
    overflow     "drop_oldest", "drop_newest", or "spill": the default of a store with flash
    on_error     called with each exception; without it they are logged in one line
    on_drop      on_drop(item, reason) for each item lost; blocks: on_drop(first, count, reason).
                 What it adds goes in where there is room, be it the place of the item that came
    irq          True: `add` may be called from an interrupt; needs "drop_newest"
    name         the series under which the items of a Ring are numbered
    clock, backoff  time and waiting, for tests and tuning
    Raises TypeError or ValueError that names the argument.
    """

    def __init__(
        self,
        capacity: "int | None" = None,
        *,
        store=None,
        interval_ms: int = 500,
        batch_size: "int | None" = None,
        overflow: "str | None" = None,
        on_error=None,
        on_drop=None,
        irq: bool = False,
        name: str = "items",
        clock=None,
        backoff=None,
    ):
        if (capacity is None) == (store is None):
            raise TypeError("capacity: wanted it, or a store")
        if store is None:
            from .ring import Ring  # 4 KB that a batcher of records need not load

            store = Ring(capacity)
        if overflow is None:
            overflow = "spill" if hasattr(store, "spill") else "drop_oldest"
        if overflow != "drop_newest" and (
            irq
            or overflow != "drop_oldest"
            and (overflow != "spill" or not hasattr(store, overflow))
        ):
            raise ValueError(
                "overflow: wanted 'drop_newest' (with irq only that), 'drop_oldest' or 'spill' "
                "(with a Tiered store), found %r" % (overflow,)
            )
        if batch_size is None:
            batch_size = min(64, store.capacity)
        self.store = store
        self.interval_ms = whole("interval_ms", interval_ms, 0, FOREVER >> 1)
        self.batch_size = whole("batch_size", batch_size, 1, store.capacity)
        self.overflow = overflow
        self.name = name
        self._on_error = self._guarded("on_error", on_error)
        self._tell = self._guarded("on_drop", on_drop)
        self._clock = clock = clock or port
        self._backoff = backoff or Backoff()
        self._telling = False  # on_drop is running: no room is made for what it adds
        self._handler = None
        self._signal = signal = clock.signal()  # wakes the task
        self._wake = signal.set
        self._task = None
        self._running = False  # the task has begun and not ended
        self._closed = False
        self._ending = False  # close() is cancelling the task
        self._retry = False  # the oldest items were tried before: they are due without a trigger
        self._asked = False  # kick()
        self._suspect = 0  # of the oldest items so many hold one that was rejected
        self._oldest = 0  # ticks at which the oldest waiting item came in, or a little earlier
        self._wait_from = 0  # ticks of the last failure
        self._wait_ms = 0  # how long it waits
        self._barred_ms = 0  # the part of it that RetryAfter asked for
        self._waiters = []  # of flush(): signals; `left` items have to go, -1: in vain
        self._watchers = []  # signals of who looks again after each flight
        self._refused = [0, 0]  # of the dropped, those that never got into the store
        self._counts = {}
        for count_of in _COUNTED:
            self._counts[count_of] = [0, 0]
        self._waker = self._helper = None
        if irq:
            from .irq import Waker

            self._helper = self._waker = Waker(signal, self._tell, clock)
            self._wake = self._waker.set
        elif overflow == "spill":
            from .spilling import Spilling

            self._helper = Spilling(self)
        # add(item) -> bool: never blocks, never awaits. add_many(items) -> how many were taken.
        if irq or not hasattr(store, "add_many"):
            self.add = store.fuse(self._slow, irq)
            self.add_many = self._add_each
        else:
            self.add = store.fuse(self._slow, False, self._slow_many)
            self.add_many = store.add_many
        self._regrant()

    def register_handler(self, handler) -> None:
        """`handler(batch)` or `async def handler(batch)`; it may be replaced at any time."""
        if not callable(handler):
            raise TypeError(_CALLABLE % ("handler", handler))
        self._handler = handler
        self._signal.set()

    def start(self) -> None:
        """Begin to flush; RuntimeError outside of a running event loop, or after close()."""
        if self._closed:
            raise RuntimeError("closed")
        if self._task is None:
            self._task = self._clock.spawn(self._run())
        if self._helper:
            self._helper.start()

    def _count(self, what, k=1):
        count(self._counts[what], k)

    def _slow(self, item):
        if self._take(item):
            return True
        store = self.store
        if self._closed or self._telling or self.overflow == "drop_newest":
            pass
        elif self.overflow == "spill" and store.spill():
            if self._take(item):
                return True
        else:
            lost = store.evict(self._tell, "overflow")
            self._count("dropped", lost)
            if self._waiters:
                self._answer(0, store.evicted_at)
            # Where one went it is as full as before: nothing is to be looked at.
            if lost == 1 and store.push(item) or lost and self._take(item):
                return True
        self._count("dropped")
        count(self._refused, 1)
        if self._waker:
            self._waker.untold += 1  # an interrupt may not call on_drop
            self._wake()
        elif self._tell and not self._telling:
            self._tell(item, "closed" if self._closed else "overflow")
        return False

    def _take(self, item):
        if self._closed or not self.store.push(item):
            return False
        self._took(1)
        return True

    def _took(self, k):
        """k items have come in: start the timer, or the flush."""
        waiting = self._regrant()
        if waiting == k:
            self._oldest = self._clock.ticks()
        if waiting == k or waiting >= self.batch_size:
            self._wake()

    def _regrant(self):
        """Let the store take items in silence up to the next one that must be looked at.

        -> how many wait.
        """
        store = self.store
        waiting = len(store) - store.pinned
        if self._closed or waiting == 0:
            store.grant(0)
        elif waiting < self.batch_size:
            store.grant(self.batch_size - 1 - waiting)
        else:
            store.grant(store.capacity)
        return waiting

    def _slow_many(self, items):
        if type(items) is list and items and not self._closed:
            n = len(items)
            if self.store.grant(n) == n:  # there is room in a row
                self.add_many(items)
                self._took(n)
                return n
            self._regrant()
        return self._add_each(items)

    def _add_each(self, items):
        taken = 0
        for item in items:
            if self.add(item):
                taken += 1
        return taken

    async def put(self, item) -> bool:
        """Add, waiting for room instead of dropping; False where the batcher is closed."""

        def taken():
            state = disable_irq()
            taken = self._take(item)
            enable_irq(state)
            return taken or self._closed and "closed"

        return await self._until(self._clock.signal(), taken) is True

    def kick(self) -> None:
        """The link is back: end the wait after a failure (not one that RetryAfter asked for)."""
        if len(self.store):
            self._asked = True
            self._signal.set()

    async def flush(self, timeout_ms: "int | None" = None) -> bool:
        """Try at once to deliver what is in the buffer now; -> was all of it taken?

        False when the attempt fails, `timeout_ms` pass, or one of those items is dropped or
        rejected. What comes in later is not waited for. RuntimeError from inside the handler.
        """
        self._not_inside("flush")
        store = self.store
        getattr(store, "ram", store).seal()  # or what comes later could go before what is there
        left = len(store)
        if left == 0:
            return True
        if self._handler is None:
            raise RuntimeError("flush: no handler")
        if self._task is None:
            if self._closed:
                return False
            self.start()
        waiter = self._clock.signal()
        waiter.left = left
        self._waiters.append(waiter)
        self._signal.set()
        try:
            await self._until(waiter, lambda: waiter.left <= 0, timeout_ms)
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        return waiter.left == 0

    async def close(self, timeout_ms: int = 5000) -> int:
        """Refuse new items, drain for at most `timeout_ms`, stop; -> how many are left over.

        Left over is what is neither delivered nor on flash. RuntimeError from inside the handler.
        """
        self._not_inside("close")
        store = self.store
        if not self._closed:
            if self._handler and len(store):
                self.start()
            self._closed = True
            self._landed()  # who waits in put() looks again
            self.kick()
        signal = self._clock.signal()
        await self._until(
            signal, lambda: not (self._task and self._handler and len(store)), timeout_ms
        )
        if self._task:
            self._ending = True
            self._task.cancel()  # a handler that will not be cancelled is left behind
            await self._until(signal, lambda: not self._running, 1000)
            self._task = None
            self._answer(0, -1)
        if self._helper:
            self._helper.stop()
        return store.spill_all() if hasattr(store, "spill_all") else len(store)

    async def _until(self, signal, done, timeout_ms=None):
        """Look after each flight until done() is true, or the time is up. -> what it said."""
        watchers = self._watchers
        watchers.append(signal)
        ticks = self._clock.ticks
        began = ticks()
        try:
            while True:
                found = done()
                wait = FOREVER
                if timeout_ms is not None:
                    wait = min(timeout_ms, FOREVER) - ticks_diff(ticks(), began)
                if found or wait <= 0:
                    return found
                await signal.wait(wait)
        finally:
            watchers.remove(signal)

    def _not_inside(self, what):
        if self._task and self._clock.current() is self._task:
            raise RuntimeError("%s: called in the handler" % what)

    async def __aenter__(self):
        self.start()
        return self

    async def __aexit__(self, *exc):
        await self.close()

    @property
    def stats(self) -> dict:
        """Counters since the start: added = delivered + dropped + rejected + pending."""
        store = self.store
        stats = {
            "added": store.next_seq + value(self._refused),
            "pending": len(store),
            "high_water": store.high_water,
        }
        for name in self._counts:
            stats[name] = value(self._counts[name])
        stats["dropped"] += getattr(store, "lost", 0)  # to the quota of flash
        return stats

    @property
    def first(self) -> int:
        """Sequence number of the first item in flight, or of the next that will be."""
        return self.store.first
