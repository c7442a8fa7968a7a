"""RAM first, flash behind it: the store for overflow="spill".

Rules
- Flash holds what is older, so delivery takes flash first. A batch that is in flight from RAM
  while its successors must move is copied to flash before them: order then needs no thought,
  and when the flight ends its copy, or what was taken of it, is skipped.
- RAM forgets an item only when flash has it safe (it is before the spool's `end`).
- Flash fails: `spill` answers 0, items stay in RAM, the spool says so once and is tried again
  after `retry_ms`.

What the batcher calls beyond the protocol of the stores (all synchronous, none raises):
- `spill()` when RAM is full -> items moved, so 0: no room was made
- `tick(now, link_up)` at every turn of its loop -> ms until it wants to be called again
- `spill_all()` at close, and by a firmware before reset or deep sleep -> items not on flash
- the spool's `tell`, set once: told of each item lost to the quota or unreadable, like
  `evict`'s; `lost` counts them, since the start
- `first`, `boot` (None: this boot) name the batch in flight; `evicted_at` as Ring has it
"""

from .errors import whole
from .port import FOREVER, const, ticks_add, ticks_diff
from .segment import block_end

_COARSE_FROM = const(25)  # per cent of RAM: with the link down, less than this stays
_AGAIN_MS = const(1000)  # until we want to be called again, where nothing could move


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
        self._spill_at = whole("spill_at", spill_at, 1, 100)
        self._down_ms = whole("down_ms", down_ms, 0, FOREVER)
        if unsaved_ms is None:
            unsaved_ms = FOREVER
        self._unsaved_ms = whole("unsaved_ms", unsaved_ms, 1, FOREVER)
        if unsaved_items is None:
            unsaved_items = FOREVER
        self._unsaved_items = whole("unsaved_items", unsaved_items, 1, FOREVER)
        self._retry_ms = whole("retry_ms", retry_ms, 1, FOREVER)
        self.ram = ram
        self.spool = spool
        self.codec = spool.codec
        self.capacity = ram.capacity
        self.fuse = ram.fuse
        self.grant = ram.grant
        self.push = ram.push
        self._from = ram  # where the batch in flight is from
        self._copied = 0  # of RAM's oldest, how many are on flash too: a flight has them
        # Ticks since which something may be in RAM alone, the link is down, flash does not work.
        self._since = self._down_since = self._failed_at = None
        # A later moment, and what number had come by then: when those are gone, it counts.
        self._mark = self._marked = 0
        self.high_water = 0  # the most items ever held, as far as anybody looked
        len(self)

    # The store.

    def __len__(self):
        n = len(self.spool) + self.unsaved
        if n > self.high_water:
            self.high_water = n
        return n

    @property
    def next_seq(self) -> int:
        """How many items were ever taken in, those found on flash at the start included."""
        return self.spool.found + self.ram.next_seq

    @property
    def pinned(self) -> int:
        return self._from.pinned

    @property
    def evicted_at(self) -> int:
        return len(self.spool) + self.ram.evicted_at - self._copied

    @property
    def first(self) -> int:
        """Sequence number of the first item in flight, or of the next that will be."""
        if self._from is self.spool or not self.ram.pinned and len(self.spool):
            return self.spool.first
        return getattr(self.ram, "first", 0)

    @property
    def boot(self) -> "bytes | None":
        """The boot the items in flight were taken in; None: this one."""
        return self.spool.batch_boot if self._from is self.spool else None

    @property
    def lost(self) -> int:
        return self.spool.lost

    @property
    def unsaved(self) -> int:
        """Items that a loss of power would take."""
        return len(self.ram) - self._copied

    def seal(self) -> None:
        """Before a flush: close RAM's stage, where RAM is what will be delivered."""
        if not len(self.spool):
            self.ram.seal()

    def peek(self, limit: int):
        """-> the oldest items as a batch, at most `limit`, pinned; None where there is none."""
        self.release()
        batch = self.spool.peek(limit)
        if batch is None:
            if len(self.spool):
                return None
            return self.ram.peek(limit)
        self._from = self.spool
        return batch

    def commit(self, k: int) -> None:
        """The first k of the pinned items are done and gone; the rest are no longer pinned."""
        self._from.commit(k)
        self._landed(k)

    def release(self) -> None:
        """Nothing was taken: every pinned item stays, first in line."""
        self._landed(0)

    def discard(self, k: int, tell, reason: str) -> None:
        """Like commit, for items given up: told as RAM's store tells them."""
        self._from.discard(k, tell, reason)
        self._landed(k)

    def _landed(self, k):
        self._from.release()
        self._from = self.ram
        n = self._copied
        self.spool.held = 0
        if n:  # flash has the items of a flight from RAM, of which k are done
            self._copied = 0
            self._forget(n - k)
            self.spool.pass_over(min(k, n))

    def _forget(self, n):
        # RAM's oldest that are not pinned are safe on flash.
        ram = self.ram
        while n > 0 and (k := self.codec.drop(ram)):
            n -= k

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
        moved = coarse and self._move(True)
        if moved and self.ram.seal() is not False:
            return moved
        return moved + self._move(False)  # too little: a full stage still finds no room

    def _move(self, coarse):
        ram = self.ram
        spool = self.spool
        codec = self.codec
        len(self)  # takes down the high water
        if spool.broken or ram.pinned and (coarse or not self._copied and len(spool)):
            return 0
        if not coarse:
            ram.seal()
        if ram.pinned:
            spool.held = spool.index + ram.evicted_at
        for _ in range(2):  # a second time in a new segment, or with the room that was made
            if not self.unsaved:
                return 0
            pad = 0
            if coarse:  # the size of the segment at which to stop, to end with a whole flash block
                pad = block_end(
                    min(spool.size + codec.weight(ram), spool.segment_bytes), spool.block
                )
                if pad <= spool.size:
                    return 0
            end = spool.end
            codec.spill(ram, spool, self._copied, pad)
            spool.sync(pad)
            moved = spool.end - end
            if moved:
                break
            if not spool.broken:
                return 0  # the quota is full of what is in flight
            spool.revive()
        else:
            spool.broken = True  # until the next tick that is due
            return 0
        had = len(ram)
        if not ram.pinned:
            self._forget(moved)
        else:
            self._copied += moved
            self._forget(self._copied - ram.evicted_at)
            self._copied += len(ram) - had
        return had - len(ram)

    def spill_all(self) -> int:
        """Power is going, or the batcher closes: everything to flash -> items left in RAM alone.

        Also notes on flash how far delivery is. Call it before reset() and deep sleep.
        """
        self.spool.revive()
        while self.unsaved and self._move(False):
            pass
        self.spool.seal()
        self.spool.acknowledge()
        return self.unsaved

    def tick(self, now: int, link_up: "bool | None" = None) -> int:
        """Spill where it is time to -> ms until the next call is due. link_up None: unknown."""
        spool = self.spool
        if spool.broken:
            if self._failed_at is not None:
                wait = self._retry_ms - ticks_diff(now, self._failed_at)
                if wait > 0:
                    return wait
            self._failed_at = now
            if not spool.revive():
                return self._retry_ms
        else:
            self._failed_at = None
        down = FOREVER  # ms until a link that is down counts as down
        if link_up or link_up is None:
            self._down_since = None
        else:
            if self._down_since is None:
                self._down_since = now
            down = self._down_ms - ticks_diff(now, self._down_since)
            if down <= 0:  # for ever, though ticks tell apart 6.2 days
                self._down_since = ticks_add(now, -self._down_ms)
        wait = FOREVER
        n = self.unsaved
        if not n:
            self._since = None
        else:
            seq = self.ram.next_seq
            if self._since is None:
                self._since = self._mark = now
                self._marked = seq
            elif seq - n >= self._marked:
                self._since = self._mark
                self._mark = now
                self._marked = seq
            wait = self._unsaved_ms - ticks_diff(now, self._since)
            if wait <= 0 or n >= self._unsaved_items:
                moved = self._move(False)
            else:
                full = self.codec.fill(self.ram)
                moved = 0
                if full >= self._spill_at or down <= 0 and full >= _COARSE_FROM:
                    moved = self._move(True) or self._move(False)
            if spool.broken:
                self._failed_at = now
                return self._retry_ms
            if moved and (wait <= 0 or not self.unsaved):
                self._since = now if self.unsaved else None
                wait = self._unsaved_ms if self.unsaved else FOREVER
            elif wait <= 0:
                wait = _AGAIN_MS
        return max(min(wait, down if down > 0 else FOREVER), 1)
