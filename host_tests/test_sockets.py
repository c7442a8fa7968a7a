"""Sockets that take little at a time lose nothing, and each that was opened is closed."""

import asyncio
import json
import socket

import pytest

from batcher.identity import Identity
from batcher.port_host import stream
from batcher.uplink import udp, wire
from batcher.uplink.dns import Resolver
from batcher.uplink.http import HttpUplink
from batcher.uplink.mqtt import MqttUplink
from batcher.uplink.sntp import Sntp
from kit.broker import Broker
from kit.encoder import PlainJson, Source
from kit.server import HttpServer
from kit.udp_server import UdpServer

IDENT = Identity("dev-1", "00112233aabbccdd")
ITEMS = list(range(700))


class Drip(stream):
    """Takes 7 bytes, then nothing, then 7 bytes."""

    full = False

    def write(self, data, at, n):
        self.full = not self.full
        return super().write(data, at, min(n, 7)) if self.full else None


@pytest.fixture
def dripping(monkeypatch):
    monkeypatch.setattr(wire, "stream", Drip)


@pytest.mark.parametrize("chunked", [True, False])
def test_http_writes_the_rest(dripping, chunked):
    async def main():
        async with HttpServer() as server:
            url = f"http://127.0.0.1:{server.port}/"
            up = HttpUplink(url, PlainJson(), IDENT, Source(), chunked=chunked)
            assert await up.send(ITEMS) is True
            assert await up.send(ITEMS[:3]) is True
            up.close()
            assert [json.loads(r.body)["items"] for r in server.requests] == [ITEMS, ITEMS[:3]]
            assert server.connections == 1

    asyncio.run(main())


def test_mqtt_writes_the_rest(dripping):
    async def main():
        async with Broker() as broker:
            url = f"mqtt://127.0.0.1:{broker.port}"
            up = MqttUplink(url, PlainJson(), IDENT, Source(), per_message=300, user="joe")
            assert await up.send(ITEMS) is True
            await up.close()
            got = [json.loads(m.payload)["items"] for m in broker.messages]
            assert sum(got, []) == ITEMS and len(got) == 3 and broker.connections == 1

    asyncio.run(main())


def test_a_question_by_udp_leaves_no_socket_open(monkeypatch):
    opened = []

    class Kept(socket.socket):
        def __init__(self, *args):
            super().__init__(*args)
            opened.append(self)  # nobody else closes it by forgetting it

    async def main():
        async with UdpServer(lambda q: []) as mute, UdpServer(lambda q: [q]) as silly:
            monkeypatch.setattr(udp.socket, "socket", Kept)
            servers = [mute.address, silly.address]
            with pytest.raises(OSError, match="no name server"):
                await Resolver(servers, ms=30)("some.name")
            assert await Sntp(servers, ms=30).sync() is False
            task = asyncio.create_task(Resolver(servers)("some.name"))
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert len(opened) == 9 and all(sock.fileno() < 0 for sock in opened)
