"""RecordRing against a model: what goes in comes out, whole, in order, and every loss is told."""

# heap: 512k

import random
from array import array

from batcher import block
from batcher.cut import cut_front
from batcher.reader import new_state, open_block, read_rows
from batcher.records import RecordRing
from batcher.schema import MISSING, Schema
from batcher.timebase import Timebase
from kit import conformance
from kit.check import raises

BME = Schema(
    "bme280",
    [("temperature", "Cel", -2), ("pressure", "Pa", 0), ("humidity", "%RH", -2)],
)
START = 0x3FFFF000  # soon to wrap
LUX = Schema("bh1750", [("light", "lx", -1)])


def any_value():
    dice = random.getrandbits(4)
    if dice == 0:
        return MISSING
    if dice < 3:
        return random.getrandbits(32) - (1 << 31)  # now and then MISSING as well
    return random.getrandbits(8) - 128


class Model:
    """A ring and what it must hold: (series, sequence number, ms, values) in order of sealing."""

    def __init__(self, seed, schemas, nbytes, rows=None):
        random.seed(seed)
        # Its own time: that of the whole process has gone on with other tests.
        timebase = Timebase()
        timebase.high(START)
        self.ring = RecordRing(schemas, nbytes, rows, timebase)
        self.rows = [s.row() for s in schemas]
        self.names = [s.name for s in schemas]
        self.seqs = [0] * len(schemas)
        self.sealed = []
        self.stages = [[] for _ in schemas]
        self.t = START
        self.pinned = 0
        self.told = []
        self.evicted = 0
        self.cut = 0

    def waiting(self, i):
        return self.ring._order[i][6]

    def tell(self, first, count, reason):
        self.told.append((self.ring.told, first, count))

    def add(self, i):
        row = self.rows[i]
        self.t += random.getrandbits(11)
        row[0] = self.t & 0x3FFFFFFF
        for k in range(1, len(row) - 1):
            row[k] = any_value()
        stage = self.stages[i]
        if len(stage) == self.ring.rows:
            while not self.ring.push(row):
                if not self.lose():
                    return
            if stage:  # unless it was dropped, it was sealed by this push
                self.sealed += stage
                stage[:] = []
        else:
            assert self.ring.push(row)
        values = [None if v == MISSING else v for v in row[1:-1]]
        stage.append((self.names[i], self.seqs[i], self.t, values))
        self.seqs[i] += 1

    def lose(self):
        self.told = []
        full = [s for s in self.stages if len(s) == self.ring.rows]
        lost = self.ring.evict(self.tell, "overflow")
        assert lost == sum([count for _, _, count in self.told])
        for name, first, count in self.told:
            for pile in [self.sealed] + self.stages:
                at = [k for k in range(len(pile)) if pile[k][:2] == (name, first)]
                if at:
                    assert pile is not self.sealed or at[0] >= self.pinned, "a pinned row is gone"
                    assert all([x[0] == name for x in pile[at[0] : at[0] + count]])
                    del pile[at[0] : at[0] + count]
                    break
            else:
                raise AssertionError("told of what was not there")
        for stage in full:  # evicting seals the full stage that it made room for
            if stage and not self.waiting(self.names.index(stage[0][0])):
                self.sealed += stage
                stage[:] = []
        self.evicted += lost
        return lost

    def seal(self):
        if self.ring.seal():
            for stage in self.stages:
                self.sealed += stage
                stage[:] = []
        else:
            for i in range(len(self.stages)):
                stage = self.stages[i]
                if not self.waiting(i):
                    self.sealed += stage
                    stage[:] = []

    def peek(self):
        if not self.sealed:
            self.seal()
        limit = random.getrandbits(7) + 1
        batch = self.ring.peek(limit)
        if batch is None:
            assert not self.sealed
            return
        got = list(batch)
        assert 0 < len(got) == len(batch) <= limit
        assert got == self.sealed[: len(got)]
        assert list(batch) == got, "a second look shows the same"
        self.pinned = len(got)

    def finish(self):
        if self.pinned:
            k = random.getrandbits(7) % (self.pinned + 1)
            dice = random.getrandbits(2)
            if dice == 0:
                self.ring.release()
                k = 0
            elif dice == 1:
                self.told = []
                self.ring.discard(k, self.tell, "rejected")
                assert sum([c for _, _, c in self.told]) == k
            else:
                self.ring.commit(k)
            self.cut += k > 0
            del self.sealed[:k]
            self.pinned = 0

    def run(self, steps):
        for _ in range(steps):
            dice = random.getrandbits(3)
            if dice < 4:
                for _ in range(random.getrandbits(5) + 1):
                    self.add(random.getrandbits(3) % len(self.rows))
            elif dice == 4:
                self.seal()
            elif dice < 7:
                self.peek()
            else:
                self.finish()
            held = len(self.sealed) + sum([len(s) for s in self.stages])
            assert len(self.ring) == held
            assert self.ring.next_seq == sum(self.seqs)


