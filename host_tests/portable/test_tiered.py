"""RAM first, flash behind it: order, loss and identity across spills, flights and restarts."""

# heap: 512k

import io
import random

from batcher import segreader, spoollog
from batcher.flashblocks import FlashBlocks
from batcher.items import Items
from batcher.port import FOREVER, MICROPYTHON
from batcher.records import RecordRing
from batcher.ring import Ring
from batcher.schema import Schema
from batcher.spool import Spool
from batcher.tiered import Tiered
from batcher.timebase import Timebase
from kit import conformance, scratch
from kit.alloc import locked
from kit.check import raises

COUNTS = Schema("counts", [("count", "count", 0), ("noise", "lx", 0)])


def dump(i):
    return b"%07d" % i


class Rings:
    """Makes stores over a Ring, whose items are numbers."""

    name = "ring"

    def __init__(self, places=60):
        self.places = places

    def ram(self):
        return Ring(self.places)

    def codec(self, ram):
        return Items(dump, int, 200)

    def item(self, i):
        return i

    def read(self, batch):
        return list(batch)


class Records:
    """Makes stores over a RecordRing: item i is a row whose first field is i."""

    name = "records"

    def __init__(self, nbytes=2500, rows=8):
        self.row = COUNTS.row()
        self.rows = rows
        self.nbytes = nbytes

    def ram(self):
        return RecordRing(COUNTS, self.nbytes, self.rows, Timebase())

    def codec(self, ram):
        return FlashBlocks(ram)

    def item(self, i):
        self.row[0] = 100 * i
        self.row[1] = i
        self.row[2] = i * 7919 % 1000
        return self.row

    def read(self, batch):
        got = []
        batch.rewind()
        while batch.next_block():
            first = batch.first
            for k in range(batch.count):
                batch.next_row(self.row)
                got.append(self.row[1])
                assert self.row[2] == self.row[1] * 7919 % 1000
                if batch.boot is None:
                    assert self.row[0] == 100 * self.row[1] & 0x3FFFFFFF
                assert first + k <= self.row[1]
        return got


KINDS = (Rings(), Records())


class World:
    """A tiered store in a folder that can be restarted, and what it must hold."""

    def __init__(self, kind, quota=1 << 20, **options):
        self.kind = kind
        self.quota = quota
        self.options = options
        self.path = scratch.folder(kind.name)
        self.boots = 0
        self.said = []
        self.store = None
        self.start()

    def start(self):
        self.boots += 1
        ram = self.kind.ram()
        spool = Spool(
            self.path,
            self.quota,
            codec=self.kind.codec(ram),
            boot=b"boot%04d" % self.boots,
            say=self.said.append,
            ack_bytes=300,
            segment_blocks=2,
        )
        self.store = Tiered(ram, spool, **self.options)
        return self.store

    def drain(self, limit=16):
        got = []
        while True:
            self.store.seal()
            batch = self.store.peek(limit)
            if batch is None:
                assert len(self.store) == 0
                return got
            got += self.kind.read(batch)
            self.store.commit(len(batch))

    def end(self):
        self.store.spool.close()
        scratch.remove(self.path)


class TieredMaker(conformance.Maker):
    """A store that spills on its own, now and then, so that items lie in both."""

    def __init__(self, kind, every):
        self.kind = kind
        self.whole = kind.name == "records"
        self.every = every
        self.rows = 8
        self.worlds = []
        self.item = kind.item
        self.read = kind.read

    def make(self, n):
        kind = Rings(n) if self.kind.name == "ring" else Records(3000, self.rows)
        world = World(kind)
        self.worlds.append(world)
        store = world.store
        push = store.push
        pushed = [0]

        def push_and_spill(item):
            pushed[0] += 1
            if self.every and pushed[0] % self.every == 0:
                store.spill()
            return push(item)

        if self.every:
            store.push = push_and_spill
        return store

    def end(self):
        for world in self.worlds:
            world.end()
        self.worlds = []


def conforms(kind):
    maker = TieredMaker(kind, 0)
    for check in conformance.ALL:
        # A batch of 4 rows would cut a block of 8, whose other half then stays too.
        maker.rows = 4 if check is conformance.pinned_items_are_never_evicted else 8
        check(maker)
    maker.end()
    bounded = (
        conformance.a_full_store_refuses_and_changes_nothing,
        conformance.evict_takes_the_oldest_and_counts_it,
        conformance.pinned_items_are_never_evicted,
    )
    for every in (1, 3, 7):
        maker = TieredMaker(kind, every)
        for check in conformance.ALL:
            if check not in bounded:  # they fill a store, and this one spills: it is never full
                check(maker)
                maker.end()


