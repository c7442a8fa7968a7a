"""A file of two records, written in turn, so that one of them is always whole."""

from .segfiles import shut, size_of, sync, write
from .segment import RECORD, get, put, stamp

_MAGIC = b"BAK1"


class Ack:
    """index: every item before it is done; number: segments up to this have existed. In the
    file `boot`: boots so far."""

    def __init__(self, path: str):
        self.path = path
        self.index = self.number = self.version = 0
        self._file = None
        self._buf = buf = bytearray(2 * RECORD)
        try:
            with open(path, "rb", 0) as file:
                file.readinto(buf)
        except OSError as exc:
            if exc.errno != 2:  # not there: no note yet
                raise
        for at in (0, RECORD):
            version = get(buf, at + 8, 4)
            if version >= self.version and stamp(buf, at, RECORD, _MAGIC, False):
                self.version = version
                self.number = get(buf, at + 12, 4)
                self.index = get(buf, at + 16, 6)

    def note(self, index: int, number: int) -> None:
        """Put it down, safe when this returns. OSError."""
        buf = self._buf
        if self._file is None:
            if size_of(self.path) != 2 * RECORD:
                with open(self.path, "wb", 0) as file:
                    write(file, buf, 0, 2 * RECORD)
            self._file = open(self.path, "r+b", 0)  # noqa: SIM115 (it stays open)
        version = self.version + 1
        at = (version & 1) * RECORD
        put(buf, at + 8, 4, version)
        put(buf, at + 12, 4, number)
        put(buf, at + 16, 8, index)
        stamp(buf, at, RECORD, _MAGIC, True)
        self._file.seek(at)  # type: ignore[attr-defined]
        write(self._file, buf, at, RECORD)
        sync(self._file)
        self.version = version
        self.index = index
        self.number = number

    def close(self) -> None:
        self._file = shut(self._file)
