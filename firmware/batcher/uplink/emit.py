"""The loop that prints rows as text: it runs a small program for each row, and allocates nothing.

A program is what program.py describes. An instruction runs whole or not at all: where the buffer
has no room for the longest text it could make, the loop stops in front of it.
"""

from ..port import const, micropython, ptr8, ptr16, ptr32  # noqa: F401

# What an instruction does beside printing its text; above these bits is the scale.
NEXT = const(1)
SKIP = const(2)
FIRST = const(4)
STEP = const(8)
SEP = const(16)
STRIP = const(32)
NUMBER = const(64)
END = const(128)
_RARE = const(60)  # FIRST, STEP, SEP or STRIP
_SCALE = const(8)  # bits below it


@micropython.viper
def emit(o: int, i: int, v: int, encoder, out) -> int:
    """Run from where encoder._state stands, at out[o:] -> the offset after what was written.

    There are rows left in the state where the buffer was full, or an instruction is somebody
    else's. i and v: anything; viper keeps the first three locals in registers, and these are they.
    """
    e = ptr32(encoder._state)
    c = ptr16(encoder._code)
    t = ptr8(encoder._text)
    r = ptr32(encoder._rows)
    b = ptr8(out)
    end = int(len(out)) - 28  # more than any number takes
    top = 1
    top <<= 31
    mask = (top << 1) - 1
    low = (1 << 25) - 1
    at = e[1]
    pc = e[2]
    while e[0]:
        n = c[pc + 2]
        if o + n > end:
            break
        what = c[pc]
        i = c[pc + 1]
        pc += 3
        v = r[at] & mask
        at += what & NEXT
        if not v ^ top:  # it is missing
            if what & SKIP:
                continue
            if what & NUMBER:
                n += 4  # the text goes on with "null"
                e[3] = what = 0
        if what & _RARE:
            if what & FIRST and not e[3]:
                pc += what >> _SCALE
                continue
            if what & STEP:
                if what & SKIP:
                    v = e[6] & mask
                else:
                    v = ((v - e[5] + 0x20000000) & 0x3FFFFFFF) - 0x20000000
                    e[5] = r[at - 1]
                    e[6] = e[6] + v
                    n = what >> _SCALE
                    if n:  # fields, of which one must be there
                        e[3] = 3
                        i = at + n
                        while n and not (r[at + n - 1] & mask) ^ top:
                            n -= 1
                        if not n:
                            at = i
                            pc = e[4] - 3
                    v += e[10]
                    i = 11
                    if v >> 13:  # below 0 or perhaps above 9999: carry
                        x = v // 10000
                        v -= x * 10000
                        while x and i ^ 2:
                            i -= 1
                            x += t[i] - 48
                            n = x // 10
                            t[i] = 48 + x - n * 10
                            x = n
                    e[10] = v
                    v *= 33555  # see below
                    i = 11
                    while i ^ 15:
                        t[i] = 48 + (v >> 25)
                        v = (v & low) * 10
                        i += 1
                    i = c[pc - 2]
                    n = c[pc - 1]
            if what & SEP and e[3] & 2:
                i += 1
                n -= 1
            if what & STRIP:
                if what & NUMBER:
                    e[8] = (v ^ top) - top
                    e[9] = what
                    break
                while n - 1 and not t[i] ^ 48:
                    i += 1
                    n -= 1
        while n >> 3:  # eight at once: most of a line is names
            b[o] = t[i]
            b[o + 1] = t[i + 1]
            b[o + 2] = t[i + 2]
            b[o + 3] = t[i + 3]
            b[o + 4] = t[i + 4]
            b[o + 5] = t[i + 5]
            b[o + 6] = t[i + 6]
            b[o + 7] = t[i + 7]
            o += 8
            i += 8
            n -= 8
        while n:
            b[o] = t[i]
            o += 1
            i += 1
            n -= 1
        if what & NUMBER:
            e[3] = 0
            if v & top:
                v = mask + 1 - v
                b[o] = 45
                o += 1
            s = what >> _SCALE
            k = 0  # digits behind the first group, which has n
            x = 1
            i = v
            if v > 9999:
                k = 4
                x = 10000
                if v > 99999999:
                    k = 8
                    x = 100000000
                i = v // x
                v -= i * x
            i *= 33555  # 2**25 / 1000: the first of four digits stands above 25 bits
            n = 4
            while not i >> 25 and n ^ 1:
                i *= 10
                n -= 1
            if s:
                if s & 128:
                    if not i:
                        s = 0
                else:  # at least one digit before the point
                    j = n + k
                    while j <= s:
                        b[o] = 48
                        o += 1
                        j += 1
            while True:
                b[o] = 48 + (i >> 25)
                i = (i & low) * 10
                b[o + 1] = 48 + (i >> 25)
                i = (i & low) * 10
                b[o + 2] = 48 + (i >> 25)
                i = (i & low) * 10
                b[o + 3] = 48 + (i >> 25)
                o += n
                if not k:
                    break
                x //= 10000
                i = v // x
                v -= i * x
                i *= 33555
                n = 4
                k -= 4
            if s:
                if s & 128:
                    while s & 127:
                        b[o] = 48
                        o += 1
                        s -= 1
                else:
                    i = o
                    o += 1
                    while s:
                        i -= 1
                        b[i + 1] = b[i]
                        s -= 1
                    b[i] = 46
        elif what & END:
            e[0] = e[0] - 1
            pc = e[4]
            i = e[7]
            while i ^ 15:
                i -= 1
                if t[i] ^ 57:
                    t[i] = t[i] + 1
                    break
                t[i] = 48
    e[1] = at
    e[2] = pc
    return o
