"""Flash that fails in every way, at any time: what was safe stays, and every reading is counted.

Runs on CPython only: it stands between the store and the file system.
"""

import asyncio
import builtins
import os
import random

import pytest

from batcher import ack, segfiles, segreader, spoollog
from batcher.batcher import Batcher
from batcher.flashblocks import FlashBlocks
from batcher.items import Items
from batcher.records import RecordRing
from batcher.ring import Ring
from batcher.schema import Schema
from batcher.spool import Spool
from batcher.tiered import Tiered
from batcher.timebase import Timebase
from portable.test_tiered import KINDS

EIO, ENOSPC = 5, 28
CALLS = ("open", "read", "write", "sync", "remove", "list", "stat", "statvfs")


class Flash:
    """`rates[call]`: how probably that call fails; a file also takes heap, which may be short.
    `hook(call, path)` may raise, too."""

    def __init__(self, monkeypatch, dice):
        self.rates = {}
        self.dice = dice
        self.hook = lambda call, path: None
        for module in (spoollog, segreader, ack):
            monkeypatch.setattr(module, "open", self._open, raising=False)
        for module in (spoollog, segfiles):
            monkeypatch.setattr(module, "os", self)
        listed = spoollog.ilistdir

        def ilistdir(path):
            self.hit("list", path)
            return listed(path)

        monkeypatch.setattr(spoollog, "ilistdir", ilistdir)

        def sync(file):
            self.hit("sync", file.path)
            file.flush()

        monkeypatch.setattr(spoollog, "sync", sync)
        monkeypatch.setattr(ack, "sync", sync)

    def hit(self, call, path):
        self.hook(call, path)
        rate = self.rates.get(call, 0)
        if rate and self.dice.random() < rate:
            code = self.dice.choice((EIO, ENOSPC, None) if call == "write" else (EIO, None))
            raise OSError(code, call) if code else MemoryError(call)

    def _open(self, path, mode, *buffering):
        self.hit("open", path)
        return File(self, path, builtins.open(path, mode, *buffering))

    def remove(self, path):
        self.hit("remove", path)
        os.remove(path)

    def stat(self, path):
        self.hit("stat", path)
        return os.stat(path)

    def statvfs(self, path):
        self.hit("statvfs", path)
        return os.statvfs(path)

    def __getattr__(self, name):  # the rest of `os`
        return getattr(os, name)


class File:
    def __init__(self, flash, path, file):
        self.flash = flash
        self.path = path
        self.file = file

    def write(self, data):
        self.flash.hit("write", self.path)
        return self.file.write(data)

    def readinto(self, buf):
        self.flash.hit("read", self.path)
        return self.file.readinto(buf)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)


@pytest.fixture
def flash(monkeypatch):
    return Flash(monkeypatch, random.Random(1))


