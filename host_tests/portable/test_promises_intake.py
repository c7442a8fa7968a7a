"""The promises of the batcher, 1 to 3: order, bound, triggers.

Time is virtual: no test sleeps.
"""

from batcher.port import TICKS_MAX
from kit.rig import Rig

# 1. Order


def test_1_order_is_that_of_the_adds_through_failures():
    rig = Rig(batch_size=4)
    got = []
    turn = [0]

    def answer(batch):
        turn[0] += 1
        if turn[0] % 3 == 0:
            raise OSError("every third fails")
        got.extend(batch)

    rig.answer = answer
    for i in range(50):
        rig.batcher.add(i)
        rig.clock.advance(7)
    rig.clock.advance(10000)
    assert got == list(range(50))


# 2. Bound


def test_2_bound_capacity_items_fit_in_flight_ones_count():
    rig = Rig(8, batch_size=4, overflow="drop_newest")
    gate = rig.clock.signal()

    async def hang(batch):
        await gate.wait()

    rig.answer = hang
    for i in range(4):
        assert rig.batcher.add(i)
    rig.clock.run()
    assert len(rig.calls) == 1
    for i in range(4, 8):
        assert rig.batcher.add(i)
    assert not rig.batcher.add(8)
    assert rig.batcher.stats["pending"] == 8
    assert rig.batcher.stats["high_water"] == 8


def test_2_bound_every_size_from_1_holds_exactly_that_many():
    for n in range(1, 20):
        rig = Rig(n, overflow="drop_newest")
        rig.answer = lambda batch: 0
        taken = sum(rig.batcher.add(i) for i in range(n + 3))
        assert taken == n


# 3. Triggers


def test_3_triggers_batch_size_items_start_a_flush():
    rig = Rig(batch_size=5)
    for i in range(4):
        rig.batcher.add(i)
    rig.clock.run()
    assert rig.calls == []
    rig.batcher.add(4)
    rig.clock.run()
    assert rig.calls == [[0, 1, 2, 3, 4]]


def test_3_triggers_the_oldest_item_waits_interval_ms_and_adding_does_not_restart_it():
    rig = Rig(interval_ms=500)
    rig.clock.advance(123)
    rig.batcher.add(0)
    for i in range(1, 6):
        rig.clock.advance(99)
        rig.batcher.add(i)
    assert rig.calls == []
    rig.clock.advance(4)
    assert rig.calls == []
    rig.clock.advance(1)
    assert rig.calls == [[0, 1, 2, 3, 4, 5]]
    assert rig.times == [123 + 500]


def test_3_triggers_an_empty_buffer_wakes_nobody():
    rig = Rig(interval_ms=10)
    before = rig.clock.tasks[0]
    steps = [0]
    step = before.step

    def counted():
        steps[0] += 1
        step()

    before.step = counted
    rig.clock.advance(100000)
    assert steps[0] == 0
    assert rig.calls == []


def test_3_triggers_run_through_the_wrap_of_the_ticks():
    rig = Rig(interval_ms=500, start=TICKS_MAX - 250)
    rig.batcher.add("before")
    rig.clock.advance(499)
    assert rig.clock.ticks() < 250  # it has wrapped
    assert rig.calls == []
    rig.clock.advance(1)
    assert rig.calls == [["before"]]
    rig.fail()
    rig.batcher.add("after")
    rig.clock.advance(500)
    assert len(rig.errors) == 1
    rig.clock.advance(100)
    assert rig.calls[1:] == [["after"], ["after"]]


def test_3_triggers_default_batch_size_is_64_or_the_capacity():
    assert Rig(10).batcher.batch_size == 10
    assert Rig(1000).batcher.batch_size == 64


def test_3_triggers_default_interval_is_500_ms():
    rig = Rig()
    rig.batcher.add(1)
    rig.clock.advance(499)
    assert rig.calls == []
    rig.clock.advance(1)
    assert rig.calls == [[1]]


def test_3_triggers_the_end_of_the_ring_does_not_restart_the_timer():
    rig = Rig(5, batch_size=4, interval_ms=500)
    rig.batcher.add_many([0, 1, 2])
    assert rig.flush()
    began = rig.clock.elapsed
    for i in (3, 4, 5):  # the last two slots, and the first again
        rig.batcher.add(i)
        rig.clock.advance(150)
    rig.clock.advance(49)
    assert len(rig.calls) == 1
    rig.clock.advance(1)
    assert rig.calls[1:] == [[3, 4, 5]]
    assert rig.times[1] == began + 500
