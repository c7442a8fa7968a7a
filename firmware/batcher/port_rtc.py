"""The rest of port.py, for who knows the time: the clock of the chip."""

# ruff: noqa: F401

from .port import MICROPYTHON

if MICROPYTHON:
    from time import gmtime

    def set_rtc(unix):
        """Set the clock of the chip, which TLS and files go by, to UTC."""
        try:
            from machine import RTC
        except ImportError:  # the unix port goes by the computer's
            return
        # Some ports count from 2000: that is 30 times so many seconds later.
        t = gmtime(unix - (gmtime(0)[0] - 1970) * 31556160)
        RTC().datetime(t[:3] + t[6:7] + t[3:6] + (0,))

else:
    from .port_host import set_rtc
