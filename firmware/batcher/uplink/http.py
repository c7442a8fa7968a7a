"""A transport: each batch is one POST over a kept HTTP/1.1 connection (RFC 9110, 9112).

Rules
- A batch that fits the buffer goes with its length, a larger one in chunks, or after a dry run
  that counts where `chunked` is False.
- One deadline for the whole exchange. Whatever ends it early closes the connection.
- Done is the expected status and, where `ack` names a header, our own identity in it: a
  captive portal answers 200 too. Only what says "this content is wrong" rejects.
"""

from ..errors import Rejected, RetryAfter
from ..port import asyncio, const
from .answer import ACK, DATE, LOCATION, NAMES, RETRY, read
from .transport import Transport

_NOON = const(43200)
_CHUNK = const(6)  # "0123\r\n" before a piece, and 2 bytes after it


def _day_second(value):
    """-> seconds into the day of an HTTP-date (RFC 9110, 5.6.7). Raises ValueError."""
    i = value.index(b":")
    seconds = 0
    for part in value[i - 2 : i + 6].split(b":"):
        seconds = seconds * 60 + int(part)
    return seconds


def _printable(text):
    """-> bytes of the other side as a str for a message."""
    return ("%r" % bytes(text))[2:-1]


class HttpUplink(Transport):
    """`batcher.register_handler(HttpUplink(url, encoder, ident).send)`.

    url          http:// or https://, name or IPv4 address
    encoder      of an `enc_*` module
    ident        Identity(device, boot)
    source       the Batcher, for batches of a Ring: it knows their first number and series
    token        sent as `Authorization: Bearer`; headers: a dict of more of them
    tls          tls.Tls(ca), wanted where the URL says https
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
        self.aim(url, "http", ("80", "443"), tls)
        lines = [
            "POST /%s HTTP/1.1" % self.path,
            "Host: %s:%d" % (self.host, self.port),
            "Content-Type: " + encoder.content_type,
        ]
        if token:
            lines.append("Authorization: Bearer " + token)
        for name in headers or ():
            lines.append("%s: %s" % (name, headers[name]))
        for line in lines:
            if "\r" in line or "\n" in line:
                raise ValueError("%s: a header may not hold a line break" % line.split(":")[0])
        lines.append("Idempotency-Key: ")
        self._head = head = "\r\n".join(lines).encode()
        room = len(head) + 220  # for the key (device and series: 64 bytes each) and the length
        Transport.__init__(
            self, encoder, ident, source, resolver, room, piece, deadline_ms, wait_ms
        )
        self.ack = ack
        self.expect = expect
        self.chunked = chunked
        self._names = [ack.lower().encode() if ack else b"-"] + NAMES.split()

    async def send(self, batch):
        """Deliver it; -> True, or how many of its first items were taken."""
        offered = len(batch)
        try:
            n, answer = await self.within(self.deadline_ms, self._deliver(batch, offered))
        finally:
            if not self.keep:
                self.close()
        status, said, values, text = answer
        good = status in self.expect if self.expect else status < 300
        if not good or self.ack and values[ACK] != self._key:
            self._refuse(good, status, "%d%s" % (status, _printable(said)), values, text)
        if not n:
            raise OSError("%d before all was sent" % status)
        self.most = (self.most * 9 + 7) // 8 * (self.most < 9999)  # grows, up to "not known"
        return n == offered or n

    def _poll(self):
        """-> how many bytes have come, None where none; 0: the other side has ended."""
        self.at = self.end = 0
        try:
            got = self.sock.readinto(self.view[:16])
        except (OSError, ValueError):
            return 0
        self.end = got or 0
        return got

    async def _deliver(self, batch, offered):
        """-> (items sent, False where the answer came before their end; the answer)"""
        buffer = self.buffer
        start = self._start
        while True:
            batch = self.carve(batch, 0, offered, offered)
            self._key = key = self.name(batch)
            kept = self.keep and self._poll() is None
            if not kept:
                self.close()
                await self.open()
            self.keep = False
            self.stage = "sending"
            n, left = self.encode_first(batch, not self.chunked)
            before = 0
            end = b"\r\nTransfer-Encoding: chunked\r\n\r\n"
            if left < 0:
                before = _CHUNK
            else:
                end = b"\r\nContent-Length: %d\r\n\r\n" % left
            at = self.head(self.head(self.head(start - before, end), key), self._head)
            try:
                while True:
                    end = start + n
                    if left < 0:
                        buffer[start - 2] = buffer[end] = 13  # no garbage for a piece
                        buffer[start - 1] = buffer[end + 1] = 10
                        end += 2
                        i = 12
                        while i >= 0:
                            buffer[start - 3 - i // 4] = b"0123456789abcdef"[n >> i & 15]
                            i -= 4
                    at += self.sock.write(buffer, at, end - at) or 0  # most often all of it
                    if at < end:
                        await self.write(buffer, at, end)
                    whole = not n or n == left  # a chunk of no bytes is the last one
                    if whole:
                        break
                    left -= n
                    # An answer before the end: the rest stays here. Not a 1xx, for read() to pass.
                    if not self.end and self._poll() is not None and buffer[9] != 49:
                        break
                    await asyncio.sleep(0)  # the loop is not ours alone
                    n = self.encoder.fill(self._piece)
                    at = start - before
                self.stage = "waiting for the answer"
                answer = await read(self, self._names)
            except OSError:
                if not kept or self.end:
                    raise
                continue  # a kept connection may die of age: a new one, at once
            if not whole:
                self.keep = False
            n = len(batch)
            if answer[0] != 413 or n == 1:
                return whole and n, answer
            self.most = n // 2  # too large: send so many, and let it grow again

    def _refuse(self, good, status, said, values, text):
        ms = self.wait_ms
        if good:
            said += " without our name in %s: a captive portal?" % self.ack
        else:
            if text:
                said += ": " + _printable(text)
            if status in (400, 413, 422):
                raise Rejected(said)
            late = values[RETRY]
            try:
                if late.isdigit():
                    ms = min(int(late), 86400) * 1000
                else:  # told apart by the other side's own clock: ours may be unset
                    ms = (_day_second(late) - _day_second(values[DATE]) + _NOON) % (2 * _NOON)
                    ms = (ms - _NOON) * 1000  # half a day at most; below 0 where it has passed
            except ValueError:  # it does not ask to be left alone
                if status >= 500 or status in (408, 425, 429):
                    raise OSError(said)
                if 300 <= status < 400:
                    said += ": no redirects; set the URL to "
                    said += _printable(values[LOCATION])
                else:
                    said += ": check token and URL"
        raise RetryAfter(ms, said)
