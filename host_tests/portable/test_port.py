"""port.py means the same on both interpreters."""

from batcher.port import FOREVER, TICKS_MAX, Signal, asyncio, is_awaitable, ticks_add, ticks_diff


def test_ticks_wrap_at_30_bits():
    assert ticks_add(TICKS_MAX, 1) == 0
    assert ticks_diff(5, TICKS_MAX - 4) == 10
    assert ticks_diff(ticks_add(TICKS_MAX - 9, FOREVER), TICKS_MAX - 9) == FOREVER


def test_signal_set_before_wait_returns_at_once():
    async def main():
        signal = Signal()
        signal.set()
        assert await signal.wait(FOREVER) is True
        assert await signal.wait(0) is False

    asyncio.run(main())


def test_signal_outlives_a_cancelled_waiter():
    async def main():
        signal = Signal()
        task = asyncio.create_task(wait(signal))
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
            raise AssertionError("the waiter was not cancelled")
        except asyncio.CancelledError:
            pass
        signal.set()
        assert await signal.wait(FOREVER) is True

    async def wait(signal):
        await signal.wait(FOREVER)

    asyncio.run(main())


def test_is_awaitable_knows_a_coroutine_from_a_value():
    async def coroutine():
        pass

    c = coroutine()
    assert is_awaitable(c)
    c.close()
    for value in (None, 3, True, [1], "x", print):
        assert not is_awaitable(value)
