"""SenML CBOR (RFC 8428 section 6): maps with the labels -2 bn, -3 bt, 0 n, 1 u, 2 v, 6 t.

Values are decimal fractions, tag 4 (RFC 8949 section 3.4.4), integers where the scale is 0. The
base time is in whole seconds, "t" in microseconds from there, the last three digits of which are
those of the sequence number.
"""

from ..port import micropython, ptr8, ptr32  # noqa: F401
from .emit import END, NEXT, NUMBER, SEP, SKIP, STEP, STRIP
from .enc_senml import SenmlJsonEncoder, clean


@micropython.viper
def put_record(o: int, i: int, e: ptr32, t: ptr8, out: ptr8) -> int:
    """Write the number that emit left, `t` and the time at out[o:] -> where that ends.

    Integers are those of RFC 8949 section 3.1. i: anything; o and i are registers.
    """
    o += int(out)
    v = e[8]
    e[9] = e[3] = 0
    x = 1
    while x:
        n = 0
        if (v >> 31) & 1:
            n = 32
            v = 0 - 1 - v
        i = 0
        if x ^ 1:  # microseconds, the last digits of which are in the text
            i = t[15] * 100 + t[16] * 10 + t[17] - 5328
            if n:
                i = 999 - i
        # By 16 bits, or the product would overflow: v above, i below.
        i += (v & 0xFFFF) * x
        v = ((v >> 16) & 0xFFFF) * x + (i >> 16)
        i &= 0xFFFF
        k = 1
        if v >> 16:
            n |= 27
            k = 8
        elif v:
            n |= 26
            k = 4
        elif i > 255:
            n |= 25
            k = 2
        elif i > 23:
            n |= 24
        else:
            n |= i
            k = 0
        ptr8(o)[0] = n
        o += k
        n = o
        while k:
            ptr8(n)[0] = i
            i = (i >> 8) | ((v & 255) << 8)
            v >>= 8
            n -= 1
            k -= 1
        o += 1
        x ^= 1001  # 1000, then 1
        if x & 1:
            x = 0
        else:
            ptr8(o)[0] = 0x06
            ptr8(o)[1] = 0xC4
            ptr8(o)[2] = 0x82
            ptr8(o)[3] = 0x25
            o += 4
            v = e[6]
    return o - int(out)


def text(s: str) -> bytes:
    """-> a CBOR text string."""
    data = s.encode()
    n = len(data)
    if n < 24:
        return bytes([0x60 | n]) + data
    return (bytes([0x78, n]) if n < 256 else bytes([0x79, n >> 8, n & 255])) + data


class SenmlCborEncoder(SenmlJsonEncoder):
    """application/senml+cbor."""

    content_type = "application/senml+cbor"
    again = 3

    def other(self, o, buf):
        return put_record(o, 0, self._state, self._text, buf)

    def set_time(self, time, text):
        super().set_time(time, text)
        rest = time[2]
        text[22] = 0x1A
        if not self._known:
            # -n is written as n - 1: the second before is a whole one, its rest is added again.
            text[22] = 0x3A
            if rest:
                rest = 1000 - rest
                time[1] += 1
            if time[0] or time[1]:
                time[1] -= 1
            else:
                text[22] = 0x1A  # now: 0
        self._state[6] = rest
        low = time[0] % 65536 * 10000 + time[1]  # seconds by halves: no object at 30 bits
        high = time[0] // 65536 * 10000 + (low >> 16)
        text[23] = high >> 8 & 255
        text[24] = high & 255
        text[25] = low >> 8 & 255
        text[26] = low & 255

    def plan(self, schema):
        self.do(END, b"\x9f")  # an array without a length: missing values make no record
        self.do(END)
        self.do(STEP | NEXT)
        base = self.add(b"\xa6\x21" + text(self.prefix(schema)) + b"\x22")
        for field in schema.fields:
            self.first((0, base), (0, (22, 5)))
            value = b"\xa4\x00" + text(clean(field.name)) + b"\x01" + text(field.unit) + b"\x02"
            if field.scale:
                k = field.scale
                value += bytes([0xC4, 0x82, k if k > 0 else 0x1F - k])
            self.do(SEP | SKIP, value)
            self.do(SKIP | NUMBER | STRIP | NEXT)
        self.do(END)
        self.do(END, b"\xff")
