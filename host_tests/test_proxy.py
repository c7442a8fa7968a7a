"""The fault proxy does to a connection what each fault says, and nothing else."""

import asyncio
import contextlib

import pytest

from batcher_tools import proxy as p


@contextlib.asynccontextmanager
async def between():
    """An echo server, the proxy in front of it."""

    async def echo(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(1000):
                server.got += data
                writer.write(data)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    server.got = b""
    async with p.Proxy(server.sockets[0].getsockname()[1]) as proxy:
        yield proxy, server
    server.close()


async def ask(proxy, data=b"hello", timeout=2.0):
    """Send, and read until as much came back as went, or the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(data)
        answer = b""
        async with asyncio.timeout(timeout):
            while len(answer) < len(data) and (more := await reader.read(1000)):
                answer += more
        return answer
    finally:
        writer.close()


def run(test):
    async def whole():
        async with between() as (proxy, server):
            await test(proxy, server)

    asyncio.run(asyncio.wait_for(whole(), 20))


def test_bytes_pass_both_ways_and_are_counted():
    async def test(proxy, server):
        assert await ask(proxy, b"x" * 5000) == b"x" * 5000
        assert proxy.bytes == {"up": 5000, "down": 5000} and proxy.connections == 1

    run(test)


def test_refused_then_back_on_the_same_port():
    async def test(proxy, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"1")
        assert await reader.read(1) == b"1"
        await proxy.set(p.REFUSE)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        with pytest.raises(ConnectionRefusedError):
            await ask(proxy)
        await proxy.set(p.PASS)
        assert await ask(proxy) == b"hello"

    run(test)


@pytest.mark.parametrize("fault", [p.BLACK_HOLE, p.SILENT])
def test_a_hole_holds_everything_and_then_goes_on(fault):
    async def test(proxy, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"1")
        assert await reader.read(1) == b"1"
        await proxy.set(fault)
        writer.write(b"2")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)
        assert server.got == b"1"
        await proxy.set(p.PASS)
        assert await reader.read(1) == b"2"
        writer.close()
        assert await ask(proxy) == b"hello"

    run(test)


def test_silent_lets_connect_hang():
    async def test(proxy, server):
        await proxy.set(p.SILENT)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.open_connection("127.0.0.1", proxy.port), 0.2)

    run(test)


def test_lost_answers_reset_when_the_fault_ends():
    async def test(proxy, server):
        await proxy.set(p.NO_ANSWER)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"hello")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)
        assert server.got == b"hello"
        await proxy.set(p.PASS)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)

    run(test)


def test_cut_and_reset_let_so_many_bytes_through():
    async def test(proxy, server):
        proxy.script = [p.cut(after=3), p.reset(after=2), p.cut(after=4, way=p.DOWN)]
        assert await ask(proxy, b"abcdef") in (b"abc", b"")  # FIN to both: the echo may be lost
        assert server.got == b"abc"
        server.got = b""
        with pytest.raises(ConnectionResetError):
            while True:
                await ask(proxy, b"abcdef")
        assert server.got == b"ab"
        assert await ask(proxy, b"abcdef") == b"abcd"
        assert await ask(proxy, b"abcdef") == b"abcdef"

    run(test)


def test_delay_and_trickle_change_when_not_what():
    async def test(proxy, server):
        loop = asyncio.get_running_loop()
        await proxy.set(p.delay(60))
        start = loop.time()
        assert await ask(proxy) == b"hello"
        assert loop.time() - start > 0.11
        await proxy.set(p.trickle(5))
        start = loop.time()
        assert await ask(proxy) == b"hello"
        assert loop.time() - start > 0.02

    run(test)


def test_garbage_and_an_endless_header():
    async def test(proxy, server):
        proxy.script = [p.garbage(b"what?"), p.ENDLESS_HEADER]
        assert await ask(proxy) == b"what?"
        answer = await ask(proxy, b"h" * 3000)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\nX-Endless: xxx") and len(answer) >= 3000
        assert server.got == b""

    run(test)


def test_in_a_thread():
    import socket

    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        p.ProxyThread(server.getsockname()[1]) as proxy,
    ):
        with socket.create_connection(("127.0.0.1", proxy.port), 2) as client:
            client.sendall(b"hi")
            with server.accept()[0] as twin:
                twin.settimeout(2)
                assert twin.recv(2) == b"hi"
                proxy.set(p.REFUSE)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", proxy.port), 2)
