"""Text row by row: a format writes a few small programs for each schema, and a loop runs them.

Rules: nothing is allocated once the programs are made. An instruction is five 16-bit words, what,
a, b, and the offset and length of a text; every one prints that text, if only an empty one:

NUMBER 0    field a times 10**(b - 128) as a decimal, behind the separator and the text; nothing
            at all where it is missing
VALUE 1     the text, then the same number, `null` where it is missing; field 0 is the time in ms
            since the block's first row
IF_VALUE 2  the separator and the text; where field a is missing go to b instead
STEP 3      the first instruction of a row: advance the time; separator a, where it is not 0; where
            b is not 0 and every field is missing go to b
END 4       the row is done
TEXT 5      the text alone
IF_SET 6    where state[a] is set go to b, else set it
STRIP 7     the text without leading zeros

state, an array('i'): row, rows there are, place in the code, separator (0: none; printing it makes
it a comma), flag, ticks of the last row, ms since the block's first row, last digit of the
breaker (0: there are no rows here), words of a row, code of a row, last four digits of the time.

A plan's `text` begins with what changes: two bytes for the format, 13 digits of the time in ms,
3 or 6 of the breaker, which is the sequence number and keeps equal times apart, a byte for the
format, and from 22 on 14 digits of the block's first sequence number.
"""

from array import array

from .. import timebase
from ..port import const, micropython, ptr8  # noqa: F401
from ..reader import read_rows
from .encoder import RecordEncoder

_CHUNK = const(64)  # rows decoded at once
_TEXT = const(5)
_PIECE = const(64)  # of text in one instruction, at most


class Plan:
    """The programs of one schema: where in `code` they begin."""

    def __init__(self, frame: bytes, breaker: int = 3):
        self.text = bytearray(36)
        self.text[:2] = frame[:2]
        self.text[15 + breaker] = frame[2]
        self.breaker = breaker
        self.code = array("H")
        self.opening = self.head = self.first = self.row = self.tail = self.closing = 0

    def here(self) -> int:
        return len(self.code)

    def do(self, what: int, text="", a: int = 0, b: int = 0) -> int:
        """Append an instruction -> its place, for `land`."""
        if isinstance(text, str):
            text = text.encode()
        at = len(self.text)
        n = len(text)
        self.text.extend(text)
        place = self.put(what, at, n if n < _PIECE or what < 2 else _PIECE, a, b)
        while what > 1 and n > _PIECE:
            at += _PIECE
            n -= _PIECE
            self.put(_TEXT, at, n if n < _PIECE else _PIECE)
        return place

    def put(self, what: int, at: int, n: int, a: int = 0, b: int = 0) -> int:
        """The same with text[at:at + n]."""
        place = len(self.code)
        for word in (what, a, b, at, n):
            self.code.append(word)
        return place

    def land(self, place: int) -> None:
        """The jump at `place` goes here."""
        self.code[place + 2] = len(self.code)


class RowEncoder(RecordEncoder):
    """A format: `plan` writes the programs of a schema, `emit` is the loop that runs them."""

    def __init__(self, emit, clock):
        super().__init__(clock)
        self._emit = emit
        self._plans = {}
        self._plan = None
        self._state = array("i", bytes(44))
        self._rows = self._state
        self._time = [0, 0, 0]

    def plan(self, schema, known: bool) -> Plan:
        """-> the programs. known: are the digits Unix time, or time since boot."""
        raise NotImplementedError

    def begin(self, batch, ident) -> None:
        if super().begin(batch, ident):
            self._plans = {}
        self._state[3] = self._more = 0
        self._plan = None
        self._part = 1

    @micropython.native
    def fill(self, buf) -> int:
        """Write the next piece into `buf` -> its length, 0 at the end."""
        o = 0
        more = self._more
        self._more = 0
        while more or self._next():
            plan = self._plan
            o = self._emit(o, 0, 0, len(buf), self._state, plan.code, plan.text, self._rows, buf)
            more = 0
            if o < 0:
                self._more = 1
                o = -1 - o
                if not o:
                    raise ValueError("fill: a buffer of %d bytes is too small" % len(buf))
                break
        return o

    @micropython.native
    def _next(self):
        # What comes next -> is there anything. _part: 1 a block, 2 its rows, 3 more, 4 a text,
        # 0 the end
        part = self._part
        if not part:
            return 0
        state = self._state
        state[0] = 0
        batch = self._batch
        if part == 2 or part == 3:
            n = read_rows(batch.state, batch.buf, self._rows, _CHUNK, state[8])
            if n:
                state[1] = n
                if part == 2:
                    plan = self._plan
                    self._part = 3
                    state[2] = plan.first
                    state[9] = plan.row
                    state[7] = 14 + plan.breaker
                return n
        plan = self._plan
        state[1] = 1
        state[7] = 0
        if part > 3:
            return self._next_text()
        if part > 1:
            state[2] = plan.tail
            self._part = 1
        elif batch.next_block():
            self._part = 2
            self._block(batch.schema)
            state[2] = self._plan.head if plan else self._plan.opening
            state[4] = 0
        else:
            self._part = 0
            if not plan:
                return 0
            state[2] = plan.closing
        return part

    def _block(self, schema):
        # Its plan, and the numbers of its first row.
        key = schema.id * 2 + self._known
        plan = self._plans.get(key)
        state = self._state
        state[8] = words = len(schema.fields) + 1
        if not plan:
            self._plans[key] = plan = self.plan(schema, self._known)
            if words * _CHUNK > len(self._rows):
                self._rows = array("i", bytes(4 * words * _CHUNK))
        self._plan = plan
        self._number(plan, self._batch.head)

    @micropython.native
    def _number(self, plan, head):
        time = self._time
        text = plan.text
        self._state[5] = head[4]
        self._state[6] = 0
        timebase.split(head[4], head[5], self._base if self._known else None, time)
        # 2**30 is 107374 times 10000 and 1824.
        low = head[2] % 10000 + head[3] * 1824
        top = head[2] // 10000 + head[3] * 107374 + low // 10000
        low %= 10000
        put_digits(text, 22, 10, top)
        put_digits(text, 32, 4, low)
        if plan.breaker == 6:
            put_digits(text, 15, 2, top % 100)
            put_digits(text, 17, 4, low)
        else:
            put_digits(text, 15, 3, low % 1000)
        self.set_time(time, text)

    def set_time(self, time, text):
        """Take the time of a block's first row: [seconds // 10000, seconds % 10000, ms]."""
        put_digits(text, 2, 6, time[0])
        put_digits(text, 8, 4, time[1])
        put_digits(text, 12, 3, time[2])
        self._state[10] = time[1] % 10 * 1000 + time[2]


@micropython.viper
def put_digits(text, at: int, count: int, number: int):
    """Write `number` (below 2**30) as `count` digits at text[at:]."""
    t = ptr8(text)
    while count:
        count -= 1
        x = number // 10
        t[at + count] = 48 + number - x * 10
        number = x
