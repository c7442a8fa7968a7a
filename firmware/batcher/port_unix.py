"""What port.py adjusts on MicroPython's 64-bit unix port. A board never loads this file."""

import time

_MASK = 0x3FFFFFFF


# Its own ticks wrap at 2^61: bring them to the 30 bits of the boards.


def ticks_ms():
    return time.ticks_ms() & _MASK


def ticks_us():
    return time.ticks_us() & _MASK


def ticks_add(ticks, delta):
    return (ticks + delta) & _MASK


def ticks_diff(end, start):
    return ((end - start + 0x20000000) & _MASK) - 0x20000000


# It has no interrupts to disable.


def disable_irq():
    return 0


def enable_irq(state):
    pass


def dns(path="/etc/resolv.conf"):
    """-> the name servers of this computer, without those of IPv6."""
    with open(path) as file:
        lines = file.read().split("\n")
    return [line.split()[1] for line in lines if line.startswith("nameserver ") and ":" not in line]
