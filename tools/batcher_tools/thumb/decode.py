"""Machine code -> blocks: follows the code from its start, so what is never reached is left out."""

import struct

from .ops import BELOW, ONE, SHIFTS, TWO, Block, Op, Unknown

_KEPT = {0xB400 | 1 << r: r for r in range(8)}
_ALU = {number: name for name, number in (TWO | ONE).items()}


def decode(code: bytes) -> list[Block]:
    """-> blocks in the order of the code, the first is the entry. Raises Unknown."""
    reader = _Reader(code)
    reader.follow()
    return reader.blocks()


class _Reader:
    def __init__(self, code):
        self.code = code
        self.at: dict[int, tuple[Op, int, int]] = {}  # address: op, next address, target's address
        self.starts = {0}

    def half(self, at):
        if not 0 <= at <= len(self.code) - 2:
            raise Unknown(f"an address outside: {at}")
        return struct.unpack_from("<H", self.code, at)[0]

    def word(self, at):
        if not 0 <= at <= len(self.code) - 4:
            raise Unknown(f"an address outside: {at}")
        return struct.unpack_from("<I", self.code, at)[0]

    def follow(self):
        todo = [0]
        while todo:
            at = todo.pop()
            while at not in self.at:
                op, after, target = self.one(at)
                self.at[at] = op, after, target
                if target >= 0:
                    self.starts.add(target)
                    todo.append(target)
                if op.name == "if":
                    self.starts.add(after)
                if op.name in ("b", "ret"):
                    break
                at = after

    def blocks(self):
        order = sorted(self.starts)
        number = {at: i for i, at in enumerate(order)}
        found = []
        for at in order:
            block = Block()
            found.append(block)
            while True:
                op, after, target = self.at[at]
                if op.name in ("b", "ret", "if"):
                    block.end = op
                    op.target = number.get(target, -1)
                    block.next = number[after] if op.name == "if" else -1
                    break
                block.ops.append(op)
                at = after
                if at in number:
                    block.end = Op("b", target=number[at])
                    break
        return found

    def one(self, at):
        """-> (op, address behind it, address of its target or -1)."""
        h = self.half(at)
        rest = at + 2
        d, a, b = h & 7, h >> 3 & 7, h >> 6 & 7
        if h == 0xBF00:  # nop: as nothing
            return Op("b"), rest, rest
        if h < 0x1800:
            if h < 0x0800 and not h >> 6 & 31:
                return Op("mov", d, a), rest, -1
            return Op(SHIFTS[h >> 11], d, a, imm=h >> 6 & 31), rest, -1
        if h < 0x2000:
            name = "sub" if h & 0x200 else "add"
            if h & 0x400:
                return Op(name + "i", d, a, imm=b), rest, -1
            return Op(name, d, a, b), rest, -1
        if h < 0x4000:
            d, imm = h >> 8 & 7, h & 255
            kind = h >> 11 & 3
            if kind == 1:
                return self.compare(rest, "cmpi", d, None, imm)
            if kind == 0:
                return Op("const", d, imm=imm), rest, -1
            return Op(("addi", "subi")[kind - 2], d, d, imm=imm), rest, -1
        if h < 0x4400:
            number = h >> 6 & 15
            if number == 10:
                return self.compare(rest, "cmp", d, a, 0)
            if number == 8:
                return self.compare(rest, "tst", d, a, 0)
            name = _ALU.get(number)
            if name is None:
                raise Unknown(f"ALU {number}")
            return (Op(name, d, a) if name in ONE else Op(name, d, b=a)), rest, -1
        if h & 0xFFC0 == 0x4600:
            return Op("mov", d, a), rest, -1
        if h == 0x4798:
            return Op("call"), rest, -1
        if h >> 11 == 9:
            return self.literal(at, h >> 8 & 7, h & 255)
        if h >> 12 == 5:
            width = h >> 9 & 7
            if width < 3:
                return Op("stx", None, d, a, b, width=width), rest, -1
            return Op("ldx", d, None, a, b, width=width), rest, -1
        if 0x6000 <= h < 0x9000:
            width = (h >> 12) - 6  # words, bytes, halves
            imm = (h >> 6 & 31) * (4, 1, 2)[width]
            if h & 0x0800:
                return Op("ld", d, b=a, imm=imm, width=width), rest, -1
            return Op("st", None, d, a, imm=imm, width=width), rest, -1
        if h >> 12 == 9:
            d, imm = h >> 8 & 7, (h & 255) * 4
            if h & 0x0800:
                return Op("ldsp", d, imm=imm), rest, -1
            return Op("stsp", None, d, imm=imm), rest, -1
        if h >> 11 == 21:
            return Op("addsp", h >> 8 & 7, imm=(h & 255) * 4), rest, -1
        if h >> 8 == 0xB0 or h >> 8 == 0xB5:  # the stack pointer; push at the start
            return Op("raw", imm=h), rest, -1
        if h in _KEPT:  # push and pop of one register: a slot for a moment
            return Op("stsp", None, _KEPT[h], imm=BELOW), rest, -1
        if h & 0xFF00 == 0xBC00 and h - 0x800 in _KEPT:
            return Op("ldsp", _KEPT[h - 0x800], imm=BELOW), rest, -1
        if h >> 8 == 0xBD:
            return Op("ret", imm=h), rest, -1
        if h >> 11 == 28:
            return Op("b"), rest, rest + 2 + 2 * _signed(h & 0x7FF, 11)
        raise Unknown(f"{h:04x} at {at}")

    def compare(self, rest, how, a, b, imm):
        h = self.half(rest)
        if h >> 12 != 13 or h >> 8 & 15 > 13:
            raise Unknown("a comparison without a branch")
        op = Op("if", a=a, b=b, imm=imm, how=how, cond=h >> 8 & 15)
        return op, rest + 2, rest + 4 + 2 * _signed(h & 255, 8)

    def literal(self, at, d, words):
        value = self.word((at + 4 & ~3) + 4 * words)
        if self.half(at + 2) == 0x4487 | d << 3:  # add pc, rd: a far branch
            return Op("b"), at + 4, at + 6 + _signed(value, 32)
        return Op("const", d, imm=value), at + 2, -1


def _signed(value, bits):
    return value - (1 << bits) if value >> bits - 1 else value
