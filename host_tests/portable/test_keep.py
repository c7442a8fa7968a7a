"""What a configuration makes of a spool: names of boots, time, and readings that come back."""

# heap: 512k

import json

from batcher import schema
from batcher.identity import Identity
from batcher.items import Items
from batcher.keep import keep, new_boot
from batcher.records import RecordRing
from batcher.ring import Ring
from batcher.schema import Schema
from batcher.spool import Spool
from batcher.tiered import Tiered
from batcher.timebase import Timebase
from batcher.uplink.enc_rows import RowsEncoder
from batcher.uplink.transport import Transport
from kit import scratch

ROOM = Schema("room", [("temperature", "Cel", -2)])


class Life:
    """A boot of a station with its readings on flash."""

    def __init__(self, path):
        self.clock = Timebase()
        ring = RecordRing(ROOM, 2000, 8, self.clock)
        self.store = keep(ring, {"path": path, "quota": 200_000, "unsaved_ms": 60_000})
        self.boot = self.store.spool.boot
        self.row = ROOM.row()

    def take(self, first, n):
        for i in range(first, first + n):
            self.row[0] = 1000 * i
            self.row[1] = i
            assert self.store.push(self.row)

    def batch(self, limit):
        """-> (boot, first number, values, Unix ms of the first or None) of the oldest."""
        batch = self.store.peek(limit)
        batch.rewind()
        assert batch.next_block()
        got = []
        first, epoch = batch.first, batch.epoch
        for _ in range(batch.count):
            batch.next_row(self.row)
            got.append(self.row[1])
        if epoch is not None:
            epoch = (epoch[0] * 10000 + epoch[1]) * 1000 + epoch[2]
        return batch.boot, first, got, epoch


def test_each_boot_counts_and_has_another_name():
    path = scratch.folder("boot")
    names = set()
    for n in range(1, 6):
        boot = new_boot(path)
        assert len(boot) == 8 and boot[:3] == bytes([0, 0, n])
        names.add(boot)
    assert len(names) == 5
    scratch.remove(path)


def test_a_torn_count_is_no_loss():
    path = scratch.folder("boot")
    for _ in range(3):
        new_boot(path)
    with open(path + "/boot", "r+b") as file:  # the newest record: versions go in turn
        file.seek(24)
        file.write(b"BAK1xx")
    assert new_boot(path)[:3] == bytes([0, 0, 3])  # of 2; its random part is another
    scratch.remove(path)


def test_without_flash_the_name_is_random():
    a = new_boot("/dev/null/x")
    b = new_boot("/dev/null/x")
    assert a != b and len(a) == 8


def test_what_was_not_taken_comes_again_under_its_name_after_restarts():
    path = scratch.folder("kept")
    one = Life(path)
    one.take(0, 20)
    assert one.store.spill_all() == 0  # power is going
    two = Life(path)
    assert two.boot[:3] == b"\x00\x00\x02"
    assert two.batch(8)[:3] == (one.boot, 0, list(range(8)))  # sent; the answer never came
    two.take(20, 3)
    assert two.store.spill_all() == 0
    three = Life(path)
    assert three.batch(8)[:3] == (one.boot, 0, list(range(8)))
    three.store.commit(8)
    three.store.spool.close()
    four = Life(path)
    assert four.batch(8)[:3] == (one.boot, 8, list(range(8, 16)))
    four.store.commit(8)
    assert four.batch(8)[:3] == (one.boot, 16, list(range(16, 20)))
    four.store.commit(4)
    assert four.batch(8)[:3] == (two.boot, 0, [20, 21, 22])  # a boot counts from 0
    four.store.commit(3)
    assert len(four.store) == 0
    four.store.spool.close()
    scratch.remove(path)


