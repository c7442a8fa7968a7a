"""The last lines of what happened, in memory taken once.

Rules: the ring never grows; a line longer than a quarter of it is cut. `save` puts it into a
file when the firmware ends, and `previous` reads it at the next start, so that what came before
a soft reset can be read after it.
"""

from .port import ticks_ms


class LogRing:
    """`size`: bytes for all lines together, 64 or more."""

    def __init__(self, size: int = 512):
        if type(size) is not int or size < 64:
            raise ValueError("size: wanted 64 or more, found %r" % (size,))
        self._buf = bytearray(b" " * size)  # ends with the newest line; the oldest lost its head
        self._buf[-1] = 10

    def add(self, text: str) -> None:
        """Keep one line, with the ticks in seconds before it."""
        buf = self._buf
        line = ("%d %s" % (ticks_ms() // 1000, text.replace("\n", " "))).encode()  # type: ignore[operator]
        n = len(buf) // 4
        if n < len(line):
            while line[n] & 0xC0 == 0x80:  # in the middle of a character
                n -= 1
        line = line[:n] + b"\n"
        n = len(line)
        view = memoryview(buf)  # moved in place: where memory is short, so are its pieces
        view[:-n] = view[n:]
        view[-n:] = line

    def lines(self) -> list:
        """-> the lines that are still whole, oldest first."""
        return _lines(bytes(self._buf))

    def save(self, path: str) -> None:
        """Write it to a file; an OSError is nobody's business at the end of everything."""
        try:
            with open(path, "wb") as file:
                file.write(self._buf)
        except OSError:
            pass


def _lines(data):
    lines = []
    for line in data.split(b"\n")[1:]:
        if line:
            lines.append(line.decode())
    return lines


def previous(path: str) -> list:
    """-> the lines that the last run saved, [] where it saved none."""
    try:
        with open(path, "rb") as file:
            return _lines(file.read())
    except OSError:
        return []
