"""The virtual clock itself: tests stand on it."""

from batcher.port import TICKS_MAX
from kit.clock import VirtualClock


def test_time_passes_only_when_moved_and_wraps():
    clock = VirtualClock(TICKS_MAX)
    assert clock.ticks() == TICKS_MAX
    clock.advance(2)
    assert clock.ticks() == 1


def test_waits_end_in_order_at_their_time():
    clock = VirtualClock()
    ended = []

    async def wait(ms):
        assert await clock.signal().wait(ms) is False
        ended.append((ms, clock.elapsed))

    for ms in (30, 10, 20):
        clock.spawn(wait(ms))
    clock.advance(25)
    assert ended == [(10, 10), (20, 20)]
    clock.advance(5)
    assert ended[2] == (30, 30)


def test_a_set_signal_ends_a_wait_now():
    clock = VirtualClock()
    signal = clock.signal()

    async def wait():
        return await signal.wait(1000)

    task = clock.spawn(wait())
    clock.run()
    assert not task.done
    signal.set()
    clock.run()
    assert task.value() is True
    assert clock.elapsed == 0
