"""The promises of the batcher, 9 and 10: flush() and close().

Time is virtual: no test sleeps.
"""

from batcher.backoff import Backoff
from batcher.batcher import Batcher
from batcher.errors import RetryAfter
from batcher.port import asyncio
from kit.check import lists_of, raises
from kit.clock import VirtualClock
from kit.rig import Rig, reject

# 9. flush()


def test_9_flush_answers_for_what_was_there_and_not_for_later_items():
    rig = Rig(batch_size=4)
    rig.batcher.add_many([0, 1, 2])

    def answer(batch):  # something new comes in at each flight
        rig.batcher.add(100 + len(rig.calls))

    rig.answer = answer
    assert rig.flush() is True
    assert len(rig.calls) == 1


def test_9_flush_of_an_empty_buffer_is_true_at_once():
    rig = Rig()
    assert rig.flush() is True
    assert rig.calls == []


def test_9_flush_tries_at_once_though_a_failure_is_being_waited_on():
    rig = Rig(backoff=Backoff(60000, 60000, lambda bits: 59999))
    rig.fail()
    rig.batcher.add(1)
    assert rig.flush() is False
    assert rig.clock.elapsed == 0
    assert rig.flush() is True
    assert rig.clock.elapsed == 0


def test_9_flush_does_not_override_retry_after():
    rig = Rig()
    rig.fail(exc=RetryAfter(3000))
    rig.batcher.add(1)
    assert rig.flush() is False
    assert rig.flush(timeout_ms=1000) is False
    assert len(rig.calls) == 1
    assert rig.clock.elapsed == 1000
    assert rig.flush() is True
    assert rig.clock.elapsed == 3000


def test_9_flush_is_false_when_the_deadline_passes():
    rig = Rig()

    async def hang(batch):
        await rig.clock.signal().wait()

    rig.answer = hang
    rig.batcher.add(1)
    assert rig.flush(timeout_ms=250) is False
    assert rig.clock.elapsed == 250


def test_9_flush_is_false_when_one_of_its_items_is_rejected_or_dropped():
    rig = Rig()
    rig.answer = reject(2)
    rig.batcher.add_many([1, 2, 3])
    assert rig.flush() is False
    rig = Rig(4, batch_size=2)
    gate = rig.clock.signal()

    async def hang(batch):
        await gate.wait()

    rig.answer = hang
    rig.batcher.add_many([0, 1, 2, 3])
    task = rig.clock.spawn(rig.batcher.flush())
    rig.clock.run()
    rig.batcher.add(4)  # drops 2, which the flush answers for
    rig.clock.run()
    assert task.value() is False


def test_9_flush_many_callers_share_one_flight():
    rig = Rig()
    gate = rig.clock.signal()

    async def hang(batch):
        await gate.wait()

    rig.answer = hang
    rig.batcher.add_many([1, 2])
    tasks = [rig.clock.spawn(rig.batcher.flush()) for _ in range(3)]
    rig.clock.run()
    gate.set()
    rig.clock.run()
    assert [task.value() for task in tasks] == [True] * 3
    assert len(rig.calls) == 1


def test_9_flush_from_inside_the_handler_raises_instead_of_waiting_for_itself():
    rig = Rig()
    for method in (rig.batcher.flush, rig.batcher.close):

        async def answer(batch, method=method):
            await method()

        rig.answer = answer
        rig.batcher.add(1)
        assert rig.flush() is False
        exc = rig.errors.pop()
        assert isinstance(exc, RuntimeError)
        assert "handler" in str(exc)


def test_9_flush_without_a_handler_says_so():
    clock = VirtualClock()
    batcher = Batcher(4, clock=clock)
    batcher.add(1)
    with raises(RuntimeError, "handler"):
        clock.complete(batcher.flush())


# 10. close()


def test_10_close_drains_and_refuses():
    rig = Rig(batch_size=2)
    rig.batcher.add_many([0, 1, 2])
    assert rig.clock.complete(rig.batcher.close()) == 0
    assert rig.delivered == [0, 1, 2]
    assert rig.batcher.add(3) is False
    assert rig.batcher.add_many([4, 5]) == 0
    assert rig.clock.complete(rig.batcher.put(6)) is False
    assert rig.lost == [(3, "closed"), (4, "closed"), (5, "closed")]
    assert rig.clock.complete(rig.batcher.close()) == 0
    assert rig.clock.tasks == []


def test_10_close_returns_the_number_left_over_at_its_deadline():
    rig = Rig()
    rig.fail(10**6)
    rig.batcher.add_many([0, 1, 2])
    assert rig.clock.complete(rig.batcher.close(timeout_ms=2000)) == 3
    assert rig.clock.elapsed == 2000
    assert 3 <= len(rig.calls) <= 25  # it has retried, and waited in between
    assert rig.clock.tasks == []


