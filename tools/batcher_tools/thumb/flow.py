"""What a function does over all of its blocks: ways through it, and what is needed where."""


def find_ways(blocks):
    ways: list[list[int]] = [[] for _ in blocks]
    todo, seen = [0], set()
    while todo:
        i = todo.pop()
        if i in seen:
            continue
        seen.add(i)
        for to in next(blocks[i]):
            ways[to].append(i)
            todo.append(to)
    return ways


def next(block):
    if block.end.name == "if":
        return [block.end.target, block.next]
    return [block.end.target] if block.end.name == "b" else []


def places_read(op, taken):
    found: set = set(op.reads)
    if op.name == "ldsp":
        found.add(("s", op.imm))
    elif op.name == "call":
        found |= taken
    return found


def places_written(op):
    found: set = set(op.writes)
    if op.name == "stsp":
        found.add(("s", op.imm))
    return found


def find_taken(blocks):
    # Slots that a callee may see: from each address that is made, all of the frame.
    starts = [op.imm for block in blocks for op in block.ops if op.name == "addsp"]
    slots = {op.imm for block in blocks for op in block.ops if op.name in ("stsp", "ldsp")}
    return {("s", slot) for slot in slots if any(x <= slot for x in starts)}


def find_live(blocks):
    """-> for each block the registers and slots that are needed behind it."""
    taken = find_taken(blocks)
    behind: list[set] = [set() for _ in blocks]
    before: list[set] = [set() for _ in blocks]
    changed = True
    while changed:
        changed = False
        for i in reversed(range(len(blocks))):
            block = blocks[i]
            out: set = set()
            for to in next(block):
                out |= before[to]
            now = out | places_read(block.end, taken)
            for op in reversed(block.ops):
                now = now - places_written(op) | places_read(op, taken)
            if out != behind[i] or now != before[i]:
                behind[i], before[i] = out, now
                changed = True
    return behind


def after_each(block, live, taken=frozenset()):
    """-> for each instruction what is needed behind it."""
    found = []
    now = live | places_read(block.end, taken)
    for op in reversed(block.ops):
        found.append(now)
        now = now - places_written(op) | places_read(op, taken)
    return found[::-1]