def test_one_series_against_a_model():
    evicted = cut = 0
    for seed in range(12):
        model = Model(seed, [BME], 3000)
        model.run(120)
        evicted += model.evicted
        cut += model.cut
    assert evicted and cut, "the model did not come to the hard cases"


def test_several_series_against_a_model():
    for seed in range(8):
        model = Model(seed, [BME, LUX, BME.named("attic")], 4000, 16)
        model.run(120)


def test_a_block_smaller_than_the_ring_is_needed():
    with raises(ValueError, "nbytes"):
        RecordRing(BME, 200)
    with raises(ValueError, "rows"):
        RecordRing(BME, 2000, 0)
    with raises(ValueError, "bme280", "twice"):
        RecordRing([BME, BME], 4000)
    with raises(ValueError, "schema"):
        RecordRing([], 4000)


def test_a_row_of_another_schema_is_refused():
    ring = RecordRing(BME, 2000)
    with raises(ValueError, "row"):
        ring.push(LUX.row())
    add = ring.fuse(ring.push)
    ring.grant(5)
    with raises(ValueError, "row"):
        add(LUX.row())
    assert len(ring) == 0


def test_fused_adds_stop_at_the_grant_and_at_the_full_stage():
    asked = []

    def slow(row):
        asked.append(len(ring))
        return ring.push(row)

    ring = RecordRing([BME, LUX], 3000, 8)
    add = ring.fuse(slow)
    bme, lux = BME.row(), LUX.row()
    assert add(bme) and asked == [0]
    ring.grant(3)
    assert add(bme) and add(lux) and add(lux) and asked == [0]
    assert add(lux) and asked == [0, 4]
    ring.grant(100)
    for _ in range(6):
        add(bme)
    assert asked == [0, 4]
    add(bme)  # the stage of 8 is full: sealed here
    assert asked == [0, 4, 11] and len(ring) == 12


def test_pinned_blocks_stay_where_they_are():
    ring = RecordRing(BME, 2200, 8)
    row = BME.row()
    for i in range(24):
        row[0] = row[1] = i
        assert ring.push(row)
    ring.seal()
    batch = ring.peek(16)
    before = list(batch)
    for i in range(24, 2000):
        row[0] = row[1] = i
        if not ring.push(row):
            assert ring.evict(None, "overflow")
            assert ring.push(row)
    assert list(batch) == before
    ring.release()
    assert list(ring.peek(16)) == before
    ring.commit(16)
    last = 23
    while ring.peek(500):
        for _, seq, _, _ in ring.peek(500):
            assert seq > last
            last = seq
        ring.commit(ring.pinned)
    assert last == 1999


