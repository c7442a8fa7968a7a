"""A transport: each batch is one POST over a kept HTTP/1.1 connection (RFC 9110, 9112).

Rules
- One buffer, made at construction: [ head | body piece ]. The head is written so that it ends
  where the piece begins; both leave in one write. A batch that fits goes with its length, a
  larger one in chunks, or after a dry run that counts where `chunked` is False.
- One deadline for the whole exchange. Whatever ends it early closes the connection.
- Done is the expected status and, where `ack` names a header, our own identity in it: a
  captive portal answers 200 too. Only what says "this content is wrong" rejects.
"""

from ..errors import Rejected, RetryAfter
from ..port import asyncio
from .answer import Answer
from .naming import Name, begin, first_of
from .wire import Wire, within

_HEX = b"0123456789abcdef"
_CHUNK = 6  # "0123\r\n" before a piece, and 2 bytes after it
_FAULTS = (408, 425, 429)  # try again later, like 5xx


def split_url(url):
    """ "https://host:port/path" -> (secure, host, port, path). Raises ValueError."""
    scheme, found, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if not found or scheme not in ("http", "https") or not host or "@" in host:
        raise ValueError("url: wanted http://host/path or https://host/path, found %r" % scheme)
    host, colon, port = host.partition(":")
    if colon and not port.isdigit():
        raise ValueError("url: wanted a port number after the colon")
    secure = scheme == "https"
    return secure, host, int(port) if colon else 443 if secure else 80, "/" + path


