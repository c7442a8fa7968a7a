"""The promises of the batcher, 4 and 5: one flight, commit after success.

Time is virtual: no test sleeps.
"""

from kit.rig import Rig

# 4. One flight


def test_4_one_flight_at_a_time_and_triggers_coalesce_into_one_more():
    rig = Rig(batch_size=4)
    gate = rig.clock.signal()
    flying = [0]

    async def handler(batch):
        assert flying[0] == 0
        flying[0] += 1
        await gate.wait()
        flying[0] -= 1

    rig.answer = handler
    for i in range(4):
        rig.batcher.add(i)
    rig.clock.run()
    for i in range(4, 8):
        rig.batcher.add(i)
    for _ in range(3):
        rig.clock.spawn(rig.batcher.flush())
    rig.clock.advance(5000)
    assert len(rig.calls) == 1
    gate.set()
    rig.clock.run()
    assert rig.calls == [[0, 1, 2, 3], [4, 5, 6, 7]]
    gate.set()
    rig.clock.advance(5000)
    assert len(rig.calls) == 2


def test_4_one_flight_a_wait_after_a_failure_beats_every_trigger():
    rig = Rig(8, batch_size=4)
    rig.fail()
    for i in range(4):
        rig.batcher.add(i)
    rig.clock.run()
    assert len(rig.calls) == 1
    for i in range(4, 30):  # size trigger, full buffer, timer
        rig.batcher.add(i)
        rig.clock.advance(1)
    assert len(rig.calls) == 1
    rig.clock.advance(100 - 26)
    assert len(rig.calls) == 3


# 5. Commit after success


def test_5_commit_the_handler_gets_a_list_that_works_like_one():
    rig = Rig()
    seen = []

    def answer(batch):
        import json

        seen.append((type(batch) is list, len(batch), batch[0], batch[-1], json.dumps(batch)))

    rig.answer = answer
    rig.batcher.add_many([1, 2, 3])
    assert rig.flush()
    assert seen == [(True, 3, 1, 3, "[1, 2, 3]")]


def test_5_commit_a_raising_handler_gets_the_same_batch_again_first_and_whole():
    rig = Rig(batch_size=3)
    rig.fail(2)
    for i in range(5):
        rig.batcher.add(i)
    rig.clock.advance(10000)
    assert rig.calls == [[0, 1, 2], [0, 1, 2], [0, 1, 2], [3, 4]]
    assert rig.batcher.stats["retries"] == 2


def test_5_commit_an_int_means_the_first_k_are_done():
    rig = Rig(batch_size=4)
    rig.answer = lambda batch: min(3, len(batch))
    rig.batcher.add_many(list(range(4)))
    rig.clock.run()
    assert rig.calls == [[0, 1, 2, 3], [3]]
    assert rig.batcher.stats["delivered"] == 4


def test_5_commit_0_is_a_failure_to_wait_on():
    rig = Rig()
    answers = [0, None]
    rig.answer = lambda batch: answers.pop(0)
    rig.batcher.add(7)
    rig.clock.advance(500)
    assert len(rig.errors) == 1
    assert len(rig.calls) == 1
    rig.clock.advance(99)
    assert len(rig.calls) == 1
    rig.clock.advance(1)
    assert rig.calls == [[7], [7]]


def test_5_commit_a_count_out_of_range_is_a_value_error_and_commits_nothing():
    for bad in (-1, 3):
        rig = Rig()
        rig.answer = lambda batch, bad=bad: bad
        rig.batcher.add_many([1, 2])
        assert rig.flush() is False
        assert isinstance(rig.errors[0], ValueError)
        assert rig.batcher.stats["pending"] == 2
        assert rig.batcher.stats["delivered"] == 0


def test_5_commit_any_other_result_means_all():
    for result in (None, True, False, "ok", object(), [0]):
        rig = Rig()
        rig.answer = lambda batch, result=result: result
        rig.batcher.add_many([1, 2])
        assert rig.flush() is True
        assert rig.batcher.stats["delivered"] == 2


def test_5_commit_an_async_handler_is_awaited():
    rig = Rig()

    async def answer(batch):
        await rig.clock.signal().wait(50)
        return 1

    rig.answer = answer
    rig.batcher.add_many([1, 2])
    assert rig.flush()
    assert rig.calls == [[1, 2], [2]]
    assert rig.clock.elapsed == 100


def test_5_commit_a_handler_may_spoil_its_list_and_nothing_is_lost():
    rig = Rig()
    first = [True]

    def answer(batch):
        if first.pop() if first else False:
            batch.clear()
            raise OSError("after it has emptied the list")

    rig.answer = answer
    rig.batcher.add_many([1, 2, 3])
    rig.clock.advance(10000)
    assert rig.calls == [[1, 2, 3], [1, 2, 3]]


def test_4_one_flight_leaves_other_tasks_their_turn_between_batches():
    rig = Rig(100, batch_size=1)
    seen = []

    async def other():
        for _ in range(3):
            seen.append(len(rig.calls))
            await rig.clock.breathe()

    rig.clock.spawn(other())
    rig.batcher.add_many(list(range(50)))
    rig.clock.run()
    assert len(rig.calls) == 50
    assert seen[-1] < 50
