"""A bench to play at: `batcher repl --mount firmware` (or `make repl`) has these names ready.

    burst(100)   add 100 readings       look: they leave in batches of 16
    unplug()     the network is gone    then burst(100): they wait, retries grow slowly
    fill()       more than fits         look: dropped counts the oldest, nothing else is lost
    plug()       the network is back    look: all that waited leaves at once, in order
    slow()       an answer takes 300 ms then burst(100): add stays as fast, batches queue
    status()     the counters           added = delivered + dropped + rejected + pending

There is no event loop between two lines of a REPL: each function runs it for a moment.
"""

from batcher import Batcher
from batcher.port import asyncio, ticks_diff, ticks_us

CAPACITY = 256

_state = {"plugged": True, "wait_ms": 0, "next": 0}


async def _send(batch):
    if _state["wait_ms"]:
        await asyncio.sleep_ms(_state["wait_ms"])
    if not _state["plugged"]:
        raise OSError(113, "no route to the collector")
    print("  sent %d: %d ... %d" % (len(batch), batch[0], batch[-1]))


def _failed(exc):
    print("  failed:", exc)


_batcher = Batcher(CAPACITY, batch_size=16, interval_ms=200, on_error=_failed)
_batcher.register_handler(_send)


async def _turn(ms):
    _batcher.start()
    await asyncio.sleep_ms(ms)


def _add(n):
    first = _state["next"]
    add = _batcher.add
    t = ticks_us()
    for i in range(first, first + n):
        add(i)
    us = ticks_diff(ticks_us(), t)
    _state["next"] = first + n
    print("added %d in %d us" % (n, us))


def burst(n=100):
    """Add n readings at once, and watch for a second what becomes of them."""
    _add(n)
    asyncio.run(_turn(1000))
    status()


def fill():
    """Add one and a half times what fits."""
    burst(CAPACITY + CAPACITY // 2)


def unplug():
    """The network goes away."""
    _state["plugged"] = False
    print("unplugged: now burst(100), then status()")


def plug():
    """It comes back, and the batcher is told."""
    _state["plugged"] = True
    _batcher.kick()
    asyncio.run(_turn(500))
    status()


def slow(ms=300):
    """The other side takes `ms` to answer; slow(0) ends it."""
    _state["wait_ms"] = ms
    print("each answer takes %d ms: now burst(100)" % ms)


def status():
    """The counters: added = delivered + dropped + rejected + pending."""
    stats = _batcher.stats
    names = ("added", "delivered", "dropped", "rejected", "pending", "retries", "high_water")
    print(", ".join(["%s %d" % (name, stats[name]) for name in names]))
