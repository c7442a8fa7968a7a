"""A RecordRing under the batcher: what a flush answers where its readings are dropped."""

# heap: 512k

from batcher.batcher import Batcher
from batcher.port import asyncio
from batcher.records import RecordRing
from batcher.schema import Schema
from batcher.timebase import Timebase
from kit.clock import VirtualClock


def test_a_full_record_store_fails_the_flush_that_waits_for_what_it_drops():
    schema = Schema("counts", [("n", "count", 0), ("noise", "lx", 0)])
    clock = VirtualClock()
    batcher = Batcher(
        store=RecordRing(schema, 2500, 8, Timebase()),
        batch_size=8,
        clock=clock,
        on_error=lambda exc: None,
    )
    gate = clock.signal()

    async def hang(batch):
        await gate.wait()

    batcher.register_handler(hang)
    batcher.start()
    row = schema.row()

    def add(i):
        row[0] = i * 100
        row[1] = i
        row[2] = i * 7919 % 1000
        return batcher.add(row)

    for i in range(100):
        add(i)
    clock.run()
    task = clock.spawn(batcher.flush())
    clock.run()
    i = 100
    while not batcher.stats["dropped"]:
        assert add(i)
        i += 1
    clock.run()
    assert task.value() is False
    s = batcher.stats
    assert s["added"] == i == s["delivered"] + s["dropped"] + s["rejected"] + s["pending"]


DAY = 24 * 3600 * 1000


def timed(schemas, **options):
    """-> (clock, batcher over its time, list of (series, taken at, sent at) that grows)."""
    clock = VirtualClock(options.pop("start", 0))
    ring = RecordRing(schemas, 20000, 16, Timebase(ticks=clock.ticks))
    batcher = Batcher(store=ring, clock=clock, **options)
    sent = []

    def send(batch):
        for series, _, t, _ in batch:
            sent.append((series, t, clock.start + clock.elapsed))

    batcher.register_handler(send)
    batcher.start()
    return clock, batcher, sent


def test_a_flush_is_for_what_was_there_though_a_series_that_came_later_goes_first():
    a = Schema("a", [("x", "V", 0)])
    b = Schema("b", [("x", "V", 0)])
    series = []

    def send(batch):
        if series:
            raise OSError("down")
        batch.rewind()
        while batch.next_block():
            series.append(batch.series)

    async def main():
        batcher = Batcher(
            store=RecordRing([a, b], 8192, 8, Timebase()),
            batch_size=4,
            interval_ms=60000,
            on_error=lambda exc: None,
        )
        batcher.register_handler(send)
        batcher.start()
        batcher.add(a.row())
        batcher.add(b.row())
        flush = asyncio.create_task(batcher.flush())
        await asyncio.sleep(0)
        for _ in range(3):
            batcher.add(a.row())
        assert await flush is ("b" in series), series
        await batcher.close(0)

    asyncio.run(main())


def test_time_survives_quiet_weeks():
    schema = Schema("counts", [("n", "count", 0)])
    clock, batcher, sent = timed(schema)
    row = schema.row()
    for _ in range(4):
        row[0] = clock.ticks()
        batcher.add(row)
        clock.advance(8 * DAY)
    assert [t for _, t, _ in sent] == [0, 8 * DAY, 16 * DAY, 24 * DAY]


def test_a_store_that_is_asked_now_and_then_keeps_the_time_without_a_batcher():
    schema = Schema("counts", [("n", "count", 0)])
    clock = VirtualClock()
    ring = RecordRing(schema, 2500, 8, Timebase(ticks=clock.ticks))
    row = schema.row()
    got = []
    for _ in range(4):
        row[0] = clock.ticks()
        ring.push(row)
        got += [t for _, _, t, _ in ring.peek(8)]
        ring.commit(1)
        for _ in range(2):
            clock.advance(4 * DAY)
            assert ring.peek(8) is None
    assert got == [0, 8 * DAY, 16 * DAY, 24 * DAY]


def test_a_slow_series_waits_in_its_stage_no_longer_than_the_interval():
    fast = Schema("fast", [("n", "count", 0)])
    slow = Schema("slow", [("n", "count", 0)])
    clock, batcher, sent = timed([fast, slow], interval_ms=500, batch_size=64)
    fast_row = fast.row()
    slow_row = slow.row()
    # Its stage of 16 rows would be full after half an hour; the fast one's is every 0.1 to 5 s.
    for i in range(900):
        clock.advance(7 if i % 300 < 150 else 313)
        fast_row[0] = clock.ticks()
        batcher.add(fast_row)
        if i % 97 == 0:
            slow_row[0] = clock.ticks()
            batcher.add(slow_row)
    clock.advance(500)
    waits = [at - t for series, t, at in sent if series == "slow"]
    assert len(waits) == 10 and len(sent) == 910
    assert max(waits) <= 500, max(waits)
