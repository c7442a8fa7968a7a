"""`make demo BOARD=pico_w`, shortened: the same story, the same last line, on the real image."""

import re
import subprocess

import pytest

from batcher_tools.paths import BUILD, program
from batcher_tools.pico import NoImage, find_image

pytestmark = pytest.mark.pico
LINE = re.compile(
    r"demo: sampled=(\d+) delivered=(\d+) lost=0 duplicates=0 out_of_order=0 "
    r"heap_growth=-?\d+ seconds=[\d.]+"
)


def test_the_demo_on_the_emulated_board():
    try:
        find_image()
    except NoImage as exc:
        pytest.skip(str(exc))
    run = subprocess.run(
        [program("batcher"), "demo", "--board", "pico_w", "--seconds", "4"],
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    last = run.stdout.strip().splitlines()[-1]
    found = LINE.fullmatch(last)
    assert found and found[1] == found[2] and int(found[1]) >= 20, last
    assert "network: refused" in run.stdout and "network: black hole" in run.stdout
    assert "in slower time" in run.stdout
    assert "emulated Raspberry Pi Pico W" in (BUILD / "demo.html").read_text()


def test_without_an_image_the_demo_says_how_to_get_one(tmp_path):
    run = subprocess.run(
        [program("batcher"), "demo", "--board", "pico_w"],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "BATCHER_PICO_IMAGE": str(tmp_path / "no.uf2")},
    )
    assert run.returncode != 0 and "Traceback" not in run.stderr, run.stderr
    assert "BATCHER_PICO_IMAGE" in run.stderr
