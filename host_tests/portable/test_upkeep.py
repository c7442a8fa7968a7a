"""Log ring, safe mode and LED: what helps after years, in fixed memory and few flash writes."""

import os

from batcher.led import NO_LINK, SENDING_FAILS, WELL, blink, pattern
from batcher.logring import LogRing, previous
from batcher.port import asyncio
from batcher.safemode import LIMIT, begin
from kit.check import raises


def test_the_log_keeps_the_newest_lines_whole():
    log = LogRing(64)
    assert log.lines() == []
    for i in range(50):
        log.add("event %d" % i)
        assert log.lines()[-1].endswith(" event %d" % i)
    said = [line.partition(" ")[2] for line in log.lines()]
    assert said == ["event %d" % i for i in range(50 - len(said), 50)] and len(said) >= 4
    assert len(log._buf) == 64


def test_a_long_line_is_cut_and_a_line_break_does_not_make_two():
    log = LogRing(64)
    log.add("x" * 500)
    assert len(log.lines()) == 1 and len(log.lines()[0]) == 16
    log.add("a\nb")
    assert log.lines()[-1].endswith(" a b")
    log.add("°" * 40)  # cut in the middle of a character
    assert len(log.lines()) == 3
    with raises(ValueError, "size: wanted 64 or more, found 3"):
        LogRing(3)


def test_the_log_can_be_read_after_a_restart():
    log = LogRing()
    log.add("one")
    log.add("two")
    log.save("upkeep_test_log")
    try:
        assert [line.partition(" ")[2] for line in previous("upkeep_test_log")] == ["one", "two"]
    finally:
        os.remove("upkeep_test_log")
    assert previous("upkeep_test_log") == []
    log.save("no_such_folder/log")  # nobody's business


def delivered(path):
    """As a Station does it at its first delivery."""
    try:
        os.remove(path)
    except OSError:
        pass


def test_three_starts_without_a_delivery_make_the_fourth_a_safe_one():
    path = "upkeep_test_starts"
    try:
        for _ in range(LIMIT):
            assert begin(path=path) is None
        assert "3 starts in a row" in begin(path=path)
        for _ in range(LIMIT):  # and those after it try again
            assert begin(path=path) is None
        assert begin(asleep=True, path=path) is not None
        assert begin(asleep=True, path=path) is None  # a wake is not counted
        for _ in range(LIMIT):
            assert begin(path=path) is None
    finally:
        delivered(path)


def test_a_delivery_ends_the_count_with_one_write():
    path = "upkeep_test_starts"
    for _ in range(2 * LIMIT):
        assert begin(path=path) is None
        delivered(path)
    with raises(OSError):
        os.stat(path)


def test_a_held_pin_is_reason_enough_and_a_broken_file_is_not():
    path = "upkeep_test_starts"
    assert "held" in begin(held=True, path=path)
    with open(path, "w") as file:
        file.write("junk")
    assert begin(path=path) is None
    delivered(path)
    assert begin(path="no_such_folder/starts") is None


def test_the_led_tells_no_link_from_failing_from_well():
    assert pattern(True, False) == WELL
    assert pattern(True, True) == SENDING_FAILS
    assert pattern(False, True) == NO_LINK


class _Pin:
    def __init__(self):
        self.levels = []

    def value(self, level):
        self.levels.append(level)


def test_the_led_is_dark_when_its_task_ends():
    async def main():
        pin = _Pin()
        task = asyncio.create_task(blink(pin, lambda: (1, 1), 0))
        await asyncio.sleep(0.02)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
        assert pin.levels[0] == 0 and pin.levels[-1] == 1 and 1 in pin.levels[1:-1]

    asyncio.run(main())
