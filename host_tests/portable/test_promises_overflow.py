"""The promises of the batcher, 8, 11 and 12: overflow, identity, interrupts.

Time is virtual: no test sleeps.
"""

from batcher.batcher import Batcher
from kit.check import raises
from kit.rig import Rig

# 8. Overflow


def test_8_overflow_drop_oldest_is_the_default_and_tells():
    rig = Rig(4)
    rig.answer = lambda batch: 0
    for i in range(6):
        assert rig.batcher.add(i)
    assert rig.lost == [(0, "overflow"), (1, "overflow")]
    assert rig.batcher.stats["dropped"] == 2
    assert rig.batcher.stats["pending"] == 4


def test_8_overflow_drop_newest_refuses_and_tells():
    rig = Rig(4, overflow="drop_newest")
    rig.answer = lambda batch: 0
    assert [rig.batcher.add(i) for i in range(6)] == [True] * 4 + [False] * 2
    assert rig.lost == [(4, "overflow"), (5, "overflow")]
    assert rig.batcher.stats["added"] == 6


def test_8_overflow_items_in_flight_are_pinned():
    rig = Rig(4, batch_size=2)
    gate = rig.clock.signal()

    async def hang(batch):
        await gate.wait()

    rig.answer = hang
    rig.batcher.add_many([0, 1])
    rig.clock.run()
    for i in range(2, 10):
        assert rig.batcher.add(i)
    assert [item for item, _ in rig.lost] == [2, 3, 4, 5, 6, 7]
    gate.set()
    rig.clock.run()
    assert rig.calls == [[0, 1], [8, 9]]


def test_8_overflow_where_all_are_pinned_the_new_one_is_refused():
    rig = Rig(2, batch_size=2)
    gate = rig.clock.signal()

    async def hang(batch):
        await gate.wait()

    rig.answer = hang
    rig.batcher.add_many([0, 1])
    rig.clock.run()
    assert not rig.batcher.add(2)
    assert rig.lost == [(2, "overflow")]


def test_8_overflow_a_raising_on_drop_is_caught_and_counted():
    def on_drop(item, reason):
        raise ValueError("broken")

    rig = Rig(1, on_drop=on_drop)
    rig.answer = lambda batch: 0
    rig.batcher.add(1)
    assert rig.batcher.add(2)
    assert rig.batcher.stats["errors"] == 1
    assert rig.batcher.stats["dropped"] == 1


def test_8_overflow_no_room_is_made_for_what_on_drop_adds():
    added = []

    def told(item, reason):
        added.append(rig.batcher.add(100))

    rig = Rig(2, on_drop=told)
    rig.answer = lambda batch: 0
    rig.batcher.add_many([0, 1])
    rig.batcher.add(2)
    assert added == [True, False]  # the place of the oldest; then the new one was told
    s = rig.batcher.stats
    assert s["added"] == s["dropped"] + s["pending"] and s["pending"] == 2


def test_8_overflow_an_on_drop_that_is_interrupted_does_not_count_as_running():
    def told(item, reason):
        if item == 9:
            raise KeyboardInterrupt

    rig = Rig(1, on_drop=told)
    rig.answer = lambda batch: 0
    rig.batcher.add(9)
    with raises(KeyboardInterrupt):
        rig.batcher.add(10)
    assert rig.batcher.add(11) and rig.batcher.add(12)


def test_8_overflow_add_many_says_how_many_were_taken():
    rig = Rig(5, overflow="drop_newest")
    rig.answer = lambda batch: 0
    assert rig.batcher.add_many(list(range(8))) == 5
    assert rig.batcher.add_many(iter([1])) == 0
    rig = Rig(5)
    rig.answer = lambda batch: 0
    assert rig.batcher.add_many((i for i in range(8))) == 8
    assert [item for item, _ in rig.lost] == [0, 1, 2]


def test_8_overflow_put_waits_for_room_instead():
    rig = Rig(2, batch_size=2)
    gate = rig.clock.signal()

    async def hang(batch):
        await gate.wait()

    rig.answer = hang
    rig.batcher.add_many([0, 1])
    tasks = [rig.clock.spawn(rig.batcher.put(i)) for i in (2, 3)]
    rig.clock.advance(3000)
    assert not tasks[0].done
    gate.set()
    rig.clock.run()
    assert [task.value() for task in tasks] == [True, True]
    assert rig.lost == []
    gate.set()
    rig.clock.advance(1000)
    assert rig.calls == [[0, 1], [2, 3]]


# 11. Identity


def test_11_identity_first_names_the_batch_and_stays_on_a_retry():
    rig = Rig(batch_size=3)
    names = []
    turn = [0]

    def answer(batch):
        names.append((rig.batcher.first, list(batch)))
        turn[0] += 1
        if turn[0] in (1, 3):
            raise OSError("down")

    rig.answer = answer
    rig.batcher.add_many([0, 1, 2, 3, 4])
    rig.clock.advance(10000)
    assert names == [(0, [0, 1, 2]), (0, [0, 1, 2]), (3, [3, 4]), (3, [3, 4])]


def test_11_identity_a_batch_never_crosses_a_gap():
    rig = Rig(4, batch_size=2)
    names = []

    async def answer(batch):
        names.append((rig.batcher.first, list(batch)))
        if len(names) == 1:
            await rig.clock.signal().wait(100)
            raise OSError("down")

    rig.answer = answer
    rig.batcher.add_many([0, 1])
    rig.clock.run()
    for i in range(2, 7):  # 2, 3, 4 are dropped behind the pinned ones
        rig.batcher.add(i)
    rig.clock.advance(10000)
    assert names == [(0, [0, 1]), (0, [0, 1]), (5, [5, 6])]


# 12. Interrupts


def test_12_interrupts_need_drop_newest_and_are_asked_for():
    with raises(ValueError, "overflow", "irq"):
        Batcher(4, irq=True)


def test_12_interrupts_refused_items_are_told_by_the_loop():
    rig = Rig(4, batch_size=2, irq=True, overflow="drop_newest")
    rig.answer = lambda batch: 0
    assert [rig.batcher.add(i) for i in range(6)] == [True] * 4 + [False] * 2
    assert rig.lost == []  # an interrupt calls nobody
    rig.clock.run()
    assert rig.lost == [(None, "2 refused in an interrupt")]
    assert rig.batcher.stats["dropped"] == 2


def test_12_interrupts_wake_the_flusher():
    rig = Rig(8, batch_size=2, irq=True, overflow="drop_newest")
    rig.batcher.add(0)
    rig.clock.advance(499)
    assert rig.calls == []
    rig.clock.advance(1)
    assert rig.calls == [[0]]
    rig.batcher.add(1)
    rig.batcher.add(2)
    rig.clock.run()
    assert rig.calls[1:] == [[1, 2]]
    assert rig.clock.complete(rig.batcher.close()) == 0
    rig.clock.run()
    assert rig.clock.tasks == []
