"""A scripted server on loopback, in the test's own loop: `async with Server(talk) as server:`

`talk(reader, writer)` is one connection. `HttpServer` answers requests from a list of answers
(bytes, or a callable of the request), and keeps what it was sent.
"""

from batcher.port import asyncio, urandom


class Server:
    def __init__(self, talk, tls=None):
        self.talk = talk
        self.tls = tls
        self.connections = 0
        self.open = 0
        self.writers = []

    async def __aenter__(self):
        while True:
            self.port = 20000 + int.from_bytes(urandom(2), "little") % 40000
            try:
                extra = {"ssl": self.tls} if self.tls else {}
                self.server = await asyncio.start_server(
                    self._serve, "127.0.0.1", self.port, **extra
                )
                return self
            except OSError:
                pass  # somebody has that port

    async def _serve(self, reader, writer):
        self.connections += 1
        self.open += 1
        try:
            await self.talk(reader, writer)
        except (OSError, EOFError):
            pass
        except asyncio.CancelledError:
            pass
        finally:
            self.open -= 1
            try:
                writer.close()
                await writer.wait_closed()
            except OSError:
                pass

    async def __aexit__(self, *_):
        self.server.close()
        for _ in range(5):
            await asyncio.sleep(0)


class Request:
    def __init__(self, line, headers, body):
        self.line = line
        self.headers = headers
        self.body = body


async def read_request(reader, first=None):
    """-> Request, or None at the end of the connection. first: its line, where that was read."""
    line = first or await reader.readline()
    if not line:
        return None
    headers = {}
    while True:
        text = (await reader.readline()).strip()
        if not text:
            break
        name, _, value = text.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = b""
    if headers.get("transfer-encoding") == "chunked":
        while True:
            n = int(await reader.readline(), 16)
            part = await reader.readexactly(n + 2)
            assert part[-2:] == b"\r\n"
            if not n:
                break
            body += part[:-2]
    elif "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    return Request(line.strip().decode(), headers, body)


def answer(status="200 OK", body=b"{}", headers=""):
    head = "HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n" % (status, headers, len(body))
    return head.encode() + body


def echo(request):
    """What the collector says: stored, with the name it was sent."""
    return answer(headers="Batcher-Ack: %s\r\n" % request.headers["idempotency-key"])


class HttpServer(Server):
    """answers: used once each, in order; then `rest` for ever. None closes the connection."""

    def __init__(self, answers=(), rest=echo, tls=None):
        super().__init__(self._talk, tls)
        self.answers = list(answers)
        self.rest = rest
        self.requests = []

    async def _talk(self, reader, writer):
        while True:
            request = await read_request(reader)
            if request is None:
                return
            self.requests.append(request)
            say = self.answers.pop(0) if self.answers else self.rest
            if callable(say):
                say = say(request)
            if say is None:
                return
            writer.write(say)
            await writer.drain()
            if b"Connection: close" in say:
                return
