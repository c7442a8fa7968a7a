"""The batcher with flash behind its memory: the bounds are kept, the law holds, the order too."""

# heap: 1m

from batcher.backoff import Backoff
from batcher.batcher import Batcher
from batcher.items import Items
from batcher.ring import Ring
from batcher.spool import Spool
from batcher.tiered import Tiered
from kit import scratch
from kit.clock import VirtualClock


class Station:
    def __init__(self, places=20, quota=65536, **bounds):
        self.folder = scratch.folder("spilling")
        self.clock = VirtualClock()
        self.told = []
        self.taken = []
        self.down = False
        codec = Items(lambda i: b"%07d" % i, int, 200)
        self.spool = Spool(self.folder, quota, codec=codec, boot=b"12345678", max_items=None)
        self.store = Tiered(Ring(places), self.spool, **bounds)
        self.batcher = Batcher(
            store=self.store,
            overflow="spill",
            clock=self.clock,
            backoff=Backoff(100, 1000, lambda bits: 99),
            on_error=lambda exc: None,
            on_drop=lambda *what: self.told.append(what),
        )
        self.batcher.register_handler(self.send)
        self.batcher.start()
        self.clock.run()

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
