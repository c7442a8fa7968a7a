"""The loop that prints rows as text: it runs a small program for each row, and allocates nothing.

A program is what program.py describes. An instruction runs whole or not at all: where the buffer
has no room for the longest text it could make, the loop stops in front of it.
"""

from ..port import const, micropython, ptr8, ptr16, ptr32  # noqa: F401

# What an instruction does beside printing its text; above these bits is the scale.
FIRST = const(1)
SKIP = const(2)
NEXT = const(4)  # bytes to the next field
STEP = const(8)
SEP = const(16)
STRIP = const(32)
NUMBER = const(64)
END = const(128)
_RARE = const(57)  # FIRST, STEP, SEP or STRIP
_SCALE = const(8)  # bits below it
ROOM = const(28)  # at the end of a buffer: more than any number takes


@micropython.viper
def emit(o: int, i: int, end: int, encoder, out) -> int:
    """Run from where encoder._state stands, at out[o:] -> the offset after what was written.

    There are rows left in the state where the buffer was full, or an instruction is somebody
    else's. end: of the buffer, less what any number takes at most (ROOM). i: anything; viper keeps
    the first two locals in registers, and these are they: addresses, from here on.
    """
    e = ptr32(encoder._state)
    code = int(ptr16(encoder._code))
    text = int(ptr8(encoder._text))
    start = int(ptr8(out))
    o += start
    end += start
    top = 1
    top <<= 31
    mask = (top << 1) - 1
    low = (1 << 25) - 1
    at = int(ptr8(encoder._rows)) + e[1]
    pc = code + e[2]
    while e[0]:
        n = ptr16(pc)[2]
        if o + n > end:
            break
        what = ptr16(pc)[0]
        i = text + ptr16(pc)[1]
        pc += 6
        v = ptr32(at)[0] & mask
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
                    x = i
                    i = v
                    v = ((v - e[5] + 0x20000000) & 0x3FFFFFFF) - 0x20000000
                    e[5] = i
                    e[6] = e[6] + v
                    k = what >> _SCALE
                    if k:  # fields, of which one must be there
                        e[3] = 3
                        i = at
                        while k and not (ptr32(i)[0] & mask) ^ top:
                            i += 4
                            k -= 1
                        if not k:
                            at = i
                            pc = code + e[4] - 6
                            n = 0
                    v += e[10]
                    if v >> 13:  # below 0 or perhaps above 9999: carry
                        i = v // 10000
                        v -= i * 10000
                        s = text + 11
                        while i and s ^ (text + 2):
                            s -= 1
                            i += ptr8(s)[0] - 48
                            k = i // 10
                            ptr8(s)[0] = 48 + i - k * 10
                            i = k
                    e[10] = v
                    v *= 33555  # see below
                    i = text
                    k = 4
                    while k:
                        ptr8(i)[11] = 48 + (v >> 25)
                        v = (v & low) * 10
                        i += 1
                        k -= 1
                    i = x
            if what & SEP and e[3] & 2:
                i += 1
                n -= 1
            if what & STRIP:
                if what & NUMBER:
                    e[8] = v
                    e[9] = what
                    break
                while n - 1 and not ptr8(i)[0] ^ 48:
                    i += 1
                    n -= 1
        while n >> 3:  # eight at once: most of a line is names
            ptr8(o)[0] = ptr8(i)[0]
            ptr8(o)[1] = ptr8(i)[1]
            ptr8(o)[2] = ptr8(i)[2]
            ptr8(o)[3] = ptr8(i)[3]
            ptr8(o)[4] = ptr8(i)[4]
            ptr8(o)[5] = ptr8(i)[5]
            ptr8(o)[6] = ptr8(i)[6]
            ptr8(o)[7] = ptr8(i)[7]
            o += 8
            i += 8
            n -= 8
        while n:
            ptr8(o)[0] = ptr8(i)[0]
            o += 1
            i += 1
            n -= 1
        if what & NUMBER:
            e[3] = 0
            if v & top:
                v = mask + 1 - v
                ptr8(o)[0] = 45
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
                        ptr8(o)[0] = 48
                        o += 1
                        j += 1
            while True:
                ptr8(o)[0] = 48 + (i >> 25)
                i = (i & low) * 10
                ptr8(o)[1] = 48 + (i >> 25)
                i = (i & low) * 10
                ptr8(o)[2] = 48 + (i >> 25)
                i = (i & low) * 10
                ptr8(o)[3] = 48 + (i >> 25)
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
                        ptr8(o)[0] = 48
                        o += 1
                        s -= 1
                else:
                    i = o
                    o += 1
                    while s:
                        i -= 1
                        ptr8(i)[1] = ptr8(i)[0]
                        s -= 1
                    ptr8(i)[0] = 46
        elif what & END:
            e[0] = e[0] - 1
            pc = code + e[4]
            i = text + e[7]
            x = text + 15
            while i ^ x:
                i -= 1
                if ptr8(i)[0] ^ 57:
                    ptr8(i)[0] = ptr8(i)[0] + 1
                    break
                ptr8(i)[0] = 48
    e[1] = at - int(ptr8(encoder._rows))
    e[2] = pc - code
    return o - start
