"""The instructions of Thumb-1 that viper code is made of, as what they read and write.

A function is a list of blocks; a block's last instruction says where it goes on. Registers are
0 to 7. A slot is a word of the stack frame, by its offset.
"""

from dataclasses import dataclass, field

# Two operands: d = d op b. The number is that of the ALU group (ARMv6-M ARM, A5.2.2).
TWO = {"and": 0, "eor": 1, "lsl": 2, "lsr": 3, "asr": 4, "ror": 7, "orr": 12, "mul": 13, "bic": 14}
COMMUTES = {"and", "eor", "orr", "mul"}
ONE = {"neg": 9, "mvn": 15}  # d = op a
BELOW = -4  # the slot of a pushed register
SHIFTS = ("lsli", "lsri", "asri")  # d = a op imm
PURE = {"const", "mov", "add", "sub", "addi", "subi", "ld", "ldx", "ldsp", "addsp", *SHIFTS, *ONE}
CONDITIONS = ("eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")


@dataclass
class Op:
    """d: the register that is written. a, b, c: those that are read.

    "st" stores a at [b + imm], "stx" a at [b + c], "stsp" a in a slot; "ld", "ldx", "ldsp" load.
    "call" is `blx r3`; "raw" is what stays as it is (stack pointer, push). Ends of blocks: "b",
    "ret", and "if": compare by `how` ("cmp", "cmpi", "tst", or "": flags of the one before) and
    go to target where `cond` holds.
    """

    name: str
    d: int | None = None
    a: int | None = None
    b: int | None = None
    c: int | None = None
    imm: int = 0
    width: int = 0  # of loads and stores: index into encode.WIDTHS
    cond: int = 0
    how: str = ""
    target: int = -1  # number of a block

    @property
    def reads(self) -> set[int]:
        if self.name == "call":
            return {0, 1, 2, 3}
        if self.name == "ret":
            return {0}
        found = {r for r in (self.a, self.b, self.c) if r is not None}
        if self.name in TWO and self.d is not None:
            found.add(self.d)
        return found

    @property
    def writes(self) -> set[int]:
        if self.name == "call":
            return {0, 1, 2, 3}
        return set() if self.d is None else {self.d}

    @property
    def pure(self) -> bool:
        """Is there nothing to it but what it writes?"""
        return self.name in PURE or self.name in TWO


@dataclass
class Block:
    ops: list[Op] = field(default_factory=list)
    end: Op = field(default_factory=lambda: Op("b"))
    next: int = -1  # the block where "if" does not hold


class Unknown(Exception):
    """Code that is not understood: it stays as it is."""