def test_a_batch_ends_before_a_gap():
    ring = RecordRing(BME, 2200, 8)
    row = BME.row()
    for _ in range(32):
        ring.push(row)
    ring.seal()
    ring.peek(8)
    assert ring.evict(None, "overflow") == 8  # rows 8 to 15
    assert len(ring.peek(32)) == 8
    ring.commit(8)
    batch = ring.peek(32)
    assert len(batch) == 16 and list(batch)[0][1] == 16


def test_numbers_pass_thirty_bits():
    ring = RecordRing(BME, 2200, 8)
    ring._order[0][2] = 0x3FFFFFFE
    row = BME.row()
    for _ in range(20):
        ring.push(row)
    ring.seal()
    seqs = [seq for _, seq, _, _ in ring.peek(20)]
    assert seqs == [0x3FFFFFFE + i for i in range(20)]
    ring.commit(3)
    assert [seq for _, seq, _, _ in ring.peek(20)] == seqs[3:]


def test_a_batch_can_be_cut_to_its_first_rows():
    ring = RecordRing(BME, 2200, 8)
    row = BME.row()
    for i in range(24):
        row[0] = row[1] = i
        assert ring.push(row)
    ring.seal()
    batch = ring.peek(24)
    everything = list(batch)
    batch.limit(11)  # in the middle of the second block
    assert len(batch) == 11 and list(batch) == everything[:11]
    ring.release()
    assert len(ring.peek(24)) == 24


class RecordMaker(conformance.Maker):
    """Item i is a row whose first field is i."""

    whole = True
    schema = Schema("counts", [("count", "count", 0), ("noise", "lx", 0)])

    def __init__(self, rows):
        self.rows = rows
        self.row = self.schema.row()

    def make(self, n):
        ring = RecordRing(self.schema, 3000, self.rows, Timebase())
        assert ring.capacity >= n
        return ring

    def item(self, i):
        self.row[0] = 100 * i
        self.row[1] = i
        self.row[2] = i * 7919 % 1000
        return self.row

    def read(self, batch):
        got = []
        for series, seq, t, values in batch:
            assert series == "counts" and t == 100 * seq
            assert values == [seq, seq * 7919 % 1000]
            got.append(seq)
        return got


def test_it_conforms_to_the_stores_suite():
    for check in conformance.ALL:
        # A batch of 4 rows would cut a block of 8, whose other half then stays too.
        check(RecordMaker(4 if check is conformance.pinned_items_are_never_evicted else 8))


def test_interleaving_series_costs_no_bytes():
    def blocks_of(schemas):
        ring = RecordRing(schemas, 20000, 16, Timebase())
        rows = [s.row() for s in schemas]
        for i in range(160):
            for row in rows:
                row[0] = 1000 * i + i * 7 % 5
                for k in range(1, len(row) - 1):
                    row[k] = i * 7919 % 977
                assert ring.push(row)
        ring.seal()
        batch = ring.peek(1000)
        batch.rewind()
        found = {}
        while batch.next_block():
            block = bytes(batch.buf[batch.start : batch.start + batch.size])
            found.setdefault(batch.series, []).append(block)
        return found

    together = blocks_of([BME, LUX])
    assert len(together["bme280"]) == len(together["bh1750"]) == 10
    assert together["bme280"] == blocks_of([BME])["bme280"]
    assert together["bh1750"] == blocks_of([LUX])["bh1750"]


def sealed(rows, first, t, room=400):
    """-> (buffer with a block of those rows at 3, its head)."""
    stage = block.new_stage(3, BME.id, len(rows), 4)
    stage[block.H_COUNT] = len(rows)
    for head, number in ((block.H_SEQ, first), (block.H_TIME, t)):
        stage[head] = number & 0x3FFFFFFF
        stage[head + 1] = number >> 30
    stage[block.S_LAST] = 3 + room - 5
    for i in range(len(rows)):
        for k in range(4):
            stage[block.ROWS + 4 * i + k] = rows[i][k]
    buf = bytearray(b"\x55" * (room + 6))
    assert block.seal(stage, buf, 3)
    return buf, stage[: block.HEAD_WORDS]


