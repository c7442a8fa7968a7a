"""Reads one HTTP/1.1 response to its end, and no further than its bound (RFC 9112).

Rules: the buffer is lent and never grows; lines are cut at 200 bytes; head and body together
may have `most` bytes. A head beyond that is an OSError; a body beyond it is left unread and
`keep` says that the connection cannot be used again.
"""

from ..port import asyncio
from ..port_net import readable

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

    async def _more(self, kept=0):
        """Read on, behind the `kept` bytes at the front of the buffer."""
        view = self._view[kept:] if kept else self._view
        n = self._wire.get(view)
        while n is None:  # what wire.read does, without a coroutine of its own
            await readable(self._wire.sock)
            n = self._wire.get(view)
        if not n:
            raise OSError("the connection ended before the answer did")
        self._at = 0
        self._end = kept + n
        self._left -= n
        await asyncio.sleep(0)  # whoever drips bytes does not get the loop to himself

    def _find(self):
        """Is the next line in the buffer: then it is buffer[_from:_to], without its end."""
        at = self._at
        i = self._buffer.find(b"\n", at, self._end)
        if i < 0:
            return False
        self._at = i + 1
        while i > at and self._buffer[i - 1] <= 32:
            i -= 1
        self._from = at
        self._to = i
        return True

    async def _line(self):
        """The same, waiting for it; of a long line the first 200 bytes are kept."""
        while not self._find():
            if self._left <= 0:
                raise OSError("the head of the answer does not end")
            at = self._at
            n = min(self._end - at, _LINE)
            self._buffer[:n] = self._buffer[at : at + n]
            await self._more(n)

    def _is(self, word):
        """Does the line begin so, in whatever case: then `_from` is behind it and its blanks."""
        at = self._from
        buffer = self._buffer
        i = 0
        while i < len(word):
            if at == self._to or buffer[at] | 32 != word[i]:
                return False
            at += 1
            i += 1
        while at < self._to and buffer[at] == 32:
            at += 1
        self._from = at
        return True

    def _text(self):
        return bytes(self._view[self._from : self._to])

    def _number(self, base):
        """-> the number that begins here, -1 where there is none."""
        at = self._from
        n = -1
        while at < self._to:
            digit = self._buffer[at]
            if digit == 32 or digit == 59:  # a chunk may have more behind a semicolon
                break
            digit = digit - 48 if digit < 58 else (digit | 32) - 87
            if not 0 <= digit < base:
                return -1
            n = (n if n > 0 else 0) * base + digit
            at += 1
        return n

    async def read(self, wire, echo=None, name=None, most=4096, n=0):
        """Read the response; n: bytes of it that are in the buffer already.

        Sets status, reason (b"404 Not Found"), keep, retry_ms (None: not asked for), echo (has
        the header `echo`, b"in-lower-case:", the value `name`), location, text (the beginning
        of the body). Raises OSError for what is not HTTP.
        """
        self._wire = wire
        self._left = most - n
        self._at = 0
        self._end = n
        status = 0
        while status < 200:  # 1xx come before the real one
            await self._line()
            status = -1
            if self._is(b"http/1."):
                self.keep = self._buffer[self._from] == 49  # HTTP/1.1
                self._from += 2
                status = self._number(10)
            if not 100 <= status < 1000:
                raise OSError("this is not an HTTP answer: %r" % self._text()[:40])
            self.status = status
            self.reason = b"200" if status == 200 else self._text()
            self.retry_ms = self.location = None
            self.echo = self._chunked = False
            self.text = ""
            self._length = -1  # unknown: the body goes to the end of the connection
            date = late = b""
            while True:
                if not self._find():  # most often it is here: no coroutine for it
                    await self._line()
                if self._from == self._to:
                    break
                if self._is(b"content-length:"):
                    self._length = self._number(10)
                elif self._is(b"transfer-encoding:"):
                    self._chunked = self._text().lower().endswith(b"chunked")
                elif self._is(b"connection:"):
                    self.keep = not self._is(b"close")
                elif echo and self._is(echo):
                    at = self._from
                    n = self._to - at
                    self.echo = n == len(name) and self._buffer.find(name, at, at + n) == at
                elif status < 300:
                    continue
                elif self._is(b"date:"):
                    date = self._text()
                elif self._is(b"location:"):
                    self.location = self._text()
                elif self._is(b"retry-after:"):
                    n = self._number(10)
                    if n >= 0:
                        self.retry_ms = min(n, 86400) * 1000
                    else:
                        late = self._text()
        if late and date:  # told apart by the other side's own clock: ours may be unset
            retry = clock(late)
            since = clock(date)
            if retry >= 0 and since >= 0:
                self.retry_ms = (retry - since) % 86400 * 1000
        if status == 204 or status == 304:
            return
        if self._chunked:
            await self._chunks()
            return
        if self._length < 0:
            self.keep = False
            if status < 300:
                return
        await self._skip(self._length)

    async def _chunks(self):
        while True:
            await self._line()
            n = self._number(16)
            if n < 0:
                raise OSError("a chunk without its length: %r" % self._text()[:20])
            if n == 0:
                while self._from < self._to:  # to the empty line behind the last
                    await self._line()
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
