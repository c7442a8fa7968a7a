"""The batcher with flash behind its memory: the bounds are kept, the law holds, the order too."""

# heap: 1m

from batcher.backoff import Backoff
from batcher.batcher import Batcher
from batcher.errors import RetryAfter
from batcher.items import Items
from batcher.ring import Ring
from batcher.spool import Spool
from batcher.tiered import Tiered
from kit import scratch
from kit.check import raises
from kit.clock import VirtualClock


def put(i):
    return b"%07d" % i


class Station:
    def __init__(self, places=20, quota=65536, dump=put, load=int, **bounds):
        self.folder = scratch.folder("spilling")
        self.clock = VirtualClock()
        self.told = []
        self.taken = []
        self.down = False
        self.said = []
        codec = Items(dump, load, 200)
        self.spool = Spool(self.folder, quota, codec=codec, boot=b"12345678", say=self.said.append)
        self.store = Tiered(Ring(places), self.spool, **bounds)
        self.batcher = Batcher(
            store=self.store,
            clock=self.clock,
            backoff=Backoff(100, 1000, lambda bits: 99),
            on_error=lambda exc: None,
            on_drop=lambda *what: self.on_drop(*what),
        )
        self.batcher.register_handler(self.send)
        self.batcher.start()
        self.clock.run()

    def on_drop(self, *what):
        self.told.append(what)

    def send(self, batch):
        if self.down:
            raise OSError("down")
        self.taken += batch

    def law(self):
        s = self.batcher.stats
        assert s["added"] == s["delivered"] + s["dropped"] + s["rejected"] + s["pending"], s


def test_a_long_outage_goes_to_flash_and_comes_back_first_and_in_order():
    station = Station()
    station.down = True
    for i in range(500):
        assert station.batcher.add(i)
        station.clock.advance(10)
        station.law()
    assert len(station.spool) > 400
    station.down = False
    station.clock.advance(20000)
    assert station.taken == list(range(500))
    assert station.told == []
    station.law()
    assert station.clock.complete(station.batcher.close()) == 0
    assert station.clock.tasks == []


def test_a_store_with_flash_is_used_without_being_asked():
    assert Station().batcher.overflow == "spill"
    assert Batcher(8).overflow == "drop_oldest"
    with raises(ValueError, "overflow"):
        Batcher(8, overflow="spill")


def test_no_item_is_in_memory_alone_for_longer_than_unsaved_ms():
    station = Station(unsaved_ms=3000)
    station.down = True
    for i in range(5):
        station.batcher.add(i)
    station.clock.advance(2800)
    assert len(station.spool) == 0
    station.clock.advance(500)
    assert len(station.spool) == 5


def test_what_the_quota_takes_is_told_and_the_law_holds():
    station = Station(quota=24576)
    station.down = True
    for i in range(6000):
        station.batcher.add(i)
        if i % 50 == 0:
            station.clock.advance(10)
            station.law()
    lost = station.store.lost
    assert lost > 0
    assert sum(1 if len(what) == 2 else what[1] for what in station.told) == lost
    station.down = False
    station.clock.advance(200000)
    assert station.taken == list(range(lost, 6000))
    station.law()


def test_close_moves_the_rest_to_flash():
    station = Station()
    station.down = True
    for i in range(7):
        station.batcher.add(i)
    assert station.clock.complete(station.batcher.close(timeout_ms=500)) == 0
    assert len(station.spool) == 7


def test_an_item_that_cannot_be_put_in_bytes_is_nobody_elses_trouble():
    def dump(i):
        if i == 10:
            raise TypeError("no bytes for 10")
        return put(i)

    station = Station(dump=dump)
    station.down = True
    for i in range(15):
        station.batcher.add(i)
    station.down = False
    station.clock.advance(5000)
    assert station.taken == list(range(15))  # from memory, where there is no need of bytes
    station.taken.clear()
    station.down = True
    for i in range(200):
        assert station.batcher.add(i)
        station.clock.advance(10)
        station.law()
    assert station.told == [(10, "overflow")] and len(station.spool) > 100
    station.down = False
    station.clock.advance(20000)
    assert station.taken == [i for i in range(200) if i != 10]
    assert len(station.said) == 1 and "TypeError: no bytes for 10" in station.said[0]


