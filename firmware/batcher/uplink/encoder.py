"""What every encoder of record batches does first: whose readings are these, and since when.

Rules: once it has begun a first batch, an encoder leaves next to nothing on the heap. `begin` may
be called again at any time: a retry makes the same bytes, as long as nobody has set the clock in
between.
"""

from .. import timebase


class RecordEncoder:
    """Encodes batches of a RecordRing or a Spool: `begin(batch, ident)`, then `fill(buf)` until 0.

    `fill(buf)` writes the next piece into `buf` (512 bytes are enough for any batch; ValueError
    where it is too small) and returns its length. `content_type` is a str. ident: has `device`
    and `boot` (16 hex digits).
    """

    content_type = "application/octet-stream"

    def __init__(self, clock=timebase.boot):
        self._clock = clock
        self._base = [0, 0, 0]  # the epoch of the batch's boot, see timebase.split
        self._known = False  # is it known
        self._boot = self._device = ""

    def begin(self, batch, ident) -> bool:
        """Start, or start again, with `batch` (a cursor) -> is it of another boot or device."""
        self._batch = batch
        clock = self._clock
        base = self._base
        boot = ident.boot
        if batch.boot is None:
            self._known = clock.known
            base[0] = clock.offset_high
            base[1] = clock.offset_low
            base[2] = clock.offset_ms
        else:
            boot = batch.boot.hex()
            self._known = batch.epoch is not None
            if self._known:
                base[0], base[1], base[2] = batch.epoch
        batch.rewind()
        if boot == self._boot and ident.device == self._device:
            return False
        self._boot = boot
        self._device = ident.device
        return True

    def fill(self, buf) -> int:
        """Write the next piece into `buf` -> its length, 0 at the end."""
        raise NotImplementedError
