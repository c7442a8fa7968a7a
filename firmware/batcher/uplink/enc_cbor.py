"""SenML CBOR (RFC 8428 section 6): maps with the labels -2 bn, -3 bt, 0 n, 1 u, 2 v, 6 t.

Values are decimal fractions, tag 4 (RFC 8949 section 3.4.4), integers where the scale is 0. The
base time is in whole seconds, "t" in microseconds from there, the last three digits of which are
those of the sequence number.
"""

from ..port import const, micropython, ptr8, ptr16, ptr32  # noqa: F401
from ..timebase import boot
from .program import Plan
from .senml import SenmlEncoder, clean

# As in program.py, but VALUE is a CBOR integer: of field a, or, where a is 0, microseconds since
# the base time. state[3] is the ms from there to the block's first row.
_VALUE = const(1)
_IF_VALUE = const(2)
_STEP = const(3)
_END = const(4)
_TEXT = const(5)
_IF_SET = const(6)


def text(s: str) -> bytes:
    """-> a CBOR text string."""
    data = s.encode()
    n = len(data)
    if n < 24:
        return bytes([0x60 | n]) + data
    return (bytes([0x78, n]) if n < 256 else bytes([0x79, n >> 8, n & 255])) + data


def small(number: int) -> bytes:
    """-> a CBOR integer of -24 to 23."""
    return bytes([number if number >= 0 else 0x20 | (-1 - number)])


@micropython.viper
def emit(o: int, i: int, v: int, end: int, state, code, text, rows, out) -> int:
    """What emit.py does, with integers of CBOR (RFC 8949 section 3.1)."""
    e = ptr32(state)
    c = ptr16(code)
    t = ptr8(text)
    r = ptr32(rows)
    b = ptr8(out)
    top = 1
    top <<= 31
    mask = (top << 1) - 1
    pc = e[2]
    at = e[0] * e[8]
    while e[0] < e[1]:
        what = c[pc]
        a = c[pc + 1]
        i = c[pc + 3]
        n = i + c[pc + 4]
        if end - o < n - i + 9:
            break
        pc += 5
        if what < 4:
            v = r[at + a] & mask
        if what == 3:  # STEP
            e[6] = e[6] + ((v - e[5] + 0x20000000) & 0x3FFFFFFF) - 0x20000000
            e[5] = v
            r[at] = e[6]
        elif what == 6 and e[a] or what == 2 and v == top:  # IF_SET, IF_VALUE
            pc = c[pc - 3]
            continue
        elif what == 6:
            e[a] = 1
        while i < n:
            b[o] = t[i]
            o += 1
            i += 1
        if what == 4:  # END
            e[0] = e[0] + 1
            at += e[8]
            i = e[7]
            while i > 14:
                if t[i] != 57:
                    t[i] = t[i] + 1
                    break
                t[i] = 48
                i -= 1
            pc = e[9]
        elif what == 1:  # VALUE
            if a == 0:
                v = (v + e[3]) & mask
            n = 0
            if v & top:
                n = 32
                v = mask - v
            x = 0  # above 32 bits
            if a == 0:
                i = t[15] * 100 + t[16] * 10 + t[17] - 5328
                if n:
                    i = 999 - i
                i += (v & 0xFFFF) * 1000  # in two steps of 16 bits, or a product would overflow
                x = (v >> 16) * 1000 + (i >> 16)
                v = ((x & 0xFFFF) << 16) | (i & 0xFFFF)
                x >>= 16
            k = 0
            if x:
                n |= 27
                k = 8
            elif (v >> 16) & 0xFFFF:
                n |= 26
                k = 4
            elif v > 255:
                n |= 25
                k = 2
            elif v > 23:
                n |= 24
                k = 1
            else:
                n |= v
            b[o] = n
            o += 1
            i = o + k
            o = i
            while k:
                i -= 1
                b[i] = v & 255
                v >>= 8
                k -= 1
                if k == 4:
                    v = x
    e[2] = pc
    if e[0] < e[1]:
        o = 0 - 1 - o
    return o


class SenmlCborEncoder(SenmlEncoder):
    """application/senml+cbor."""

    content_type = "application/senml+cbor"

    def __init__(self, clock=boot):
        super().__init__(emit, clock)

    def set_time(self, time, text):
        rest = time[2]
        text[22] = 0x1A
        if not self._known:
            self._age(time)
            # -n is written as n - 1: the second before is a whole one, its rest is added again.
            rest = 0
            text[22] = 0x3A
            if time[2]:
                rest = 1000 - time[2]
                time[1] += 1
            if time[0] or time[1]:
                time[1] -= 1
            else:
                text[22] = 0x1A  # now: 0
        self._state[3] = rest
        low = time[0] % 65536 * 10000 + time[1]  # seconds by halves: no object at 30 bits
        high = time[0] // 65536 * 10000 + (low >> 16)
        text[23] = high >> 8 & 255
        text[24] = high & 255
        text[25] = low >> 8 & 255
        text[26] = low & 255

    def plan(self, schema, known):
        plan = Plan(b"   ")
        plan.do(_TEXT, b"\x9f")  # an array without a length: missing values make no record
        plan.head = plan.tail = plan.do(_END)
        plan.first = plan.row = plan.do(_STEP)
        for i, field in enumerate(schema.fields):
            missing = plan.do(_IF_VALUE, "", i + 1)
            based = plan.do(_IF_SET, "", 4)
            plan.do(_TEXT, b"\xa6\x21" + text(self.prefix(schema)) + b"\x22")
            plan.put(_TEXT, 22, 5)
            over = plan.do(_IF_SET, "", 1)  # it is set
            plan.land(based)
            plan.do(_TEXT, b"\xa4")
            plan.land(over)
            start = b"\x00" + text(clean(field.name)) + b"\x01" + text(field.unit) + b"\x02"
            start += b"\xc4\x82" + small(field.scale) if field.scale else b""
            plan.do(_VALUE, start, i + 1)
            plan.do(_VALUE, b"\x06\xc4\x82" + small(-6))
            plan.land(missing)
        plan.do(_END)
        plan.closing = plan.do(_TEXT, b"\xff")
        plan.do(_END)
        return plan
