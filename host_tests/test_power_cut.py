"""Power is cut at every flash operation, in every way: kit/powercut.py on real MicroPython."""

import re
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "kit" / "powercut.py"


def cut(micropython, *args):
    """-> (cuts, failures, restarts, items recovered, drops, batches read from
    the segment being written, all that was printed)"""
    text = micropython(SCRIPT, *args, heap="16m", timeout=500).stdout
    words = ("CUTS", "FAILURES", "RESTARTS", "RECOVERED", "DROPS", "BEHIND")
    found = re.search(" ".join(rf"{word} (\d+)" for word in words), text)
    return *map(int, found.groups()), text


@pytest.mark.parametrize("kind", ["ring", "records"])
def test_nothing_stored_is_lost_wherever_power_is_cut(micropython, kind):
    cuts, failures, restarts, recovered, _, behind, text = cut(micropython, kind, 1200, 7)
    assert failures == 0, text
    assert cuts >= 1200 and restarts > 3 and recovered > 10_000 and behind > 10


@pytest.mark.parametrize("kind", ["ring", "records"])
def test_the_same_without_the_flush_is_seen_to_fail(micropython, kind):
    _, failures, _, _, _, _, text = cut(micropython, kind, 200, 7, "no-flush")
    assert failures > 10, text


@pytest.mark.proof
@pytest.mark.parametrize("kind", ["ring", "records"])
@pytest.mark.parametrize("seed", [11, 12])
def test_proof_of_power_cuts(micropython, kind, seed):
    cuts, failures, restarts, recovered, drops, behind, text = cut(micropython, kind, 10_000, seed)
    assert failures == 0, text
    assert cuts >= 10_000 and restarts > 20 and recovered > 100_000 and drops > 0 and behind > 20
