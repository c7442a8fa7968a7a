"""Spool keeps the promises of every store, and its own: restarts, quota, failing flash."""

# heap: 512k

import os

from batcher.items import Items
from batcher.segment import NOTE
from batcher.spool import Spool
from kit import conformance, scratch
from kit.check import raises

BOOT = b"boot-one"


def dump(i):
    return b"item %06d" % i  # 11 bytes


def load(data):
    return int(data[5:])


class Box:
    """A folder that is deleted at the end, and the spools opened in it."""

    def __enter__(self):
        self.path = scratch.folder("spool")
        self.said = []
        self.spools = []
        return self

    def spool(self, quota=65536, **options):
        for name, value in (
            ("codec", Items(dump, load)),
            ("boot", BOOT),
            ("say", self.said.append),
        ):
            options.setdefault(name, value)
        spool = Spool(self.path, quota, **options)
        self.spools.append(spool)
        return spool

    def flip(self, number, at, bits):
        """Change bits of one byte of a segment."""
        name = "%s/s%08x" % (self.path, number)
        with open(name, "rb") as file:
            data = bytearray(file.read())
        data[at] ^= bits
        with open(name, "wb") as file:
            file.write(data)

    def __exit__(self, *exc):
        for spool in self.spools:
            spool.close()
        scratch.remove(self.path)


def drain(spool, limit=64):
    got = []
    while True:
        batch = spool.peek(limit)
        if batch is None:
            return got
        got += batch
        spool.commit(len(batch))


class SpoolMaker(conformance.Maker):
    whole = True

    def __init__(self):
        self.boxes = []

    def make(self, n):
        box = Box().__enter__()
        self.boxes.append(box)
        return box.spool(max_items=n, ack_bytes=64)

    def item(self, i):
        return i

    def read(self, batch):
        return list(batch)


def test_spool_conforms_to_the_stores_suite():
    maker = SpoolMaker()
    try:
        conformance.run(maker)
    finally:
        for box in maker.boxes:
            box.__exit__()


def test_what_was_sealed_comes_back_after_a_restart_in_order():
    with Box() as box:
        spool = box.spool()
        for i in range(3000):
            assert spool.push(i)
        assert spool.seal()
        again = box.spool(boot=b"boot-two")  # nothing was closed: the power went
        assert len(again) == again.next_seq == 3000
        for i in range(3000, 3100):
            again.push(i)
        assert drain(again) == list(range(3100))


def test_a_batch_never_crosses_a_boot():
    with Box() as box:
        for n in range(3):
            spool = box.spool(boot=b"boot-%03d" % n)
            for i in range(10):
                spool.push(10 * n + i)
            spool.close()
        last = box.spool(boot=b"boot-003")
        for n in range(3):
            assert list(last.peek(64)) == list(range(10 * n, 10 * n + 10))
            assert last.batch_boot == b"boot-%03d" % n
            assert last.first == 10 * n
            last.commit(10)
        last.push(30)
        assert list(last.peek(64)) == [30]
        assert last.batch_boot is None


def test_the_acknowledged_position_survives_and_names_stay():
    with Box() as box:
        spool = box.spool()
        for i in range(2000):
            spool.push(i)
        spool.seal()
        for _ in range(7):
            spool.peek(50)
            spool.commit(50)
        spool.peek(50)  # in flight, not acknowledged
        spool.close()
        again = box.spool(boot=b"boot-two")
        batch = again.peek(50)
        assert batch[0] == 350 == again.first
        assert again.batch_boot == BOOT
        again.release()
        assert drain(again) == list(range(350, 2000))


def test_without_close_at_most_ack_bytes_come_again():
    with Box() as box:
        spool = box.spool(ack_bytes=1024)
        for i in range(2000):
            spool.push(i)
        spool.seal()
        for _ in range(100):
            spool.peek(10)
            spool.commit(10)
        again = box.spool(boot=b"boot-two")
        first = again.peek(1)[0]
        assert 1000 - 2 * 1024 // 13 <= first <= 1000


def test_a_full_quota_drops_the_oldest_segment_and_tells_each_item():
    with Box() as box:
        spool = box.spool(quota=40000)
        told = [0]

        def tell(item, reason):
            assert (item, reason) == (told[0], "quota")
            told[0] += 1

        spool.tell = tell
        for i in range(8000):
            assert spool.push(i)
        assert spool.lost == told[0] > 2000
        assert len(spool) == 8000 - spool.lost
        size = 0
        for name in os.listdir(box.path):
            size += os.stat(box.path + "/" + name)[6]
        assert size <= 40000
        assert drain(spool) == list(range(spool.lost, 8000))


