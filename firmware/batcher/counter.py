"""Counters that never allocate while they count, and never wrap.

A counter is a list of two small ints, [low 30 bits, high part]: on a 32-bit port a plain int
becomes an object of 16 bytes or more at 2^30, at every step.
"""

from .port import const

_MASK = const(0x3FFFFFFF)


def count(counter, k):
    """Add k (0 <= k < 2^29) to the counter."""
    low = counter[0] + k
    counter[0] = low & _MASK
    if low > _MASK:
        counter[1] += 1


def value(counter: list) -> int:
    """-> the whole number (this may allocate: for people, not for the hot path)."""
    return counter[1] * (_MASK + 1) + counter[0]
