"""One TCP connection, plain or TLS, that waits only by the event loop.

Rules: nothing here has a deadline of its own; whoever calls it wraps the whole exchange in
one (`within`). Whatever happens, `close()` leaves no socket behind. `stage` says what was
being done, for the message of an error.
"""

import socket
from errno import EINPROGRESS, ETIMEDOUT

from ..port import asyncio
from ..port_net import (
    readable,
    sock_connected,
    sock_handshake,
    sock_read,
    sock_write,
    wait_for_ms,
    writable,
)


def is_address(host):
    """True for an IPv4 address in dots: no name server is asked for it."""
    parts = host.split(".")
    return len(parts) == 4 and all(p.isdigit() and int(p) < 256 for p in parts)


async def within(ms, awaitable, wire):
    """Await it for at most `ms`; OSError (ETIMEDOUT) that names the wire's stage after that."""
    try:
        return await wait_for_ms(awaitable, ms)
    except asyncio.TimeoutError:
        raise OSError(
            ETIMEDOUT, "%s:%d: %s took over %d ms" % (wire.host, wire.port, wire.stage, ms)
        )


class Wire:
    """host: name or IPv4 address; tls: a `tls.Tls` or None; resolver: `await resolver(name)`
    gives an address, needed for names only."""

    def __init__(self, host, port, tls=None, resolver=None):
        self.host = host
        self.port = port
        self.tls = tls
        self.resolver = resolver
        self.sock = self._raw = None
        self.stage = "waiting"
        if resolver is None and not is_address(host) and host != "localhost":
            from .dns import resolver

            self.resolver = resolver

    async def open(self):
        """Connect. OSError where that fails."""
        host = self.host
        if host == "localhost":
            host = "127.0.0.1"
        elif not is_address(host):
            self.stage = "resolving the name"
            host = await self.resolver(host)
        self.stage = "connecting"
        address = socket.getaddrinfo(host, self.port, 0, socket.SOCK_STREAM)[0][-1]
        self.sock = self._raw = sock = socket.socket()
        try:
            sock.setblocking(False)
            try:
                sock.setsockopt(6, 1, 1)  # TCP_NODELAY: pieces must not wait for each other's ACK
            except OSError:
                pass  # not every port knows it
            try:
                sock.connect(address)
            except OSError as exc:
                if exc.errno != EINPROGRESS:
                    raise
                await writable(sock)
            sock_connected(sock)
            if self.tls:
                self.stage = "handshake"
                self.sock = sock = self.tls.wrap(sock, self.host)
                await sock_handshake(sock)
        except BaseException as exc:
            self.failed(exc)
            raise

    def failed(self, exc):
        """Close; the name is looked up again, and TLS says what it knows of the error."""
        self.close()
        if hasattr(self.resolver, "failed"):
            self.resolver.failed(self.host)
        self._explain(exc)

    def _explain(self, exc):
        if self.tls:
            self.tls.explain(exc)  # raises a clearer error where it knows one

    def put(self, data, at, end):
        """Write of data[at:end] what goes at once; -> where the rest begins."""
        try:
            return at + (sock_write(self.sock, data, at, end - at) or 0)
        except (OSError, ValueError) as exc:
            self._explain(exc)
            raise

    async def write(self, data, at, end):
        """Write all of data[at:end]."""
        while True:
            at = self.put(data, at, end)
            if at >= end:
                return
            await writable(self.sock)

    def get(self, view):
        """As `read`, without waiting: None where nothing has come."""
        try:
            return sock_read(self.sock, view)
        except (OSError, ValueError) as exc:
            self._explain(exc)
            raise

    async def read(self, view):
        """-> bytes read into the view, 0 where the other side has ended."""
        while True:
            n = self.get(view)
            if n is not None:
                return n
            await readable(self.sock)

    def poll(self, view):
        """As `get`, an error is the end."""
        try:
            return self.get(view)
        except (OSError, ValueError):
            return 0

    def close(self):
        if self.sock is not None:
            for sock in (
                self.sock,
                self._raw,
            ):  # MicroPython's TLS forgets the socket after an error
                try:
                    sock.close()
                except OSError:
                    pass
            self.sock = self._raw = None
            if self.tls:
                self.tls.closed()