class Life:
    """A board: adds, flights, ticks, restarts, and all that was told of losses."""

    def __init__(self, kind, folder, flash):
        self.kind = kind
        self.folder = str(folder)
        self.flash = flash
        self.boots = self.added = self.now = 0
        self.lost = []
        self.delivered = []
        self.flight = None
        self.start()

    def start(self):
        self.boots += 1
        ram = self.kind.ram()
        spool = Spool(
            self.folder,
            20000,
            codec=self.kind.codec(ram),
            boot=b"boot%04d" % self.boots,
            say=lambda line: None,
            ack_bytes=300,
            segment_blocks=1,
        )
        spool.tell = self.tell
        self.store = Tiered(ram, spool, retry_ms=1000, unsaved_ms=5000)
        self.done = self.dropped = 0
        self.flight = None

    def tell(self, *what):
        self.lost.append(what)

    def add(self):
        store = self.store
        item = self.kind.item(self.added)
        taken = store.push(item) or store.spill() and store.push(item)
        if not taken:
            self.dropped += store.evict(self.tell, "overflow")
            taken = store.push(item)
        self.added += bool(taken)

    def fly(self, limit):
        self.store.seal()
        batch = self.store.peek(limit)
        self.flight = None if batch is None else self.kind.read(batch)

    def land(self, k):
        self.store.commit(k)
        self.delivered += self.flight[:k]
        self.done += k
        self.flight = None

    def off(self):
        """The law: taken in = delivered + dropped + lost + pending."""
        store = self.store
        return store.next_seq - self.done - self.dropped - store.lost - len(store)

    def step(self, calls):
        dice = self.flash.dice
        rates = self.flash.rates
        what = dice.randrange(40)
        if what < 3:
            rates.clear()
            if what == 2:
                for call in dice.sample(calls, min(2, len(calls))):
                    rates[call] = dice.choice((0.02, 0.2, 1.0))
        elif what < 20:
            for _ in range(dice.randrange(20)):
                self.add()
        elif what < 30:
            if self.flight is None:
                self.fly(dice.randint(1, 40))
            else:
                n = len(self.flight)
                self.land(dice.choice((0, n, n, dice.randint(0, n))))
        elif what < 38:
            self.now += dice.randrange(3000)
            self.store.tick(self.now & 0x3FFFFFFF, dice.random() < 0.5)
        elif what == 38:
            self.store.spill_all()
        elif dice.random() < 0.3:  # power is cut
            rates.clear()
            self.store.spool.reader.close()
            if self.store.spool._file:
                self.store.spool._file.close()
            self.start()

    def end(self):
        self.flash.rates.clear()
        if self.flight is not None:
            self.land(len(self.flight))
        self.store.spool.revive()
        while True:
            self.fly(40)
            if self.flight is None:
                break
            self.land(len(self.flight))
        assert self.off() == 0 and len(self.store) == 0
        if self.boots > 1:  # RAM went with the power, and what was delivered may come again
            return
        gone = set()
        unnamed = 0  # losses of which only the number is known
        for told in self.lost:
            if len(told) == 2 and told[0] is not None:
                gone.add(told[0])
            elif len(told) == 3 and told[0] >= 0:
                gone.update(range(told[0], told[0] + told[1]))
            else:
                unnamed += 1 if len(told) == 2 else told[1]
        missing = set(range(self.added)) - gone - set(self.delivered)
        assert len(missing) == unnamed, (sorted(missing)[:9], unnamed)
        assert self.delivered == sorted(set(self.delivered))


def lives(folder, flash, seeds, calls=CALLS):
    for seed in seeds:
        for kind in KINDS:
            flash.dice.seed(seed)
            flash.rates.clear()
            life = Life(kind, folder / f"{kind.name}{seed}{calls[0]}", flash)
            for _ in range(150):
                life.step(calls)
                assert life.off() == 0, (kind.name, seed, flash.rates)
            life.end()


@pytest.mark.parametrize("calls", [CALLS, *[(call,) for call in CALLS]], ids="-".join)
def test_whatever_fails_each_reading_is_delivered_or_told(tmp_path, flash, calls):
    lives(tmp_path, flash, range(6), calls)


@pytest.mark.proof
@pytest.mark.parametrize("calls", [CALLS, *[(call,) for call in CALLS]], ids="-".join)
def test_proof_whatever_fails(tmp_path, flash, calls):
    lives(tmp_path, flash, range(100, 125), calls)


def items(size=7):
    return Items(lambda i: b"%0*d" % (size, i), int, 200 if size < 50 else 600)


def rings(folder, places=60, quota=1 << 20, size=7, retry_ms=60_000, **options):
    codec = items(size)
    spool = Spool(str(folder), quota, codec=codec, boot=b"boot0001", say=lambda s: None, **options)
    return Tiered(Ring(places), spool, retry_ms=retry_ms)


def opened(folder, boot, **options):
    """A spool of numbers, at its boot-th start."""
    name = b"boot%04d" % boot
    options = {"ack_bytes": 200, "quota_bytes": 1 << 20, "say": lambda s: None} | options
    return Spool(str(folder), codec=items(), boot=name, **options)


def damage(path, at):
    """Flip a bit."""
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def store_all(store, n):
    """Numbers below n, onto flash."""
    for i in range(n):
        if not store.push(i):
            assert store.spill() and store.push(i)
    assert store.spill_all() == 0


def drain(store):
    got = []
    while (batch := store.peek(16)) is not None:
        got += list(batch)
        store.commit(len(batch))
    return got


