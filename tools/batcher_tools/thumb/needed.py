"""Leaves out what nobody needs, and makes values where they are wanted."""

from .flow import after_each, find_live, find_taken, places_written
from .ops import BELOW, TWO, Op

_KEPT = (4, 5, 6)  # registers that whoever is called leaves alone; 7 is the table of functions


def leave_out(blocks):
    """Leave out what nobody needs, and make values where they are wanted."""
    live = find_live(blocks)
    taken = find_taken(blocks)
    for block, behind in zip(blocks, live, strict=True):
        while _one_less(block.ops, after_each(block, behind, taken)):
            pass


def _one_less(ops, needed):
    for k in reversed(range(len(ops))):
        op = ops[k]
        spent = op.pure and op.d not in needed[k]
        if spent or op.name == "stsp" and ("s", op.imm) not in needed[k]:
            del ops[k]
            return True
        if op.name == "mov" and op.a not in needed[k] and _renamed(ops, k):
            return True
        if op.name == "ldsp" and _carried(ops, k):
            return True
    return False


def _carried(ops, k):
    """`ldsp d` of what was stored in this block: carry it in d instead -> was it done?"""
    d, slot = ops[k].d, ops[k].imm
    for j in reversed(range(k)):
        op = ops[j]
        if op.name == "stsp" and op.imm == slot:
            ops[j + 1 : j + 1] = [Op("mov", d, op.a)]
            del ops[k + 1]
            return True
        if d in op.reads or d in op.writes or op.name in ("raw", "call"):
            return False
    return False


def _renamed(ops, k):
    """`mov d, s` at k, and s is not needed behind: make its value in d at once -> was it done?"""
    d, s = ops[k].d, ops[k].a
    start = k
    while start:
        start -= 1
        op = ops[start]
        if s in op.writes and op.name not in TWO:
            break
        if d in op.reads or d in op.writes:
            return False
    else:
        return False
    if op.name == "call":
        return False
    op.d = d
    for other in ops[start + 1 : k]:
        for what in ("a", "b", "c", "d"):
            if getattr(other, what) == s:
                setattr(other, what, d)
    del ops[k]
    return True


def promote(blocks):
    """Keep a slot in a register that is free while the slot is in use -> was there one?"""
    live = find_live(blocks)
    taken = find_taken(blocks)
    uses: dict[tuple, int] = {}
    meets: set[tuple] = set()  # (slot, register): in use at the same time
    for block, behind in zip(blocks, live, strict=True):
        for op, needed in zip(block.ops, after_each(block, behind, taken), strict=True):
            if op.name in ("stsp", "ldsp"):
                uses["s", op.imm] = uses.get(("s", op.imm), 0) + 1
            now = needed | places_written(op)
            slots = [place for place in now if isinstance(place, tuple)]
            meets |= {(slot, register) for slot in slots for register in _KEPT if register in now}
    for slot in sorted(uses, key=lambda slot: -uses[slot]):
        for register in _KEPT:
            if slot not in taken and slot[1] != BELOW and (slot, register) not in meets:
                for block in blocks:
                    block.ops = [_moved(op, slot[1], register) for op in block.ops]
                return True
    return False


def _moved(op, slot, register):
    if op.name == "stsp" and op.imm == slot:
        return Op("mov", register, op.a)
    if op.name == "ldsp" and op.imm == slot:
        return Op("mov", op.d, register)
    return op
