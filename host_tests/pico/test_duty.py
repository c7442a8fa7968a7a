"""Duty cycle on the emulated board: what it keeps in a file survives the resets it wakes by."""

import json
import re
import time

import pytest

from batcher_tools.pico import NoImage, Pico, find_image
from batcher_tools.pico.installed import JOINED, installed
from echo import collector

pytestmark = pytest.mark.pico


def test_wakes_on_the_emulated_board_lose_nothing(tmp_path, capsys):
    try:
        find_image()
    except NoImage as exc:
        pytest.skip(str(exc))
    with collector() as server:
        text = run(tmp_path, server)
    check(server.got, text, capsys)


def run(tmp_path, server):
    config = {
        "board": "pico_w",
        "wifi": JOINED,
        "uplink": {"url": f"http://10.0.0.1:{server.server_port}/"},
        "duty": {"every_ms": 2000, "upload_every": 3},
        "sensors": [{"driver": "bme280"}],
    }
    image = installed(tmp_path / "fs", config)
    with Pico(filesystem=image) as pico:
        pico.chip("kit.chips.bme280:BME280(clock)", 0x76)
        deadline = time.monotonic() + 700
        while len(server.got) < 2 and time.monotonic() < deadline:
            time.sleep(1)
        return pico.log(0)


def check(got, text, capsys):
    blocks = [block for batch in got for block in batch["blocks"]]
    assert [block["first"] for block in blocks[:2]] == [0, 3], text
    assert len({batch["boot"] for batch in got}) == 1, json.dumps(got)
    radio = [int(ms) for ms in re.findall(r"radio was on for (\d+) ms", text)]
    assert radio, text
    with capsys.disabled():
        print("\nBENCH pico_radio_on_ms=%d" % sorted(radio)[len(radio) // 2])
