"""The batcher against a plain model: operations go in, and after each the contract is checked.

A `World` is one batcher on virtual time with a handler that does what it was last told to.
`do(op)` carries out one operation, a list such as ["add"] or ["flush", 100]; `trace` is the
list of all of them, so that a run found on CPython can be replayed on MicroPython.
"""

from batcher.backoff import Backoff
from batcher.batcher import Batcher
from batcher.errors import Rejected, RetryAfter
from batcher.port import asyncio
from kit import scratch
from kit.clock import VirtualClock


def tiered(capacity):
    """A store with flash behind it, in a folder of its own."""
    from batcher.items import Items
    from batcher.ring import Ring
    from batcher.spool import Spool
    from batcher.tiered import Tiered

    codec = Items(lambda i: b"%07d" % i, int, 200)
    spool = Spool(scratch.folder("contract"), 1 << 20, codec=codec, boot=b"12345678")
    return Tiered(Ring(capacity), spool, unsaved_ms=2000)


class World:
    def __init__(self, capacity, batch_size, overflow, irq=False, start=0):
        self.setup = [capacity, batch_size, overflow, irq, start]
        self.trace = []
        self.clock = VirtualClock(start)
        self.capacity = capacity
        self.offered = 0
        self.next_item = 0
        self.held = []  # the model: what must be in the store, in order
        self.taken = []  # what a handler has said to have taken, in order
        self.order = {}  # item -> when it was added
        self.lost = 0
        self.rejected = 0
        self.refused_in_irq = 0
        self.names = {}  # item -> sequence number, for ever
        self.turn = 0
        self.checked = 0  # of `taken`, how many are known to be in order
        self.newest = -1
        self.flying = 0
        self.closed = False
        self.mood = ["ok"]
        self.gate = self.clock.signal()
        self.waiters = []
        self.tiered = overflow == "spill"
        store = tiered(capacity) if self.tiered else None
        self.batcher = Batcher(
            None if self.tiered else capacity,
            store=store,
            batch_size=batch_size,
            overflow=overflow,
            irq=irq,
            clock=self.clock,
            backoff=Backoff(100, 2000, lambda bits: 77),
            on_error=lambda exc: None,
            on_drop=self.on_drop,
        )
        self.irq = irq
        self.batcher.register_handler(self.handler)
        self.batcher.start()
        self.clock.run()
        self.check()

    # The world outside

    def on_drop(self, item, reason):
        if item is None:  # refused in an interrupt, counted there
            return
        if reason == "bad":
            self.rejected += 1
            assert item in self.held
        else:
            self.lost += 1
        if item in self.held:
            assert reason == "bad" or self.held.index(item) >= self.batcher.store.pinned
            self.held.remove(item)

    async def handler(self, batch):
        assert self.flying == 0, "two flights at once"
        self.flying += 1
        try:
            batch = list(batch)
            n = len(batch)
            assert 0 < n <= self.batcher.batch_size
            assert batch == self.held[:n], (batch, self.held)
            for i, item in enumerate(batch):
                seq = self.batcher.first + i
                assert self.names.setdefault(item, seq) == seq, "its name has changed"
            assert len(set(self.names.values())) == len(self.names), "two items of one name"
            return await self.act(batch)
        finally:
            self.flying -= 1

    async def act(self, batch):
        mood = self.mood
        kind = mood[0]
        k = len(batch)
        if kind == "raise":
            raise OSError("down")
        if kind == "retry_after":
            raise RetryAfter(mood[1])
        if kind == "cancelled":
            raise asyncio.CancelledError
        if kind == "reject" and any(item % mood[1] == 0 for item in batch):
            raise Rejected("bad")
        if kind == "hang":
            await self.gate.wait()
        elif kind == "slow":
            await self.clock.signal().wait(mood[1])
        elif kind == "adds":
            self.mood = ["ok"]  # once: a handler that always adds never ends
            self.add(mood[1])
        elif kind in ("flushes", "closes"):
            coroutine = self.batcher.flush() if kind == "flushes" else self.batcher.close()
            try:
                await coroutine
                raise AssertionError("waited for itself")
            except RuntimeError:
                pass
        if kind == "lost_answer":  # it was taken, and nobody hears of it
            raise OSError("reset by peer")
        if kind == "take":
            k = min(mood[1], k)
        self.taken += batch[:k]
        del self.held[:k]
        return k if kind == "take" else None

    # Operations

    def do(self, op):
        self.trace.append(op)
        getattr(self, op[0])(*op[1:])
        self.check()

    def hold(self, item):
        self.held.append(item)
        self.turn += 1
        self.order[item] = self.turn

    def add(self, n=1):
        for _ in range(n):
            item = self.next_item
            self.next_item += 1
            self.offered += 1
            self.hold(item)  # on_drop takes it out again
            if self.batcher.add(item):
                continue
            if self.irq:
                self.refused_in_irq += 1
                self.held.remove(item)
            assert item not in self.held

    def many(self, n):
        items = list(range(self.next_item, self.next_item + n))
        self.next_item += n
        self.offered += n
        for item in items:
            self.hold(item)
        taken = self.batcher.add_many(items)
        if self.irq:
            self.refused_in_irq += n - taken
            del self.held[len(self.held) - (n - taken) :]

    def put(self):
        async def put():
            item = self.next_item
            self.next_item += 1
            # Room may come at any later step: the model learns of it in the same one.
            take = self.batcher._take

            def told(x):
                if x != item:
                    return take(x)
                self.hold(x)
                if take(x):
                    self.offered += 1
                    return True
                self.held.remove(x)
                return False

            self.batcher._take = told
            try:
                await self.batcher.put(item)
            finally:
                self.batcher._take = take

        # One at a time: they replace each other's hook.
        if not any(kind == "put" and not task.done for kind, task in self.waiters):
            self.waiters.append(("put", self.clock.spawn(put())))

    def flush(self, timeout_ms=None):
        async def flush():
            wanted = list(self.held)
            if await self.batcher.flush(timeout_ms):
                assert all(item in self.taken for item in wanted), "True, and not all taken"

        self.waiters.append(("flush", self.clock.spawn(flush())))

    def close(self, timeout_ms=1000):
        async def close():
            left = await self.batcher.close(timeout_ms)
            assert left == (0 if self.tiered else len(self.held))

        self.closed = True
        self.waiters.append(("close", self.clock.spawn(close())))
        self.clock.step()

    def cancel(self, i):
        if self.waiters:
            self.waiters[i % len(self.waiters)][1].cancel()

    def kick(self):
        self.batcher.kick()

    def become(self, *mood):
        self.mood = list(mood)

    def open_gate(self):
        self.gate.set()

    def step(self, n=1):
        for _ in range(n):
            self.clock.step()

    def advance(self, ms):
        self.clock.advance(ms)

    # The contract

    def contents(self):
        store = self.batcher.store
        return [store._buf[(store._head + i) % store.capacity] for i in range(len(store))]

    def check(self):
        stats = self.batcher.stats
        assert stats["pending"] == len(self.batcher.store) == len(self.held)
        if not self.tiered:  # what is on flash is seen when it comes out
            assert stats["pending"] <= self.capacity, "bound"
            assert self.contents() == self.held, (self.contents(), self.held)
        assert stats["added"] == self.offered, (stats, self.offered)
        assert stats["delivered"] == len(self.taken)
        assert stats["dropped"] == self.lost + self.refused_in_irq
        assert stats["rejected"] == self.rejected
        assert (
            stats["added"]
            == stats["delivered"] + stats["dropped"] + stats["rejected"] + stats["pending"]
        )
        order = [self.order[item] for item in self.taken[self.checked :]]
        assert order == sorted(order) and (not order or order[0] > self.newest), "order"
        self.checked = len(self.taken)
        self.newest = order[-1] if order else self.newest
        for _kind, task in self.waiters:
            if task.done and task.exc and not isinstance(task.exc, asyncio.CancelledError):
                raise task.exc

    def finish(self):
        """The network is back: everything that is held goes, once."""
        self.do(["become", "ok"])
        self.do(["open_gate"])
        self.do(["advance", 60000])
        self.do(["open_gate"])
        self.do(["advance", 60000])
        if not self.closed:
            assert self.held == []
            assert self.batcher.add(self.next_item)
            self.hold(self.next_item)
            self.offered += 1
            self.do(["advance", 5000])
            assert self.held == []


def replay(setup, trace):
    """Run a trace again; raises where the contract is broken."""
    world = World(*setup)
    for op in trace:
        world.do(op)
    world.finish()
