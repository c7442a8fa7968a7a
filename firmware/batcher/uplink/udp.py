"""Ask a question over UDP and wait for the answer that fits, without stopping the loop."""

import socket
from errno import EAGAIN

from ..port import asyncio, ticks_diff, ticks_ms
from ..port_net import readable, wait_for_ms
from .wire import address


async def ask(user, servers, port, question, read):
    """Ask the servers in turn -> what `read` made of a reply, None where nobody had a good one.

    user: has `ms`, for one server, and `resolver`, for their names. servers: hosts, with ":port"
    where it is not `port`. read(reply, ticks of the question) -> None: that is no answer to it,
    the right one may still come; False: this server has none.
    """
    for server in servers:
        host, _, own = server.partition(":")
        sock = None
        try:
            host = await address(host, user)
            where = socket.getaddrinfo(host, int(own or port), 0, socket.SOCK_DGRAM)[0][-1]
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setblocking(False)
            sock.connect(where)  # replies from elsewhere do not reach it
            sock.send(question)
            sent = ticks_ms()
            found = None
            while found is None:
                left = user.ms - ticks_diff(ticks_ms(), sent)
                if left <= 0:
                    break
                try:
                    found = read(sock.recv(512), sent)
                except OSError as exc:
                    if exc.errno != EAGAIN:
                        raise
                    await wait_for_ms(readable(sock), left)
            if found:
                return found
        except (OSError, ValueError, asyncio.TimeoutError):
            pass  # the next one
        finally:
            if sock is not None:
                sock.close()
    return None
