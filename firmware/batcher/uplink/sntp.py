"""The time of day by SNTP (RFC 4330, 5905), without stopping the loop as `ntptime` does.

Rules
- A reply counts when it echoes our random cookie, comes from a synchronised server (leap
  not 3, stratum 1 to 15) and lies between `_FIRST` and `_LAST`.
- Once the clock is set, a server that differs by more than `_JUMP_MS` is believed only when
  the next one says the same.
- Between two readings the drift of our own clock is measured, in parts per million.
"""

from ..port import asyncio, const, log, ticks_diff, ticks_ms, urandom
from ..port_rtc import set_rtc
from .udp import ask

_NTP_1970 = 2208988800  # seconds from 1900 to 1970
_FIRST = 1767225600  # 2026-01-01
_LAST = 4102444800  # 2100-01-01
_JUMP_MS = const(10000)


def _differs(a, b):
    """-> ms by which a is ahead of b, after the time that passed between them (6 days)."""
    return (a[0] - b[0]) * 1000 + a[1] - b[1] - ticks_diff(a[2], b[2])


class Sntp:
    """servers: names or addresses, ":port" where it is not 123. on_time(seconds, ms, ticks):
    the Unix time at those 30-bit ticks; `timebase` takes it. resolver: for names.

    `await sync()` asks once; `await run()` keeps the clock: hourly, sooner after a failure.
    """

    def __init__(
        self,
        servers=("pool.ntp.org",),
        on_time=None,
        resolver=None,
        ms=1500,
        every_s=3600,
        rtc=True,
    ):
        self.servers = servers
        self.on_time = on_time
        self.resolver = resolver
        self.ms = ms
        self.every_s = every_s
        self.rtc = rtc
        self.synced = False
        self.drift_ppm = None
        self._at = None  # seconds, ms, ticks of the last good answer

    async def sync(self):
        """Ask the servers in turn; -> was the clock set."""
        self._odd = None  # what a server said that does not fit our clock
        self._question = b"\x23" + bytes(39) + urandom(8)  # version 4, client; the cookie
        return bool(await ask(self, self.servers, 123, self._question, self._read))

    def _read(self, reply, sent):
        """Set the clock by a reply -> was it good; None: it is no reply to our question."""
        now = ticks_ms()
        if len(reply) < 48 or reply[0] & 7 != 4 or reply[24:32] != self._question[40:]:
            return None
        seconds = int.from_bytes(reply[40:44], "big")
        if not seconds & 0x80000000:
            seconds += 1 << 32  # the era of 2036
        seconds -= _NTP_1970
        if reply[0] >> 6 == 3 or not 1 <= reply[1] <= 15 or not _FIRST <= seconds < _LAST:
            return False
        # It was written about half way.
        ms = ((reply[44] << 8 | reply[45]) * 1000 >> 16) + ticks_diff(now, sent) // 2
        found = (seconds + ms // 1000, ms % 1000, now)
        last = self._at
        if last is not None:
            ahead = _differs(found, last)
            passed = ticks_diff(now, last[2])
            if abs(ahead) > _JUMP_MS:
                odd = self._odd
                self._odd = found
                if odd is None or abs(_differs(found, odd)) > _JUMP_MS:
                    return False
                # Two say so: it is our clock that is wrong.
            elif passed > 600000:  # below ten minutes the network's jitter is larger
                self.drift_ppm = ahead * 1000000 // passed
        self._at = found
        self.synced = True
        if self.on_time:
            self.on_time(*found)
        if self.rtc:
            set_rtc(found[0])
        return True

    async def run(self):
        """Keep the clock, for ever; cancel the task to end it."""
        wait = 2
        while True:
            pause = self.every_s
            if await self.sync():
                wait = 2
            else:
                log("SNTP: no answer that fits from %s" % ", ".join(self.servers))
                pause = wait = min(wait * 2, 300, pause)
            await asyncio.sleep(pause + urandom(1)[0] * pause // 1024)