def test_reads_that_fail_now_and_then_cost_no_segment(tmp_path, flash):
    store = rings(tmp_path, segment_blocks=2)
    store_all(store, 2000)
    for _ in range(20):  # each alone, and then at once in a row as a flusher would not do it
        store.peek(16)
        store.release()
        flash.rates = {"read": 1.0}
        assert store.peek(16) is None
        flash.rates = {}
        assert list(store.peek(16))[0] == 0
        store.release()
    assert drain(store) == list(range(2000)) and store.lost == 0


def test_a_quota_that_is_full_during_a_flight_takes_nothing_of_the_flight(tmp_path):
    for batch, size in ((64, 100), (90, 200)):
        for quota in (8192, 16384, 32768):
            store = rings(tmp_path / f"{batch}-{quota}", 100, quota, size)
            gone = []
            store.spool.tell = lambda item, reason, gone=gone: gone.append(item)
            for i in range(batch):
                assert store.push(i)
            flight = list(store.peek(batch))
            for i in range(batch, batch + 2000):
                if not store.push(i) and not (store.spill() and store.push(i)):
                    store.evict(lambda item, reason, gone=gone: gone.append(item), "overflow")
                    assert store.push(i)
            store.commit(len(flight))
            got = flight + drain(store)
            assert sorted(got + gone) == list(range(batch + 2000)), (batch, quota)
            assert got == sorted(got)


def test_a_quota_that_is_full_where_nothing_can_be_deleted(tmp_path, flash):
    store = rings(tmp_path, quota=100_000, segment_blocks=1)
    for i in range(20000):
        if not store.push(i):
            store.spill()
            assert store.push(i)
    before = store.lost
    flash.rates = {"remove": 1.0}
    for i in range(20000, 20200):
        if not store.push(i) and not (store.spill() and store.push(i)):
            store.evict(None, "")
            assert store.push(i)
    assert store.lost - before < 1000 < len(store)  # one segment, not all of them


def test_what_is_stored_behind_a_damaged_place_is_read(tmp_path):
    store = rings(tmp_path)
    added = 0
    for _ in range(12):
        for _ in range(40):
            assert store.push(added)
            added += 1
        store.spill(False)
        if added == 40:
            damage(tmp_path / "s00000001", 100)
        batch = store.peek(16)
        if batch:
            store.commit(len(batch))
    assert store.lost <= 80, store.lost


def test_a_note_of_delivery_that_cannot_be_read_for_once_is_waited_for(tmp_path, flash):
    first = opened(tmp_path, 1)
    for i in range(200):
        first.push(i)
    first.seal()
    while first.index < 150:
        first.commit(len(first.peek(10)))
    first.acknowledge()
    assert drain(first) == list(range(150, 200))
    first.close()

    def hook(call, path):
        if call == "open" and path.endswith("ack"):
            raise OSError(EIO, "EIO")

    flash.hook = hook
    second = opened(tmp_path, 2)
    assert second.broken and not second.push(1000) or len(second) == 1
    flash.hook = lambda call, path: None
    assert second.revive()
    second.codec.clear()
    for i in range(1000, 1200):
        assert second.push(i)
    second.close()
    third = opened(tmp_path, 3)
    assert drain(third) == list(range(1000, 1200)) and third.lost == 0


def test_a_damaged_segment_does_not_give_its_numbers_to_others(tmp_path):
    first = opened(tmp_path, 1)
    for i in range(100):
        first.push(i)
    first.seal()
    while first.index < 90:
        first.commit(len(first.peek(10)))
    first.acknowledge()
    damage(tmp_path / "s00000001", 900)  # before what was delivered
    second = opened(tmp_path, 2)
    for i in range(1000, 1060):
        second.push(i)
    second.seal()
    got = drain(opened(tmp_path, 3))
    assert [i for i in got if i >= 1000] == list(range(1000, 1060))


