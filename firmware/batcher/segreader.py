"""Reads the frames of one segment, forward, a buffer at a time.

Rules
- `load` leaves in `frames` the whole, checked data frames that stand at the front of the
  buffer; what is torn or foreign ends the segment and is counted in `torn`.
- The file is opened when it is needed and stays open between loads: an open file costs the
  heap 0.5 to 1.6 KB, a load costs nothing. `close` is always safe, the place is kept.
"""

from array import array

from .port import const
from .segfiles import open_file, read
from .segment import DATA, FRAME, HEAD, NOTE, PAD, get, good_head, seal

MOST = const(32)  # frames a load finds at most


class SegmentReader:
    """`size`: bytes of the buffer. It grows where a stored frame is longer."""

    def __init__(self, size: int):
        self.buf = bytearray(size)
        self.frames = array("H", bytes(6 * MOST))  # offset of the payload, length, count
        self.n = 0  # frames loaded
        self.torn = 0  # bytes that were no frame
        self.file = None
        self.path = None  # the segment's, None: none is chosen
        self.number = 0
        self.boot = None  # of the segment's head
        self.index = 0
        self.epoch = 0
        self.base = 0  # place in the file of the buffer's first byte
        self.after = 0  # and of what is behind the loaded frames
        self.note = None  # called with (buf, at, n) for each note

    def choose(self, path: str, number: int) -> bool:
        """Take this segment and read its head -> is it a good one? OSError."""
        self.forget()
        self.path = path
        self.number = number
        self._open(0)
        buf = self.buf
        if read(self.file, buf, HEAD) != HEAD or not good_head(buf, number):
            return False
        self.boot = bytes(buf[8:16])
        self.index = get(buf, 20, 6)
        self.epoch = get(buf, 26, 6)
        self.after = HEAD
        return True

    def _open(self, place):
        if self.file is None:
            self.file = open_file(self.path, "rb")
        self.file.seek(place)

    def close(self) -> None:
        """Close the file. The next load opens it again and sees what has been added."""
        file = self.file
        if file is not None:
            self.file = None
            file.close()

    def forget(self) -> None:
        """Close and have no segment."""
        self.close()
        self.path = None
        self.number = 0
        self.n = 0

    def load(self) -> int:
        """Read on behind the loaded frames -> how many there are now, 0 at the end. OSError."""
        self.n = 0
        while self.path is not None:
            self._open(self.after)
            self.base = self.after
            have = read(self.file, self.buf, len(self.buf))
            more = self._parse(have)
            if self.n or not more:
                break
            if more > len(self.buf):
                self.buf = bytearray(more)
        return self.n

    def back(self, i: int) -> None:
        """Load again, beginning with the loaded frame i. OSError."""
        self.after = self.base + self.frames[3 * i] - FRAME
        self.load()

    def _parse(self, have):
        # -> 0: nothing follows; else the bytes of buffer that the next frame asks for.
        buf = self.buf
        frames = self.frames
        full = len(buf)
        at = n = 0
        more = 0
        while n < MOST:
            if at + 2 > have:  # behind the last byte read
                more = full if have == full else 0
                break
            length = buf[at] | buf[at + 1] << 8
            kind = length >> 14
            if kind == PAD:
                if length < 2:  # nothing but zeros from here on
                    break
                at += length
                continue
            length &= 0x3FFF
            end = at + FRAME + length
            if end > have == full and kind <= NOTE:  # cut by the end of the buffer
                more = FRAME + length
                break
            if end > have or kind > NOTE or not seal(buf, at, buf, at + FRAME, length, 0):
                self.torn += have - at
                break
            if kind == DATA:
                i = 3 * n
                frames[i] = at + FRAME
                frames[i + 1] = length
                frames[i + 2] = buf[at + 2] | buf[at + 3] << 8
                n += 1
            elif self.note is not None:
                self.note(buf, at + FRAME, length)
            at = end
        else:
            more = full
        self.after += at
        self.n = n
        return more
