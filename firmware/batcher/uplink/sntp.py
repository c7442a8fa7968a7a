"""The time of day by SNTP (RFC 4330, 5905), without stopping the loop as `ntptime` does.

Rules
- A reply counts when it echoes our random cookie, comes from a synchronised server (leap
  not 3, stratum 1 to 15) and lies between `_FIRST` and `_LAST`.
- Once the clock is set, a server that differs by more than `_JUMP_MS` is believed only when
  the next one says the same.
- Between two readings the drift of our own clock is measured, in parts per million.
"""

from ..port import asyncio, log, ticks_diff, ticks_ms, urandom
from ..port_net import set_rtc
from .udp import ask

_NTP_1970 = 2208988800  # seconds from 1900 to 1970
_FIRST = 1767225600  # 2026-01-01
_LAST = 4102444800  # 2100-01-01
_JUMP_MS = 10000


def unix_time(reply, at):
    """-> (seconds since 1970, ms) of the timestamp at `at`; the era of 2036 is known."""
    seconds = int.from_bytes(reply[at : at + 4], "big")
    if not seconds & 0x80000000:
        seconds += 1 << 32
    ms = (reply[at + 4] << 8 | reply[at + 5]) * 1000 >> 16
    return seconds - _NTP_1970, ms


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

    async def _one(self, server):
        """-> (seconds, ms, ticks) as the server says, or None."""
        host, _, port = server.partition(":")
        if not host.replace(".", "").isdigit():
            if self.resolver is None:
                from .dns import resolver

                self.resolver = resolver
            host = await self.resolver(host)
        question = bytearray(48)
        question[0] = 0x23  # version 4, client
        question[40:48] = cookie = urandom(8)

        def fits(reply):
            return len(reply) >= 48 and reply[0] & 7 == 4 and reply[24:32] == cookie

        sent = ticks_ms()
        reply = await ask("%s:%s" % (host, port or "123"), question, fits, self.ms)
        now = ticks_ms()
        if reply is None or reply[0] >> 6 == 3 or not 1 <= reply[1] <= 15:
            return None
        seconds, ms = unix_time(reply, 40)
        if not _FIRST <= seconds < _LAST:
            return None
        ms += ticks_diff(now, sent) // 2  # it was written about half way
        return seconds + ms // 1000, ms % 1000, now

    def _differs(self, a, b):
        """-> ms by which a is ahead of b, after the time that passed between them (6 days)."""
        return (a[0] - b[0]) * 1000 + a[1] - b[1] - ticks_diff(a[2], b[2])

    async def sync(self):
        """Ask the servers in turn; -> was the clock set."""
        odd = None  # what a server said that does not fit our clock
        for server in self.servers:
            try:
                found = await self._one(server)
            except (OSError, ValueError):
                continue
            if found is None:
                continue
            last = self._at
            if last is not None and abs(self._differs(found, last)) > _JUMP_MS:
                if odd is None or abs(self._differs(found, odd)) > _JUMP_MS:
                    odd = found
                    continue
                last = None  # two say so: it is our clock that is wrong
            self._set(found, last)
            return True
        return False

    def _set(self, found, last):
        if last is not None:
            passed = ticks_diff(found[2], last[2])
            if passed > 600000:  # below ten minutes the network's jitter is larger
                self.drift_ppm = self._differs(found, last) * 1000000 // passed
        self._at = found
        if self.on_time:
            self.on_time(*found)
        if self.rtc:
            set_rtc(found[0])
        self.synced = True

    async def run(self):
        """Keep the clock, for ever; cancel the task to end it."""
        wait = 2
        while True:
            if await self.sync():
                wait = self.every_s
            else:
                if wait == self.every_s:
                    wait = 2
                log("SNTP: no answer that fits from %s" % ", ".join(self.servers))
                wait = min(wait * 2, 300, self.every_s)
            await asyncio.sleep(wait + urandom(1)[0] * wait // 1024)
