"""Blocks made shorter, with the same effect: what viper's compiler does one step at a time.

Rules: memory is read and written as before, calls stay in their order. Only registers, flags and
slots of the frame are rearranged. Values are followed inside a block, and into one that has a
single way in; what is needed later is known over all of the function.
"""

from .ops import BELOW, COMMUTES, ONE, SHIFTS, TWO, Block, Op

_FRAME = 0x50  # bytes from an address in the frame that whoever is called may read or write
_MASK = 0xFFFFFFFF
_ROUNDS = 50  # it is done after a few
_KEPT = (4, 5, 6)  # registers that whoever is called leaves alone; 7 is the table of functions
_SET_FLAGS = {"add", "sub", "addi", "subi", *TWO, *SHIFTS, *ONE}


def improve(blocks: list[Block]) -> list[Block]:
    """The blocks, in place."""
    while True:
        for _ in range(_ROUNDS):
            before = repr(blocks)
            _paths(blocks)
            _bits(blocks)
            _values(blocks)
            _needed(blocks)
            if repr(blocks) == before:
                break
        if not _promoted(blocks):
            break
    _flags(blocks)
    return blocks


# ways through the blocks


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
    ways = _ways(blocks)
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
            ways = _ways(blocks)


def _ways(blocks):
    ways: list[list[int]] = [[] for _ in blocks]
    todo, seen = [0], set()
    while todo:
        i = todo.pop()
        if i in seen:
            continue
        seen.add(i)
        for to in _next(blocks[i]):
            ways[to].append(i)
            todo.append(to)
    return ways


def _next(block):
    if block.end.name == "if":
        return [block.end.target, block.next]
    return [block.end.target] if block.end.name == "b" else []


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


# values


class _State:
    """What registers, "r", and slots, "s", hold: numbers of values."""

    def __init__(self):
        self.held = {}
        self.const = {}
        self.count = 0

    def copy(self):
        new = _State()
        new.held, new.const, new.count = dict(self.held), dict(self.const), self.count
        return new

    def fresh(self, place):
        self.count += 1
        self.held[place] = self.count

    def value(self, place):
        if place not in self.held:
            self.fresh(place)
        return self.held[place]

    def number(self, register):
        return self.const.get(self.held.get(("r", register)))

    def best(self, register):
        """-> the register that has held the same value for the longest time."""
        value = self.value(("r", register))
        for place, other in self.held.items():
            if other == value and place[0] == "r":
                return place[1]
        return register

    def forget(self, slots):
        """Somebody is called: registers 0 to 3, and these slots, are anything. None: all slots."""
        for place in list(self.held):
            kind, number = place
            if number < 4 if kind == "r" else slots is None or place in slots:
                del self.held[place]

    def set(self, place, value):
        self.held.pop(place, None)  # so that it is the youngest
        self.held[place] = value


def _values(blocks):
    ways = _ways(blocks)
    live = _live(blocks)
    taken = _taken(blocks)
    after: dict[int, _State] = {}
    for i, block in enumerate(blocks):
        if not ways[i] and i:
            continue
        one = ways[i][0] if len(ways[i]) == 1 and i else -1
        state = after[one].copy() if one in after else _State()
        needed = _after_each(block, live[i], taken)
        new: list[Op] = []
        for op, later in zip(block.ops, needed, strict=True):
            if op.name in ("call", "raw"):
                state.forget(taken if op.name == "call" else None)
                new.append(op)
            else:
                new += _value(op, state, later)
        block.ops = new
        end = block.end
        if end.name == "if" and end.how:
            end.a = state.best(end.a)
            if end.b is not None:
                number = state.number(end.b)
                if end.how == "cmp" and number is not None and number < 256:
                    end.how, end.imm, end.b = "cmpi", number, None
                else:
                    end.b = state.best(end.b)
        after[i] = state


def _value(op, state, later):
    name = op.name
    # Registers that are only read: the oldest with the same value.
    for what in ("a", "b", "c"):
        register = getattr(op, what)
        if register is not None:
            setattr(op, what, state.best(register))
    place = ("r", op.d)
    if name == "stsp":
        value = state.value(("r", op.a))
        if state.held.get(("s", op.imm)) == value:
            return []
        state.set(("s", op.imm), value)
        return [op]
    if name == "ldsp":
        value = state.value(("s", op.imm))
        for other, held in state.held.items():
            if held == value and other[0] == "r":
                return _value(Op("mov", op.d, other[1]), state, later)
        if value in state.const and state.const[value] < 256:
            return _value(Op("const", op.d, imm=state.const[value]), state, later)
        for other, held in state.held.items():
            if held == value and other[0] == "s" and other[1] != BELOW:
                if op.imm != BELOW:
                    op.imm = other[1]
                break
        state.set(place, value)
        return [op]
    if name == "mov":
        if op.a == op.d:
            return []
        state.set(place, state.value(("r", op.a)))
        return [op]
    op, extra = _simpler(op, state, later)
    if extra:
        return [op, *_after(op, extra, state)]
    if op.name == "mov":
        return _value(op, state, later)
    _after(op, None, state)
    return [op]


