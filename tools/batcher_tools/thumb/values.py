"""Follows values through registers and slots of the frame, and uses what is there already."""

from .flow import after_each, find_live, find_taken, find_ways
from .ops import BELOW, COMMUTES, Op

_MASK = 0xFFFFFFFF


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


def reuse(blocks):
    ways = find_ways(blocks)
    live = find_live(blocks)
    taken = find_taken(blocks)
    after: dict[int, _State] = {}
    for i, block in enumerate(blocks):
        if not ways[i] and i:
            continue
        one = ways[i][0] if len(ways[i]) == 1 and i else -1
        state = after[one].copy() if one in after else _State()
        needed = after_each(block, live[i], taken)
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
