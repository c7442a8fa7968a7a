"""A machine that prints rows: a small program for each schema, run for each row.

Rules: it writes into the caller's buffer and stops anywhere it is full, to go on in the next
one; it allocates nothing. What it prints is in the program; a format is one file `enc_*.py`
that writes programs with `Program`.

An instruction is three 16-bit words: what, a, b. State is an array('i'), see the `E_` names.
"""

from array import array

from ..port import const, micropython, ptr8, ptr16, ptr32  # noqa: F401

END = const(0)  # the row is done; the byte a, if it is not 0, is its last
LITERAL = const(1)  # literals[a : a + b]
NUMBER = const(2)  # field a (0: ms since the block's first row) times 10**(b - 128), as a decimal
DIGITS = const(3)  # digits[a : a + b] without leading zeros
VALUE = const(4)  # the byte b, then field a as it is, or null where it is missing
IF_MISSING = const(5)  # where field a is missing go to b
GO = const(6)  # go to b
ONCE = const(7)  # the byte a, but not where flag b is still 0; sets the flag
STEP = const(8)  # advance the time to this row's: the first instruction of a row
IF_EMPTY = const(9)  # where every field is missing go to b
PADDED = const(10)  # digits[a : a + b]
CBOR_INT = const(11)  # field a as a CBOR integer (RFC 8949 section 3.1)
CBOR_US = const(12)  # microseconds since the base time, likewise
IF_SET = const(13)  # where flag a is set go to b, else set it and go on
TIME_US = const(14)  # the byte a, then the time in ms with three digits of the breaker behind it

E_ROW = const(0)
E_ROWS = const(1)  # rows there are in `rows`
E_PC = const(2)
E_DONE = const(3)  # bytes of a literal already printed
E_ROW_FLAG = const(4)  # cleared at the end of each row
E_TICKS = const(5)  # of the last row
E_SINCE = const(6)  # ms from the block's first row to this one
E_BREAKER = const(7)  # 1: count the breaker on at the end of each row
E_STRIDE = const(8)  # words of a row
E_START = const(9)  # where the program for a row begins
E_BLOCK_FLAG = const(10)
E_BATCH_FLAG = const(11)
E_BASE_MS = const(12)  # CBOR: ms from the base time to the block's first row
E_WORDS = const(13)

# digits: 13 of the time in ms; 6 of the breaker, which keeps equal times apart: the sequence
# number modulo 10**6; 14 of the block's first sequence number.
TIME_AT = const(0)
BREAKER_AT = const(13)
MICRO_AT = const(16)  # its last three
SEQ_AT = const(19)
SEQ_DIGITS = const(14)
DIGITS_SIZE = const(33)


class Program:
    """Writes a program: `code` (array('H')) and `literals`."""

    def __init__(self):
        self.literals = bytearray()
        self.code = array("H")

    def here(self) -> int:
        return len(self.code)

    def do(self, what, a=0, b=0) -> int:
        """Append an instruction -> its place, for `land`."""
        place = len(self.code)
        for word in (what, a, b):
            self.code.append(word)
        return place

    def text(self, literal) -> None:
        if isinstance(literal, str):
            literal = literal.encode()
        self.do(LITERAL, len(self.literals), len(literal))
        self.literals.extend(literal)

    def land(self, place) -> None:
        """The jump at `place` goes here."""
        self.code[place + 2] = len(self.code)


