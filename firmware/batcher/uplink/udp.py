"""Ask one question over UDP and wait for the answer that fits, without stopping the loop."""

import socket
from errno import EAGAIN

from ..port import asyncio
from ..port_net import readable, sock_write, wait_for_ms


async def _ask(sock, question, fits):
    sock_write(sock, question, 0, len(question))
    while True:
        try:
            reply = sock.recv(512)  # not readinto: MicroPython's would join datagrams
            if fits(reply):
                return reply
            # a stray or a forgery: the right one may still come
        except OSError as exc:
            if exc.errno != EAGAIN:
                raise
            await readable(sock)


async def ask(server, question, fits, ms):
    """-> the first reply for which fits(reply), or None after `ms`.

    server: "address" or "address:port"; raises OSError where the network says no. The socket
    is connected, so replies from elsewhere do not reach it.
    """
    host, _, port = server.partition(":")
    address = socket.getaddrinfo(host, int(port), 0, socket.SOCK_DGRAM)[0][-1]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.connect(address)
        return await wait_for_ms(_ask(sock, question, fits), ms)
    except asyncio.TimeoutError:
        return None
    finally:
        sock.close()