def test_10_close_cancels_a_handler_that_hangs_and_keeps_its_batch():
    rig = Rig()
    cancelled = []

    async def hang(batch):
        try:
            await rig.clock.signal().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    rig.answer = hang
    rig.batcher.add_many([0, 1, 2])
    assert rig.clock.complete(rig.batcher.close(timeout_ms=100)) == 3
    assert cancelled == [True]
    assert rig.batcher.stats["pending"] == 3
    assert rig.batcher.store.peek(5) == [0, 1, 2]


def test_10_close_leaves_a_handler_behind_that_will_not_be_cancelled():
    rig = Rig()

    async def stubborn(batch):
        while True:
            try:
                await rig.clock.signal().wait()
            except asyncio.CancelledError:
                pass

    rig.answer = stubborn
    rig.batcher.add(1)
    assert rig.clock.complete(rig.batcher.close(timeout_ms=100)) == 1
    assert rig.clock.elapsed == 1100


def test_10_close_wakes_who_waits_in_put_and_flush():
    rig = Rig(1)
    rig.fail(10**6)
    rig.batcher.add(1)
    put = rig.clock.spawn(rig.batcher.put(2))
    rig.clock.run()
    rig.clock.complete(rig.batcher.close(timeout_ms=10))
    assert put.value() is False
    assert rig.batcher.stats["pending"] == 1


def test_10_close_ends_a_handler_that_makes_a_failure_of_its_end():
    # A deadline of the handler's own that is up in the same moment looks like that.
    calls = []

    async def handler(batch):
        calls.append(list(batch))
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            raise OSError("timed out")

    async def main():
        backoff = Backoff(1, 1)
        batcher = Batcher(4, interval_ms=1, on_error=lambda exc: None, backoff=backoff)
        batcher.register_handler(handler)
        batcher.add(1)
        batcher.start()
        assert await batcher.close(timeout_ms=50) == 1
        await asyncio.sleep(0.1)

    asyncio.run(main())
    assert calls == [[1]]


def test_10_start_outside_of_a_loop_raises_and_keeps_the_items():
    batcher = Batcher(4)
    batcher.register_handler(lambda batch: None)
    batcher.add(1)
    with raises(RuntimeError):
        batcher.start()
    assert batcher.stats["pending"] == 1
    got = []
    batcher.register_handler(got.extend)

    async def main():
        async with batcher:
            assert await batcher.flush()
            batcher.add(2)  # the end of the block sends what is left

    asyncio.run(main())
    assert got == [1, 2] and not batcher.add(3)


def test_10_start_after_close_raises_and_start_twice_is_one_task():
    rig = Rig()
    rig.batcher.start()
    assert len(rig.clock.tasks) == 1
    rig.clock.complete(rig.batcher.close())
    with raises(RuntimeError, "closed"):
        rig.batcher.start()


def test_10_cancelling_any_waiter_at_any_step_leaves_the_batcher_usable():
    for what in ("flush", "put", "close"):
        for steps in range(12):
            rig = Rig(2, batch_size=2)
            gate = rig.clock.signal()

            async def hang(batch, gate=gate):
                await gate.wait(40)

            rig.answer = hang
            rig.batcher.add_many([0, 1])
            coroutine = {
                "flush": rig.batcher.flush,
                "put": lambda rig=rig: rig.batcher.put(2),
                "close": rig.batcher.close,
            }[what]()
            task = rig.clock.spawn(coroutine)
            for _ in range(steps):
                if not rig.clock.step():
                    rig.clock.advance(10)
            task.cancel()
            rig.clock.run()
            assert task.done
            rig.answer = lambda batch: None
            gate.set()
            rig.clock.advance(1000)
            if what != "close":
                assert rig.batcher.add(3)
                assert rig.flush() is True
            assert rig.clock.complete(rig.batcher.close()) == 0
            kept = [x for held in lists_of(rig.batcher) for x in held if type(x) is not int]
            assert kept == [], "it still knows who waited"
            got = rig.delivered
            assert got[:2] == [0, 1]


def test_10_close_refuses_new_items_also_where_some_are_left_over():
    rig = Rig(20)
    rig.fail(10**6)
    rig.batcher.add_many([0, 1, 2])
    assert rig.clock.complete(rig.batcher.close(timeout_ms=10)) == 3
    assert [rig.batcher.add(i) for i in (3, 4)] == [False, False]
    assert rig.batcher.add_many([5, 6]) == 0
    assert rig.batcher.stats["pending"] == 3
