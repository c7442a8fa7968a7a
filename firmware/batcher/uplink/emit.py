"""The loop that prints rows as text: it runs a small program for each row, and allocates nothing.

A program is what program.py describes. An instruction runs whole or not at all: where the buffer
has no room for the longest text it could make, the loop stops in front of it.
"""

from ..port import micropython, ptr8, ptr16, ptr32  # noqa: F401


@micropython.viper
def emit(o: int, i: int, v: int, end: int, state, code, text, rows, out) -> int:
    """Run from where `state` stands, at out[o:end] -> the offset after what was written.

    Where the buffer was full before state[0] has reached state[1]: -1 - the offset.
    i and v: anything; viper keeps the first three locals in registers, and these are they.
    """
    e = ptr32(state)
    c = ptr16(code)
    t = ptr8(text)
    r = ptr32(rows)
    b = ptr8(out)
    top = 1
    top <<= 31
    mask = (top << 1) - 1
    low = (1 << 25) - 1
    pc = e[2]
    sep = e[3]
    stride = e[8]
    at = e[0] * stride
    left = e[1] - e[0]
    end -= 28  # more than any number takes
    while left:
        n = c[pc + 4]
        if end - o < n:
            break
        what = c[pc]
        a = c[pc + 1]
        i = c[pc + 3]
        n += i
        if what < 3:  # NUMBER, VALUE, IF_VALUE
            v = r[at + a] & mask
            if what != 1:
                if v == top:
                    pc += 5
                    if what:
                        pc = c[pc - 3]
                    continue
                if sep:
                    b[o] = sep
                    o += 1
                sep = 44
        elif what == 3:  # STEP
            v = ((r[at] - e[5] + 0x20000000) & 0x3FFFFFFF) - 0x20000000
            e[5] = r[at]
            e[6] = e[6] + v
            r[at] = e[6]
            v += e[10]
            if v < 0 or v > 9999:
                x = v // 10000
                v -= x * 10000
                i = 10
                while x and i > 1:
                    x += t[i] - 48
                    n = x // 10
                    t[i] = 48 + x - n * 10
                    x = n
                    i -= 1
            e[10] = v
            v *= 33555  # see below
            i = 11
            while i < 15:
                t[i] = 48 + (v >> 25)
                v = (v & low) * 10
                i += 1
            i = c[pc + 3]
            n = i + c[pc + 4]
            if a:
                sep = a
            if c[pc + 2]:
                v = 1
                while v < stride and r[at + v] & mask == top:
                    v += 1
                if v == stride:
                    pc = c[pc + 2]
                    continue
        elif what == 6:  # IF_SET
            if e[a]:
                pc = c[pc + 2]
                continue
            e[a] = 1
        elif what == 7:  # STRIP
            while i < n - 1 and t[i] == 48:
                i += 1
        while i + 7 < n:  # eight at once: most of a line is names
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
        while i < n:
            b[o] = t[i]
            o += 1
            i += 1
        if what < 2:
            if v == top:
                b[o] = 110
                b[o + 1] = 117
                b[o + 2] = 108
                b[o + 3] = 108
                o += 4
                pc += 5
                continue
            if v & top:
                v = mask + 1 - v
                b[o] = 45
                o += 1
            i = 1
            x = v
            if v > 9999:
                i = 10000
                if v > 99999999:
                    i = 100000000
                x = v // i
                v -= x * i
            x *= 33555  # 2**25 / 1000: the first of four digits stands above 25 bits
            n = 4
            while x <= low and n > 1:
                x *= 10
                n -= 1
            a = o
            while True:
                b[o] = 48 + (x >> 25)
                x = (x & low) * 10
                b[o + 1] = 48 + (x >> 25)
                x = (x & low) * 10
                b[o + 2] = 48 + (x >> 25)
                x = (x & low) * 10
                b[o + 3] = 48 + (x >> 25)
                o += n
                if i == 1:
                    break
                i //= 10000
                x = v // i
                v -= x * i
                x *= 33555
                n = 4
            i = c[pc + 2]  # the scale and 128
            if i > 128:
                if o - a > 1 or b[a] != 48:
                    while i > 128:
                        b[o] = 48
                        o += 1
                        i -= 1
            elif i < 128:  # digits behind the point
                x = 129 - i - o + a
                if x > 0:  # zeros before them
                    n = o
                    o += x
                    while n > a:
                        n -= 1
                        b[n + x] = b[n]
                    while x:
                        x -= 1
                        b[a + x] = 48
                v = o
                o += 1
                while i < 128:
                    b[v] = b[v - 1]
                    v -= 1
                    i += 1
                b[v] = 46
        elif what == 4:  # END
            left -= 1
            i = e[7]
            while i > 14:
                if t[i] != 57:
                    t[i] = t[i] + 1
                    break
                t[i] = 48
                i -= 1
            at += stride
            pc = e[9]
            continue
        pc += 5
    e[0] = e[1] - left
    e[2] = pc
    e[3] = sep
    if left:
        o = 0 - 1 - o
    return o
