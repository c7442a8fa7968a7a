"""What the encoders of record batches share: blocks in, bytes out, one caller's buffer at a time.

Rules
- A format is a subclass that writes, for each schema, three programs (emit.py): the head of a
  block, a row, the tail of a block; and the bytes before the first and after the last block.
- Programs are made once and kept; after that a batch leaves next to nothing on the heap.
- `begin` may be called again at any time: a retry encodes the same bytes, as long as nobody has
  set the clock in between.
"""

from array import array

from .. import block, timebase
from ..port import micropython
from . import emit
from .emit import Program

_CHUNK = 64  # rows decoded at once


class Plan:
    """The programs of one schema."""

    def __init__(self):
        self.program = Program()
        self.head = self.row = self.tail = 0

    def ready(self):
        """-> self, its arrays of fixed size."""
        self.code = array("H", self.program.code)
        self.literals = bytes(self.program.literals)
        self.program = None
        return self


class RecordEncoder:
    """Encodes batches of a RecordRing or a Spool: `begin(batch, ident)`, then `fill(buf)` until 0.

    `fill(buf)` writes the next piece into `buf` (28 bytes or more; 512 are plenty for any batch)
    and returns its length. `content_type` is a str. ident: has `device` and `boot` (16 hex digits).
    """

    content_type = "application/octet-stream"

    def __init__(self, clock=timebase.boot):
        self._clock = clock
        self._plans = {}
        self._state = array("i", bytes(4 * emit.E_WORDS))
        self._digits = bytearray(emit.DIGITS_SIZE)
        self._rows = array("i", bytes(4 * 5 * _CHUNK))
        self._time = [0, 0, 0]
        self._base = [0, 0, 0]
        self._batch = None
        self._named = None  # (device, boot) that the plans were made for
        self._known = False  # is this batch's epoch known
        self._part = 0
        self._text = b""
        self._at = 0  # bytes of _text that are out
        self._plan = None

    # A format says these.

    def opening(self, device: str, boot: str) -> bytes:
        """-> what comes before the first block."""
        return b""

    def plan(self, schema, device: str, boot: str, known: bool) -> Plan:
        """-> the programs of `schema`. known: is `digits` Unix time, or time since boot."""
        raise NotImplementedError

    closing = b""

    @micropython.native
    def begin(self, batch, ident) -> None:
        """Start, or start again, with `batch` (a cursor)."""
        self._batch = batch
        self._identify(ident, batch)
        self._find_epoch(batch)
        state = self._state
        state[emit.E_BATCH_FLAG] = 0
        state[emit.E_ROWS] = state[emit.E_ROW] = 0
        state[emit.E_DONE] = 0
        batch.rewind()
        self._text = self._opening
        self._at = 0
        self._part = _TEXT

    @micropython.native
    def _identify(self, ident, batch):
        named = self._named
        boot = ident.boot if batch.boot is None else batch.boot
        if named is None or named[0] != ident.device or named[1] != boot:
            self._named = (ident.device, boot)
            text = boot if isinstance(boot, str) else boot.hex()
            self._opening = self.opening(ident.device, text)
            self._boot = text
            self._plans.clear()

    @micropython.native
    def _find_epoch(self, batch):
        base = self._base
        self._known = True
        if batch.boot is not None:
            if batch.epoch is None:
                self._known = False
            else:
                base[0], base[1], base[2] = batch.epoch
        elif self._clock.known:
            base[0] = self._clock.offset_high
            base[1] = self._clock.offset_low
            base[2] = self._clock.offset_ms
        else:
            self._known = False

    @micropython.native
    def fill(self, buf) -> int:
        """Write the next piece into `buf` -> its length, 0 at the end."""
        o = 0
        end = len(buf)
        while self._part:
            if self._part == _TEXT:
                n = emit.copy(self._text, self._at, len(self._text), buf, o, end)
                self._at += n
                o += n
                if self._at < len(self._text):
                    return o
                self._after_text()
            else:
                o = self._emit(buf, o, end)
                if self._state[emit.E_ROW] < self._state[emit.E_ROWS]:
                    return o
                self._after_rows()
        return o

    @micropython.native
    def measure(self, batch, ident, buf) -> int:
        """-> how many bytes the batch makes, by a dry run through `buf`; `begin` afterwards."""
        self.begin(batch, ident)
        total = 0
        n = self.fill(buf)
        while n:
            total += n
            n = self.fill(buf)
        return total

    @micropython.native
    def _emit(self, buf, o, end):
        plan = self._plan
        return emit.emit(
            o, 0, 0, end, self._state, plan.code, plan.literals, self._rows, self._digits, buf
        )

    def _after_text(self):
        if self._text is self.closing and self._batch is None:
            self._part = _DONE
        else:
            self._next_block()

    @micropython.native
    def _next_block(self):
        batch = self._batch
        if not batch.next_block():
            self._batch = None
            self._text = self.closing
            self._at = 0
            self._part = _TEXT
            return
        self._plan = plan = self._plan_of(batch.schema)
        self._set_numbers(batch.head)
        self._run(plan.head, _HEAD)

    @micropython.native
    def _plan_of(self, schema):
        key = schema.id * 2 + self._known
        plan = self._plans.get(key)
        if plan is None:
            plan = self.plan(schema, self._named[0], self._boot, self._known).ready()
            self._plans[key] = plan
            words = (len(schema.fields) + 1) * _CHUNK
            if words > len(self._rows):
                self._rows = array("i", bytes(4 * words))
        self._state[emit.E_STRIDE] = len(schema.fields) + 1
        return plan

    def _run(self, start, part):
        state = self._state
        state[emit.E_ROW] = 0
        state[emit.E_ROWS] = 1
        state[emit.E_PC] = start
        state[emit.E_START] = start
        state[emit.E_BREAKER] = 0
        self._part = part

    @micropython.native
    def _after_rows(self):
        part = self._part
        if part == _TAIL:
            self._next_block()
            return
        state = self._state
        if part == _HEAD:
            self._part = _ROWS
            state[emit.E_BLOCK_FLAG] = 0
            state[emit.E_PC] = state[emit.E_START] = self._plan.row
            state[emit.E_BREAKER] = 1
        state[emit.E_ROW] = 0
        state[emit.E_ROWS] = n = self._batch.next_rows(self._rows, _CHUNK, state[emit.E_STRIDE])
        if not n:
            self._run(self._plan.tail, _TAIL)

    @micropython.native
    def _set_numbers(self, head):
        # The digits of the block's first time and number, and what depends on them.
        time = self._time
        state = self._state
        low = head[block.H_TIME]
        timebase.split(low, head[block.H_TIME_HIGH], self._base if self._known else None, time)
        state[emit.E_TICKS] = low
        state[emit.E_SINCE] = 0
        low = head[block.H_SEQ]
        high = head[block.H_SEQ_HIGH]
        # 2**30 is 107374 times 10000 and 1824.
        end = low % 10000 + high * 1824
        top = low // 10000 + high * 107374 + end // 10000
        end %= 10000
        emit.put_digits(self._digits, emit.SEQ_AT, 10, top)
        emit.put_digits(self._digits, emit.SEQ_AT + 10, 4, end)
        emit.put_digits(self._digits, emit.BREAKER_AT, 2, top % 100)
        emit.put_digits(self._digits, emit.BREAKER_AT + 2, 4, end)
        self.set_time(time)

    @micropython.native
    def set_time(self, time):
        """Take the time of a block's first row: [seconds // 10000, seconds % 10000, ms]."""
        digits = self._digits
        emit.put_digits(digits, emit.TIME_AT, 6, time[0])
        emit.put_digits(digits, emit.TIME_AT + 6, 4, time[1])
        emit.put_digits(digits, emit.TIME_AT + 10, 3, time[2])


_DONE = 0
_TEXT = 1  # self._text goes out
_HEAD = 2
_ROWS = 3
_TAIL = 4
