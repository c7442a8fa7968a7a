"""The promises of the batcher, 6 and 7: failure, poison.

Time is virtual: no test sleeps.
"""

import builtins

from batcher.backoff import Backoff
from batcher.batcher import Batcher
from batcher.errors import Rejected, RetryAfter
from batcher.port import MICROPYTHON, asyncio, micropython
from kit.rig import Rig, reject

# 6. Failure


def test_6_failure_goes_to_on_error_and_never_stops_the_flusher():
    rig = Rig()
    rig.fail(5)
    rig.batcher.add(1)
    rig.clock.advance(100000)
    assert len(rig.errors) == 5
    assert rig.calls == [[1]] * 6
    assert rig.batcher.stats["delivered"] == 1
    assert rig.batcher.stats["retries"] == rig.batcher.stats["errors"] == 5


def test_6_failure_of_the_store_is_one_too():
    rig = Rig()
    peek = rig.batcher.store.peek
    left = [2]

    def scarce(limit):
        if left[0]:
            left[0] -= 1
            raise MemoryError("no memory for a list")
        return peek(limit)

    rig.batcher.store.peek = scarce
    rig.batcher.add(1)
    rig.clock.advance(100000)
    assert rig.calls == [[1]] and len(rig.errors) == 2
    assert rig.times[0] >= 500 + 99


def test_6_failure_a_raising_on_error_is_caught_and_counted():
    def on_error(exc):
        raise ValueError("on_error is broken too")

    rig = Rig(on_error=on_error)
    rig.fail()
    rig.batcher.add(1)
    rig.clock.advance(100000)
    assert rig.batcher.stats["delivered"] == 1
    assert rig.batcher.stats["errors"] == 2


def test_6_failure_without_on_error_is_logged_in_one_line():
    lines = []
    before = builtins.print
    builtins.print = lambda *what: lines.append(" ".join(what))
    try:
        rig = Rig(on_error=None)
        rig.fail(exc=OSError("no route\nto host"))
        rig.batcher.add(1)
        rig.clock.advance(500)
    finally:
        builtins.print = before
    assert lines == ["batcher: OSError: no route to host"]


class Unsayable(Rejected):
    """Where memory is so short that an error cannot be put in words."""

    def __str__(self):
        raise MemoryError("no memory for a text")


def test_6_failure_that_cannot_be_put_in_words_stops_nothing():
    def on_error(exc):
        raise Unsayable

    for handler in (on_error, None):
        rig = Rig(on_error=handler)
        rig.batcher.add(1)
        rig.batcher.add(2)
        rig.fail(3, exc=Unsayable())  # of two, then of the first alone
        rig.clock.advance(500)
        assert rig.calls == [[1, 2]] + [[1]] * (len(rig.calls) - 1)
        rig.clock.advance(100000)
        assert rig.calls[:3] == [[1, 2], [1], [1]]
        assert rig.times[2] >= rig.times[1] + 100, "a hot loop"
        assert 2 in rig.delivered and len(rig.batcher.store) == 0


def test_6_failure_with_not_a_byte_of_memory_stops_nothing():
    if not MICROPYTHON:
        return
    exc = OSError(5)
    rig = Rig(on_error=str)
    rig.clock.advance(600)
    breathe = rig.clock.breathe

    def again():
        micropython.heap_unlock()
        return breathe()

    left = [3]

    def answer(batch):
        if left[0]:
            left[0] -= 1
            rig.clock.breathe = again
            micropython.heap_lock()
            raise exc
        rig.clock.breathe = breathe

    rig.answer = answer
    rig.batcher.add(1)
    rig.clock.advance(100000)
    assert rig.calls == [[1]] * 4
    assert rig.times[1] > rig.times[0] and len(rig.batcher.store) == 0


def test_6_failure_waits_grow_are_capped_and_reset_on_progress():
    backoff = Backoff(100, 1000, lambda bits: 0)
    assert [backoff.next() for _ in range(6)] == [1] * 6
    longest = Backoff(100, 1000, lambda bits: -1)
    assert [longest.next() for _ in range(6)] == [100, 200, 400, 800, 1000, 1000]
    longest.reset()
    assert longest.next() == 100
    rig = Rig(backoff=longest)
    rig.fail(3)
    rig.batcher.add(1)
    rig.clock.advance(100000)
    assert len(rig.calls) == 4 and longest.next() == 100


def test_6_failure_jitter_is_full_and_in_range():
    draws = [0, 99, 100, 12345, (1 << 29) - 1]
    for draw in draws:
        wait = Backoff(100, 1000, lambda bits, draw=draw: draw).next()
        assert 1 <= wait <= 100
        assert type(wait) is int