def test_a_flush_is_told_what_its_items_came_to(tmp_path, flash):
    async def in_flight_and_on_flash():
        store = rings(tmp_path, 20)
        gate = asyncio.Event()
        lost = []
        b = Batcher(
            store=store,
            overflow="spill",
            batch_size=10,
            interval_ms=10,
            on_drop=lambda item, reason: lost.append(item),
        )

        async def handler(batch):
            await gate.wait()

        b.register_handler(handler)
        b.start()
        for i in range(10):
            b.add(i)
        await asyncio.sleep(0.05)  # these are in flight
        for i in range(10, 25):
            b.add(i)
        flush = asyncio.ensure_future(b.flush())
        await asyncio.sleep(0.01)
        flash.rates = {"write": 1.0, "open": 1.0}
        for i in range(25, 60):
            b.add(i)
        flash.rates = {}
        await asyncio.sleep(0.01)
        gate.set()
        assert [i for i in lost if i < 25]
        assert await flush is False
        await b.close()

    async def in_pinned_blocks():
        schema = Schema("x", [("f", "lx", 0)])
        store = RecordRing(schema, 1500, 32, Timebase())
        gate = asyncio.Event()
        lost = []
        b = Batcher(
            store=store, batch_size=10, interval_ms=10, on_drop=lambda *what: lost.append(what)
        )

        async def handler(batch):
            await gate.wait()

        row = schema.row()

        def add(i):
            row[0] = row[1] = i
            b.add(row)

        for i in range(32):
            add(i)
        store.seal()
        b.register_handler(handler)
        b.start()
        await asyncio.sleep(0.05)  # 10 rows of a block of 32 are in flight
        flush = asyncio.ensure_future(b.flush())
        await asyncio.sleep(0.01)
        i = 32
        while not lost:
            add(i)
            i += 1
        gate.set()
        assert await flush is True
        await b.close()

    asyncio.run(in_flight_and_on_flash())
    asyncio.run(in_pinned_blocks())


def test_a_block_is_never_longer_than_a_frame_can_say(tmp_path):
    schema = Schema("wide", [("f%d" % i, "lx", 0) for i in range(31)])
    dice = random.Random(1)

    def ring():
        return RecordRing(schema, 200_000, None, Timebase())

    ram = ring()
    spool = Spool(str(tmp_path), 1 << 20, codec=FlashBlocks(ram), boot=b"boot0001")
    store = Tiered(ram, spool)
    row = schema.row()
    for i in range(3 * ram.rows):
        row[0] = i * 1000
        for k in range(31):
            row[k + 1] = dice.randint(-(2**31) + 1, 2**31 - 1)
        assert store.push(row)
    assert store.spill_all() == 0
    assert len(Spool(str(tmp_path), 1 << 20, codec=FlashBlocks(ring()), boot=b"boot0002")) == (
        3 * ram.rows
    )
    with pytest.raises(ValueError, match="rows"):
        RecordRing(schema, 1_000_000, 128, Timebase())


def test_a_head_that_cannot_be_read_for_once_is_read_at_the_right_place(tmp_path, flash):
    spool = opened(tmp_path, 1)
    for i in range(100):
        assert spool.push(i)
    assert spool.seal()
    spool.commit(len(spool.peek(20)))
    spool.reader.forget()
    flash.rates = {"read": 1.0}
    assert spool.peek(16) is None
    flash.rates = {}
    assert drain(spool) == list(range(20, 100)) and spool.lost == 0


def test_flash_that_comes_up_during_a_flight_gives_what_it_had_before(tmp_path, flash):
    old = opened(tmp_path, 1)
    for i in range(1000, 1040):
        assert old.push(i)
    old.close()
    flash.rates = {"statvfs": 1.0}
    codec = items()
    spool = Spool(str(tmp_path), 1 << 20, codec=codec, boot=b"boot0002", say=lambda s: None)
    store = Tiered(Ring(20), spool, retry_ms=1000)
    for i in range(10):
        assert store.push(i)
    flight = list(store.peek(8))
    flash.rates = {}
    store.tick(1, False)
    for i in range(10, 20):
        assert store.push(i)
    store.spill()  # its copy would lie behind what is older
    store.commit(len(flight))
    got = flight + drain(store)
    assert sorted(got) == [*range(20), *range(1000, 1040)] and store.lost == 0
    assert store.next_seq == len(got)


