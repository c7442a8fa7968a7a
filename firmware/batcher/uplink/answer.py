"""Reads one HTTP/1.1 response to its end, and no further than its bound (RFC 9112).

Rules: lines are cut at 200 bytes; head and body together may have `_MOST` bytes. A head beyond
that is an OSError; a body beyond it is left unread, and `keep` says that the connection cannot be
used again. Nothing is judged here.
"""

from ..port import const

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
NAMES = (
    b"content-length",
    b"transfer-encoding",
    b"connection",
    b"",
    b"retry-after",
    b"date",
    b"location",
)


def _line(wire):
    """Is the next line in the buffer: then it is buffer[first:last], without its end."""
    at = wire.at
    buffer = wire.buffer
    i = buffer.find(b"\n", at, wire.end)
    if i < 0:
        return False
    wire.at = i + 1
    while i > at and buffer[i - 1] <= 32:
        i -= 1
    wire.line = at
    wire.stop = i
    return True


async def read(wire, ack):
    """Read the response; ack: the name of that header in lower case, b"" for none.

    Sets `status`, `said` (b"HTTP/1.1 404 Not Found"), `values`, `keep`, and `text`, the beginning
    of the body where the status is not 2xx. Raises OSError for what is not HTTP.
    """
    wire.left = _MOST - wire.end
    buffer = wire.buffer
    values = wire.values
    text = b""
    status = 0
    while status < 200:  # 1xx come before the real one
        while not _line(wire):
            await wire.more()
        wire.said = line = buffer[wire.line : wire.stop]
        if not line.startswith(b"HTTP/1.") or not line[9:12].isdigit():
            raise OSError("this is not an HTTP answer: %r" % bytes(line[:40]))
        wire.status = status = int(line[9:12])
        for i in range(7):
            values[i] = b""
        while True:
            while not _line(wire):
                await wire.more()
            at = wire.line
            if at == wire.stop:
                break
            end = buffer.find(b":", at, wire.stop)
            for i in range(at, end):
                buffer[i] |= 32  # its name in lower case
            for i in range(4 if status < 300 else 7):
                name = NAMES[i] or ack
                if len(name) == end - at and buffer.find(name, at, end) == at:
                    values[i] = buffer[end + 1 : wire.stop].strip()
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
            if status >= 300:
                n = _MOST  # to the end of the connection
    try:
        while True:
            while n:
                if wire.at == wire.end:
                    await wire.more()
                at = wire.at
                some = min(n, wire.end - at)
                if status >= 300 and len(text) < _TEXT:
                    text += buffer[at : at + min(some, _TEXT)]
                wire.at = at + some
                n -= some
            if not chunked:
                break
            while not _line(wire):
                await wire.more()
            line = bytes(buffer[wire.line : wire.stop])
            try:
                n = max(0, int(line.partition(b";")[0], 16))
            except ValueError:
                raise OSError("a chunk without its length: %r" % line[:20])
            if n:
                n += 2  # its CRLF
            else:
                chunked = False
                while wire.line < wire.stop:  # to the empty line behind the last
                    while not _line(wire):
                        await wire.more()
    except OSError:
        # The text of an error may be cut short, and what is beyond the bound stays unread.
        if status < 300 and wire.left > 0:
            raise
        keep = False
    wire.text = text
    wire.keep = keep
