"""Blocks -> machine code, as short as it goes: short branches, one pool of literals."""

import struct

from .ops import BELOW, ONE, SHIFTS, TWO, Block, Op, Unknown


def encode(blocks: list[Block]) -> bytes:
    """-> the code. Raises Unknown where it does not fit Thumb-1's reach."""
    order = _order(blocks)
    bodies = {}
    for i in order:
        halves: list[int] = []
        literals: list[tuple[int, int]] = []  # (index in halves, value)
        below = 0
        for op in blocks[i].ops:
            if op.imm == BELOW and op.name in ("stsp", "ldsp"):
                below += 1 if op.name == "stsp" else -1
            elif below and op.name in ("stsp", "ldsp", "addsp", "raw", "call"):
                raise Unknown("the stack is used while something is pushed")
            _op(op, halves, literals)
        if below:
            raise Unknown("what is pushed is not popped")
        bodies[i] = halves, literals, _compare(blocks[i])
    follow = dict(zip(order, [*order[1:], -1], strict=True))
    # Branches begin short and grow where they do not reach.
    long = dict.fromkeys(order, False)
    while True:
        places, end = _places(blocks, order, follow, bodies, long)
        grown = False
        for i in order:
            if not long[i] and not _reaches(blocks, i, follow, places, bodies):
                long[i] = grown = True
        if not grown:
            return _write(blocks, order, follow, bodies, long, places, end)


def _order(blocks):
    # As it was, without those that nobody goes to.
    seen = set()
    todo = [0]
    while todo:
        i = todo.pop()
        if i not in seen:
            seen.add(i)
            todo += [n for n in (blocks[i].end.target, blocks[i].next) if n >= 0]
    return sorted(seen)


def _compare(block) -> list[int]:
    end = block.end
    if end.name != "if" or not end.how:
        return []
    if end.how == "cmpi":
        return [0x2800 | end.a << 8 | end.imm]
    return [(0x4280 if end.how == "cmp" else 0x4200) | end.b << 3 | end.a]


def _ends(block, follow):
    """-> how the block ends: (condition or None, its target or -1, then where to or -1)."""
    end = block.end
    if end.name == "ret":
        return None, -1, -1
    if end.name == "b":
        return None, -1, -1 if end.target == follow else end.target
    if end.target == follow:
        return end.cond ^ 1, block.next, -1
    return end.cond, end.target, -1 if block.next == follow else block.next


def _size(block, follow, body, long):
    halves, _, compare = body
    _, target, then = _ends(block, follow)
    n = len(halves) + len(compare) + (block.end.name == "ret")
    return 2 * (n + (target >= 0) * (2 if long else 1) + (then >= 0))


def _places(blocks, order, follow, bodies, long):
    at = 0
    places = {}
    for i in order:
        places[i] = at
        at += _size(blocks[i], follow[i], bodies[i], long[i])
    return places, at


def _reaches(blocks, i, follow, places, bodies):
    _, target, _ = _ends(blocks[i], follow[i])
    if target < 0:
        return True
    halves, _, compare = bodies[i]
    at = places[i] + 2 * (len(halves) + len(compare))
    return -256 <= places[target] - at - 4 <= 254


