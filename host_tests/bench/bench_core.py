"""The cost of the hot path: `add` beside what else one could write, on this interpreter.

Each way is measured in turn, many times over, so that a change of the machine's speed meets
all of them; the medians and their ratios to a raw list store are printed.
"""

import asyncio
import gc
from array import array
from collections import deque
from time import ticks_diff, ticks_us

import micropython

from batcher.batcher import Batcher
from batcher.ring import Ring

N = 4096
ROUNDS = 41
ITEM = 7


def median(values):
    values = sorted(values)
    return values[len(values) // 2]


def interleave(ways, n):
    """-> the median time of each way, in ns an item; every way is a function -> us."""
    times = {name: [] for name, _ in ways}
    for _ in range(ROUNDS):
        for name, way in ways:
            gc.collect()
            times[name].append(way())
    return {name: median(t) * 1000 / n for name, t in times.items()}


def table(title, costs, base):
    print("%-44s %9s %7s" % (title, "ns", "ratio"))
    for name, cost in sorted(costs.items(), key=lambda pair: pair[1]):
        print("  %-42s %9.1f %7.2f" % (name, cost, cost / costs[base]))


# The peers


class ClassRing:
    """What one writes first: a ring as a class."""

    def __init__(self, n):
        self.buf = [None] * n
        self.n = n
        self.head = 0
        self.count = 0
        self.dropped = 0

    def add(self, item):
        head = self.head
        self.buf[head] = item
        head += 1
        if head == self.n:
            head = 0
        self.head = head
        if self.count < self.n:
            self.count += 1
        else:
            self.dropped += 1


class RingQueue:
    """The idea of the tutorials' ring queue: indices modulo the size, an event on each put."""

    def __init__(self, buf):
        self._q = buf
        self._size = len(buf)
        self._wi = 0
        self._ri = 0
        self._evput = asyncio.Event()
        self.discards = 0

    def full(self):
        return ((self._wi + 1) % self._size) == self._ri

    def put_nowait(self, value):
        self._q[self._wi] = value
        self._evput.set()
        self._wi = (self._wi + 1) % self._size
        if self._wi == self._ri:
            self._ri = (self._ri + 1) % self._size
            self.discards += 1


def raw_store():
    buf = [None] * N
    item = ITEM
    i = 0
    t = ticks_us()
    for _ in range(N):
        buf[i] = item
        i += 1
    return ticks_diff(ticks_us(), t)


def calls(f):
    def way():
        call = f
        item = ITEM
        t = ticks_us()
        for _ in range(N):
            call(item)
        return ticks_diff(ticks_us(), t)

    return way


class EventAndList:
    """list.append and an event to wake the sender, as with asyncio's own parts."""

    def __init__(self):
        self.items = []
        self.event = asyncio.Event()

    def add(self, item):
        self.items.append(item)
        self.event.set()
        if len(self.items) >= N:
            self.items.clear()


def fresh_append():
    items = []
    return calls(items.append)()


def new_batcher(capacity=N, batch_size=64):
    """A batcher whose handler takes all; nothing runs it, so a flush is stepped by hand."""
    b = Batcher(capacity, batch_size=batch_size, interval_ms=100000)
    b.register_handler(lambda batch: None)
    return b


def empty(b):
    while (batch := b.store.peek(1000)) is not None:
        b.store.commit(len(batch))
    b._regrant()


def batcher_add():
    b = new_batcher()
    us = calls(b.add)()
    assert len(b.store) == N
    return us


def bench_add():
    nothing = lambda item: None  # noqa: E731
    ways = (
        ("raw list store", raw_store),
        ("an empty call", calls(nothing)),
        ("deque.append", calls(deque((), N).append)),
        ("list.append", fresh_append),
        ("Batcher.add", batcher_add),
        ("a ring as a class", calls(ClassRing(N).add)),
        ("list.append and Event.set", calls(EventAndList().add)),
        ("tutorial ring queue, put_nowait", calls(RingQueue([0] * N).put_nowait)),
    )
    costs = interleave(ways, N)
    table("add, an item", costs, "raw list store")
    print("BENCH add_ratio=%.2f" % (costs["Batcher.add"] / costs["raw list store"]))


def bench_add_many():
    items = list(range(64))
    rounds = 64
    stores = [None] * 64

    def raw():
        t = ticks_us()
        for _ in range(rounds):
            i = 0
            for item in items:
                stores[i] = item
                i += 1
        return ticks_diff(ticks_us(), t)

    b = new_batcher(rounds * 64)

    def many():
        empty(b)
        t = ticks_us()
        for _ in range(rounds):
            b.add_many(items)
        return ticks_diff(ticks_us(), t)

    def first():
        us = 0
        for _ in range(rounds):
            empty(b)
            t = ticks_us()
            b.add_many(items)
            us += ticks_diff(ticks_us(), t)
        return us

    costs = interleave(
        (
            ("64 raw stores", raw),
            ("add_many of a list of 64", many),
            ("the same, into an empty buffer (wakes)", first),
        ),
        rounds,
    )
    table("add_many, 64 items", costs, "64 raw stores")
    print(
        "BENCH add_many_ratio=%.2f" % (costs["add_many of a list of 64"] / costs["64 raw stores"])
    )


def bench_handover():
    ring = Ring(4096)
    for i in range(4096):
        ring.push(i)
    items = list(range(64))
    rounds = 32

    def iterate():
        t = ticks_us()
        for _ in range(rounds):
            for _item in items:
                pass
        return ticks_diff(ticks_us(), t)

    def handover():
        t = ticks_us()
        for _ in range(rounds):
            for _item in ring.peek(64):
                pass
            ring.release()
        return ticks_diff(ticks_us(), t)

    costs = interleave((("iterate a list", iterate), ("peek, iterate, release", handover)), rounds)
    table("a batch of 64 for a handler", costs, "iterate a list")
    print("BENCH handover_ratio=%.2f" % (costs["peek, iterate, release"] / costs["iterate a list"]))


# What allocates


def bench_add_bytes():
    b = new_batcher(1024)
    add = b.add
    for i in range(3000):  # warm: overflow, wrap
        add(i)
    empty(b)
    locked = 0
    micropython.heap_lock()
    try:
        for _ in range(3000):
            add(ITEM)
    except MemoryError:
        locked = 1
    micropython.heap_unlock()
    empty(b)
    counter = array("i", (0,))
    before = micropython.mem_total()
    base = micropython.mem_total() - before
    before = micropython.mem_total()
    for _ in range(3000):
        add(ITEM)
    total = micropython.mem_total() - before - base
    counter[0] = total
    print("add: 3000 through a ring of 1024, under heap_lock:", "failed" if locked else "passed")
    print("add: bytes ever asked of the heap:", total)
    print("BENCH add_alloc_bytes=%d" % (total + locked))


async def cycle(b, n):
    """n flush cycles of a batch each."""
    for _ in range(n):
        for _ in range(64):
            b.add(ITEM)
        await asyncio.sleep_ms(0)
        await asyncio.sleep_ms(0)


async def flush_bytes():
    b = new_batcher(256)
    b.start()
    add = b.add
    sleep = asyncio.sleep_ms
    for _ in range(50):
        for _ in range(64):
            add(ITEM)
        await sleep(0)
        await sleep(0)
    gc.collect()
    before = gc.mem_alloc()
    flushed = b.stats["flushes"]
    for _ in range(1000):
        for _ in range(64):
            add(ITEM)
        await sleep(0)
        await sleep(0)
    gc.collect()
    after = gc.mem_alloc()
    cycles = b.stats["flushes"] - flushed
    before_locked = b.stats["flushes"]
    micropython.heap_lock()
    failed = 0
    try:
        for _ in range(40):
            for _ in range(64):
                add(ITEM)
            await sleep(0)
            await sleep(0)
    except MemoryError:
        failed = 1
    micropython.heap_unlock()
    locked = b.stats["flushes"] - before_locked
    print("flush: %d cycles left %d bytes on the heap" % (cycles, after - before))
    print("flush: %d cycles of 40 under heap_lock, %d errors" % (locked, b.stats["errors"]))
    assert cycles >= 1000
    assert locked >= 40
    assert not failed
    print("BENCH flush_cycle_alloc_bytes=%d" % (after - before))
    await b.close()


bench_add()
bench_add_many()
bench_handover()
bench_add_bytes()
asyncio.run(flush_bytes())
