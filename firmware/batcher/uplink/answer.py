"""Reads one HTTP/1.1 response to its end, and no further than its bound (RFC 9112).

Rules: the buffer is lent and never grows; lines are cut at 200 bytes; head and body together
may have `most` bytes. A head beyond that is an OSError; a body beyond it is left unread and
`keep` says that the connection cannot be used again.
"""

from ..port import asyncio

_LINE = 200
_TEXT = 120  # of the body, for the message of an error


def clock(value):
    """Seconds into the day of an HTTP-date (RFC 9110, 5.6.7), or -1."""
    i = value.find(b":")
    try:
        return (
            int(value[i - 2 : i]) * 3600
            + int(value[i + 1 : i + 3]) * 60
            + int(value[i + 4 : i + 6])
        )
    except ValueError:
        return -1


class Answer:
    """buffer: a bytearray, lent; view: a memoryview of it."""

    def __init__(self, buffer, view):
        self._buffer = buffer
        self._view = view

    async def _more(self):
        n = await self._wire.read(self._view)
        if not n:
            raise OSError("the connection ended before the answer did")
        self._got(n)
        await asyncio.sleep(0)  # whoever drips bytes does not get the loop to himself

    def _got(self, n):
        self._at = 0
        self._end = n
        self._left -= n

    def _next(self, line):
        """-> `line` with what the buffer has of it; `_whole`: that was its end."""
        at = self._at
        end = self._end
        i = self._buffer.find(b"\n", at, end) if at < end else -1
        stop = end if i < 0 else i
        if stop > at + _LINE:
            stop = at + _LINE
        if len(line) < _LINE and stop > at:
            part = bytes(self._view[at:stop])
            line = line + part if line else part
        self._at = end if i < 0 else i + 1
        self._whole = i >= 0
        return line

    @staticmethod
    def _telling(letter, echo):
        """Does a header that begins so matter to us? Content, connection, transfer, date, ..."""
        return letter in b"ctdlr" or (echo and letter == echo[0])

    async def _line(self):
        return await self._rest(self._next(b""))

    async def _rest(self, line):
        while not self._whole:
            if self._left <= 0:
                raise OSError("the head of the answer does not end")
            await self._more()
            line = self._next(line)
        return line.rstrip()

    async def read(self, wire, echo=None, most=4096, n=0):
        """Read the response; n: bytes of it that are in the buffer already.

        Sets status, reason, keep, retry_ms (None: not asked for), echo (value of that header),
        location, text (the beginning of the body). Raises OSError for what is not HTTP.
        """
        self._wire = wire
        self._left = most
        self._got(n)
        self.status = 100
        while self.status < 200:  # 1xx come before the real one
            await self._head(echo)
        await self._body()

    async def _head(self, echo):
        line = await self._line()
        parts = line.split(None, 2)
        if len(parts) < 2 or not line.startswith(b"HTTP/1.") or not parts[1].isdigit():
            raise OSError("this is not an HTTP answer: %r" % line[:40])
        self.status = int(parts[1])
        self.reason = line[9:]
        self.keep = line[7:8] == b"1"
        self.retry_ms = self.echo = self.location = None
        self.text = ""
        self._length = -1  # unknown: the body goes to the end of the connection
        self._chunked = False
        date = late = b""
        while True:
            at = self._at  # a header that says nothing to us is passed over where it lies
            if at < self._end and self._buffer[at] > 32:
                if not self._telling(self._buffer[at] | 32, echo):
                    i = self._buffer.find(b"\n", at, self._end)
                    if i >= 0:
                        self._at = i + 1
                        continue
            line = self._next(b"")  # most often it is here: no coroutine for it
            line = line.rstrip() if self._whole else await self._rest(line)
            if not line:
                break
            if not self._telling(line[0] | 32, echo):
                continue
            name, _, value = line.partition(b":")
            name = name.lower()
            value = value.strip()
            if name == b"content-length" and value.isdigit():
                self._length = int(value)
            elif name == b"transfer-encoding":
                self._chunked = value.lower().endswith(b"chunked")
            elif name == b"connection":
                self.keep = value.lower() != b"close"
            elif name == b"date":
                date = value
            elif name == b"location":
                self.location = value
            elif name == b"retry-after":
                if value.isdigit():
                    self.retry_ms = min(int(value), 86400) * 1000
                else:
                    late = value
            elif echo and name == echo:
                self.echo = value
        if late and date:  # told apart by the other side's own clock: ours may be unset
            retry = clock(late)
            since = clock(date)
            if retry >= 0 and since >= 0:
                self.retry_ms = (retry - since) % 86400 * 1000

    async def _body(self):
        if self.status == 204 or self.status == 304:
            return
        if not self._chunked:
            if self._length < 0:
                self.keep = False
                if self.status < 300:
                    return
            await self._skip(self._length)
            return
        while True:
            line = await self._line()
            try:
                n = int(line.split(b";")[0], 16)
            except ValueError:
                raise OSError("a chunk without its length: %r" % line[:20])
            if n == 0:
                while await self._line():
                    pass
                return
            if not await self._skip(n):
                return
            await self._line()

    async def _skip(self, length):
        """Pass over so many bytes of body (-1: to the end); -> False where the bound was met."""
        while length:
            if self._at == self._end:
                if self._left <= 0:
                    self.keep = False
                    return False
                try:
                    await self._more()
                except OSError:
                    if length < 0 or self.status >= 300:  # an error's text may be cut short
                        self.keep = False
                        return False
                    raise
            n = self._end - self._at
            if 0 < length < n:
                n = length
            room = _TEXT - len(self.text)
            if room > 0 and self.status >= 300:
                self._note(room if room < n else n)
            self._at += n
            if length > 0:
                length -= n
        return True

    def _note(self, n):
        for byte in self._view[self._at : self._at + n]:
            self.text += chr(byte) if 32 <= byte < 127 else " "
