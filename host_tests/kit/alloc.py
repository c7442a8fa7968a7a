"""How many bytes a call takes from the heap, also those that it gives back before it ends."""

from batcher.port import MICROPYTHON, micropython


def _nothing():
    pass


def allocated(f):
    """-> bytes that f() takes from the heap, given back or not; 0 on CPython. Warms up first."""
    f()
    if not MICROPYTHON:
        return 0
    return _total(f) - _total(_nothing)


def _total(f):
    before = micropython.mem_total()
    f()
    return micropython.mem_total() - before


def locked(f):
    """-> f() with the heap locked: MemoryError where it allocates and keeps."""
    if not MICROPYTHON:
        return f()
    micropython.heap_lock()
    try:
        return f()
    finally:
        micropython.heap_unlock()
