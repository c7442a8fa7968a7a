"""A TCP proxy on loopback that fails on demand: what stands between a board and its server.

Rules
- A fault is a `Fault`: its kind and at most three figures. `proxy.set(fault)` holds for every
  connection, open ones too, from the next byte on; `proxy.script` gives single connections a
  fault of their own, first come first served.
- A stream is never falsified by accident: bytes held by a black hole go on where they were when
  it ends, and a connection some of whose bytes were swallowed or invented is reset when the
  fault ends.
- Everything runs in the loop that called `start()`. `ProxyThread` is the same for callers
  without a loop: a test that waits for a subprocess.

    async with Proxy(to_port) as proxy:
        ... connect to proxy.port ...
        proxy.set(REFUSE)               # or BLACK_HOLE, delay(200), reset(after=10), ...
        proxy.set(PASS)
"""

import asyncio
import socket
import struct
import threading
from dataclasses import dataclass

UP, DOWN, BOTH = "up", "down", "both"  # requests, answers


@dataclass(frozen=True)
class Fault:
    kind: str
    ms: int = 0  # of delay, or between two bytes
    after: int = 0  # bytes of the connection that still pass
    way: str = BOTH  # which direction it concerns
    data: bytes = b""  # what is sent instead

    def hits(self, way: str) -> bool:
        return self.way in (BOTH, way)


PASS = Fault("pass")
REFUSE = Fault("refuse")  # nobody listens; open connections are reset
BLACK_HOLE = Fault("black_hole")  # connections are accepted, no byte moves, nothing is closed
SILENT = Fault("silent")  # not even SYN is answered: connect() hangs; open ones are black holes
NO_ANSWER = Fault("no_answer")  # requests arrive, answers are lost
ENDLESS_HEADER = Fault("garbage", ms=1, data=b"HTTP/1.1 200 OK\r\nX-Endless: ")


def delay(ms: int, way: str = BOTH) -> Fault:
    """Each chunk arrives `ms` later, in order."""
    return Fault("delay", ms=ms, way=way)


def cut(after: int = 0, way: str = UP) -> Fault:
    """After so many bytes that way the connection is closed, politely (FIN)."""
    return Fault("cut", after=after, way=way)


def reset(after: int = 0, way: str = UP) -> Fault:
    """The same, impolitely (RST)."""
    return Fault("reset", after=after, way=way)


def trickle(ms: int = 1, way: str = DOWN) -> Fault:
    """One byte at a time, `ms` between two."""
    return Fault("trickle", ms=ms, way=way)


def garbage(data: bytes = b"\x16\x03\x01 not HTTP at all\r\n\r\n") -> Fault:
    """The server never hears; `data` is the answer to the first bytes of a request."""
    return Fault("garbage", data=data)


class _Connection:
    """One client's connection and its twin to the server."""

    def __init__(self, proxy, reader, writer, own: Fault | None):
        self.proxy = proxy
        self.own = own
        self.reader, self.writer = reader, writer
        self.up_writer = None
        self.spoiled = False  # bytes were swallowed or invented: cannot go on without the fault
        self.task = asyncio.current_task()

    @property
    def fault(self) -> Fault:
        return self.own or self.proxy.fault

    def abort(self):
        """RST to both sides: linger 0, then close."""
        for writer in (self.writer, self.up_writer):
            if writer is None:
                continue
            sock = writer.get_extra_info("socket")
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass
            writer.transport.abort()

    async def run(self):
        try:
            await self._unheld()
            if self.fault.kind == "delay":  # to open a connection takes a round trip
                await asyncio.sleep(2 * self.fault.ms / 1000)
            try:
                up_reader, self.up_writer = await asyncio.open_connection(
                    self.proxy.to_host, self.proxy.to_port
                )
            except OSError:
                self.abort()
                return
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(self.reader, self.up_writer, UP))
                group.create_task(self._pump(up_reader, self.writer, DOWN))
        except* (OSError, _Ended):
            pass
        finally:
            for writer in (self.writer, self.up_writer):
                if writer is not None:
                    writer.close()

    async def _unheld(self):
        """Wait while the fault lets no byte through."""
        while self.fault.kind in ("black_hole", "silent"):
            await self.proxy.changed.wait()

    async def _pump(self, reader, writer, way):
        passed = 0
        due = 0.0  # when the last delayed chunk goes on
        while data := await reader.read(65536):
            await self._unheld()
            fault = self.fault
            kind = fault.kind if fault.hits(way) else "pass"
            if kind == "delay":
                loop = asyncio.get_running_loop()
                due = loop.time() + fault.ms / 1000
                loop.call_at(due, self._late, writer, data)  # the same for all: in order
                self.proxy.bytes[way] += len(data)
                passed += len(data)
                continue
            await self._overdue(due)
            if kind == "trickle":
                for byte in data:
                    writer.write(bytes((byte,)))
                    await writer.drain()
                    await asyncio.sleep(fault.ms / 1000)
                self.proxy.bytes[way] += len(data)
                continue
            if kind == "no_answer" and way == DOWN:
                self.spoiled = True
                continue
            if kind == "garbage":
                self.spoiled = True
                if way == UP:
                    await self._invent(fault)
                continue
            if kind in ("cut", "reset"):
                left = fault.after - passed
                if len(data) >= left:
                    writer.write(data[: max(0, left)])
                    await writer.drain()
                    if kind == "reset":
                        await asyncio.sleep(0.01)  # an RST would overtake what was just written
                        self.abort()
                    raise _Ended
            passed += len(data)
            self.proxy.bytes[way] += len(data)
            writer.write(data)
            await writer.drain()
        await self._unheld()
        await self._overdue(due)
        if writer.can_write_eof():
            writer.write_eof()

    async def _overdue(self, due):
        """Nothing overtakes a delayed chunk."""
        left = due - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left + 0.001)

    @staticmethod
    def _late(writer, data):
        if not writer.is_closing():
            writer.write(data)

    async def _invent(self, fault):
        self.writer.write(fault.data)
        await self.writer.drain()
        while fault.ms and self.fault is fault:  # the endless header
            self.writer.write(b"x" * 64)
            await self.writer.drain()
            await asyncio.sleep(fault.ms / 1000)


