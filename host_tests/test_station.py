"""The whole firmware on the virtual board: what only shows when its parts run together.

Each test writes a program that runs a Station on MicroPython against a collector on this host.
"""

import json
import os
import subprocess

import pytest

from batcher_tools.paths import FIRMWARE, HOST_TESTS, ROOT, program
from echo import collector

PRELUDE = """
import sys
from main import prepare
from batcher.port import asyncio
config = prepare()
if config is None:
    sys.exit(1)
from batcher.hardware import build
hardware = build(config)
from batcher.station import Station
station = Station(config, hardware)
"""


class House:
    """A folder with a configuration, a collector, and a board that runs programs in them."""

    def __init__(self, folder, server):
        self.folder = folder
        self.server = server
        self.config = {
            "board": "virtual",
            "uplink": {"url": f"http://127.0.0.1:{server.server_port}/"},
            "sensors": [{"driver": "bme280", "every_ms": 20}],
            "batcher": {"batch_size": 1000, "interval_ms": 60000},
            "led": False,
            "run_ms": 400,
        }

    def run(self, code="asyncio.run(station.run())", prelude=PRELUDE, check=True):
        """-> what the program printed, its tracebacks too."""
        (self.folder / "config.json").write_text(json.dumps(self.config))
        env = dict(os.environ, MICROPYPATH=f"{FIRMWARE}:{ROOT}:{HOST_TESTS}:.frozen")
        run = subprocess.run(
            [program("micropython"), "-X", "heapsize=512k", "-c", prelude + code],
            cwd=self.folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert not check or run.returncode == 0, run.stdout + run.stderr
        return run.stdout + run.stderr

    def blocks(self, series):
        return [
            block
            for batch in self.server.got
            for block in batch["blocks"]
            if block["series"] == series
        ]

    def rows(self, series):
        return [row for block in self.blocks(series) for row in block["rows"]]


@pytest.fixture
def house(tmp_path):
    with collector() as server:
        yield House(tmp_path, server)


CHIP = """
from kit import machine
chip = machine.I2C(0).chips[0x76]
"""


def test_a_band_keeps_what_moved(house):
    house.config["sensors"][0].update(band={"temperature": 50}, name="room")
    house.run(
        CHIP
        + """
async def main():
    task = asyncio.create_task(station.run())
    await asyncio.sleep(0.1)
    chip.set(temperature=21.6)
    await asyncio.sleep(0.1)
    chip.set(temperature=22.5)
    await task
asyncio.run(main())
print("measured", station.sampler.sensors[0].good)
"""
    )
    rows = house.rows("room")
    assert [row[1] for row in rows] == [2143, 2250], rows


def test_a_window_sends_its_least_mean_and_greatest(house):
    house.config["sensors"][0].update(window_ms=100, limits={"temperature": [None, 3000]})
    text = house.run(
        "asyncio.run(station.run())\nprint('measured', station.sampler.sensors[0].good)"
    )
    measured = int(text.split("measured ")[1].split()[0])
    block = house.blocks("bme280")[0]
    names = [field if isinstance(field, str) else field[0] for field in block["fields"]]
    assert names[:3] == ["temperature_min", "temperature_mean", "temperature_max"], block
    assert names[-1] == "readings" and len(names) == 10
    rows = house.rows("bme280")
    assert 5 <= len(rows) <= 11 and all(3 <= row[-1] <= 6 for row in rows), rows
    assert sum(row[-1] for row in rows) < measured  # of the last one no end was seen


def test_a_limit_that_is_crossed_uploads_at_once(house):
    house.config["sensors"][0]["limits"] = {"temperature": [None, 3000]}
    house.config["run_ms"] = 1500
    text = house.run(
        CHIP
        + """
async def main():
    task = asyncio.create_task(station.run())
    await asyncio.sleep(0.3)
    print("before", station.batcher.stats["delivered"])
    chip.set(temperature=31)
    for _ in range(50):
        await asyncio.sleep(0.01)
        if station.batcher.stats["delivered"]:
            break
    print("after", station.batcher.stats["delivered"])
    await task
asyncio.run(main())
"""
    )
    assert "before 0\n" in text
    after = int(text.split("after ")[1].split()[0])
    first = house.server.got[0]["blocks"][0]["rows"]
    assert after == len(first) > 3, text
    assert [row[1] > 3000 for row in first].index(True) == len(first) - 1  # with what crossed
