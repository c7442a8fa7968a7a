"""What every encoder does first (whose readings are these, and since when), and texts in pieces.

Rules: `begin` may be called again at any time: a retry makes the same bytes, as long as nobody
has set the clock in between; where times are relative to now, as long as `now` is what it was.
Where nothing else is said an encoder, once it has begun a first batch, leaves next to nothing on
the heap.
"""

from .. import timebase
from ..port import micropython, ptr8  # noqa: F401


@micropython.viper
def copy(source: ptr8, out: ptr8, at: int, o: int, n: int):
    """out[o:o + n] = source[at:at + n]"""
    source = ptr8(int(source) + at)
    out = ptr8(int(out) + o)
    while n:
        out[0] = source[0]
        source = ptr8(int(source) + 1)
        out = ptr8(int(out) + 1)
        n -= 1


class Encoder:
    """Encodes batches of a RecordRing or a Spool: `begin(batch, ident)`, then `fill(buf)` until 0.

    `fill(buf)` writes the next piece into `buf` (512 bytes are enough for any batch; ValueError
    where it is too small) and returns its length. `content_type` is a str. ident: has `device`
    and `boot` (16 hex digits).
    """

    content_type = "application/json"
    now = 0  # ticks at `begin`: relative times count from there

    def __init__(self, clock=timebase.boot):
        self._clock = clock
        self._base = [0, 0, 0]  # the epoch of the batch's boot, see timebase.split
        self._boot = self._device = None
        self._kept = {}  # what serves for all batches of this boot

    def begin(self, batch, ident) -> None:
        """Start, or start again, with `batch` (a cursor)."""
        batch.rewind()
        self._batch = batch
        base = self._base
        boot = ident.boot
        if batch.boot is None:
            clock = self._clock
            self.now = clock.touch()
            self._known = clock.known  # where it is not, the offset is 0
            base[0] = clock.offset_high
            base[1] = clock.offset_low
            base[2] = clock.offset_ms
        else:
            boot = batch.boot.hex()
            self._known = batch.epoch is not None
            base[:] = batch.epoch or (0, 0, 0)
        if boot != self._boot or ident.device != self._device:
            self._kept = {}
            self._boot = boot
            self._device = ident.device
        self._send(self.start())

    def start(self):
        """-> what gives the pieces of the batch, see `_send`."""
        raise NotImplementedError

    def _send(self, pieces):
        # bytes, or None where _text[_at:_stop] has been set
        self._pieces = pieces
        self._at = self._stop = 0
        self._text = b""

    def fill(self, buf) -> int:
        """Write the next piece into `buf` -> its length, 0 at the end."""
        o = 0
        while True:
            n = min(self._stop - self._at, len(buf) - o)
            copy(self._text, buf, self._at, o, n)
            o += n
            self._at += n
            if self._at < self._stop:
                return o
            for text in self._pieces:
                if text is not None:
                    self._text = text
                    self._at = 0
                    self._stop = len(text)
                break
            else:
                return o