def _after(op, extra, state):
    place = ("r", op.d)
    if op.name == "const":
        value = ("n", op.imm)
        state.const[value] = op.imm
        state.set(place, value)
    elif op.d is not None:
        state.held.pop(place, None)
        state.fresh(place)
    if extra:
        state.set(("r", extra.d), state.held[place])
        return [extra]
    return []


def _simpler(op, state, later):
    """-> (the same in a simpler way, a mov behind it or None)."""
    name = op.name
    if name in ("add", "sub"):
        number = state.number(op.b)
        if number is None and name == "add":
            number = state.number(op.a)
            if number is not None:
                op.a, op.b = op.b, op.a
        if number is not None:
            if number < 256:
                return _simpler(Op(name + "i", op.d, op.a, imm=number), state, later)
            if 2**32 - number < 256:
                other = "subi" if name == "add" else "addi"
                return _simpler(Op(other, op.d, op.a, imm=2**32 - number), state, later)
    if name in ("addi", "subi"):
        number = state.number(op.a)
        if number is not None:
            number += op.imm if name == "addi" else -op.imm
            return Op("const", op.d, imm=number & _MASK), None
        if not op.imm:
            return Op("mov", op.d, op.a), None
    if name in ("lsl", "lsr", "asr"):
        number = state.number(op.b)
        if number is not None and 0 < number < 32:
            source = state.best(op.d)
            return _simpler(Op(name + "i", op.d, source, imm=number), state, later)
    if name == "lsli":
        number = state.number(op.a)
        if number is not None:
            return Op("const", op.d, imm=number << op.imm & _MASK), None
    if name in COMMUTES:
        # d = d op b, where d is a copy and b is not needed again: b = b op the first one.
        first = state.best(op.d)
        if first != op.d and op.b != op.d and op.b != first and op.b not in later and op.b < 4:
            return Op(name, op.b, b=first), Op("mov", op.d, op.b)
    return op, None


def _bits(blocks):
    """What is masked only to be compared with 0 is tested."""
    live = _live(blocks)
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


# what is needed later


def _places_read(op, taken):
    found: set = set(op.reads)
    if op.name == "ldsp":
        found.add(("s", op.imm))
    elif op.name == "call":
        found |= taken
    return found


def _places_written(op):
    found: set = set(op.writes)
    if op.name == "stsp":
        found.add(("s", op.imm))
    return found


def _taken(blocks):
    # Slots that a callee may see: from each address that is made, a part of the frame.
    starts = [op.imm for block in blocks for op in block.ops if op.name == "addsp"]
    slots = {op.imm for block in blocks for op in block.ops if op.name in ("stsp", "ldsp")}
    return {("s", slot) for slot in slots if any(x <= slot < x + _FRAME for x in starts)}


def _live(blocks):
    """-> for each block the registers and slots that are needed behind it."""
    taken = _taken(blocks)
    behind: list[set] = [set() for _ in blocks]
    before: list[set] = [set() for _ in blocks]
    changed = True
    while changed:
        changed = False
        for i in reversed(range(len(blocks))):
            block = blocks[i]
            out: set = set()
            for to in _next(block):
                out |= before[to]
            now = out | _places_read(block.end, taken)
            for op in reversed(block.ops):
                now = now - _places_written(op) | _places_read(op, taken)
            if out != behind[i] or now != before[i]:
                behind[i], before[i] = out, now
                changed = True
    return behind


def _after_each(block, live, taken=frozenset()):
    """-> for each instruction what is needed behind it."""
    found = []
    now = live | _places_read(block.end, taken)
    for op in reversed(block.ops):
        found.append(now)
        now = now - _places_written(op) | _places_read(op, taken)
    return found[::-1]


def _needed(blocks):
    """Leave out what nobody needs, and make values where they are wanted."""
    live = _live(blocks)
    taken = _taken(blocks)
    for block, behind in zip(blocks, live, strict=True):
        while _one_less(block.ops, _after_each(block, behind, taken)):
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


def _promoted(blocks):
    """Keep a slot in a register that is free while the slot is in use -> was there one?"""
    live = _live(blocks)
    taken = _taken(blocks)
    uses: dict[tuple, int] = {}
    meets: set[tuple] = set()  # (slot, register): in use at the same time
    for block, behind in zip(blocks, live, strict=True):
        for op, needed in zip(block.ops, _after_each(block, behind, taken), strict=True):
            if op.name in ("stsp", "ldsp"):
                uses["s", op.imm] = uses.get(("s", op.imm), 0) + 1
            now = needed | _places_written(op)
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
