"""What a spool reads when it starts: one segment, two heads, one record. Never all of it.

Rules: the heap it takes does not depend on how much is stored. It repairs nothing: a newest
file without a head is deleted, a torn tail is left where it is, and the spool begins a new
segment behind it.
"""

import os

from .segfiles import entries, open_file, read, size_of, sync, write
from .segment import RECORD, get, good_record, pack_record


class Found:
    """first, last: numbers of the oldest and newest segment (last < first: none); used: bytes;
    index, end: of the next item to deliver and the next to store; torn: bytes."""

    def __init__(self):
        self.first = self.last = self.used = self.index = self.end = self.torn = 0


def number_of(name: str) -> int:
    """-> the number of the segment with that file name, 0: it is another file."""
    if len(name) != 9 or name[0] != "s" or name[1:].strip("0123456789abcdef"):
        return 0
    return int(name[1:], 16)


def next_number(folder, number: int, top: int) -> int:
    """-> the lowest number of a segment above `number`, `top` where there is none. OSError."""
    for name, _ in entries(folder):
        n = number_of(name)
        if number < n < top:
            top = n
    return top


def recover(folder: str, cost, reader, ack) -> Found:
    """cost(size) -> flash bytes of a file; ack: the Ack. OSError."""
    found = Found()
    first = last = 0
    for name, size in entries(folder):
        number = number_of(name)
        if number:
            first = min(first or number, number)
            last = max(last, number)
            found.used += cost(size)
    found.end = ack.index
    top = max(last, ack.number)
    while last:
        path = "%s/s%08x" % (folder, last)
        size = size_of(path)
        if size >= 0:
            if reader.choose(path, last):
                found.end = _walk(reader)
                found.torn += reader.torn
                break
            reader.forget()
            os.remove(path)  # power went before its first sync: nothing in it was acknowledged
            found.used -= cost(size)
            found.torn += max(size, 0)
        below = 0
        for name, _ in entries(folder):
            number = number_of(name)
            if below < number < last:
                below = number
        last = below
    found.first, found.last = (first, last) if last else (top + 1, top)
    found.index = ack.index
    if found.index > found.end:  # a record of another life: better deliver twice
        found.index = 0
    if last:
        path = "%s/s%08x" % (folder, first)
        if reader.choose(path, first):
            found.index = max(found.index, reader.index)
        reader.forget()
    return found


def _walk(reader):
    # -> the index behind the last whole frame
    reader.torn = 0
    end = reader.index
    while reader.load():
        for i in range(reader.n):
            end += reader.frames[3 * i + 2]
    return end


class Ack:
    """The file `ack`: two records, written in turn, so that one of them is always whole.

    index: every item before it is done; number: segments up to this have existed.
    """

    def __init__(self, path: str):
        self.path = path
        self.index = self.number = self.version = 0
        self._file = None
        self._buf = buf = bytearray(2 * RECORD)
        try:
            with open_file(path, "rb") as file:
                read(file, buf, 2 * RECORD)
        except OSError:
            return
        for at in (0, RECORD):
            if good_record(buf, at) and get(buf, at + 8, 4) >= self.version:
                self.version = get(buf, at + 8, 4)
                self.number = get(buf, at + 12, 4)
                self.index = get(buf, at + 16, 6)

    def note(self, index: int, number: int) -> None:
        """Put it down, safe when this returns. OSError."""
        if self._file is None:
            if size_of(self.path) != 2 * RECORD:
                with open_file(self.path, "wb") as file:
                    write(file, self._buf, 0, 2 * RECORD)
            self._file = open_file(self.path, "r+b")
        version = self.version + 1
        at = RECORD if version & 1 else 0
        record = self._buf
        pack_record(record, at, version, number, index)
        self._file.seek(at)  # type: ignore[attr-defined]
        write(self._file, record, at, RECORD)
        sync(self._file)
        self.version = version
        self.index = index
        self.number = number

    def close(self) -> None:
        file = self._file
        self._file = None
        if file is not None:
            try:
                file.close()
            except OSError:
                pass
