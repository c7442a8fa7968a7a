"""Milliseconds since boot that survive the wrap of ticks, and how they become epoch time.

Rules: no clock is read unless asked to; numbers stay below 30 bits, so that a 32-bit board
makes no objects of them. A time is (low, high): 30 bits of ticks, and how often they wrapped.
The epoch of a boot is one offset for all its readings, those before the clock was set included.
"""

from .port import const, ticks_diff, ticks_ms

# 2**30 ms are 1,073,741 s and 824 ms.
_WRAP_SECONDS = const(1073741)
_WRAP_MS = const(824)
# Seconds of an epoch pass 30 bits: they are kept as 10,000 times one number plus another.
_SPLIT = const(10000)
_SLACK = const(250)


class Timebase:
    """Counts the wraps of a 30-bit millisecond counter. Show it a time at least every 6 days.

    ticks: the counter, `port.ticks_ms` unless given. A correction of the epoch below 250 ms is
    ignored, so that a reading sent twice keeps its timestamp.
    """

    def __init__(self, ticks=ticks_ms):
        self.ticks = ticks
        self._low = -1  # none shown yet
        self._high = 0
        self.known = False  # is the epoch known
        self._offset = None
        # Epoch time of ticks 0 of wrap 0: seconds (two parts, see _SPLIT) and ms.
        self.offset_high = 0
        self.offset_low = 0
        self.offset_ms = 0

    def begin(self, time: int) -> None:
        """It is `time` ms since boot, whatever was shown before."""
        self._low = time & 0x3FFFFFFF
        self._high = time >> 30

    def high(self, ticks: int) -> int:
        """-> the high part of a time that is within 6 days of the last one shown."""
        ticks &= 0x3FFFFFFF
        high = self._high
        last = self._low
        if last < 0 or ticks_diff(ticks, last) >= 0:
            self._low = ticks
            if ticks < last:
                self._high = high = high + 1
        elif ticks > last and high:  # before the last wrap
            high -= 1
        return high

    def touch(self) -> int:
        """Show it the counter -> the low part of now; the high part is `high(low)`."""
        low = self.ticks()
        self.high(low)
        return low

    def now(self) -> int:
        """-> milliseconds since boot, as one number."""
        low = self.touch()
        return self._high << 30 | low

    def set_epoch(self, seconds: int, ms: int = 0, ticks: "int | None" = None) -> bool:
        """It is `seconds` (Unix) and `ms` now, or was at `ticks` -> has the offset changed.

        Seconds count from 1970 on every port. Readings taken before get their time too.
        """
        low = self.ticks() if ticks is None else ticks & 0x3FFFFFFF
        offset = seconds * 1000 + ms - (self.high(low) << 30 | low)
        if offset < 0:
            raise ValueError("epoch: %d s is before this board was switched on" % seconds)
        if self.known and abs(offset - self._offset) < _SLACK:
            return False
        self._offset = offset
        seconds, self.offset_ms = divmod(offset, 1000)
        self.offset_high, self.offset_low = divmod(seconds, _SPLIT)
        self.known = True
        return True

    def offset(self) -> "int | None":
        """-> Unix milliseconds of this boot's time 0, None while unknown."""
        return self._offset


def split(low: int, high: int, base, out) -> None:
    """Fill out[0:3] with (seconds // 10000, seconds % 10000, ms) of a time since boot.

    base: None, or (seconds // 10000, seconds % 10000, ms) that is added. No number here
    needs 31 bits (while `high` < 256: 8 years), so nothing is allocated.
    """
    ms = high * _WRAP_MS + low % 1000
    seconds = low // 1000 + ms // 1000
    ms %= 1000
    top = high * (_WRAP_SECONDS // _SPLIT) + seconds // _SPLIT
    seconds = seconds % _SPLIT + high * (_WRAP_SECONDS % _SPLIT)
    if base is not None:
        top += base[0]
        seconds += base[1]
        ms += base[2]
        seconds += ms // 1000
        ms %= 1000
    out[0] = top + seconds // _SPLIT
    out[1] = seconds % _SPLIT
    out[2] = ms


# The one of this boot: SNTP sets it, stores and encoders read it.
boot = Timebase()
