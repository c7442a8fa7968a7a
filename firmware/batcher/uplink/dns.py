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

_TTL_MOST = 3600


def query(name, number):
    """The bytes of a question for an A record. Raises ValueError for what is not a name."""
    out = bytearray(12)
    out[0] = number >> 8
    out[1] = number & 255
    out[2] = out[5] = 1  # recursion wanted; one question
    for label in name.rstrip(".").split("."):
        if not 0 < len(label) < 64:
            raise ValueError("host: %r is not a name" % name)
        out.append(len(label))
        out.extend(label.encode())
    out.extend(b"\0\0\x01\0\x01")
    return out


def skip(reply, at, end):
    """-> where the name at `at` ends."""
    while at < end:
        n = reply[at]
        if n >= 0xC0:
            return at + 2
        at += n + 1
        if n == 0:
            return at
    return end


def addresses(reply, asked):
    """-> (list of addresses, seconds they hold) of a fitting reply. Raises OSError."""
    code = reply[3] & 15
    if code == 3:
        raise OSError("no such name")
    if code:
        return [], 0
    n = len(reply)
    at = asked
    found = []
    ttl = _TTL_MOST
    for _ in range(reply[6] << 8 | reply[7]):
        at = skip(reply, at, n)
        if at + 10 > n:
            break
        end = at + 10 + (reply[at + 8] << 8 | reply[at + 9])
        if end > n:
            break
        if bytes(reply[at : at + 4]) == b"\0\x01\0\x01" and end == at + 14:
            found.append("%d.%d.%d.%d" % tuple(reply[at + 10 : end]))
        if reply[at + 4] == reply[at + 5] == 0:  # CNAMEs on the way count for the time, too
            ttl = min(ttl, reply[at + 6] << 8 | reply[at + 7])
        at = end
    return found, max(1, ttl)


class Resolver:
    """`await resolver(name)` -> "1.2.3.4".

    servers: addresses, with ":port" where it is not 53; or a callable that gives them, to ask
    what DHCP said. ms: for one question to one server.
    """

    def __init__(self, servers, ms=800):
        self.servers = servers
        self.ms = ms
        self._known = {}  # name: [addresses, ticks when they expire, expired]

    async def __call__(self, name):
        """Raises OSError where it does not exist or nobody answers, ValueError for no name."""
        entry = self._known.get(name)
        if entry and not entry[2] and ticks_diff(entry[1], ticks_ms()) > 0:
            return entry[0][0]
        servers = self.servers() if callable(self.servers) else self.servers
        for server in [s for s in servers if s and s != "0.0.0.0"][:4] * 2:
            number = urandom(2)
            question = query(name, number[0] << 8 | number[1])
            asked = len(question)

            def fits(reply, question=question, asked=asked):
                return (
                    len(reply) >= asked
                    and reply[2] & 0xF8 == 0x80
                    and reply[:2] == question[:2]
                    and reply[12:asked].lower() == bytes(question[12:]).lower()
                )

            try:
                reply = await ask(
                    server if ":" in server else server + ":53", question, fits, self.ms
                )
            except OSError:
                continue
            if reply is None:
                continue
            found, ttl = addresses(reply, asked)
            if found:
                self._known[name] = [found, ticks_add(ticks_ms(), ttl * 1000), False]
                if len(self._known) > 8:
                    self._known = {name: self._known[name]}
                return found[0]
        if entry:
            return entry[0][0]
        raise OSError("no name server answered for %s" % name)

    def failed(self, name):
        """The address did not connect: the next one first, and ask again."""
        entry = self._known.get(name)
        if entry:
            entry[0].append(entry[0].pop(0))
            entry[2] = True


def _from_file():
    """Name servers of a computer; a board hands in a Resolver with what DHCP gave."""
    found = []
    try:
        with open("/etc/resolv.conf") as file:
            for line in file:
                words = line.split()
                if len(words) > 1 and words[0] == "nameserver" and ":" not in words[1]:
                    found.append(words[1])
    except OSError:
        pass
    return found


resolver = Resolver(_from_file)
