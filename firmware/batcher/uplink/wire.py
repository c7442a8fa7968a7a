"""One TCP connection, plain or TLS, that waits only by the event loop, and reads bounded.

Rules
- Nothing here has a deadline of its own: whoever uses it wraps the whole exchange in `within`,
  and closes it where that fails. Whatever happens, `close()` leaves no socket behind.
- What was read and is not taken yet is buffer[at:end]; `view` is the buffer's, and neither grows.
- `stage` says what is being done, for the message of an error.
"""

import socket
from errno import EINPROGRESS, ETIMEDOUT

from ..port import asyncio, const
from ..port_net import readable, stream, wait_for_ms, writable

_LINE = const(200)  # of what is not taken so much is kept: a longer line is cut


async def address(host, user):
    """-> the IPv4 address of a host. `user.resolver` is asked for a name; where it is None,
    the one of dns, which is loaded only then."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        if len(bytes(map(int, host.split(".")))) == 4:  # four numbers below 256
            return host
    except ValueError:
        pass
    if not user.resolver:
        from .dns import resolver

        user.resolver = resolver
    return await user.resolver(host)


class Wire:
    """`resolver`: `await resolver(name)` gives an address."""

    sock = None
    keep = False  # may the connection be used again

    def aim(self, url, kind, ports, tls):
        """Set where to connect to: "http://host:port/path" or the like. Raises ValueError.

        kind: the scheme, with an "s" behind it where `tls`, a `tls.Tls`, is used. ports: the
        usual ones, without and with it.
        """
        scheme, _, rest = url.partition("://")
        host, _, self.path = rest.partition("/")
        self.host, _, port = host.partition(":")
        secure = scheme == kind + "s"
        port = port or ports[secure]
        if not (self.host and port.isdigit() and (secure or scheme == kind)) or "@" in host:
            raise ValueError("url: wanted %s[s]://host[:port], found %r" % (kind, scheme))
        if secure and tls is None:
            raise ValueError("tls: wanted a Tls(ca=...) for %s" % scheme)
        self.port = int(port)
        self.tls = tls if secure else None

    async def open(self):
        """Connect. OSError where that fails."""
        self.at = self.end = 0
        self.stage = "resolving the name"
        host = await address(self.host, self)
        self.stage = "connecting"
        self.sock = self._raw = sock = socket.socket()
        sock.setblocking(False)
        try:
            sock.setsockopt(6, 1, 1)  # TCP_NODELAY: pieces must not wait for each other's ACK
        except OSError:
            pass  # not every port knows it
        try:
            sock.connect(socket.getaddrinfo(host, self.port, 0, socket.SOCK_STREAM)[0][-1])
        except OSError as exc:
            if exc.errno != EINPROGRESS:
                raise
            await writable(sock)
        if self.tls:
            sock = self.tls.wrap(sock, self.host)
        self.sock = stream(sock)

    async def within(self, ms, awaitable):
        """Await it for at most `ms`; OSError (ETIMEDOUT) that names the stage after that.

        After a failure the name is looked up again, and TLS says what it knows of the error.
        """
        try:
            return await wait_for_ms(awaitable, ms)
        except (OSError, ValueError, asyncio.TimeoutError) as exc:
            if hasattr(self.resolver, "failed"):
                self.resolver.failed(self.host)
            if isinstance(exc, asyncio.TimeoutError):
                said = "%s:%d: %s took over %d ms" % (self.host, self.port, self.stage, ms)
                raise OSError(ETIMEDOUT, said)
            if self.tls:
                self.tls.explain(exc)  # raises a clearer error where it knows one
            raise

    async def write(self, data, at, end):
        """Write all of data[at:end]."""
        while True:
            at += self.sock.write(data, at, end - at) or 0
            if at >= end:
                return
            await writable(self.sock)

    async def receive(self):
        """Read on, behind what is not taken yet. OSError at the end, or after `allowed` bytes."""
        if self.allowed <= 0:
            raise OSError("the answer does not end")
        at = self.at
        n = min(self.end - at, _LINE)
        if n:
            self.buffer[:n] = self.buffer[at : at + n]
        self.at = 0
        view = self.view[n:]
        while (got := self.sock.readinto(view)) is None:
            await readable(self.sock)
        if not got:
            raise OSError("the connection ended while " + self.stage)
        self.end = n + got
        self.allowed -= got
        await asyncio.sleep(0)  # whoever drips bytes does not get the loop to himself

    def close(self):
        """Close the connection, where there is one."""
        self.keep = False
        if self.sock:
            for sock in (self.sock, self._raw):  # MicroPython's TLS forgets it after an error
                try:
                    sock.close()
                except OSError:
                    pass
            self.sock = None
            if self.tls:
                self.tls.closed()
