"""The rest of port.py, for what talks to the network: sockets that do not block, the RTC.

A file of its own so that a board without the uplink does not pay for it.
"""

# ruff: noqa: F401

from .port import MICROPYTHON, asyncio

if MICROPYTHON:
    from asyncio import core as _core  # type: ignore[attr-defined]

    # Sockets that never block. A read or write gives None where it would have to wait.
    wait_for_ms = asyncio.wait_for_ms

    def readable(sock):
        yield _core._io_queue.queue_read(sock)

    def writable(sock):
        yield _core._io_queue.queue_write(sock)

    def sock_write(sock, data, at, n):
        return sock.write(data, at, n)  # a slice would be garbage

    def sock_read(sock, data):
        return sock.readinto(data)

    def sock_connected(sock):
        pass  # a failed connect shows at the first write

    async def sock_handshake(sock):
        pass  # lazy: it happens, and fails, at the first write

    def set_rtc(unix):
        """Set the clock of the chip, which TLS and files go by, to UTC."""
        try:
            from machine import RTC
        except ImportError:  # the unix port goes by the computer's
            return
        from time import gmtime

        t = gmtime(unix - (0 if gmtime(0)[0] == 1970 else 946684800))
        RTC().datetime((t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0))

else:
    from .port_host import (
        readable,
        set_rtc,
        sock_connected,
        sock_handshake,
        sock_read,
        sock_write,
        wait_for_ms,
        writable,
    )
