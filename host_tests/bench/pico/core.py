# The core on a Pico W: what an import takes, what an add costs in its loop.
import asyncio  # the image's own, which every asyncio program pays for
import gc
import time

asyncio.new_event_loop  # noqa: B018 (MicroPython loads it when it is first used)
gc.collect()
before = gc.mem_alloc()
started = time.ticks_us()
from batcher import Batcher, Rejected, RetryAfter  # noqa: E402, F401

took = time.ticks_diff(time.ticks_us(), started)
gc.collect()
print("BENCH pico_core_import_bytes=%d" % (gc.mem_alloc() - before))
print("BENCH pico_core_import_us=%d" % took)

N = 1000


class Object:
    def method(self, item):
        pass


class RingClass:
    """What a ring costs that is written as anyone would write it."""

    def __init__(self, n):
        self.buf = [None] * n
        self.n = n
        self.head = self.count = self.drops = 0

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
            self.drops += 1


def raw(items):
    store = [None] * N
    gc.collect()
    t = time.ticks_us()
    for i in items:
        store[i] = 7
    return time.ticks_diff(time.ticks_us(), t)


def loop(call, items):
    gc.collect()
    t = time.ticks_us()
    for _ in items:
        call(7)
    return time.ticks_diff(time.ticks_us(), t)


def tell(key, us):
    print("BENCH %s=%.2f" % (key, us / N))


items = range(N)
tell("pico_raw_store_us", raw(items))
tell("pico_empty_call_us", loop(Object().method, items))
tell("pico_ring_class_us", loop(RingClass(256).add, items))
tell("pico_add_us", loop(Batcher(2 * N, batch_size=2 * N).add, items))
b = Batcher(256, batch_size=64)
tell("pico_add_full_us", loop(b.add, items))  # nobody flushes: most of these drop the oldest
irq = Batcher(2 * N, batch_size=2 * N, overflow="drop_newest", irq=True)
tell("pico_add_irq_us", loop(irq.add, items))
del b, irq
gc.collect()
t = time.ticks_us()
gc.collect()
print("BENCH pico_gc_us=%d" % time.ticks_diff(time.ticks_us(), t))