def test_bytes_on_flash_that_are_no_item_are_told_and_passed_over():
    bad = (3, 4, 60, 99)

    def load(data):
        if int(data) in bad:
            raise ValueError("of an older firmware")
        return int(data)

    station = Station(load=load)
    station.down = True
    for i in range(100):
        station.batcher.add(i)
    assert station.store.spill_all() == 0
    station.down = False
    for _ in range(20):
        station.clock.advance(1000)
        station.law()
    assert station.taken == [i for i in range(100) if i not in bad]
    assert station.told == [(None, "unreadable: of an older firmware")] * len(bad)
    assert station.batcher.stats["dropped"] == len(bad)


def test_a_load_that_fails_otherwise_loses_nothing():
    broken = [True]

    def load(data):
        if broken[0]:
            raise TypeError("a mistake in the program")
        return int(data)

    station = Station(load=load)
    station.down = True
    for i in range(100):
        station.batcher.add(i)
    station.store.spill_all()
    station.down = False
    station.clock.advance(20000)
    assert station.taken == [] and len(station.store) == 100
    broken[0] = False
    station.clock.advance(20000)
    assert station.taken == list(range(100)) and station.told == []


def test_the_quota_takes_what_cannot_be_read_too():
    def load(data):
        raise KeyError("a mistake in the program")

    station = Station(quota=24576, load=load)
    reasons = {}

    def told(item, reason):
        assert item is None
        reasons[reason] = reasons.get(reason, 0) + 1

    station.on_drop = told
    station.down = True
    for i in range(6000):
        assert station.batcher.add(i)
        if i % 50 == 0:
            station.clock.advance(10)
            station.law()
    assert station.store.lost and reasons == {"quota": station.store.lost}


def test_on_drop_may_add_and_nothing_gets_mixed_up():
    station = Station(quota=8192)

    def told(item, reason):
        station.told.append(item)
        station.batcher.add(item + 1000000)

    station.on_drop = told
    station.down = True
    for i in range(3000):
        station.batcher.add(i)
        if i % 10 == 0:
            station.clock.advance(10)
            station.law()
    station.down = False
    station.clock.advance(100000)
    station.law()
    taken = [i for i in station.taken if i < 1000000]
    lost = [i for i in station.told if i < 1000000]
    assert len(lost) > 1000 and taken == sorted(taken)
    assert sorted(taken + lost) == list(range(3000))


def test_a_link_that_is_up_saves_nothing_though_something_always_waits():
    station = Station(100, unsaved_ms=3000)
    end = []

    async def slowly(batch):
        batch = list(batch)
        await station.clock.signal().wait(300)
        station.taken += batch
        end.append(station.spool.end)

    station.batcher.register_handler(slowly)
    for i in range(3000):
        station.batcher.add(i)
        station.clock.advance(50)
    assert len(end) > 200 and max(end) == 0
    station.down = True
    station.batcher.register_handler(station.send)
    station.clock.advance(3400)
    assert station.store.unsaved == 0


def test_what_cannot_move_is_not_tried_without_rest():
    tried = []

    def dump(i):
        tried.append(i)
        raise TypeError("never")

    station = Station(dump=dump, unsaved_ms=1000)
    station.down = True
    station.batcher.add(1)
    station.clock.advance(30000)
    assert 1 < len(tried) < 200  # as often as anybody looks


def test_who_waits_for_room_is_woken_when_flash_has_made_some():
    station = Station(16, unsaved_ms=1000)

    def busy(batch):
        raise RetryAfter(3600000)

    station.batcher.register_handler(busy)
    station.batcher.add(0)
    station.clock.advance(600)
    for i in range(1, 16):
        station.batcher.add(i)
    task = station.clock.spawn(station.batcher.put(16))
    station.clock.advance(3000)
    assert task.done and len(station.store) == 17