class HttpUplink:
    """`batcher.register_handler(HttpUplink(url, encoder, ident).send)`.

    url          http:// or https://, name or IPv4 address
    encoder      of an `enc_*` module
    ident        Identity(device, boot)
    source       the Batcher, for batches of a Ring: it knows their first number and series
    token        sent as `Authorization: Bearer`; headers: a dict of more of them
    tls          tls.Tls(...); made with the built-in rules where the URL says https
    expect       the statuses that mean "taken"; None: any 2xx
    ack          header in which the collector echoes our Idempotency-Key; None: not asked for
    deadline_ms  for one whole exchange, below the watchdog's
    wait_ms      after an answer that a person has to mend (401, 403, 404, a redirect)
    chunked      False: large batches are counted first and go with their length
    piece        bytes of the body in memory at once, 512 or more
    Raises ValueError for a bad argument. `send` raises Rejected, RetryAfter or OSError.
    """

    def __init__(
        self,
        url,
        encoder,
        ident,
        source=None,
        token=None,
        headers=None,
        tls=None,
        expect=None,
        ack="Batcher-Ack",
        deadline_ms=7000,
        wait_ms=60000,
        chunked=True,
        piece=1024,
        resolver=None,
    ):
        secure, host, port, path = split_url(url)
        if piece < 512 or piece > 65535:
            raise ValueError("piece: wanted 512 to 65535, found %d" % piece)
        if secure and tls is None:
            from .tls import Tls

            tls = Tls()
        lines = ["POST %s HTTP/1.1" % path, "Host: %s:%d" % (host, port)]
        lines.append("Content-Type: %s" % encoder.content_type)
        if token:
            lines.append("Authorization: Bearer %s" % token)
        for name in headers or {}:
            lines.append("%s: %s" % (name, headers[name]))
        for line in lines:
            if "\r" in line or "\n" in line:
                raise ValueError("%s: a header may not hold a line break" % line.split(":")[0])
        self._lines = "\r\n".join(lines).encode() + b"\r\nIdempotency-Key: "
        self._start = start = len(self._lines) + 160  # room for the key and the length
        self._buffer = bytearray(start + piece + 2)
        self._view = memoryview(self._buffer)
        self._piece = self._view[start : start + piece]
        self._answer = Answer(self._buffer, self._view)
        self.wire = Wire(host, port, tls if secure else None, resolver)
        self.encoder = encoder
        self.name = Name(ident, source)
        self.ack = ack
        self._echo = (ack.lower() + ":").encode() if ack else None
        self.expect = expect
        self.deadline_ms = deadline_ms
        self.wait_ms = wait_ms
        self.chunked = chunked
        self.most = 0  # items the other side takes at once, learnt from 413; 0: not known
        self._clean = False

    async def send(self, batch):
        """Deliver it; -> True, or how many of its first items were taken."""
        self._clean = False
        try:
            return await within(self.deadline_ms, self._send(batch), self.wire)
        finally:
            if not self._clean:
                self.wire.close()

    def close(self):
        """Close the kept connection."""
        self.wire.close()

    async def _send(self, batch):
        offered = n = len(batch)
        while True:
            if 0 < self.most < n:
                batch = first_of(batch, self.most)
                n = self.most
            name = self.name.of(batch)
            answer = self._answer
            wire = self.wire
            kept = wire.sock is not None and wire.poll(self._view) is None
            if not kept:
                wire.close()
            while True:
                if wire.sock is None:
                    await wire.open()
                answer.status = 0
                try:
                    await self._exchange(batch, name)
                    break
                except OSError:
                    wire.close()
                    if not kept or answer.status >= 200:
                        raise
                    kept = False  # a kept connection may die of age: one new one, at once
            if answer.status != 413 or n == 1:
                break
            self.most = n // 2  # too large: send so many, and let it grow again
            if not answer.keep:
                wire.close()
        self._clean = answer.keep
        self._judge(answer)
        if self.most:
            self.most += 1 + self.most // 8
        return True if n == offered else n

    async def _exchange(self, batch, name):
        wire = self.wire
        wire.stage = "sending"
        buffer = self._buffer
        encoder = self.encoder
        piece = self._piece
        start = self._start
        n, length, last = begin(encoder, batch, self.name, piece, not self.chunked)
        at = self._head(name, length)
        turn = 0
        while True:
            end = start + n
            if length < 0:
                for i in range(4):
                    buffer[start - 3 - i] = _HEX[n & 15]
                    n >>= 4
                buffer[start - 2] = buffer[end] = 13
                buffer[start - 1] = buffer[end + 1] = 10
                end += 2
            at = wire.put(buffer, at, end)
            if at < end:
                await wire.write(buffer, at, end)
            if last:
                break
            got = wire.poll(
                self._view
            )  # an answer before the end of the request: it will not be read
            if got is not None:
                if not got:
                    raise OSError("the connection was closed during the request")
                wire.stage = "reading the answer"
                await self._answer.read(wire, self._echo, name, n=got)
                self._answer.keep = False
                return
            turn += 1
            if not turn & 3:
                await asyncio.sleep(0)  # the loop is not ours alone
            n = encoder.fill(piece)
            if not n:
                if length < 0:
                    await wire.write(b"0\r\n\r\n", 0, 5)
                break
            at = start if length >= 0 else start - _CHUNK
        wire.stage = "waiting for the answer"
        await self._answer.read(wire, self._echo, name)

    def _head(self, name, length):
        """Put the head right before the piece; -> where it begins."""
        if length < 0:
            end = b"\r\nTransfer-Encoding: chunked\r\n\r\n"
        else:
            end = b"\r\nContent-Length: %d\r\n\r\n" % length
        stop = self._start - (_CHUNK if length < 0 else 0)
        at = stop
        for part in (end, name, self._lines):
            if len(part) > at:
                raise ValueError("ident: the name of the batch is too long for its header")
            self._buffer[at - len(part) : at] = part
            at -= len(part)
        return at

    def _judge(self, answer):
        status = answer.status
        good = status in self.expect if self.expect else 200 <= status < 300
        if good and (not self._echo or answer.echo):
            return
        reason = said = str(answer.reason, "utf-8")
        if answer.text:
            said += ": " + answer.text
        if good:
            said = "%s without our name in %s: a captive portal?" % (said, self.ack)
        elif status in (400, 413, 422):
            raise Rejected(said)
        elif answer.retry_ms is not None:
            raise RetryAfter(answer.retry_ms, said)
        elif status >= 500 or status in _FAULTS:
            raise OSError(said)
        elif 300 <= status < 400:
            said = "%s: redirects are not followed; set the URL to %s" % (
                reason,
                str(answer.location or b"", "utf-8"),
            )
        else:
            said += ": nothing is lost; check token and URL"
        raise RetryAfter(self.wait_ms, said)
