"""Ten days of a station in virtual time on real MicroPython: nothing grows, nothing is late."""

from batcher_tools.paths import HOST_TESTS


def test_ten_days_with_two_failing_chips_of_three(micropython):
    result = micropython(HOST_TESTS / "scripts" / "ten_days.py", 10, heap="512k")
    assert "BENCH station_heap_growth=0" in result.stdout, result.stdout
    assert "BENCH station_late_ms=0" in result.stdout, result.stdout
    failures = int(result.stdout.split("station_failures=")[1].split()[0])
    assert failures > 10000, "the chips hardly failed"
