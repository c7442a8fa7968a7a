"""Names to IPv4 addresses by our own UDP query (RFC 1035): `getaddrinfo` would stop the loop.

Rules
- A reply counts when the number, the question and the kind fit; anything else is passed over.
- Servers are asked in turn, each for `ms`, twice round at most: `2 * servers * ms` bounds it.
- An address is kept for its time to live, 1 s to 1 h. Where no server answers, the last known
  one serves on (RFC 8767), so a dead name server does not stop a running board.
- "No such name" is believed and not kept: a mended entry works at the next attempt.
"""

from ..port import ticks_add, ticks_diff, ticks_ms, urandom
from .udp import ask


def query(name, number):
    """The bytes of a question for an A record; number: two bytes. ValueError for no name."""
    out = number + b"\1\0\0\1\0\0\0\0\0\0"  # recursion wanted; one question
    for label in name.rstrip(".").encode().split(b"."):
        if not 0 < len(label) < 64:
            raise ValueError("host: %r is not a name" % name)
        out += bytes((len(label),)) + label
    return out + b"\0\0\1\0\1"


def addresses(reply, at):
    """-> (addresses, seconds they hold) of a reply whose answers begin at `at`; (None, 0): there
    is no such name; False: this server knows nothing."""
    code = reply[3] & 15
    if code:
        return code == 3 and (None, 0)
    size = len(reply)
    found = []
    ttl = 3600
    for _ in range(reply[6] << 8 | reply[7]):
        while at < size and 0 < reply[at] < 0xC0:
            at += reply[at] + 1
        at += 2 if reply[at : at + 1] > b"\0" else 1  # a name ends with 0 or points elsewhere
        end = at + 10 + int.from_bytes(reply[at + 8 : at + 10], "big")
        if end > size:
            break
        if reply[at : at + 4] == b"\0\1\0\1" and end == at + 14:
            found.append("%d.%d.%d.%d" % tuple(reply[at + 10 : end]))
        # CNAMEs on the way count for the time, too.
        ttl = min(ttl, int.from_bytes(reply[at + 4 : at + 8], "big"))
        at = end
    return bool(found) and (found, max(1, ttl))


def _match(reply, question, sent):
    asked = len(question)
    if (
        reply[:2] != question[:2]
        or reply[12:asked].lower() != question[12:].lower()
        or reply[2] & 0xF8 != 0x80
    ):
        return None
    return addresses(reply, asked)


class Resolver:
    """`await resolver(name)` -> "1.2.3.4".

    servers: addresses, with ":port" where it is not 53; or a callable that gives them, to ask
    what DHCP said. ms: for one question to one server.
    """

    resolver = None  # for `ask`, which wants no names of us

    def __init__(self, servers, ms=800):
        self.servers = servers
        self.ms = ms
        self._known = {}  # name: [addresses, ticks when they expire]

    async def __call__(self, name):
        """Raises OSError where it does not exist or nobody answers, ValueError for no name."""
        known = self._known
        entry = known.get(name)
        if not entry or ticks_diff(entry[1], ticks_ms()) <= 0:
            servers = self.servers() if callable(self.servers) else self.servers
            found = await ask(self, servers[:4] * 2, 53, query(name, urandom(2)), _match)
            if found:
                if not found[0]:
                    raise OSError("no such name: " + name)
                if len(known) > 7:
                    known.clear()
                known[name] = entry = [found[0], ticks_add(ticks_ms(), found[1] * 1000)]
            elif not entry:
                raise OSError("no name server answered for " + name)
        return entry[0][0]

    def failed(self, name):
        """The address did not connect: each has its turn, and after the last one we ask again."""
        entry = self._known.get(name)
        if entry:
            if entry[0][1:]:
                del entry[0][0]
            else:
                entry[1] = ticks_ms()


def name_servers():
    """-> those that DHCP gave; on a computer its own."""
    try:
        import network
    except ImportError:
        from .. import port_unix

        return port_unix.dns()
    return [network.WLAN(network.STA_IF).ifconfig()[3]]


resolver = Resolver(name_servers)