@micropython.viper
def emit(o: int, i: int, v: int, end: int, state, code, literals, rows, digits, out) -> int:
    """Run from where `state` stands, at out[o:end] -> the offset after what was written.

    It is done where state[E_ROW] has reached state[E_ROWS], else the buffer was full.
    i and v: anything; viper keeps the first three locals in registers, and these are they.
    """
    e = ptr32(state)
    c = ptr16(code)
    lit = ptr8(literals)
    r = ptr32(rows)
    d = ptr8(digits)
    b = ptr8(out)
    top = 1
    top <<= 31
    mask = (top << 1) - 1
    pc = e[2]
    at = e[0] * e[8]
    while e[0] < e[1]:
        what = c[pc]
        n = c[pc + 1]
        if what == 1:  # LITERAL
            i = n + e[3]
            v = n + c[pc + 2]
            if v - i > end - o:
                v = i + end - o
            while i + 7 < v:  # eight at once: most of a line is names
                b[o] = lit[i]
                b[o + 1] = lit[i + 1]
                b[o + 2] = lit[i + 2]
                b[o + 3] = lit[i + 3]
                b[o + 4] = lit[i + 4]
                b[o + 5] = lit[i + 5]
                b[o + 6] = lit[i + 6]
                b[o + 7] = lit[i + 7]
                o += 8
                i += 8
            while i < v:
                b[o] = lit[i]
                o += 1
                i += 1
            if v < n + c[pc + 2]:
                e[3] = v - n
                break
            e[3] = 0
            pc += 3
            continue
        if end - o < 28:  # more than any other instruction prints
            break
        if what == 5:  # IF_MISSING
            v = r[at + n]
            if (v >> 30) & 3 == 2 and v & 0x3FFFFFFF == 0:
                pc = c[pc + 2]
            else:
                pc += 3
            continue
        if what == 2 or what == 4:  # NUMBER, VALUE
            v = r[at + n]
            scale = 0
            if what == 2:
                scale = c[pc + 2] - 128
                if n == 0:
                    v = e[6]
            else:
                b[o] = c[pc + 2]
                o += 1
                if (v >> 30) & 3 == 2 and v & 0x3FFFFFFF == 0:
                    b[o] = 110
                    b[o + 1] = 117
                    b[o + 2] = 108
                    b[o + 3] = 108
                    o += 4
                    pc += 3
                    continue
            v = ((v & mask) ^ top) - top
            if v < 0:
                b[o] = 45
                o += 1
                v = 0 - v
            n = 1
            i = 10
            if v >= 1000:
                n = 4
                i = 10000
            while v >= i:
                n += 1
                if n == 10:
                    break
                i *= 10
            if scale < 0:
                scale = 0 - scale  # digits behind the point
                if n <= scale:
                    n = scale + 1
                i = o + n
                o = i + 1
                n -= scale
                while scale:
                    if v < 40000:  # 52429 / 2**19 is a tenth, and no product passes 31 bits
                        x = (v * 52429) >> 19
                    else:
                        x = v // 10
                    b[i] = 48 + v - x * 10
                    v = x
                    i -= 1
                    scale -= 1
                b[i] = 46
                i -= 1
            else:
                i = o + n - 1
                o += n
                if v:
                    while scale:
                        b[o] = 48
                        o += 1
                        scale -= 1
            while v >= 40000:
                x = v // 10
                b[i] = 48 + v - x * 10
                v = x
                i -= 1
            while v > 9:
                x = (v * 52429) >> 19
                b[i] = 48 + v - x * 10
                v = x
                i -= 1
            b[i] = 48 + v
        elif what == 14:  # TIME_US
            b[o] = n
            o += 1
            i = 0
            while i < 18 and d[i] == 48:
                i += 1
                if i == 13:
                    i = 16
            if i < 13:
                while i < 13:
                    b[o] = d[i]
                    o += 1
                    i += 1
                i = 16
            while i < 19:
                b[o] = d[i]
                o += 1
                i += 1
        elif what == 0:  # END
            if n:
                b[o] = n
                o += 1
            e[0] = e[0] + 1
            i = 18
            if e[7] == 0:
                i = 0
            while i > 12:
                if d[i] != 57:
                    d[i] = d[i] + 1
                    break
                d[i] = 48
                i -= 1
            e[4] = 0
            at += e[8]
            pc = e[9]
            continue
        elif what == 8:  # STEP
            v = ((r[at] - e[5] + 0x20000000) & 0x3FFFFFFF) - 0x20000000
            e[5] = r[at]
            e[6] = e[6] + v
            i = 12
            if v < 0:
                v = 0 - v
                while v and i >= 0:
                    x = v // 10
                    n = d[i] - (v - x * 10)
                    v = x
                    if n < 48:
                        n += 10
                        v += 1
                    d[i] = n
                    i -= 1
            else:
                while v and i >= 0:
                    if v < 40000:
                        x = (v * 52429) >> 19
                    else:
                        x = v // 10
                    n = d[i] + (v - x * 10)
                    v = x
                    if n > 57:
                        n -= 10
                        v += 1
                    d[i] = n
                    i -= 1
        elif what == 7:  # ONCE
            i = c[pc + 2]
            if e[i]:
                b[o] = n
                o += 1
            e[i] = 1
        elif what == 3 or what == 10:  # DIGITS, PADDED
            i = n
            v = i + c[pc + 2]
            if what == 3:
                n = v - 1
                while i < n and d[i] == 48:
                    i += 1
            while i < v:
                b[o] = d[i]
                o += 1
                i += 1
        elif what == 9:  # IF_EMPTY
            i = at + 1
            n = 0
            while i < at + e[8]:
                v = r[i]
                if (v >> 30) & 3 != 2 or v & 0x3FFFFFFF:
                    n = 1
                i += 1
            if n == 0:
                pc = c[pc + 2]
                continue
        elif what == 6:  # GO
            pc = c[pc + 2]
            continue
        elif what == 13:  # IF_SET
            if e[n]:
                pc = c[pc + 2]
                continue
            e[n] = 1
        elif what == 11 or what == 12:  # CBOR_INT, CBOR_US
            x = 0  # above 31 bits
            if what == 11:
                v = ((r[at + n] & mask) ^ top) - top
                n = 0
                if v < 0:
                    n = 32
                    v = 0 - 1 - v
            else:
                v = e[6] + e[12]
                v = ((v & mask) ^ top) - top
                i = d[16] * 100 + d[17] * 10 + d[18] - 5328
                n = 0
                if v < 0:
                    n = 32
                    v = 0 - 1 - v
                    i = 999 - i
                i += (v & 0xFFFF) * 1000  # in two steps of 16 bits, or a product would overflow
                x = (v >> 16) * 1000 + (i >> 16)
                v = ((x & 0xFFFF) << 16) | (i & 0xFFFF)
                if x < 32768:
                    x = 0
            if x:
                b[o] = n | 27
                b[o + 1] = 0
                b[o + 2] = 0
                b[o + 3] = (x >> 24) & 255
                b[o + 4] = (x >> 16) & 255
                o += 4
            elif v < 24:
                b[o] = n | v
                o += 1
            elif v < 256:
                b[o] = n | 24
                b[o + 1] = v
                o += 2
            elif v < 65536:
                b[o] = n | 25
                b[o + 1] = v >> 8
                b[o + 2] = v & 255
                o += 3
            else:
                b[o] = n | 26
            if x or v >= 65536:
                b[o + 1] = (v >> 24) & 255
                b[o + 2] = (v >> 16) & 255
                b[o + 3] = (v >> 8) & 255
                b[o + 4] = v & 255
                o += 5
        pc += 3
    e[2] = pc
    return o


@micropython.viper
def put_digits(digits, at: int, count: int, number: int):
    """Write `number` (below 2**30) as `count` digits at digits[at:]."""
    d = ptr8(digits)
    at += count
    while count:
        at -= 1
        count -= 1
        x = number // 10
        d[at] = 48 + number - x * 10
        number = x


@micropython.viper
def copy(source, at: int, stop: int, out, o: int, end: int) -> int:
    """Copy source[at:stop] to out[o:end] as far as there is room -> how many bytes."""
    s = ptr8(source)
    b = ptr8(out)
    n = stop - at
    if n > end - o:
        n = end - o
    end = o + n
    while o < end:
        b[o] = s[at]
        o += 1
        at += 1
    return n
