"""Blocks made shorter, with the same effect: what viper's compiler does one step at a time.

Rules: memory is read and written as before, calls stay in their order. Only registers, flags and
slots of the frame are rearranged. Values are followed inside a block, and into one that has a
single way in; what is needed later is known over all of the function.
"""

from .flow import find_live, find_ways
from .needed import leave_out, promote
from .ops import ONE, SHIFTS, TWO, Block, Op
from .values import reuse

_ROUNDS = 50  # it is done after a few
_SET_FLAGS = {"add", "sub", "addi", "subi", *TWO, *SHIFTS, *ONE}


def improve(blocks: list[Block]) -> list[Block]:
    """The blocks, in place."""
    while True:
        for _ in range(_ROUNDS):
            before = repr(blocks)
            _paths(blocks)
            _bits(blocks)
            reuse(blocks)
            leave_out(blocks)
            if repr(blocks) == before:
                break
        if not promote(blocks):
            break
    _flags(blocks)
    return blocks


def _paths(blocks):
    for block in blocks:
        if block.end.name in ("b", "if"):
            block.end.target = _through(blocks, block.end.target)
        if block.end.name == "if":
            block.next = _through(blocks, block.next)
            if block.next == block.end.target:
                block.end, block.next = Op("b", target=block.next), -1
    for block in blocks:
        _known_test(blocks, block)
    ways = find_ways(blocks)
    for i, block in enumerate(blocks):
        if not ways[i] and i:
            block.ops, block.end, block.next = [], Op("ret", imm=0xBD00), -1
            continue
        while block.end.name == "b" and block.end.target != i:
            to = block.end.target
            if len(ways[to]) != 1 or to == 0:
                break
            other = blocks[to]
            block.ops += other.ops
            block.end, block.next = other.end, other.next
            other.ops, other.end, other.next = [], Op("ret", imm=0xBD00), -1
            ways = find_ways(blocks)


def _through(blocks, i):
    seen = set()
    while not blocks[i].ops and blocks[i].end.name == "b" and i not in seen:
        seen.add(i)
        i = blocks[i].end.target
    return i


def _known_test(blocks, block):
    # A number that is only tested behind the next branch: go to where that leads.
    if block.end.name != "b":
        return
    test = blocks[block.end.target]
    end = test.end
    if test.ops or end.name != "if" or end.how != "cmpi" or end.imm or end.cond > 1:
        return
    for op in reversed(block.ops):
        if end.a in op.writes:
            if op.name == "const":
                block.end = Op("b", target=end.target if (op.imm == 0) ^ end.cond else test.next)
            return


def _bits(blocks):
    """What is masked only to be compared with 0 is tested."""
    live = find_live(blocks)
    for block, behind in zip(blocks, live, strict=True):
        end = block.end
        if _is_zero_test(end) and end.how and block.ops:
            last = block.ops[-1]
            if last.name == "and" and last.d == end.a and last.d not in behind:
                block.ops.pop()
                end.how, end.b = "tst", last.b


def _flags(blocks):
    """A result that is compared with 0 right behind: its flags say so."""
    for block in blocks:
        if _is_zero_test(block.end) and block.ops:
            last = block.ops[-1]
            if last.d == block.end.a and last.name in _SET_FLAGS:
                block.end.how = ""


def _is_zero_test(end):
    return end.name == "if" and end.how == "cmpi" and not end.imm and end.cond < 2
