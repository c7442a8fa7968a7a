"""What every driver of a chip keeps: find it, start a conversion, read it.

Rules: a constructor touches no bus, so a chip that is missing at power-up stops nothing.
`measure(row)` never waits: it returns 0 when the row is filled, or the milliseconds after
which it wants to be called again. It leaves nothing on the heap. Any failure is an OSError
that says what was wanted and what came, and the next call looks for the chip again from its
identity on: it may have been unplugged, reset or exchanged.
"""

from ..port import const

EIO = const(5)
ETIMEDOUT = const(110)

_LOST = const(0)  # nothing is known about the chip
_IDLE = const(1)  # found and set up
_BUSY = const(2)  # a conversion runs
_PATIENCE = const(20)  # how often a chip may ask for more time


class Driver:
    """A subclass has SCHEMA, `_find()`, `_start()` and `_read(row)`.

    `_find() -> ms`: identity, calibration, set-up; 0 when done, else call again after ms.
    `_start() -> ms`: begin a conversion, and how long it takes; 0: there is nothing to wait for.
    `_read(row) -> ms`: fill row[1...]; 0 when done, else the chip needs that much longer.
    All raise OSError. `row[0]` is left to the sampler.
    """

    SCHEMA = None

    def __init__(self, bus, address):
        self.schema = self.SCHEMA
        self.bus = bus
        self.address = address
        self._stage = _LOST
        self._waits = 0

    def measure(self, row):
        """-> 0: row[1...] is filled; n > 0: call again after n ms. Raises OSError."""
        stage = self._stage
        self._stage = _LOST  # whatever fails below, the chip is to be found again
        if stage == _LOST:
            ms = self._find()
            if ms:
                self._be_patient()
                return ms
            stage = _IDLE
        if stage == _IDLE:
            self._waits = 0
            ms = self._start()
            if ms:
                self._stage = _BUSY
                return ms
        ms = self._read(row)
        if ms:
            self._be_patient()
            self._stage = _BUSY
        else:
            self._waits = 0
            self._stage = _IDLE
        return ms

    def _be_patient(self):
        self._waits += 1
        if self._waits > _PATIENCE:
            self._waits = 0
            self.fail("is still not ready", ETIMEDOUT)

    def _find(self):
        return 0

    def _start(self):
        return 0

    def fail(self, what, errno=EIO):
        """Raise OSError(errno, "NAME at 0xADDRESS: WHAT")."""
        raise OSError(errno, "%s at 0x%02x: %s" % (self.SCHEMA.name, self.address, what))

    def expect(self, what, found, wanted):
        """OSError where the chip is not the one that was wanted."""
        if found != wanted:
            self.fail("%s is 0x%02x, wanted 0x%02x" % (what, found, wanted))