def test_a_segment_told_as_gone_is_not_delivered_though_it_could_not_be_deleted(tmp_path, flash):
    store = rings(tmp_path, quota=20_000, segment_blocks=1)
    told = []
    store.spool.tell = lambda item, reason: told.append(item)
    added = 0

    def more(n):
        nonlocal added
        for _ in range(n):
            if not store.push(added) and not (store.spill() and store.push(added)):
                store.evict(lambda item, reason: told.append(item), "overflow")
                assert store.push(added)
            added += 1

    while not told:  # the quota is full
        more(1)
    got = list(store.peek(16))  # from the oldest segment, which stays now
    flash.rates = {"remove": 1.0}
    before = len(told)
    while len(told) == before:
        more(1)
    flash.rates = {}
    store.commit(len(got))
    got += drain(store)
    assert not set(got) & set(told)
    assert sorted(got + told) == list(range(added))


def test_a_listing_that_fails_costs_nothing(tmp_path, flash):
    spool = opened(tmp_path, 1, segment_blocks=1)
    for i in range(2000):
        assert spool.push(i)
    assert spool.seal()
    flash.rates = {"list": 1.0}
    assert drain(spool) == list(range(2000)) and spool.lost == 0


def test_what_a_failed_segment_takes_is_not_counted_again_and_again(tmp_path, flash):
    store = rings(tmp_path, segment_blocks=1)
    for i in range(400):
        if not store.push(i):
            assert store.spill() and store.push(i)
    flash.rates = {"sync": 1.0, "remove": 1.0}
    for _ in range(20):
        store.spool.revive()
        store.spill(False)
    flash.rates = {}
    store.spool.revive()
    assert store.spill_all() == 0
    store.spool.close()
    sizes = [file.stat().st_size for file in tmp_path.iterdir() if file.name != "ack"]
    assert store.spool._used == sum(-(-size // 4096) * 4096 for size in sizes)


def test_a_fault_of_last_week_does_not_put_off_the_next_try(tmp_path, flash):
    store = rings(tmp_path, 20, retry_ms=1000)
    for i in range(20):
        assert store.push(i)
    flash.rates = {"write": 1.0}
    assert store.spill() == 0
    assert store.tick(0) <= 1000
    flash.rates = {}
    now = 2000
    store.tick(now)
    for _ in range(3):  # ticks tell apart 6.2 days
        now += 3 * 86400000
        store.tick(now & 0x3FFFFFFF)
    while store.push(0):
        pass
    flash.rates = {"write": 1.0}
    store.spill()
    flash.rates = {}
    assert store.tick(now & 0x3FFFFFFF) <= 0x0FFFFFFF and not store.spool.broken


def test_flash_that_is_away_for_a_while_loses_nothing_that_is_on_it(tmp_path, flash):
    store = rings(tmp_path, segment_blocks=1)
    store_all(store, 2000)
    store.spool.reader.close()
    for errno in (EIO, 2):  # a card that does not answer, and one that was unmounted

        def away(call, path, errno=errno):
            raise OSError(errno, call)

        flash.hook = away
        for _ in range(100):
            assert store.peek(16) is None
            store.release()
    flash.hook = lambda call, path: None
    assert drain(store) == list(range(2000)) and store.lost == 0


def test_a_segment_that_fails_now_and_then_is_not_given_up(tmp_path, flash):
    for name in ("s00000001", "s00000002"):  # the oldest, and the head of the one behind it
        store = rings(tmp_path / name, segment_blocks=1)
        store_all(store, 2000)

        left = []

        def hook(call, path, name=name, left=left):
            if call == "read" and path.endswith(name) and left:
                left.pop()
                raise OSError(EIO, call)

        flash.hook = hook
        for _ in range(20):
            store.spool.reader.forget()
            left.append(1)
            assert store.peek(16) is None and not left
            assert list(store.peek(16))[0] == 0
            store.release()
        assert drain(store) == list(range(2000)) and store.lost == 0


def test_a_segment_that_can_never_be_read_is_given_up_alone(tmp_path, flash):
    for bad in ("s00000001", "s00000003"):
        store = rings(tmp_path / bad, segment_blocks=1)
        store_all(store, 2000)

        def hook(call, path, bad=bad):
            if call == "read" and path.endswith(bad):
                raise OSError(EIO, call)

        flash.hook = hook
        got = []
        for _ in range(50):
            got += drain(store)
        assert 100 < store.lost < 500 and len(got) == 2000 - store.lost
        assert got == sorted(got) and len(store) == 0


def test_a_segment_that_was_deleted_is_passed_over_at_once(tmp_path, flash):
    store = rings(tmp_path, segment_blocks=1)
    store_all(store, 2000)
    (tmp_path / "s00000001").unlink()
    (tmp_path / "s00000003").unlink()
    got = drain(store)
    assert len(got) + store.lost == 2000 and store.lost < 1000


def test_a_flight_whose_copy_cannot_be_read_is_still_not_deleted(tmp_path, flash):
    store = rings(tmp_path, 40, 8192, 100, segment_blocks=1)
    for i in range(20):
        assert store.push(i)
    flight = list(store.peek(20))
    gone = []
    i = 20

    def more():
        nonlocal i
        if not store.push(i) and not (store.spill() and store.push(i)):
            store.evict(lambda item, reason: gone.append(item), "overflow")
            assert store.push(i)
        i += 1

    while not len(store.spool):
        more()

    def hook(call, path):
        if call == "read" and left:
            left.pop()
            raise OSError(EIO, call)

    flash.hook = hook
    for _ in range(1000):
        store.spool.reader.forget()
        left = [1]  # the first read of each attempt
        more()
        if gone:
            break
    store.commit(len(flight))
    got = flight + drain(store)
    assert sorted(got + gone) == list(range(i)) and len(store) == 0


def test_a_damaged_copy_of_a_flight_that_was_delivered_is_no_loss(tmp_path, flash):
    store = rings(tmp_path, 30)
    for i in range(30):
        assert store.push(i)
    flight = list(store.peek(20))
    assert store.spill() and store.push(30)
    damage(tmp_path / "s00000001", 50)
    store.commit(len(flight))
    told = []
    store.spool.tell = lambda item, reason: told.append(item)
    got = drain(store)
    assert store.lost == len(told) and store.next_seq == 20 + len(got) + store.lost
    assert store.lost <= 10


def test_what_a_failed_sync_left_is_not_read_and_what_follows_is(tmp_path, flash):
    store = rings(tmp_path, 10, size=7)
    told = []
    for i in range(10):
        assert store.push(i)
    assert store.spill(False) == 10
    for i in range(10, 20):
        assert store.push(i)
    flash.rates = {"sync": 1.0}
    store.spill(False)
    flash.rates = {}
    for i in range(20, 30):
        if not store.push(i):
            store.evict(lambda item, reason: told.append(item), "overflow")
            assert store.push(i)
    store.spool.revive()
    assert store.spill(False) == 10
    store.spool.reader.forget()
    left = [1]

    def hook(call, path):
        if call == "open" and path.endswith("s00000002") and left:
            left.pop()
            raise OSError(EIO, call)

    flash.hook = hook
    assert store.peek(16) is None and not left
    assert told == list(range(10, 20))
    assert drain(store) == [*range(10), *range(20, 30)] and store.lost == 0


def test_the_quota_behind_a_gap_that_was_not_read_yet(tmp_path, flash):
    store = rings(tmp_path, 20, 20_000, 200, segment_blocks=1)
    told = []
    store.spool.tell = lambda item, reason: told.append(item)
    i = 0

    def more(n):
        nonlocal i
        for _ in range(n):
            if not store.push(i):
                assert store.spill() and store.push(i)
            i += 1

    got = []

    def fly():
        batch = list(store.peek(5))
        store.commit(len(batch))
        return batch

    more(85)
    got += list(store.peek(5))
    more(60)  # the quota takes what is behind the segment that is being read
    store.commit(5)
    while store.spool.index < store.spool._gap:
        got += fly()
    flash.rates = {"open": 1.0, "read": 1.0}
    assert store.peek(5) is None
    flash.rates = {}
    more(60)
    got += drain(store)
    assert sorted(got + told) == list(range(i)) and got == sorted(got)
