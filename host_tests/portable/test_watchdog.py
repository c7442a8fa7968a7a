"""The watchdog is fed while all is well; the cause of a reset is known after it."""

import os

from batcher.watchdog import Watchdog
from kit.clock import VirtualClock


class Bench:
    def __init__(self, path=None, **settings):
        self.clock = VirtualClock(0x3FFFFF00)
        self.fed = []
        self.dog = Watchdog(
            lambda: self.fed.append(self.clock.elapsed), path, clock=self.clock, **settings
        )


def marker(name="cause"):
    path = "batcher-test-%s" % name
    try:
        os.remove(path)
    except OSError:
        pass
    return path


def test_it_is_fed_each_second_while_the_loop_turns():
    b = Bench()
    b.dog.start()
    b.clock.advance(10000)
    assert b.fed == [0, 0] + list(range(1000, 10001, 1000)), b.fed
    b.dog.stop()
    b.clock.advance(10000)
    assert b.fed[-1] == 10000


def test_failures_are_well_and_a_stuck_handler_is_not():
    path = marker("stuck")
    b = Bench(path)
    forever = b.clock.signal()

    async def handler(batch):
        if batch == "stuck":
            await forever.wait(None)
        raise OSError("offline")

    watched = b.dog.watch(handler, limit_ms=8000, name="uplink")
    b.dog.start()
    for _ in range(20):
        try:
            b.clock.complete(watched("offline"))
        except OSError:
            pass
        b.clock.advance(1000)
    assert b.dog.stuck is None
    b.clock.spawn(watched("stuck"))
    b.clock.advance(60000)
    assert 28000 <= b.fed[-1] <= 29000, b.fed[-1]
    assert Bench(path).dog.cause == "uplink stuck for over 8000 ms"
    os.remove(path)


def test_the_cause_is_our_own_marker():
    path = marker("cause")
    assert Bench(path).dog.cause == "first start"
    assert Bench(path, by_watchdog=True).dog.cause == "the loop stood still"
    assert Bench(path, by_watchdog=False).dog.cause == "power"
    b = Bench(path)
    assert "power, or the loop" in b.dog.cause  # RP2040 cannot tell
    b.dog.asked("new configuration")
    assert Bench(path).dog.cause == "asked: new configuration"
    assert Bench(path, by_watchdog=False).dog.cause == "power"
    os.remove(path)


def test_a_marker_that_cannot_be_written_does_no_harm():
    b = Bench("/nowhere/at/all")
    assert b.dog.cause == "first start"
    b.dog.asked("x")


def test_a_marker_that_is_damaged_does_no_harm():
    path = marker("junk")
    with open(path, "wb") as file:
        file.write(b"\xff\xfe\x80junk")
    assert Bench(path).dog.cause
    os.remove(path)
