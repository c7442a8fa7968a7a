"""Reads one HTTP/1.1 response to its end, and no further than its bound (RFC 9112).

Rules: lines are cut at 200 bytes; head and body together may have `_MOST` bytes. A head beyond
that is an OSError; a body beyond it is left unread, and `keep` says that the connection cannot be
used again. Nothing is judged here.
"""

from ..port import const

_MOST = const(4096)
_TEXT = const(120)  # of the body, for the message of an error

# The headers whose values are kept; the numbers are those of `values`.
NAMES = b"content-length transfer-encoding connection retry-after date location"
_LENGTH = const(0)
_CODING = const(1)
_CONNECTION = const(2)
RETRY = const(3)
DATE = const(4)
LOCATION = const(5)
ACK = const(6)  # whatever its name is


async def _line(wire):
    """-> the next line, without its end."""
    while True:
        at = wire.at
        i = wire.buffer.find(b"\n", at, wire.end)
        if i >= 0:
            wire.at = i + 1
            return bytes(wire.buffer[at:i]).rstrip()
        await wire.receive()


async def read(wire, names):
    """Read the response -> (status, b"HTTP/1.1 404 Not Found", values, text); sets `keep`.

    names: of headers, in lower case; values: one for each, b"" where it is not there. text: the
    beginning of the body where the status is not 2xx. Raises OSError for what is not HTTP.
    """
    wire.allowed = _MOST - wire.end
    buffer = wire.buffer
    text = b""
    status = 0
    try:
        while status < 200:  # 1xx come before the real one
            said = line = await _line(wire)
            if not line.startswith(b"HTTP/1."):
                raise ValueError
            status = int(line[9:12])
            values = [b""] * 7
            while line := await _line(wire):
                name, _, value = line.partition(b":")
                name = name.lower()
                if name in names:
                    values[names.index(name)] = value.strip()
        keep = values[_CONNECTION].lower()
        # HTTP/1.0 closes unless it says otherwise.
        keep = keep == b"keep-alive" if said[7] == 48 else keep != b"close"
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
                line = await _line(wire)
                n = int(line.partition(b";")[0], 16)
                if n:
                    n += 2  # its CRLF
                else:
                    chunked = False
                    while await _line(wire):  # to the empty line behind the last
                        pass
        except OSError:
            # The text of an error may be cut short, and what is beyond the bound stays unread.
            if status < 300 and wire.allowed > 0:
                raise
            keep = False
    except ValueError:
        raise OSError("this is not an HTTP answer: %r" % line[:40])
    wire.keep = keep
    return status, said, values, text
