"""Counters that never allocate while they count, and never wrap.

A counter is two small ints, [low 30 bits, high part], in a list or at `i` of an array: on a 32-bit
port a plain int becomes an object of 16 bytes or more at 2^30, at every step.
"""


def count(counter, k: int, i: int = 0) -> None:
    """Add k (-2^29 < k < 2^29) to the counter."""
    low = counter[i] + k
    counter[i] = low & 0x3FFFFFFF
    counter[i + 1] += low >> 30


def value(counter, i: int = 0) -> int:
    """-> the whole number (this may allocate: for people, not for the hot path)."""
    return counter[i + 1] << 30 | counter[i]