def _write(blocks, order, follow, bodies, long, places, end):
    out: list[int] = []
    wanted = []  # literals: (place, value)
    for i in order:
        halves, literals, compare = bodies[i]
        wanted += [(len(out) + k, value) for k, value in literals]
        out += halves
        out += compare
        cond, target, then = _ends(blocks[i], follow[i])
        if blocks[i].end.name == "ret":
            out.append(blocks[i].end.imm)
        if target >= 0 and cond is not None:
            if long[i]:
                out.append(0xD000 | (cond ^ 1) << 8)  # over the next one
                out.append(_branch(places[target], 2 * len(out)))
            else:
                out.append(0xD000 | cond << 8 | (places[target] - 2 * len(out) - 4) // 2 & 255)
        if then >= 0:
            out.append(_branch(places[then], 2 * len(out)))
    if 2 * len(out) != end:
        raise Unknown("sizes that do not fit")
    if not wanted:
        return struct.pack(f"<{len(out)}H", *out)
    if len(out) & 1:
        out.append(0xBF00)
    pool: dict[int, int] = {}
    for place, value in wanted:
        at = pool.setdefault(value, 2 * len(out) + 4 * len(pool))
        words = (at - (2 * place + 4 & ~3)) // 4
        if words > 255:
            raise Unknown("a literal out of reach")
        out[place] |= words
    code = struct.pack(f"<{len(out)}H", *out)
    return code + struct.pack(f"<{len(pool)}I", *pool)


def _branch(target, at):
    distance = (target - at - 4) // 2
    if not -1024 <= distance < 1024:
        raise Unknown("a branch out of reach")
    return 0xE000 | distance & 0x7FF


def _op(op: Op, out: list[int], literals: list) -> None:
    d, a, b, c, imm = (op.d or 0, op.a or 0, op.b or 0, op.c or 0, op.imm)
    name = op.name
    if name == "raw":
        out.append(imm)
    elif name == "mov":
        out.append(0x4600 | a << 3 | d)
    elif name == "const":
        _const(d, imm & 0xFFFFFFFF, out, literals)
    elif name in SHIFTS:
        out.append(SHIFTS.index(name) << 11 | imm << 6 | a << 3 | d)
    elif name in ("add", "sub"):
        out.append((0x1800 if name == "add" else 0x1A00) | b << 6 | a << 3 | d)
    elif name in ("addi", "subi"):
        if imm < 8 and d != a:
            out.append((0x1C00 if name == "addi" else 0x1E00) | imm << 6 | a << 3 | d)
        else:
            if d != a:
                out.append(0x4600 | a << 3 | d)
            out.append((0x3000 if name == "addi" else 0x3800) | d << 8 | imm)
    elif name in TWO:
        out.append(0x4000 | TWO[name] << 6 | b << 3 | d)
    elif name in ONE:
        out.append(0x4000 | ONE[name] << 6 | a << 3 | d)
    elif name == "call":
        out.append(0x4798)
    elif name == "ld":
        out.append(0x6800 + (op.width << 12) | imm // (4, 1, 2)[op.width] << 6 | b << 3 | d)
    elif name == "st":
        out.append(0x6000 + (op.width << 12) | imm // (4, 1, 2)[op.width] << 6 | b << 3 | a)
    elif name == "ldx":
        out.append(0x5000 | op.width << 9 | c << 6 | b << 3 | d)
    elif name == "stx":
        out.append(0x5000 | op.width << 9 | c << 6 | b << 3 | a)
    elif name == "ldsp":
        out.append(0xBC00 | 1 << d if imm == BELOW else 0x9800 | d << 8 | imm // 4)
    elif name == "stsp":
        out.append(0xB400 | 1 << a if imm == BELOW else 0x9000 | a << 8 | imm // 4)
    elif name == "addsp":
        out.append(0xA800 | d << 8 | imm // 4)
    else:
        raise Unknown(name)


def _const(d, value, out, literals):
    halves = made(d, value)
    if halves:
        out += halves
    else:
        literals.append((len(out), value))
        out.append(0x4800 | d << 8)


def made(d, value) -> list[int]:
    """-> instructions that make the value in d; none where a literal is as short."""
    move, add, sub = (code | d << 8 for code in (0x2000, 0x3000, 0x3800))
    if value < 256:
        return [move | value]
    low = (value & -value).bit_length() - 1
    shift = [low << 6 | d << 3 | d]
    if value >> low < 256:
        return [move | value >> low, *shift]
    negated = value ^ 0xFFFFFFFF
    if negated < 256:
        return [move | negated, 0x43C0 | d << 3 | d]
    if value < 511:
        return [move | 255, add | value - 255]
    for bits in range(1, 25):
        for rest, code in ((value & (1 << bits) - 1, add), (-value & (1 << bits) - 1, sub)):
            top = (value - rest if code == add else value + rest) >> bits
            if rest < 256 and 0 < top < 256:
                return [move | top, bits << 6 | d << 3 | d, code | rest]
    return []