def test_the_quota_never_deletes_what_is_being_read():
    with Box() as box:
        spool = box.spool(quota=57344, segment_blocks=2)
        i = 0
        while spool._last - spool._first < 3:
            spool.push(i)
            i += 1
        batch = list(spool.peek(20))
        pending = len(spool)
        for _ in range(8000):
            spool.push(i)
            i += 1
        assert spool.lost > 0
        assert len(spool) == pending + 8000 - spool.lost
        assert list(spool.peek(20)) == batch == list(range(20))
        spool.commit(20)
        got = drain(spool)
        assert got == sorted(got) and got[0] == 20
        assert len(got) + 20 + spool.lost == i


def test_a_torn_tail_is_skipped_and_counted():
    for cut in (1, 7, 8, 9, 200):
        with Box() as box:
            spool = box.spool()
            for i in range(200):
                spool.push(i)
            spool.close()
            name = box.path + "/s00000001"
            with open(name, "rb") as file:
                data = file.read()
            with open(name, "wb") as file:
                file.write(data[:-cut])
            again = box.spool(boot=b"boot-two")
            n = len(again)
            assert again.torn > 0
            assert 0 < n < 200
            for i in range(n, 300):
                again.push(i)
            assert drain(again) == list(range(300))


def test_a_flipped_bit_loses_no_more_than_its_segment_and_is_told():
    with Box() as box:
        spool = box.spool(segment_blocks=1)
        for i in range(2000):
            spool.push(i)
        spool.close()
        box.flip(2, 1500, 4)
        told = []
        again = box.spool(boot=b"boot-two")
        again.tell = lambda item, reason: told.append(reason)
        got = drain(again)
        assert got == sorted(got)
        assert len(got) + again.lost == 2000
        assert 0 < again.lost < 330 and told == ["unreadable"] * again.lost


def test_a_wrong_length_costs_no_memory_and_a_long_frame_is_read():
    with Box() as box:
        spool = box.spool(frame_bytes=4096)
        spool.codec.page = bytearray(3000)
        for i in range(400):
            spool.push(i)
        spool.close()
        again = box.spool(boot=b"boot-two", frame_bytes=256)
        assert drain(again) == list(range(400))  # of pages of 3000 bytes
        assert len(again.reader.buf) > 2500
    for bit in (2, 3, 4, 5):  # 1 to 8 KB more
        with Box() as box:
            spool = box.spool(codec=Items(dump, load, 400), segment_blocks=1)
            for i in range(1000):
                spool.push(i)
            spool.close()
            for number in (1, spool._last):  # the newest: what was there cannot be counted
                box.flip(number, 33, 1 << bit)  # the first frame's length
            again = box.spool(boot=b"boot-two", frame_bytes=512)
            assert 0 < len(again) < 1000 and again.torn > 0
            n = len(again)
            got = drain(again)
            assert len(got) + again.lost == n and again.lost
            assert len(again.reader.buf) == 512


def test_notes_and_pads_anywhere_between_frames_are_passed_over():
    noted = []

    class Noting(Items):
        notes = (b"first",)

        def note(self, buf, at, n):
            noted.append(bytes(buf[at : at + n]))

    with Box() as box:
        spool = box.spool(codec=Noting(dump, load))
        for i in range(40):
            spool.push(i)
            assert spool.seal()
            if i % 4 == 1:
                note = b"note %d" % i
                spool._append(NOTE, note, 0, len(note), 0)
            elif i % 4 == 2:
                assert spool.sync(spool.size + 2 + i)
        again = box.spool(boot=b"boot-two", codec=Noting(dump, load))
        assert len(again) == 40 and again.torn == 0
        noted.clear()
        assert drain(again) == list(range(40))
        expected = [b"first"] + [b"note %d" % i for i in range(1, 40, 4)]
        assert [name for name in expected if name not in noted] == []


def test_a_path_that_cannot_be_written_is_said_once():
    said = []
    spool = Spool("/dev/null/spool", 65536, codec=Items(dump, load), boot=BOOT, say=said.append)
    assert spool.broken
    accepted = 0
    while spool.push(accepted):  # as far as its page goes
        accepted += 1
    assert not spool.seal()
    assert not spool.push(0)
    assert len(spool) == accepted
    assert len(said) == 1 and "RAM" in said[0]
    spool.close()


def test_the_quota_is_no_more_than_the_free_space():
    with Box() as box:
        spool = box.spool(quota=1 << 29)
        stat = os.statvfs(box.path)
        free = stat[1] * stat[4]
        if free < 1 << 29:
            assert spool.quota < 1 << 29 and len(box.said) == 1


def test_bad_arguments_are_named():
    for name, bad in (("boot", b"short"), ("frame_bytes", 10), ("segment_blocks", 0)):
        with Box() as box, raises(ValueError, name):
            box.spool(**{name: bad})
    with Box() as box, raises(ValueError, "quota_bytes"):
        box.spool(quota=100)
