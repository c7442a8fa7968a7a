"""RAM first, flash behind it: the store for overflow="spill".

Rules
- Flash holds what is older, so delivery takes flash first. A batch that is in flight from RAM
  while its successors must move is copied to flash before them: order then needs no thought,
  and when the flight ends its copy, or what was taken of it, is skipped.
- RAM forgets an item only when flash has it safe (`Spool.sync` answered True).
- Flash fails: `spill` answers 0, items stay in RAM, the spool says so once and is tried again
  after `retry_ms`.

What the batcher calls beyond the protocol of the stores (all synchronous, none raises):
- `spill()` when RAM is full -> items moved, so 0: no room was made
- `tick(now, link_up)` at every turn of its loop -> ms until it wants to be called again
- `spill_all()` at close, and by a firmware before reset or deep sleep -> items not on flash
- `tell`, set once: told of each item lost to the quota or unreadable, like `evict`'s; `lost`
  counts them, since the start
- `first`, `boot` (None: this boot) name the batch in flight; `evicted_at` as Ring has it
"""

from .port import FOREVER, const, ticks_add, ticks_diff
from .ring import Ring

_COARSE_FROM = const(25)  # per cent of RAM: with the link down, less than this stays


class Tiered:
    """`ram`: a Ring or a RecordRing; `spool`: a Spool with the codec for it.

    spill_at       per cent of RAM from which whole flash blocks move
    down_ms        from a link that has been down for so long on, a quarter of RAM is enough
    unsaved_ms     no item is in RAM alone for longer than this (and a turn of the loop); None:
                   no bound. FLASH.md says what it costs in years of flash
    unsaved_items  nor more items than this
    retry_ms       between two attempts on a flash that failed
    """

    def __init__(
        self,
        ram,
        spool,
        *,
        spill_at: int = 75,
        down_ms: int = 30_000,
        unsaved_ms: "int | None" = None,
        unsaved_items: "int | None" = None,
        retry_ms: int = 60_000,
    ):
        for name, number, low, high in (
            ("spill_at", spill_at, 1, 100),
            ("down_ms", down_ms, 0, FOREVER),
            ("unsaved_ms", FOREVER if unsaved_ms is None else unsaved_ms, 1, FOREVER),
            ("unsaved_items", FOREVER if unsaved_items is None else unsaved_items, 1, FOREVER),
            ("retry_ms", retry_ms, 1, FOREVER),
        ):
            if type(number) is not int:
                raise TypeError("%s: wanted an int, found %r" % (name, number))
            if not low <= number <= high:
                raise ValueError("%s: wanted %d to %d, found %d" % (name, low, high, number))
        self.ram = ram
        self.spool = spool
        self.codec = spool.codec
        self.capacity = ram.capacity
        self.fuse = ram.fuse
        self.grant = ram.grant
        if hasattr(ram, "extend"):
            self.extend = ram.extend
        self._spill_at = spill_at
        self._down_ms = down_ms
        self._unsaved_ms = FOREVER if unsaved_ms is None else unsaved_ms
        self._unsaved_items = FOREVER if unsaved_items is None else unsaved_items
        self._retry_ms = retry_ms
        self._before = len(spool)  # items of earlier boots
        self._most = len(spool) + len(ram)
        self._flash = False  # the batch in flight is the spool's
        self._copied = 0  # of RAM's oldest, how many are on flash too: a flight has them
        self._since = 0  # ticks from which on something may be in RAM alone
        self._waiting = False  # is there anything
        self._down = False
        self._down_since = 0
        self._failed_at = 0

    # The store.

    def __len__(self):
        n = len(self.spool) + len(self.ram) - self._copied
        if n > self._most:
            self._most = n
        return n

    @property
    def high_water(self) -> int:
        """The most items ever held, as far as anybody looked."""
        return max(len(self), self._most, self.ram.high_water)

    @property
    def next_seq(self) -> int:
        """How many items were ever taken in, those found on flash at the start included."""
        return self._before + self.ram.next_seq

    total = next_seq

    @property
    def pinned(self) -> int:
        return self.spool.pinned if self._flash else self.ram.pinned

    @property
    def evicted_at(self) -> int:
        ram = self.ram
        return len(self.spool) + ram.evicted_at

    @property
    def first(self) -> int:
        """Sequence number of the first item in flight, or of the next that will be."""
        if self._flash or (not self.ram.pinned and len(self.spool)):
            return self.spool.first
        return getattr(self.ram, "first", 0)

    @property
    def boot(self) -> "bytes | None":
        """The boot the items in flight were taken in; None: this one."""
        return self.spool.batch_boot if self._flash else None

    @property
    def told(self) -> str:
        """The series that was told of last, where RAM is a RecordRing."""
        return self.ram.told

    @property
    def lost(self) -> int:
        return self.spool.lost

    @property
    def tell(self):
        return self.spool.tell

    @tell.setter
    def tell(self, tell):
        self.spool.tell = tell

    @property
    def unsaved(self) -> int:
        """Items that a loss of power would take."""
        return len(self.ram) - self._copied

    def push(self, item) -> bool:
        return self.ram.push(item)

    def seal(self) -> None:
        """Before a flush: close RAM's stage, where RAM is what will be delivered."""
        if not len(self.spool):
            self.ram.seal()

    def peek(self, limit: int):
        """-> the oldest items as a batch, at most `limit`, pinned; None where there is none."""
        self.release()
        if len(self.spool):
            batch = self.spool.peek(limit)
            if batch is not None:
                self._flash = True
                return batch
        return self.ram.peek(limit)

    def commit(self, k: int) -> None:
        """The first k of the pinned items are done and gone; the rest are no longer pinned."""
        if self._flash:
            self.spool.commit(k)
            self._flash = False
        elif not self._copied:
            self.ram.commit(k)
        else:
            self._check(k)
            self._uncopy(k)

    def release(self) -> None:
        """Nothing was taken: every pinned item stays, first in line."""
        if self._flash:
            self.spool.release()
            self._flash = False
        elif self._copied:
            self._uncopy(0)
        else:
            self.ram.release()

    def discard(self, k: int, tell, reason: str) -> None:
        """Like commit, for items given up: told as RAM's store tells them."""
        if self._flash:
            self.spool.discard(k, tell, reason)
            self._flash = False
        elif not self._copied:
            self.ram.discard(k, tell, reason)
        else:
            self._check(k)
            self.ram.discard(k, tell, reason)
            self._copied -= k
            self.spool.held = False
            self.spool.pass_over(k)
            self._uncopy(0)

    def _check(self, k):
        if not 0 <= k <= self.ram.pinned:
            raise ValueError("commit: wanted 0 to %d, found %d" % (self.ram.pinned, k))

    def _uncopy(self, k):
        # The flight from RAM is over: flash has its items, of which k are done.
        self.ram.release()
        self.codec.remove(self.ram, self._copied)
        self._copied = 0
        self.spool.held = False
        self.spool.pass_over(k)

    def evict(self, tell, reason: str) -> int:
        """Make room in RAM where flash cannot: drop RAM's oldest that is not pinned.

        Where RAM holds nothing, the oldest on flash."""
        lost = self.ram.evict(tell, reason)
        if not lost and not len(self.ram):
            lost = self.spool.evict(tell, reason)
        return lost

    # Moving to flash.

    def spill(self, coarse: bool = True) -> int:
        """Move what RAM holds to flash -> how many items have left RAM.

        coarse: as whole flash blocks, as far as they go; all of it where they do not.
        """
        moved = self._move(True) if coarse and not self.ram.pinned else 0
        if moved and self.ram.seal() is not False:
            return moved
        return moved + self._move(False)  # too little: a full stage still finds no room

    def _move(self, coarse):
        ram = self.ram
        spool = self.spool
        len(self)  # takes down the high water
        if not coarse:
            ram.seal()
        for _ in range(2):  # a second time in a new segment, or with the room that was made
            if len(ram) == self._copied:
                return 0
            begun = spool.end
            pad = spool.room(self.codec.weight(ram)) if coarse else 0
            if coarse and not pad:
                return 0
            if self.codec.spill(ram, spool, self._copied, pad) and spool.sync(pad):
                moved = spool.end - begun
                break
            if not spool.broken:
                return 0  # the quota is full of what is in flight
            spool.revive()
        else:
            spool.broken = True  # until the next tick that is due
            return 0
        if self.ram.pinned and not self._flash:
            before = len(ram)
            self._copied = self.codec.remove_behind(ram)
            spool.held = True
            return before - len(ram)
        self.codec.remove(ram, moved)
        return moved

    def spill_all(self) -> int:
        """Power is going, or the batcher closes: everything to flash -> items left in RAM alone.

        Also notes on flash how far delivery is. Call it before reset() and deep sleep.
        """
        self.spool.revive()
        while self.unsaved and self._move(False):
            pass
        self.spool.seal()
        self.spool.acknowledge()
        self._waiting = self.unsaved > 0
        return self.unsaved

    def tick(self, now: int, link_up: "bool | None" = None) -> int:
        """Spill where it is time to -> ms until the next call is due. link_up None: unknown."""
        spool = self.spool
        if spool.broken:
            wait = self._retry_ms - ticks_diff(now, self._failed_at)
            if self._failed_at and wait > 0:
                return wait
            self._failed_at = now or 1
            if not spool.revive():
                return self._retry_ms
        n = self.unsaved
        if n == 0:
            self._waiting = False
        elif not self._waiting:
            self._waiting = True
            self._since = now
        if link_up or link_up is None:
            self._down = False
        elif not self._down:
            self._down = True
            self._down_since = now
        if n:
            self._spill_if_due(now, n)
            if spool.broken:
                self._failed_at = now or 1
                return self._retry_ms
        return self._next_tick(now)

    def _spill_if_due(self, now, n):
        age = ticks_diff(now, self._since)
        if age >= self._unsaved_ms or n >= self._unsaved_items:
            moved = self._move(False)
        else:
            full = self.codec.fill(self.ram)
            down = self._down and ticks_diff(now, self._down_since) >= self._down_ms
            if full < self._spill_at and not (down and full >= _COARSE_FROM):
                return
            moved = self._move(True) if not self.ram.pinned else 0
            moved = moved or self._move(False)
        if moved:
            self._waiting = self.unsaved > 0
            if not self._waiting or age >= self._unsaved_ms:
                self._since = now

    def _next_tick(self, now):
        wait = FOREVER
        if self._waiting:
            wait = ticks_diff(ticks_add(self._since, self._unsaved_ms), now)
        if self._down:
            left = self._down_ms - ticks_diff(now, self._down_since)
            if 0 < left < wait:
                wait = left
        return max(wait, 1)


def for_ram(ram, **options):
    """-> the codec for a store of RAM: FlashBlocks, or Items(dump, load) for a Ring."""
    if isinstance(ram, Ring):
        from .items import Items

        return Items(**options)
    from .flashblocks import FlashBlocks

    return FlashBlocks(ram)
