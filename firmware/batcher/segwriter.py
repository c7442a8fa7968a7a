"""Writes one segment at a time: append, sync, pad to the end of a flash block.

Rules
- What has been appended since the last sync may be lost at any moment; `size` and `index`
  count it, `synced` and `end` do not.
- An error leaves it without a file: what was synced stays, the rest was never stored.
- One file stays open between appends: opening costs heap, and littlefs copies the last,
  partly filled flash block whenever a file grows again after a sync. Stopping at a block's end
  (`pad`) saves that copy and an erase.
"""

from .segfiles import open_file, sync, write
from .segment import DATA, FRAME, HEAD, PAD, block_end, pack_frame, pack_head, put


class SegmentWriter:
    """`block`: bytes of a flash block. `index`: of the first item it will be given."""

    def __init__(self, block: int, index: int):
        self.block = block
        self.file = None
        self.number = 0
        self.epoch = 0  # as its head has it
        self.size = 0
        self.synced = 0
        self.index = index  # items appended in the spool's life
        self.end = index  # of these, how many are safe
        self._head = bytearray(HEAD)
        self._zeros = bytes(64)

    def begin(self, path: str, number: int, boot: bytes, epoch: int) -> None:
        """A new segment. OSError."""
        self.size = self.synced = 0
        self.number = number
        self.epoch = epoch
        self.file = open_file(path, "wb")
        pack_head(self._head, boot, number, self.index, epoch)
        write(self.file, self._head, 0, HEAD)
        self.size = HEAD

    def append(self, buf, at: int, n: int, count: int, kind: int = DATA) -> None:
        """Append a frame with the payload buf[at:at+n], which holds `count` items. OSError."""
        pack_frame(self._head, kind, n, count, buf, at)
        write(self.file, self._head, 0, FRAME)
        write(self.file, buf, at, n)
        self.size += FRAME + n
        self.index += count

    def sync(self) -> None:
        """Make what was appended safe. OSError."""
        if self.file is not None and self.synced != self.size:
            sync(self.file)
            self.synced = self.size
        self.end = self.index

    def block_end(self, size: int, most: int) -> int:
        """-> the last end of a flash block at or below `size` and `most`; 0: none."""
        k = min(size, most) // self.block + 1
        while (end := block_end(k, self.block)) > size or end > most:
            k -= 1
        return end

    def pad(self, end: int) -> None:
        """Fill a small gap up to `end`, so that the next append begins a flash block. OSError."""
        gap = end - self.size
        if not 2 <= gap <= self.block >> 3 or self.file is None:
            return
        put(self._head, 0, 2, gap | PAD << 14)
        write(self.file, self._head, 0, 2)
        gap -= 2
        while gap:
            n = min(gap, len(self._zeros))
            write(self.file, self._zeros, 0, n)
            gap -= n
        self.size = end

    def close(self) -> None:
        """Sync and let go of the file. OSError."""
        try:
            self.sync()
        finally:
            self.drop()

    def drop(self) -> None:
        """Let go of the file after an error: what was not synced is gone."""
        file = self.file
        self.file = None
        self.index = self.end
        self.size = self.synced
        if file is not None:
            try:
                file.close()
            except OSError:
                pass
