"""The time of day by SNTP (RFC 4330, 5905), without stopping the loop as `ntptime` does.

Rules
- A reply counts when it echoes our random cookie, comes from a synchronised server (leap
  not 3, stratum 1 to 15) and lies between 2026 and 2100.
- Once the clock is set, a server that differs by more than `_JUMP_MS` is believed only when
  the next one says the same.
- Between two readings the drift of our own clock is measured, in parts per million.
"""

from ..port import asyncio, const, log, ticks_diff, ticks_ms, urandom
from ..port_rtc import set_rtc
from .udp import ask

_FIRST = const(1767225600)  # 2026-01-01, Unix time
_SPAN = const(2335219200)  # from then to 2100-01-01
_NTP_FIRST = const(3976214400)  # _FIRST in seconds from 1900
_ERA = const(0xFFFFFFFF)  # they begin anew in 2036
_JUMP_MS = const(10000)


def _differs(a, b):
    """-> ms by which a is ahead of b, after the time that passed between them (6 days)."""
    return a[0] - b[0] - ticks_diff(a[1], b[1])


class Sntp:
    """servers: names or addresses, ":port" where it is not 123. on_time(seconds, ms, ticks):
    the Unix time at those 30-bit ticks; `timebase` takes it. resolver: for names.

    `await sync()` asks once; `await run()` keeps the clock: hourly, sooner after a failure.
    """

    synced = False
    drift_ppm = None
    _odd = None  # what a server said that does not fit our clock
    _at = None  # Unix time in ms, ticks: of the last good answer

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

    async def sync(self):
        """Ask the servers in turn; -> was the clock set."""
        servers = self.servers
        if len(servers) > 1:  # of one alone the second answer counts
            self._odd = None
            servers = servers * 2  # where one is dead, that of the other does
        question = b"\x23" + bytes(39) + urandom(8)  # version 4, client; the cookie
        return bool(await ask(self, servers, 123, question, self._believe))

    def _believe(self, reply, question, sent):
        """Set the clock by a reply -> was it good; None: it is no reply to our question."""
        now = ticks_ms()
        if len(reply) < 48 or reply[0] & 7 != 4 or reply[24:32] != question[40:]:
            return None
        seconds = int.from_bytes(reply[40:44], "big") - _NTP_FIRST & _ERA
        if reply[0] >> 6 == 3 or not 1 <= reply[1] <= 15 or seconds >= _SPAN:
            return False
        seconds += _FIRST
        ms = (reply[44] << 8 | reply[45]) * 1000 >> 16
        # It was written about half way.
        found = (seconds * 1000 + ms + ticks_diff(now, sent) // 2, now)
        last = self._at
        if last:
            ahead = _differs(found, last)
            passed = ticks_diff(now, last[1])
            if abs(ahead) > _JUMP_MS:
                odd = self._odd
                self._odd = found
                if not odd or abs(_differs(found, odd)) > _JUMP_MS:
                    return False
                # Two say so: it is our clock that is wrong.
            elif passed > 600000:  # below ten minutes the network's jitter is larger
                self.drift_ppm = ahead * 1000000 // passed
        self._at = found
        self._odd = None
        self.synced = True
        seconds = found[0] // 1000
        if self.on_time:
            self.on_time(seconds, found[0] % 1000, now)
        if self.rtc:
            set_rtc(seconds)
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