def test_a_block_that_is_cut_is_the_block_of_what_is_left():
    state = new_state(3)
    small = 0
    for seed in range(150):
        random.seed(seed)
        t = START + 4 * random.getrandbits(32)
        n = random.getrandbits(4) + 2
        rows = []
        times = []
        for _ in range(n):
            times.append(t)
            rows.append([t & 0x3FFFFFFF] + [any_value() for _ in range(3)])
            t += random.getrandbits(28) if seed % 5 == 0 else random.getrandbits(11) - 9
        first = 200 * random.getrandbits(32)
        k = random.getrandbits(4) % (n - 1) + 1
        buf, head = sealed(rows, first, times[0])
        size = head[block.H_LENGTH]
        spare = block.new_stage(3, 0, n if seed % 3 else 4, 1)
        small += n > 4 and not seed % 3
        cut_front(buf, 3, k, state, spare)
        want, head = sealed(rows[k:], first + k, times[k])
        end = 3 + head[block.H_LENGTH]
        assert buf[:end] == want[:end]
        assert end <= 3 + size and buf[3 + size :] == b"\x55" * (406 - 3 - size)
        assert block.read_head(buf, 3, len(buf), spare) == head[block.H_LENGTH]
        assert list(spare[: block.HEAD_WORDS]) == list(head)
        assert open_block(state, head, buf, 3)
        got = array("i", bytes(4 * 4 * n))
        assert read_rows(state, buf, got, n, 4) == n - k
        assert list(got[: 4 * (n - k)]) == [v for row in rows[k:] for v in row]
    assert small, "no block was of another configuration"


def test_a_block_is_written_into_its_room_or_not_at_all():
    random.seed(3)
    rows = [[i] + [any_value() for _ in range(3)] for i in range(12)]
    buf, head = sealed(rows, 0, 0)
    size = head[block.H_LENGTH]
    fits = 0
    for room in range(size + 9):
        stage = block.new_stage(3, BME.id, 12, 4)
        stage[block.H_COUNT] = 12
        stage[block.S_LAST] = 8 + room - 5
        for i in range(12):
            for k in range(4):
                stage[block.ROWS + 4 * i + k] = rows[i][k]
        out = bytearray(b"\x55" * (room + 40))
        done = block.seal(stage, out, 8)
        assert out[:8] == b"\x55" * 8 and out[8 + room :] == b"\x55" * 32
        if done:
            assert out[8 : 8 + size] == buf[3 : 3 + size]
            fits += 1
    assert fits >= 4  # it may want 5 bytes more than it takes


def test_a_time_that_is_no_ticks_spoils_no_block():
    ring = RecordRing(BME, 2200, 8, Timebase())
    row = BME.row()
    for t in (5, MISSING, -1, MISSING + 1, 0x7FFFFFFF, 0, MISSING, 9):
        row[0] = t
        row[1] = t & 255
        assert ring.push(row)
    ring.seal()
    assert [values[0] for _, _, _, values in ring.peek(8)] == [5, 0, 255, 1, 255, 0, 0, 9]


def test_a_body_that_is_not_as_long_as_it_says_is_refused():
    random.seed(8)
    rows = [[i] + [any_value() for _ in range(3)] for i in range(9)]
    buf, head = sealed(rows, 0, 0)
    state = new_state(3)
    assert open_block(state, head, buf, 3)
    for off in (-2, -1, 1, 2):
        head[block.H_LENGTH] += off
        assert not open_block(state, head, buf, 3)
        head[block.H_LENGTH] -= off
    for word in (b"\xb0", b"\x00"):
        wrong = bytearray(buf)
        wrong[3:4] = word
        assert block.read_head(wrong, 3, len(wrong), head) == 0
    assert block.read_head(buf, 3, 3 + 23, head) == 0
