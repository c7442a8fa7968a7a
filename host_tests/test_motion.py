"""A second of 1 kHz motion into a real collector, and none of it lost (make bench runs 60 s)."""

import os
import subprocess
import sys

import pytest

from batcher_tools.paths import FIRMWARE, HOST_TESTS


@pytest.mark.proof
def test_a_kilohertz_of_motion_arrives_whole():
    env = dict(os.environ, MOTION_SECONDS="10", PYTHONPATH=f"{FIRMWARE}:{HOST_TESTS}")
    result = subprocess.run(
        [sys.executable, str(HOST_TESTS / "bench" / "host_motion.py")],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "BENCH motion_lost=0" in result.stdout, result.stdout
