"""Reads the frames of one segment, forward, a buffer at a time.

Rules
- buf[at:end] are whole, checked data frames; the first is the one in hand, `skip` of its items
  are done. What is torn or foreign ends the segment and is counted in `torn`.
- The file is opened when it is needed and stays open between loads: an open file costs the
  heap 0.5 to 1.6 KB, a load costs nothing. `close` is always safe, the place is kept.
"""

from .segfiles import shut
from .segment import DATA, FRAME, HEAD, LONGEST, NOTE, PAD, get, seal, seals, stamp

MAGIC = b"BSG1"


class SegmentReader:
    """`size`: bytes of the buffer, which grows where a stored frame is longer; `note`: called
    with (buf, at, n) for each note."""

    def __init__(self, size: int, note=None):
        self.buf = bytearray(size)
        self.file = None
        self._note = note
        self._path = None
        self.forget()

    def forget(self) -> None:
        """Close and have no segment."""
        self.close()
        self.number = 0  # of the segment, 0: none is chosen
        self.boot = None  # of its head
        self.index = self.epoch = 0
        self.base = HEAD  # place in the file of the buffer's first byte
        self.at = self.end = 0
        self.skip = 0
        self.cut = 0  # of these, how many the codec has cut off the frame, in the buffer only
        self.torn = 0  # bytes that were no frame

    def choose(self, path: str, number: int) -> bool:
        """Take this segment and read its head -> is it a good one? OSError."""
        self.forget()
        self._path = path
        buf = self.buf
        have = self._read(0)
        self.number = number  # only now: it is chosen anew where that raises
        if have < HEAD or not stamp(buf, 0, HEAD, MAGIC, False) or get(buf, 16, 4) != number:
            return False
        self.boot = bytes(buf[8:16])
        self.index = get(buf, 20, 6)
        self.epoch = get(buf, 26, 6)
        return True

    def close(self) -> None:
        """Close the file. The next load opens it again and sees what has been added."""
        self.file = shut(self.file)

    def count(self, at: int) -> int:
        """-> the items of the frame at `at`, those that are done included."""
        return self.buf[at + 2] | self.buf[at + 3] << 8

    def after(self, at: int) -> int:
        """-> the place behind the frame at `at`."""
        return at + FRAME + ((self.buf[at] | self.buf[at + 1] << 8) & LONGEST)

    def frame(self) -> int:
        """Have a frame in hand whose items are not all done -> its items, 0 at the end. OSError."""
        while True:
            while self.at < self.end:
                n = self.count(self.at)
                if self.skip < n:
                    return n
                self.skip -= n
                self.cut = 0
                self.at = self.after(self.at)
            if not self._load():
                return 0

    def _read(self, place):
        if self.file is None:
            self.file = open(self._path, "rb", 0)  # noqa: SIM115 (it stays open)
        self.file.seek(place)
        return self.file.readinto(self.buf)

    def _load(self):
        # Read on behind the loaded frames, up to what is not data -> are there any?
        self.base += self.end
        while True:
            self.at = self.end = self.cut = at = n = 0
            have = self._read(self.base)
            buf = self.buf
            while at + 2 <= have:
                n = buf[at] | buf[at + 1] << 8
                kind = n >> 14
                if kind == PAD:
                    if self.end or n < 2:  # nothing but zeros from here on
                        return self.end > 0
                    self.at = at = at + n
                    continue
                n = FRAME + (n & LONGEST)
                if kind <= NOTE and at + n > have == len(buf):  # cut by the end of the buffer
                    break
                if kind > NOTE or at + n > have or not seal(buf, at, buf, at + FRAME, n - FRAME, 0):
                    if not self.end:
                        self.torn += have - at
                    return self.end > 0
                if kind == DATA:
                    self.end = at + n
                elif self.end:
                    return True
                else:
                    if self._note:
                        self._note(buf, at + FRAME, n - FRAME)
                    self.at = at + n
                at += n
            if self.end or have < len(buf):
                return self.end > 0
            if not at:  # longer than the buffer, or its length is wrong: that costs no memory
                if not seals(lambda at: self._read(self.base + at), buf, have, n):
                    self.torn += have
                    return False
                self.buf = bytearray(n)
            self.base += at
