"""The last lines of what happened, in memory taken once.

Rules: the ring never grows; a line longer than a quarter of it is cut. `save` puts it into a
file when the firmware ends, and `previous` reads it at the next start, so that what came before
a soft reset can be read after it.
"""

from .port import ticks_ms

_END = 10  # newline: lines are stored one after the other, the oldest are overwritten


class LogRing:
    """`size`: bytes for all lines together, 64 or more."""

    def __init__(self, size: int = 512):
        if type(size) is not int or size < 64:
            raise ValueError("size: wanted 64 or more, found %r" % (size,))
        self._buf = bytearray(size)
        self._at = 0
        self._wrapped = False
        self._last = 0  # where the newest line begins
        self.count = 0  # lines ever added

    def add(self, text: str) -> None:
        """Keep one line, with the ticks in seconds before it."""
        buf = self._buf
        size = len(buf)
        line = ("%d %s" % (ticks_ms() // 1000, text.replace("\n", " "))).encode()  # type: ignore[operator]
        n = min(len(line), size // 4)
        self._last = self._at
        for i in range(n + 1):
            buf[self._at] = line[i] if i < n else _END
            self._at += 1
            if self._at == size:
                self._at = 0
                self._wrapped = True
        self.count = (self.count + 1) & 0x3FFFFFFF

    def last(self) -> "str | None":
        """-> the newest line without its time, None where there is none."""
        if not self.count:
            return None
        buf = self._buf
        if self._last < self._at:
            line = bytes(buf[self._last : self._at - 1])
        else:  # around the end
            line = (bytes(buf[self._last :]) + bytes(buf[: self._at]))[:-1]
        return _text(line).partition(" ")[2]

    def lines(self) -> list:
        """-> the lines that are still whole, oldest first."""
        buf = self._buf
        data = bytes(buf[: self._at])
        if self._wrapped:
            data = bytes(buf[self._at :]) + data
            data = data[data.find(b"\n") + 1 :]  # the oldest is only its tail
        return [_text(line) for line in data.split(b"\n") if line]

    def save(self, path: str) -> None:
        """Write it to a file; an OSError is nobody's business at the end of everything."""
        try:
            with open(path, "w") as file:
                file.write("\n".join(self.lines()))
        except OSError:
            pass


def _text(line):
    try:
        return line.decode()
    except UnicodeError:  # cut in the middle of a character
        return "".join([chr(c) if c < 128 else "?" for c in line])


def previous(path: str) -> list:
    """-> the lines that the last run saved, [] where it saved none."""
    try:
        with open(path) as file:
            return file.read().split("\n")
    except OSError:
        return []