def test_6_failure_retry_after_is_waited_for():
    rig = Rig()
    rig.fail(exc=RetryAfter(7000))
    rig.batcher.add(1)
    rig.clock.advance(500 + 6999)
    assert len(rig.calls) == 1
    rig.clock.advance(1)
    assert len(rig.calls) == 2


def test_6_failure_a_full_buffer_does_not_make_the_wait_a_hot_loop():
    rig = Rig(
        8, batch_size=4, on_drop=None, backoff=Backoff(100, 1000, lambda bits: 10**9 % (1 << bits))
    )
    rig.fail(10**6)
    for i in range(5000):
        rig.batcher.add(i)
        rig.clock.advance(1)
    waits = [b - a for a, b in zip(rig.times, rig.times[1:])]
    bound = 100
    for wait in waits:
        assert wait == 1 + 10**9 % (1 << 29) % bound, waits
        bound = min(1000, bound * 2)


def test_6_failure_kick_ends_the_wait():
    rig = Rig(backoff=Backoff(60000, 60000, lambda bits: 59999))
    rig.fail()
    rig.batcher.add(1)
    rig.clock.advance(1000)
    assert len(rig.calls) == 1
    rig.batcher.kick()
    rig.clock.run()
    assert len(rig.calls) == 2


def test_6_failure_kick_does_not_override_retry_after_and_is_not_kept_for_later():
    rig = Rig()
    rig.batcher.kick()
    rig.batcher.add(1)
    rig.clock.advance(499)
    assert rig.calls == []  # the kick of an empty buffer is forgotten
    rig.fail(exc=RetryAfter(5000))
    rig.clock.advance(1)
    rig.batcher.kick()
    rig.clock.advance(4999)
    assert len(rig.calls) == 1
    rig.clock.advance(1)
    assert len(rig.calls) == 2


def test_6_failure_a_cancelled_error_of_the_handlers_own_is_a_failure():
    rig = Rig()
    rig.fail(exc=asyncio.CancelledError())
    rig.batcher.add(1)
    rig.clock.advance(10000)
    assert rig.calls == [[1], [1]]


# 7. Poison


def test_7_poison_a_batch_is_halved_down_to_the_bad_item_and_the_rest_delivered():
    for bad in range(16):
        rig = Rig(batch_size=16)
        got = []
        refuse = reject(bad)

        def answer(batch, refuse=refuse, got=got):
            refuse(batch)
            got.extend(batch)

        rig.answer = answer
        rig.batcher.add_many(list(range(16)))
        rig.clock.advance(600)
        assert got == [i for i in range(16) if i != bad]
        assert rig.lost == [(bad, "bad item")]
        assert len(rig.calls) <= 10
        stats = rig.batcher.stats
        assert (stats["rejected"], stats["delivered"], stats["pending"]) == (1, 15, 0)


def test_7_poison_several_bad_items_and_a_batch_of_nothing_else():
    rig = Rig(batch_size=8)
    rig.answer = reject(1, 2, 7)
    rig.batcher.add_many(list(range(8)))
    rig.clock.advance(1000)
    assert [item for item, _ in rig.lost] == [1, 2, 7]
    rig = Rig(batch_size=8)
    rig.answer = reject(*range(8))
    rig.batcher.add_many(list(range(8)))
    rig.clock.advance(1000)
    assert [item for item, _ in rig.lost] == list(range(8))


def test_7_poison_being_offline_never_uses_up_an_items_chances():
    rig = Rig(on_error=lambda exc: None)
    rig.fail(100)
    rig.batcher.add(1)
    rig.clock.advance(10**6)
    assert rig.batcher.stats["delivered"] == 1
    assert rig.lost == []


def test_7_poison_then_offline_does_not_forget_what_is_suspect():
    rig = Rig(batch_size=4)
    script = [Rejected("x"), OSError("down"), None, Rejected("x"), None]

    def answer(batch):
        step = script.pop(0)
        if step:
            raise step

    rig.answer = answer
    rig.batcher.add_many([0, 1, 2, 3])
    rig.clock.advance(5000)
    assert rig.calls == [[0, 1, 2, 3], [0, 1], [0, 1], [2], [3]]
    assert rig.lost == [(2, "x")]


def test_5_commit_a_task_as_a_result_is_waited_for():
    async def main():
        async def post():
            await asyncio.sleep(0.01)
            raise OSError("down")

        errors = []
        b = Batcher(8, interval_ms=1, on_error=errors.append)
        b.register_handler(lambda batch: asyncio.create_task(post()))
        b.start()
        b.add(1)
        assert await b.flush(1000) is False
        assert len(errors) == 1 and b.stats["pending"] == 1 and b.stats["delivered"] == 0
        b.register_handler(lambda batch: None)
        await b.close()

    asyncio.run(main())
