"""A FIFO of any Python objects in one preallocated list: index arithmetic and nothing else.

Rules
- Capacity N holds N; storage is allocated once, here.
- Items leave from the front. Only where the oldest are pinned does `evict` take one from behind
  them: that leaves a gap in the sequence numbers, one at most, and a batch never crosses it.
- Two hands write: the loop, through the methods, and `add`, the closure of `fuse`, maybe
  from an interrupt. `add` touches two cells only: the next slot, and the slot at which it
  must ask `slow` instead. Below that limit it needs no other thought, which is why it costs
  little more than a list store.
- `_n` counts the items known when the next slot was `_next`; `_sync` takes in what came
  since. Interrupts are off while the loop reads and writes these together.
- Frames on the way of an add stay below 12 words: a larger one is taken from the heap.
"""

from .counter import count, value
from .errors import whole
from .port import const, disable_irq, enable_irq, micropython

_MOST = const(0xFFFFFFF)


class _Whole:
    def __getitem__(self, key):
        return key


_ALL = _Whole()[:]  # a slice made once: `del batch[_ALL]` then allocates nothing


@micropython.native
def _fill(append, buf, slot, end):
    while slot < end:
        append(buf[slot])
        slot += 1


class Ring:
    """`capacity`: how many items fit, in flight included (1 or more)."""

    def __init__(self, capacity: int):
        self.capacity = whole("capacity", capacity, 1, _MOST)
        self.high_water = 0  # the most items ever held
        self.pinned = 0  # of the oldest, how many a handler has in its hands
        self._buf = [None] * capacity
        self._head = 0  # slot of the oldest
        self._n = 0
        self._next = 0
        self._gone = [0, 0]  # counter: sequence number of the oldest
        self._gap = 0  # sequence numbers missing behind the oldest `_gap_at` items
        self._gap_at = 0
        self._batch = []
        self._append = self._batch.append
        self._cells = None
        self.fuse(self.push)

    def fuse(self, slow, irq: bool = False, slow_many=None):
        """-> add(item) -> bool: stores at once while the grant lasts, else returns slow(item).

        With `irq` it may be called from an interrupt and from the loop alike. `add_many(items)`
        is made with it: a list moves in at once where the grant is that long, all else goes to
        `slow_many(items)`.
        """
        if self._cells:
            self.grant(0)
        nxt = limit = self._next  # closure cells: an attribute costs three times as much
        buf = self._buf

        @micropython.native
        def add(item):
            nonlocal nxt
            if nxt == limit:
                return slow(item)
            buf[nxt] = item
            nxt += 1
            return True

        def add_many(items):
            nonlocal nxt
            if type(items) is list:
                n = len(items)
                if nxt + n <= limit:
                    buf[nxt : nxt + n] = items  # the slice object is its only garbage
                    nxt += n
                    return n
            return slow_many(items)

        def cells(new_next=-1, k=0):
            nonlocal nxt, limit
            if new_next >= 0:
                nxt = new_next
                limit = nxt + k
            return nxt

        self._cells = cells
        self.add_many = add_many
        if irq:
            from .irq import guarded

            return guarded(add)
        return add

    def _sync(self):
        nxt = self._cells()
        self._n = n = self._n + nxt - self._next
        self._next = nxt
        if n > self.high_water:
            self.high_water = n
        return n

    def grant(self, k: int) -> int:
        """The next k pushes, or as many as fit before the end of the list, need no thought.

        -> how many these are.
        """
        state = disable_irq()
        room = self.capacity - self._sync()
        if k > room:
            k = room
        if k and self._next == self.capacity:
            self._next = 0
        room = self.capacity - self._next
        if k > room:
            k = room
        self._cells(self._next, k)
        enable_irq(state)
        return k

    def push(self, item) -> bool:
        """-> True, or False where there is no room and nothing changed. Ends the grant."""
        state = disable_irq()
        taken = self._sync() < self.capacity
        if taken:
            slot = self._next
            if slot == self.capacity:
                slot = self._next = 0
            self._buf[slot] = item
            self._cells(slot + 1)
        enable_irq(state)
        return taken

    def __len__(self):
        state = disable_irq()
        n = self._sync()
        enable_irq(state)
        return n

    @property
    def first(self) -> int:
        """Sequence number of the oldest item held."""
        return value(self._gone)

    @property
    def next_seq(self) -> int:
        """Sequence number that the next item gets: how many have ever been taken in."""
        return value(self._gone) + len(self) + self._gap

    def at(self, i: int):
        """The i-th oldest item, to look at only; 0 <= i < len."""
        return self._buf[(self._head + i) % self.capacity]

    def number(self, i: int) -> int:
        """Sequence number of the i-th oldest item."""
        return value(self._gone) + i + (self._gap if self._gap_at and i >= self._gap_at else 0)

    def peek(self, limit: int) -> "list | None":
        """-> the oldest items, at most `limit`, pinned; None where there is none.

        The list is the ring's own and is filled again by the next peek.
        """
        n = min(len(self), limit, self._gap_at or limit)
        self.pinned = n
        if n == 0:
            return None
        batch = self._batch
        del batch[_ALL]
        n += self._head
        _fill(self._append, self._buf, self._head, min(n, self.capacity))
        _fill(self._append, self._buf, 0, n - self.capacity)
        return batch

    def commit(self, k: int) -> None:
        """The first k of the pinned items are done and gone; the rest are no longer pinned."""
        if not 0 <= k <= self.pinned:
            raise ValueError("commit: wanted 0 to %d, found %d" % (self.pinned, k))
        for _ in range(k):
            self._buf[self._head] = None  # what has been delivered is not kept alive
            self._head = (self._head + 1) % self.capacity
        self.pinned = 0
        self._left(k)

    def _left(self, k):
        """The k oldest items are gone."""
        count(self._gone, k)
        if self._gap_at:
            self._gap_at -= k
            if self._gap_at == 0:
                count(self._gone, self._gap)
                self._gap = 0
        self._shrink(k)

    def _shrink(self, k):
        state = disable_irq()
        self._n = self._sync() - k
        enable_irq(state)

    def release(self) -> None:
        """Nothing was taken: every pinned item stays, first in line."""
        self.pinned = 0

    def discard(self, k: int, tell, reason: str) -> None:
        """Like commit, for items given up: `tell(item, reason)` for each where tell is given."""
        for _ in range(k):
            item = self._buf[self._head]
            self.pinned = 1
            self.commit(1)
            if tell:
                tell(item, reason)

    @property
    def evicted_at(self) -> int:
        return self.pinned and (self._gap_at or self.pinned)

    def evict(self, tell, reason: str) -> int:
        """Drop the oldest item that is not pinned; -> 1, or 0 where all are pinned.

        Behind pinned items it takes the one at the gap, so that there is never a second gap.
        """
        ahead = self.evicted_at
        if len(self) == ahead:
            return 0
        slot = (self._head + ahead) % self.capacity
        item = self._buf[slot]
        self._move_up(slot, ahead)
        if ahead:
            self._gap_at = ahead
            self._gap += 1
            self._shrink(1)
        else:
            self._left(1)
        if tell:
            tell(item, reason)
        return 1

    def _move_up(self, slot, ahead):
        """The items ahead of the slot move by one into it: they stay whole and in order."""
        buf = self._buf
        while ahead:
            buf[slot] = buf[slot - 1]  # slot 0 takes from the last: index -1
            slot = (slot or self.capacity) - 1
            ahead -= 1
        buf[slot] = None
        self._head = (slot + 1) % self.capacity

    def seal(self) -> None:
        """Nothing to close here: stores of blocks have a stage."""
