"""Ask a question over UDP and wait for the answer that fits, without stopping the loop."""

import socket

from ..port import asyncio, ticks_ms
from ..port_net import readable, wait_for_ms
from .wire import address


async def _answer(sock, question, read):
    sent = ticks_ms()
    while True:
        await readable(sock)
        found = read(sock.recv(512), question, sent)
        if found is not None:
            return found


async def ask(user, servers, port, question, read):
    """Ask the servers in turn -> what `read` made of a reply, None where nobody had a good one.

    user: has `ms`, for one server, and `resolver`, for their names. servers: hosts, with ":port"
    where it is not `port`. read(reply, question, ticks of the question) -> None: that is no answer
    to it, the right one may still come; False: this server has none.
    """
    for server in servers:
        host, _, own = server.partition(":")
        try:
            host = await address(host, user)
            where = socket.getaddrinfo(host, int(own or port), 0, socket.SOCK_DGRAM)[0][-1]
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                sock.setblocking(False)
                sock.connect(where)  # replies from elsewhere do not reach it
                sock.send(question)
                found = await wait_for_ms(_answer(sock, question, read), user.ms)
            finally:
                sock.close()
            if found:
                return found
        except (OSError, ValueError, asyncio.TimeoutError):
            pass  # the next one
    return None
