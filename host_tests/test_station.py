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
from batcher.hardware import build, prepare
from batcher.port import asyncio
config = prepare()
if config is None:
    sys.exit(1)
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
    assert not (house.folder / "starts").exists()  # it has delivered: a good start


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


def test_the_time_servers_set_the_time_of_what_is_sent(house):
    """Readings of before the first answer, too."""
    house.config["sntp"] = ["127.0.0.1:1"]
    house.config["uplink"]["format"] = "json"
    house.run(
        """
from kit.udp_server import UdpServer
from portable.test_sntp import reply
async def main():
    async with UdpServer(lambda question: [reply(question)]) as server:
        station.sntp.servers = [server.address]
        await station.run()
asyncio.run(main())
"""
    )
    batch = house.server.got[0]
    assert batch["blocks"][0]["t"] == "unix_us", batch
    times = [row[0] / 1e6 - 1795471200 for row in batch["blocks"][0]["rows"]]
    assert all(-1 < t < 3 for t in times) and times == sorted(times), times


def test_status_in_the_repl_is_for_reading(house):
    house.config["health_ms"] = 100
    text = house.run(
        """
import batcher
async def main():
    task = asyncio.create_task(station.run())
    await asyncio.sleep(0.3)
    found = batcher.status()
    print("END", found is not None)
    await task
asyncio.run(main())
"""
    )
    said = text.partition("END True")[0].splitlines()
    keys = [line.split()[0] for line in said if line[:1].isalpha() and not line.startswith("log ")]
    for key in (
        "uptime", "reset", "link", "rssi", "buffered", "delivered", "dropped", "error", "free"
    ):  # fmt: skip
        assert key in keys, (key, text)
    assert any(line.startswith("log ") and "started: power" in line for line in said), text
    nobody = house.run("import batcher\nbatcher.status()", prelude="")
    assert "no station runs in this interpreter" in nobody


def test_a_start_that_crashes_while_it_builds_is_counted(house):
    crash = """
import kit.machine
def broken(*_, **__):
    raise RuntimeError("no such bus")
kit.machine.I2C = broken
import main
main.main()
"""
    for count in (1, 2, 3):
        assert "RuntimeError: no such bus" in house.run(crash, prelude="", check=False)
        assert (house.folder / "starts").read_text() == str(count)
    said = house.run(crash, prelude="", check=False)
    assert "no such bus" not in said and "3 starts in a row" in said, said


def test_the_log_of_a_run_that_fails_is_read_after_it(house):
    text = house.run(
        """
def broken():
    raise RuntimeError("by a test")
station.batcher.start = broken
try:
    asyncio.run(station.run())
except BaseException as exc:
    station.ended(exc)
"""
    )
    assert "ended: RuntimeError: by a test" in text
    later = house.run("import batcher\nbatcher.status()", prelude="")
    assert "last run" in later and "ended: RuntimeError: by a test" in later, later


def test_every_boards_watchdog_bites_within_seconds(house):
    house.config["sensors"] = [{"driver": "bme280"}]
    prelude = """
import sys
import kit.machine
sys.modules["machine"] = kit.machine
from batcher.hardware import build, prepare
"""
    for board in ("pico_w", "pico2_w", "esp32", "esp32_s3", "esp32_c3", "esp32_c6"):
        house.config["board"] = board
        said = house.run("print(build(prepare()).watchdog_ms)", prelude)
        assert said.split() == ["8388"], (board, said)
