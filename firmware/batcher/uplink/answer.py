"""Reads one HTTP/1.1 response to its end, and no further than its bound (RFC 9112).

Rules: lines are cut at 200 bytes; head and body together may have `_MOST` bytes. A head beyond
that is an OSError; a body beyond it is left unread, and `keep` says that the connection cannot be
used again. Nothing is judged here.
"""

from ..port import const

_MOST = const(4096)
_TEXT = const(120)  # of the body, for the message of an error

# The headers whose values are kept, behind one whose name is a setting; the numbers are those of
# `values`. The last three are of no use where the status is 2xx.
NAMES = b"content-length transfer-encoding connection retry-after date location"
ACK = const(0)
_LENGTH = const(1)
_CODING = const(2)
_CONNECTION = const(3)
RETRY = const(4)
DATE = const(5)
LOCATION = const(6)


def _line(wire):
    """-> where the next line ends, which begins at wire.line; -1 where it has not come."""
    buffer = wire.buffer
    wire.line = at = wire.at
    i = buffer.find(b"\n", at, wire.end)
    if i >= 0:
        wire.at = i + 1
        while i > at and buffer[i - 1] <= 32:
            i -= 1
    return i


async def read(wire, names):
    """Read the response -> (status, reason, values, text); sets `keep`.

    names: of headers, in lower case; values: one for each, b"" where it is not there. reason, and
    text, the beginning of the body: of all but 2xx. Raises OSError for what is no HTTP.
    """
    wire.allowed = _MOST - wire.end
    buffer = wire.buffer
    text = b""
    status = 0
    try:
        while status < 200:  # 1xx come before the real one
            while (end := _line(wire)) < 0:
                await wire.receive()
            at = wire.line
            if buffer.find(b"HTTP/1.", at, end) != at:
                raise ValueError
            old = buffer[at + 7] == 48
            status = int(buffer[at + 9 : at + 12])
            said = b"" if status < 300 else buffer[at + 12 : end]
            values = [b"", b"", b"", b"", b"", b"", b""]  # less garbage than by *
            while True:  # headers: what is of no use leaves no garbage
                while (end := _line(wire)) < 0:
                    await wire.receive()
                at = wire.line
                if at == end:
                    break
                colon = buffer.find(b":", at, end)
                for i in range(at, colon):
                    buffer[i] |= 32  # its name in lower case
                for i in range(4 if status < 300 else 7):
                    name = names[i]
                    if at + len(name) == colon and buffer.find(name, at, colon) == at:
                        values[i] = buffer[colon + 1 : end].strip()
        keep = values[_CONNECTION].lower()
        # HTTP/1.0 closes unless it says otherwise.
        keep = keep == b"keep-alive" if old else keep != b"close"
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
                while n > 0:
                    if wire.at == wire.end:
                        await wire.receive()
                    at = wire.at
                    wire.at = end = min(wire.end, at + n)
                    n -= end - at
                    if status >= 300:
                        text = (text + buffer[at:end])[:_TEXT]
                if not chunked:
                    break
                while (end := _line(wire)) < 0:
                    await wire.receive()
                n = int(bytes(buffer[wire.line : end]).partition(b";")[0], 16)
                if n:
                    n += 2  # its CRLF
                else:
                    chunked = False
                    while end != wire.line:  # to the empty line behind the last
                        while (end := _line(wire)) < 0:
                            await wire.receive()
        except OSError:
            # The text of an error may be cut short, and what is beyond the bound stays unread.
            if status < 300 and wire.allowed > 0:
                raise
            keep = False
    except ValueError:
        raise OSError("this is not an HTTP answer: %r" % bytes(buffer[wire.line :][:40]))
    wire.keep = keep
    return status, said, values, text