def test_over_a_ring_it_conforms_to_the_stores_suite():
    conforms(KINDS[0])


def test_over_a_record_ring_it_conforms_to_the_stores_suite():
    conforms(KINDS[1])


def walk(kind, seed, steps):
    """Random steps against a list of what must be pending."""
    random.seed(seed)
    world = World(kind)
    store = world.store
    pending = []
    sent = 0
    flight = 0

    def step(dice):
        nonlocal sent, flight
        if dice < 8:
            for _ in range(random.getrandbits(4)):
                if store.push(kind.item(sent)):
                    pending.append(sent)
                    sent += 1
                elif not store.spill():
                    assert flight == len(store.ram) or flight >= 30
                    break
        elif dice == 8:
            store.spill()
        elif dice == 9:
            store.spill(False)
        elif dice < 13:
            store.seal()
            flight = 0
            batch = store.peek(1 + random.getrandbits(5))
            if batch is not None:
                flight = len(batch)
                assert kind.read(batch) == pending[:flight], (pending[:3], store._from)
        elif flight:
            if dice == 13:
                store.release()
            else:
                k = random.getrandbits(5) % (flight + 1)
                if dice == 14:
                    store.commit(k)
                else:
                    store.discard(k, None, "bad")
                del pending[:k]
            flight = 0

    for n in range(steps):
        step(random.getrandbits(4))
        assert len(store) == len(pending), (n, len(store), len(pending))
        if random.getrandbits(6) == 0:  # power goes: what was not on flash is lost, nothing else
            safe = len(store) - store.unsaved
            kept = pending[:safe]
            store.spool.reader.close()
            store = world.start()
            flight = 0
            had = len(store)
            assert had >= safe
            got = world.drain()
            assert len(store) == 0
            assert got[len(got) - safe :] == kept if safe else True
            assert got == list(range(got[0], got[0] + len(got))) if got else True
            pending.clear()
    store.spill_all()
    assert store.unsaved == 0
    assert len(store) == len(pending)
    again = world.start()
    got = world.drain()
    assert got[len(got) - len(pending) :] == pending
    assert again.lost == 0
    world.end()


def test_over_a_ring_any_order_of_steps_keeps_every_item_in_order():
    for seed in range(12):
        walk(KINDS[0], seed, 150)


def test_over_a_record_ring_any_order_of_steps_keeps_every_row_in_order():
    for seed in range(12):
        walk(KINDS[1], 100 + seed, 150)


def test_a_batch_in_flight_from_ram_goes_before_what_spilled_meanwhile():
    for kind in KINDS:
        world = World(kind)
        store = world.store
        for i in range(20):
            store.push(kind.item(i))
        store.seal()
        batch = store.peek(8)
        n = len(batch)
        assert store.spill() > 0
        assert len(store) == 20 and store.unsaved == 0
        assert kind.read(batch) == list(range(n))  # the handler's batch is untouched
        store.release()  # it failed
        assert world.drain() == list(range(20))
        world.end()


def as_littlefs_does(path, mode, buffering):
    """An open file does not see what is appended after it was opened."""
    with open(path, mode, buffering) as file:
        return io.BytesIO(file.read())


def test_a_segment_that_is_finished_while_it_is_read_is_read_to_its_end():
    segreader.open = as_littlefs_does
    try:
        follow(Rings(300))
        follow(Records(6000))
    finally:
        del segreader.open


def follow(kind):
    world = World(kind)
    store = world.store
    sent = 0
    done = 0
    while sent < 9000:
        for _ in range(200):
            assert store.push(kind.item(sent))
            sent += 1
        assert store.spill(False) == 200  # at times over the end of a segment
        while len(store) > 50:
            batch = store.peek(16)
            assert kind.read(batch) == list(range(done, done + len(batch)))
            done += len(batch)
            store.commit(len(batch))
    assert world.drain() == list(range(done, sent)) and store.lost == 0
    world.end()


def test_spill_all_saves_the_flight_too():
    for kind in KINDS:
        world = World(kind)
        store = world.store
        for i in range(30):
            store.push(kind.item(i))
        store.seal()
        store.peek(8)
        assert store.spill_all() == 0
        world.start()
        assert world.drain() == list(range(30))
        world.end()


