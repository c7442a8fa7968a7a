"""The one file that knows which Python it is on.

Rules: nothing here decides anything; importing it touches no hardware; every name exists
on MicroPython (tested: 1.26, 1.29) and on CPython 3.11+ and means the same on both.

`@micropython.native` and `@micropython.viper` are compiler syntax, so a file that uses
them imports the name `micropython` from here and writes them out. In viper code the casts
`ptr8`, `ptr16`, `ptr32`, `uint` belong to the compiler; on CPython they are what port_host.py
makes of them. `int(ptr8(buf))` is an address, and `ptr8(address)` points there: code for Thumb is
half as long where it walks an address in one of the first two locals, which are registers, and
reads and writes at small constants from there. On 32-bit boards an address may be below 0, so
none is compared by < or >, and none outlives its viper function.
"""

# ruff: noqa: F401, F811

import sys

MICROPYTHON = sys.implementation.name == "micropython"

if MICROPYTHON:
    try:
        import asyncio
    except ImportError:  # firmware older than 1.21 knows it by its first name only
        import uasyncio as asyncio
    from binascii import crc32
    from os import urandom
    from random import getrandbits as random_bits
    from time import ticks_add, ticks_diff, ticks_ms, ticks_us

    import micropython

    const = micropython.const
    ptr8 = bytearray  # these four are never called, the viper compiler knows them
    ptr16 = bytearray
    ptr32 = bytearray
    uint = int

    from asyncio import core as _core

    if ticks_add(0x3FFFFFFF, 1):
        from .port_unix import disable_irq, enable_irq, ticks_add, ticks_diff, ticks_ms, ticks_us
    else:
        from machine import disable_irq, enable_irq

    class Signal:
        """A wake-up for one waiter that leaves nothing on the heap.

        `set()` wakes the waiter, or lets the next wait return at once.
        `await signal.wait(ms)` returns True when set, False when `ms` have passed.
        Only one task may wait; the object is its own awaitable and is used again.
        """

        _set = False
        _task = None  # the waiting task, exactly while it sleeps in the run queue
        _ms = None  # how long the next step is to wait; None: not at all
        _yes = StopIteration(True)
        _no = StopIteration(False)

        def set(self):
            self._set = True
            task = self._task
            if task is not None:
                self._task = None
                _core._task_queue.remove(task)
                _core._task_queue.push(task)

        def wait(self, ms):
            self._ms = ms
            return self

        def __iter__(self):
            return self

        def __next__(self):
            ms = self._ms
            self._ms = None
            if ms is not None and not self._set:
                self._task = task = _core.cur_task
                _core._task_queue.push(task, _core.ticks_add(_core.ticks(), ms))
                return
            self._task = None
            done = self._yes if self._set else self._no
            self._set = False
            done.__traceback__ = None  # or each raise would add a line to it
            raise done

        def throw(self, exc):
            # A cancelled waiter must not be queued again by the next set().
            self._task = self._ms = None
            raise exc

    def is_awaitable(x):
        return hasattr(x, "send") and hasattr(x, "throw") or isinstance(x, asyncio.Task)

    def current():
        """-> the running task, or None outside of an event loop."""
        return _core.cur_task

    def spawn(coroutine):
        if _core.cur_task is None:  # MicroPython alone would let it pass
            coroutine.close()
            raise RuntimeError("no running event loop")
        return asyncio.create_task(coroutine)

    def breathe():
        return asyncio.sleep_ms(0)

    def cancelling():
        # Nothing here cancels a task behind its owner's back, as CPython's asyncio.run does.
        return False

    flag = asyncio.ThreadSafeFlag

    def unique_id():
        """The chip's own number as bytes; random where the port has none."""
        import machine

        if hasattr(machine, "unique_id"):
            return machine.unique_id()
        return urandom(8)

else:
    from .port_host import *  # noqa: F403

# Ticks are milliseconds in 30 bits: the same range on every port, small ints on all of them.
TICKS_MAX = const(0x3FFFFFFF)
# The longest wait: 3.1 days. Ticks tell apart 6.2 days, but asyncio compares the wait of one task
# with that of another which is overdue, and the two together must stay below that.
FOREVER = const(0x0FFFFFFF)
# Memory that one TLS connection takes from this heap; elsewhere it lives outside of it.
TLS_BYTES = 26 * 1024 if sys.platform == "rp2" else 0

# This module is also the clock that a batcher is handed; tests hand in another, and move its time.
#   ticks()         -> ms in 30 bits
#   signal()        -> a wake-up for one waiter: set(), await wait(ms) -> was it set
#   flag()          -> the same, to be set from an interrupt: set(), await wait()
#   breathe()       -> an awaitable: every other task gets its turn
#   spawn(coro)     -> a task; RuntimeError without a running loop
#   current()       -> the running task, None outside
#   cancelling()    -> is somebody cancelling the running task?
ticks = ticks_ms
signal = Signal


def format_exc(exc):
    """-> "TypeName: message", one line; the name alone where that fails (memory is short)."""
    try:
        return ("%s: %s" % (type(exc).__name__, exc)).replace("\n", " ")
    except Exception:
        return type(exc).__name__


def log(message, exc=None):
    """One line for a person who watches the serial port. exc: what was raised, put behind it."""
    if exc is None:
        print("batcher:", message)
    else:
        print("batcher:", message, format_exc(exc))
