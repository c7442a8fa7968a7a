"""Text row by row: a format writes small programs for each schema, and a loop runs them.

Rules: nothing is allocated once the programs are made. There are four, each ends with END: the
head of the first block with what comes before, of every other block, a row, and the document's
end. An instruction is three 16-bit words: what, and the offset and length of a text, which it
prints. `what` is none or more of these, and the scale above them:

NEXT    the next instruction is about the next field (of a row its time is the first)
SKIP    not where the field is missing
FIRST   only where the block has printed no number yet; else go as many bytes on as the scale
STEP    advance the time to the row's. With a scale: so many fields follow, and where none of
        them is there the row is an empty one, what the head's END prints. With SKIP: the number
        is not the field but the time
SEP     the text begins with a separator, which the very first does not have
STRIP   the text without leading zeros; with NUMBER: leave the loop, somebody else prints it
NUMBER  after the text the field; where it is missing and not skipped, the text's next four bytes
END     the row is done

The scale of NUMBER: so many digits behind the point; or 128 and so many zeros.

state, an array('i'): rows left, byte in the rows, byte in the code, first (1: of a block, 3: at
all), code of a row, ticks of the last row, ms since the block's first row, end of the breaker
(15: there are no rows here), of a number for somebody else what it is and `what`, and the last
four digits of the time.

A plan's text begins with what changes: two bytes for the format, 13 digits of the time in ms, 3
or 6 of the breaker, which are the last of the sequence number and keep equal times apart, a byte
for the format, and from 22 on 14 for SenML. Before a block's rows the 14 digits of
its first sequence number end where the breaker ends.
"""

from array import array

from .. import timebase
from ..port import const, micropython, ptr8  # noqa: F401
from ..reader import read_rows
from .emit import END, FIRST, ROOM, SEP, SKIP, STEP, emit
from .encoder import Encoder

_CHUNK = const(64)  # rows decoded at once
_PIECE = const(64)  # of text in one instruction, at most
_LAST = const(0xFFC4)  # what only the last of its pieces does: NEXT, NUMBER, END and the scale


class RowEncoder(Encoder):
    """A format: `plan` writes the programs of a schema."""

    frame = b"   "  # bytes 0, 1 and the one behind the breaker
    breaker = 3
    again = 3  # what a block makes of "first"

    def __init__(self, clock=timebase.boot):
        super().__init__(clock)
        self._state = array("i", bytes(44))
        self._rows = self._state
        self._time = [0, 0, 0]

    def plan(self, schema):
        """Write the programs: by `do` and `put`."""
        raise NotImplementedError

    def add(self, text) -> tuple:
        """Append to the text -> (offset, length), for `put`."""
        if isinstance(text, str):
            text = text.encode()
        at = len(self._text)
        self._text.extend(text)
        return at, len(text)

    def put(self, what: int, place: tuple) -> None:
        """Append an instruction; more than one where the text is long."""
        at, n = place
        code = self._code
        while n > _PIECE:
            now = what & ~_LAST
            what &= ~SEP
            if what & STEP:
                now = what
                what = 0
            code.extend(array("H", (now, at, _PIECE)))
            at += _PIECE
            n -= _PIECE
        code.extend(array("H", (what, at, n)))
        if what & END:
            self._starts.append(2 * len(code))

    def do(self, what: int, text="") -> None:
        """The same with a text of its own."""
        self.put(what, self.add(text))

    def first(self, *parts) -> None:
        """Append what is printed before the first number only: (what, place) each."""
        at = len(self._code)
        for what, place in parts:
            self.put(what | FIRST | SKIP, place)
        self._code[at] |= len(self._code) - at - 3 << 9  # a word has two bytes

    def start(self):
        self._part = -1
        self._state[0] = 0
        self._state[3] = 3
        return ()

    def fill(self, buf) -> int:
        o = 0
        while self._state[0] or self._next():
            o = emit(o, 0, len(buf) - ROOM, self, buf)
            if self._state[9]:
                o = self.other(o, buf)  # type: ignore[attr-defined]  # who uses STRIP | NUMBER has it
            elif self._state[0]:
                if not o:
                    raise ValueError("fill: a buffer of %d bytes is too small" % len(buf))
                return o
        return o or super().fill(buf)

    def _next(self):
        # Prepare what comes next -> is there anything. _part: the program that ran last.
        part = self._part
        state = self._state
        n = 0
        state[7] = 15
        if 0 <= part < 3:
            n = self._read()
        if n:
            state[7] += self.breaker
            if part < 2:
                state[3] |= self.again
                self.set_time(self._time, self._text)
            part = 2
        elif part > 2:
            return False
        elif self._batch.next_block():
            self._block()
            part = int(part >= 0)
        elif part < 0:
            return False
        else:
            part = 3
        self._part = part
        state[0] = n or 1
        state[1] = 0
        state[2] = self._starts[part]
        return True

    def _read(self):
        state = self._batch.state
        return read_rows(state, self._batch.buf, self._rows, _CHUNK, self._words)

    def _block(self):
        # Its plan, and the number of its first row.
        schema = self._batch.schema
        key = schema.id * 2 + self._known
        if key not in self._kept:
            self._code = array("H")
            self._text = bytearray(36)
            self._text[:2] = self.frame[:2]
            self._text[15 + self.breaker] = self.frame[2]
            self._starts = [0]
            self.plan(schema)
            self._kept[key] = self._code, self._text, self._starts
            n = (len(schema.fields) + 1) * _CHUNK
            if n >= len(self._rows):
                self._rows = array("i", bytes(4 * n + 4))
        self._code, self._text, self._starts = self._kept[key]
        self._words = len(schema.fields) + 1
        self._state[4] = self._starts[2]
        self._number(self._batch.head, 15 + self.breaker)

    def _number(self, head, end):
        # 2**30 is 107374 times 10000 and 1824.
        low = head[2] % 10000 + head[3] * 1824
        put_digits(self._text, end - 4, 4, low % 10000)
        low = low // 10000 + head[2] // 10000 + head[3] * 107374
        put_digits(self._text, end - 14, 10, low)
        self._state[5] = head[4]
        self._state[6] = 0
        timebase.split(head[4], head[5], self._base, self._time)

    def set_time(self, time, text):
        """Take the time of a block's first row: [seconds // 10000, seconds % 10000, ms]."""
        put_digits(text, 2, 6, time[0])
        put_digits(text, 8, 4, time[1])
        put_digits(text, 12, 3, time[2])
        self._state[10] = time[1] % 10 * 1000 + time[2]


def scaled(scale: int) -> int:
    """-> 10**scale as NUMBER wants it."""
    return (-scale if scale < 0 else scale and 128 + scale) << 8


@micropython.viper
def put_digits(text: ptr8, at: int, count: int, number: int):
    """Write `number` (below 2**30) as `count` digits at text[at:]."""
    text = ptr8(int(text) + at)
    while count:
        count -= 1
        x = number // 10
        text[count] = 48 + number - x * 10
        number = x
