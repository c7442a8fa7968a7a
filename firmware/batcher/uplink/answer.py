"""Reads one HTTP/1.1 response to its end, and no further than its bound (RFC 9112).

Rules: lines are cut at 200 bytes; head and body together may have `_MOST` bytes. A head beyond
that is an OSError; a body beyond it is left unread, and `keep` says that the connection cannot be
used again. Nothing is judged here.
"""

from ..port import const
from .wire import Wire

_MOST = const(4096)
_TEXT = const(120)  # of the body, for the message of an error

# The headers whose values are kept, as numbers of `values`; in front those that success needs.
_LENGTH = const(0)
_CODING = const(1)
_CONNECTION = const(2)
ACK = const(3)  # whatever its name is
RETRY = const(4)
DATE = const(5)
LOCATION = const(6)
_NAMES = (
    b"content-length",
    b"transfer-encoding",
    b"connection",
    b"",
    b"retry-after",
    b"date",
    b"location",
)


class Answer(Wire):
    """The connection. `status` is 0 until an answer has come; `line` is b"HTTP/1.1 200 OK", `text`
    the beginning of the body where it is not 2xx."""

    def expect(self, ack):
        """ack: the name of that header, b"" for none."""
        self._ack = ack
        self.values = list(_NAMES)

    def _line(self):
        """Is the next line in the buffer: then it is buffer[_from:_to], without its end."""
        at = self.at
        buffer = self.buffer
        i = buffer.find(b"\n", at, self.end)
        if i < 0:
            return False
        self.at = i + 1
        while i > at and buffer[i - 1] <= 32:
            i -= 1
        self._from = at
        self._to = i
        return True

    async def read(self):
        """Read the response. Raises OSError for what is not HTTP."""
        self.left = _MOST - self.end
        self.text = b""
        buffer = self.buffer
        values = self.values
        status = 0
        while status < 200:  # 1xx come before the real one
            while not self._line():
                await self.more()
            self.line = line = buffer[self._from : self._to]
            code = line[9:12]
            if not line.startswith(b"HTTP/1.") or not code.isdigit():
                raise OSError("this is not an HTTP answer: %r" % bytes(line[:40]))
            self.status = status = int(code)
            for i in range(7):
                values[i] = b""
            while True:
                while not self._line():
                    await self.more()
                at = self._from
                if at == self._to:
                    break
                end = buffer.find(b":", at, self._to)
                for i in range(at, end):
                    buffer[i] |= 32  # its name in lower case
                value = end + 1
                while value < self._to and buffer[value] == 32:
                    value += 1
                for i in range(4 if status < 300 else 7):
                    name = _NAMES[i] or self._ack
                    if len(name) == end - at and buffer.find(name, at, end) == at:
                        values[i] = buffer[value : self._to]
        keep = values[_CONNECTION].lower()
        # HTTP/1.0 closes unless it says otherwise.
        keep = keep == b"keep-alive" if line[7] == 48 else keep != b"close"
        chunked = values[_CODING].lower().endswith(b"chunked")
        n = 0  # bytes of body to pass over
        if status == 204 or status == 304:
            chunked = False
        elif not chunked:
            if values[_LENGTH].isdigit():
                n = int(values[_LENGTH])
            else:
                keep = False
                n = _MOST if status >= 300 else 0  # to the end of the connection
        try:
            while True:
                while n:
                    if self.at == self.end:
                        await self.more()
                    some = min(n, self.end - self.at)
                    if status >= 300 and len(self.text) < _TEXT:
                        self.text += buffer[self.at : self.at + min(some, _TEXT)]
                    self.at += some
                    n -= some
                if not chunked:
                    break
                while not self._line():
                    await self.more()
                line = bytes(buffer[self._from : self._to])
                try:
                    n = max(0, int(line.partition(b";")[0], 16))
                except ValueError:
                    raise OSError("a chunk without its length: %r" % line[:20])
                if n:
                    n += 2  # its CRLF
                else:
                    chunked = False
                    while self._from < self._to:  # to the empty line behind the last
                        while not self._line():
                            await self.more()
        except OSError:
            # The text of an error may be cut short, and what is beyond the bound stays unread.
            if status < 300 and self.left > 0:
                raise
            keep = False
        self.keep = keep