class _Ended(Exception):
    """This connection is over, as the fault wanted."""


class Proxy:
    """127.0.0.1:`port` (0: a free one, then the attribute) -> `to_host`:`to_port`.

    Counts `connections` and `bytes["up"]`, `bytes["down"]` that went through.
    """

    def __init__(self, to_port: int, to_host: str = "127.0.0.1", port: int = 0):
        self.to_host, self.to_port, self.port = to_host, to_port, port
        self.fault = PASS
        self.script: list[Fault] = []  # the next connections take these, one each
        self.connections = 0
        self.bytes = {UP: 0, DOWN: 0}
        self.changed = asyncio.Event()
        self._open: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._fillers: list[socket.socket] = []  # what SILENT keeps in the way

    async def start(self):
        await self._listen()
        return self

    async def close(self):
        await self._hang_up()
        tasks = [connection.task for connection in self._open]
        for connection in list(self._open):
            connection.abort()
            connection.task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def __aenter__(self):
        return await self.start()

    async def __aexit__(self, *_):
        await self.close()

    async def set(self, fault: Fault) -> None:
        """From now on every connection without a fault of its own has this one."""
        old, self.fault = self.fault, fault
        self.changed.set()  # wakes those who wait now ...
        self.changed = asyncio.Event()  # ... and is new for those who come
        for connection in list(self._open):
            if connection.own is None and (fault.kind == "refuse" or connection.spoiled):
                connection.abort()
        if fault.kind != old.kind and {fault.kind, old.kind} & {"refuse", "silent"}:
            await self._hang_up()
            if fault.kind == "silent":
                self._stop_answering()
            elif fault.kind != "refuse":
                await self._listen()

    def drop_all(self) -> None:
        """Reset every open connection, as a rebooting server does."""
        for connection in list(self._open):
            connection.abort()

    async def _listen(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _hang_up(self):
        for sock in self._fillers:
            sock.close()
        self._fillers.clear()
        if self._server is not None:
            self._server.close()  # open connections live on
            self._server = None
            await asyncio.sleep(0)

    def _stop_answering(self):
        """Listen with a queue of one and fill it: Linux then drops every further SYN."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(0)
        self._fillers.append(listener)
        for _ in range(2):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)

    async def _serve(self, reader, writer):
        self.connections += 1
        own = self.script.pop(0) if self.script else None
        connection = _Connection(self, reader, writer, own)
        self._open.add(connection)
        try:
            await connection.run()
        except asyncio.CancelledError:
            pass  # the proxy is closing; asyncio.streams would print a traceback
        finally:
            self._open.discard(connection)


class ProxyThread:
    """A Proxy in a thread with its own loop: `with ProxyThread(port) as proxy: proxy.set(REFUSE)`.

    `script` may be handed in or appended to.
    """

    def __init__(self, to_port: int, to_host: str = "127.0.0.1", script=()):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.proxy = Proxy(to_port, to_host)
        self.proxy.script.extend(script)

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def __enter__(self):
        self._thread.start()
        self._run(self.proxy.start())
        return self

    def __exit__(self, *_):
        self._run(self.proxy.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def set(self, fault: Fault) -> None:
        self._run(self.proxy.set(fault))

    def drop_all(self) -> None:
        self._loop.call_soon_threadsafe(self.proxy.drop_all)

    @property
    def port(self) -> int:
        return self.proxy.port

    @property
    def script(self) -> list[Fault]:
        return self.proxy.script

    @property
    def connections(self) -> int:
        return self.proxy.connections

    @property
    def bytes(self) -> dict[str, int]:
        return self.proxy.bytes
