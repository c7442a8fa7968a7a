"""port.py means the same on both interpreters."""

from array import array

from batcher.port import (  # noqa: F401
    FOREVER,
    TICKS_MAX,
    Signal,
    asyncio,
    is_awaitable,
    micropython,
    ptr8,
    ptr16,
    ptr32,
    ticks_add,
    ticks_diff,
    ticks_ms,
    uint,
)
from batcher.port_net import wait_for_ms
from kit.check import raises


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


def test_a_wait_with_a_deadline_ends_in_one_of_five_ways():
    ended = []

    async def work(ms, fault=None):
        try:
            await asyncio.sleep(ms / 1000)
            if fault:
                raise fault
            return ms
        finally:
            ended.append(ms)

    async def inner_too_late(ms=10):
        with raises(asyncio.TimeoutError):
            await wait_for_ms(work(500), ms)
        await asyncio.sleep(0.5)

    async def main():
        assert await wait_for_ms(work(20), 500) == 20
        with raises(OSError, "a fault"):
            await wait_for_ms(work(20, OSError("a fault")), 500)
        with raises(asyncio.TimeoutError):
            await wait_for_ms(work(500), 20)
        assert ended.count(500) == 1  # it was ended, not left behind
        task = asyncio.create_task(wait_for_ms(work(501), 1000))
        await asyncio.sleep(0.02)
        task.cancel()
        with raises(asyncio.CancelledError):
            await task
        assert ended.count(501) == 1
        start = ticks_ms()
        with raises(asyncio.TimeoutError):  # the inner deadline, then the outer one
            await wait_for_ms(inner_too_late(), 60)
        assert 40 < ticks_diff(ticks_ms(), start) < 2000
        assert ended.count(500) == 2
        start = ticks_ms()
        with raises(asyncio.TimeoutError):  # both at once
            await wait_for_ms(inner_too_late(60), 60)
        assert 40 < ticks_diff(ticks_ms(), start) < 500
        await asyncio.sleep(0.6)  # no alarm goes off later

    asyncio.run(main())


def test_is_awaitable_knows_a_coroutine_from_a_value():
    async def coroutine():
        pass

    c = coroutine()
    assert is_awaitable(c)
    c.close()
    for value in (None, 3, True, [1], "x", print):
        assert not is_awaitable(value)


@micropython.viper
def _store(words: ptr32, halves: ptr16, bytes_: ptr8, x: int) -> int:
    words[0] = x + x
    halves[1] = x
    bytes_[2] = x
    x = 0
    if uint(words[0]) >> 31:
        x = 1
    return x + (uint(words[0]) >> 4 & 15) + halves[1] + bytes_[2]


def test_a_pointer_of_viper_keeps_the_low_bits():
    words, halves, data = array("i", [0]), array("H", [0, 0]), bytearray(3)
    x = 0x2ABCDEF0 | 1 << 29 | 1 << 28
    assert _store(words, halves, data, x) == (2 * x >> 4 & 15) + (x & 0xFFFF) + (x & 255)
    x = -3
    assert _store(words, halves, data, x) == 1 + 15 + 0xFFFD + 0xFD
    assert words[0] == -6 and halves[1] == 0xFFFD and data[2] == 0xFD


@micropython.viper
def _walk(o: int, i: int, n: int, source, target: ptr8) -> int:
    i += int(ptr8(source))
    o += int(target)
    end = i + n * 2
    while i ^ end:
        ptr8(o)[1] = ptr16(i)[0] >> 8
        ptr8(o + 1)[-1] = ptr8(i)[0]
        o += 2
        i += 2
    return o - int(target)


def test_viper_code_walks_addresses():
    source, target = array("H", [0x1234, 0x5678, 0x9ABC]), bytearray(8)
    assert _walk(3, 2, 2, source, target) == 7
    assert bytes(target) == b"\0\0\0\x78\x56\xbc\x9a\0"


@micropython.viper
def _add(words: ptr32, p: int, n: int) -> int:
    sums = 0
    p += int(words)
    while n:
        sums += ptr32(p)[0]
        p += 4
        n -= 1
    ptr32(p)[-1] = sums
    return int(ptr32(p)) - int(words)


def test_an_address_of_words():
    words = array("I", [1, 2, 3, 4])
    assert _add(words, 4, 3) == 16
    assert list(words) == [1, 2, 3, 9]
