"""A scripted UDP server in the test's own loop: `async with UdpServer(answer) as server:`

answer(question) -> list of replies, each bytes.
"""

import socket

from batcher.port import asyncio, urandom
from batcher.port_net import readable


class UdpServer:
    def __init__(self, answer):
        self.answer = answer
        self.questions = []

    async def __aenter__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        while True:
            self.port = 20000 + int.from_bytes(urandom(2), "little") % 40000
            try:
                address = socket.getaddrinfo("127.0.0.1", self.port, 0, socket.SOCK_DGRAM)
                self.sock.bind(address[0][-1])
                break
            except OSError:
                pass
        self.address = "127.0.0.1:%d" % self.port
        self.task = asyncio.create_task(self._run())
        return self

    async def _run(self):
        while True:
            await readable(self.sock)
            question, peer = self.sock.recvfrom(600)
            self.questions.append(question)
            for reply in self.answer(question):
                self.sock.sendto(reply, peer)

    async def __aexit__(self, *_):
        self.task.cancel()
        try:
            await self.task
        except asyncio.CancelledError:
            pass
        self.sock.close()
