"""A RecordRing under the batcher: what a flush answers where its readings are dropped."""

# heap: 512k

from batcher.batcher import Batcher
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