def test_tick_spills_at_the_mark_by_age_and_while_the_link_is_down():
    kind = Rings(100)
    world = World(kind, spill_at=75, down_ms=1000, unsaved_ms=5000)
    store = world.store
    assert store.tick(0, True) == FOREVER
    for i in range(30):
        store.push(i)
    assert store.tick(10, True) == 5000
    assert store.unsaved == 30
    assert store.tick(20, False) == 1000  # the link went down
    assert store.tick(1020, False) > 0
    assert store.unsaved == 0
    for i in range(30, 40):
        store.push(i)
    assert store.tick(2000, True) == 5000
    assert store.tick(6999, True) == 1
    assert store.unsaved == 10
    store.tick(7000, True)
    assert store.unsaved == 0
    for i in range(40, 115):
        store.push(i)
    store.tick(7100, True)
    assert store.unsaved == 0
    assert world.drain() == list(range(115))
    world.end()


def test_no_more_than_unsaved_items_are_in_ram_alone():
    world = World(Rings(100), unsaved_items=10)
    store = world.store
    for i in range(100):
        store.push(i)
        store.tick(i, True)
        assert store.unsaved < 10
    world.end()


class Quiet:
    """Flash that fails, as a file that does."""

    def __init__(self, errno):
        self.errno = errno

    def write(self, *what):
        raise OSError(self.errno)

    flush = seek = fileno = write

    def close(self):
        pass


def test_a_failing_flash_is_said_once_and_nothing_is_lost():
    for kind in KINDS:
        for errno in (5, 28):
            world = World(kind)
            store = world.store
            for i in range(20):
                store.push(kind.item(i))
            assert store.spill(False) == 20
            for i in range(20, 30):
                store.push(kind.item(i))
            store.spool._file.close()
            store.spool._file = Quiet(errno)
            spoollog.open = Quiet(errno).write
            for now in range(5):
                assert store.spill(False) == 0
                assert store.tick(now, False) > 0
            assert store.unsaved == 10 and len(store) == 30
            assert len(world.said) == 1 and "RAM" in world.said[0], world.said
            del spoollog.open
            store.tick(100_000, False)
            assert store.spill(False) == 10
            assert world.drain() == list(range(30))
            world.end()


class Told:
    lost = 0

    def tell(self, first, *what):
        assert first == self.lost
        self.lost += 1 if len(what) == 1 else what[0]
        assert what[-1] == "quota"


def test_quota_losses_are_counted_and_told():
    for kind in KINDS:
        world = World(kind, quota=24576)
        store = world.store
        told = Told()
        store.spool.tell = told.tell
        n = 0
        while n < 12000:
            if store.push(kind.item(n)):
                n += 1
            else:
                assert store.spill()
        assert store.lost == told.lost > 0
        assert len(store) == n - store.lost
        assert world.drain() == list(range(store.lost, n))
        world.end()


def test_bad_arguments_are_named():
    for name, bad in (("spill_at", 0), ("unsaved_ms", 0), ("unsaved_items", 0), ("retry_ms", 0)):
        with raises(ValueError, name):
            Tiered(Ring(4), None, **{name: bad})
    with raises(TypeError, "down_ms"):
        Tiered(Ring(4), None, down_ms="1")


def test_a_heap_too_short_for_a_file_is_a_flash_that_fails():
    for kind in KINDS:
        world = World(kind, retry_ms=1000)
        store = world.store
        n = 0
        while store.push(kind.item(n)):
            n += 1
        moved = locked(store.spill)
        assert moved == (0 if MICROPYTHON else n - len(store.ram))
        locked(lambda store=store: store.tick(1, False))
        store.tick(2000, False)
        for _ in range(200):
            assert store.push(kind.item(n)) or store.spill() and store.push(kind.item(n))
            n += 1
        assert len(store.spool) > 100
        for _ in range(9):  # more often than a segment that cannot be read is tried
            try:
                locked(lambda store=store: store.peek(16))
            except MemoryError:  # of the user's `load`
                pass
            store.release()
        assert world.drain() == list(range(n)) and store.lost == 0
        world.end()


def test_a_link_that_is_down_for_a_week_is_still_down():
    world = World(Rings(100))
    store = world.store
    now = 0
    for day in range(1, 14):
        while now < day * 86400000:
            now += 3600000
            store.tick(now & 0x3FFFFFFF, False)
        for i in range(50):
            assert store.push(i)
        store.tick(now & 0x3FFFFFFF, False)
        assert store.unsaved < 50, day
    world.end()


def test_the_bound_holds_for_what_came_just_after_what_has_gone():
    world = World(Rings(), unsaved_ms=1000)
    store = world.store
    assert store.push(0)
    store.tick(0, True)
    assert store.push(1)  # right after
    assert list(store.peek(1)) == [0]
    store.commit(1)
    store.tick(900, True)
    assert store.unsaved == 1
    store.tick(1010, True)
    assert store.unsaved == 0 and len(store.spool) == 1
    world.end()