def test_readings_of_an_earlier_boot_have_its_time_also_those_from_before_it_was_known():
    path = scratch.folder("kept")
    one = Life(path)
    one.take(0, 8)
    one.store.spill_all()
    one.clock.set_epoch(1_800_000_000, 250, 10_000)
    one.take(8, 8)
    one.store.spill_all()
    two = Life(path)
    for first in (0, 8):
        boot, seq, _, epoch = two.batch(8)
        assert (boot, seq, epoch) == (one.boot, first, 1_799_999_990_250)
        two.store.commit(8)
    two.store.spool.close()
    scratch.remove(path)


def test_a_unit_that_only_the_firmware_before_knew_comes_through():
    path = scratch.folder("kept")
    before = schema.is_unit
    schema.is_unit = lambda name: True  # a registry of the future
    try:
        dust = Schema("dust", [("mass", "ug/m3", -1)])
    finally:
        schema.is_unit = before
    ring = RecordRing(dust, 2000, 8, Timebase())
    store = keep(ring, {"path": path, "quota": 200_000, "unsaved_ms": 60_000})
    row = dust.row()
    row[1] = 125
    assert store.push(row) and store.spill_all() == 0
    two = Life(path)
    batch = two.store.peek(8)
    assert batch.next().definition == dust.definition and batch.series == "dust"
    assert list(batch) == [("dust", 0, 0, [125])]
    two.store.spool.close()
    scratch.remove(path)


def test_a_boot_that_never_knew_the_time_says_so():
    path = scratch.folder("kept")
    one = Life(path)
    one.take(0, 8)
    one.store.spill_all()
    two = Life(path)
    two.clock.set_epoch(1_800_000_000, 0, 10_000)
    two.take(8, 8)
    two.store.spill_all()
    three = Life(path)
    boot, _, _, epoch = three.batch(8)
    assert (boot, epoch) == (one.boot, None)
    three.store.commit(8)
    boot, _, _, epoch = three.batch(8)
    assert (boot, epoch) == (two.boot, 1_799_999_990_000)
    three.store.spool.close()
    scratch.remove(path)


class Source:
    """What a transport asks of its batcher."""

    name = "items"

    def __init__(self, store):
        self.store = store

    @property
    def first(self):
        return self.store.first


def test_what_is_sent_of_an_earlier_boot_has_its_name():
    path = scratch.folder("kept")
    one = Life(path)
    one.take(0, 4)
    one.store.spill_all()
    two = Life(path)
    ident = Identity("dev", "f" * 16)
    name = Transport(None, ident, Source(two.store), None, 0, 512, 0, 0)
    old = "".join(["%02x" % b for b in one.boot])
    batch = two.store.peek(4)
    assert name.name(batch) == b"dev/%s/room/0/4" % old.encode()
    for who in (ident, name):
        text = bytearray(512)
        encoder = RowsEncoder()
        encoder.begin(batch, who)
        assert json.loads(bytes(text[: encoder.fill(text)]))["boot"] == old
    two.store.commit(4)
    two.take(0, 4)
    two.store.seal()
    assert name.name(two.store.peek(4)) == b"dev/ffffffffffffffff/room/0/4"
    two.store.spool.close()
    scratch.remove(path)


def test_lists_of_an_earlier_boot_have_its_name_too():
    path = scratch.folder("kept")

    def life():
        codec = Items(lambda i: b"%d" % i, int)
        return Tiered(Ring(9), Spool(path, 99_999, codec=codec, boot=new_boot(path)))

    one = life()
    for i in range(5):
        one.push(i)
    one.spill_all()
    two = life()
    name = Transport(None, Identity("dev", "f" * 16), Source(two), None, 0, 512, 0, 0)
    old = "".join(["%02x" % b for b in one.spool.boot])
    assert name.name(two.peek(3)) == b"dev/%s/items/0/3" % old.encode() and name.boot == old
    two.commit(3)
    assert name.name(two.peek(3)) == b"dev/%s/items/3/2" % old.encode()
    two.commit(2)
    two.push(7)
    assert name.name(two.peek(3)) == b"dev/ffffffffffffffff/items/0/1"
    two.spool.close()
    scratch.remove(path)
