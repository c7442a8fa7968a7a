"""The whole firmware wakes, a process each time, and what it kept between arrives once."""

import json
import os
import subprocess

from batcher_tools.paths import FIRMWARE, HOST_TESTS, ROOT, program
from echo import collector

WAKES = 7


def test_a_board_that_sleeps_between_readings_loses_none(tmp_path):
    with collector() as server:
        wakes(tmp_path, server)
    assert not (tmp_path / "starts").exists()
    assert len({batch["boot"] for batch in server.got}) == 1
    blocks = [block for batch in server.got for block in batch["blocks"]]
    for series in ("bme280", "bh1750"):
        rows = []
        for block in blocks:
            if block["series"] == series:
                assert block["first"] == len(rows)
                rows += block["rows"]
        assert len(rows) == 6
        times = [row[0] for row in rows]
        assert all(50_000 < b - a < 70_000 for a, b in zip(times, times[1:], strict=False)), times


def wakes(tmp_path, server):
    config = {
        "board": "virtual",
        "uplink": {"url": f"http://127.0.0.1:{server.server_port}/"},
        "duty": {"every_ms": 60000, "upload_every": 3, "awake_ms": 5000},
        "sensors": [{"driver": "bme280"}, {"driver": "bh1750"}],
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    env = dict(os.environ, MICROPYPATH=f"{FIRMWARE}:{ROOT}:{HOST_TESTS}:.frozen")
    command = [program("micropython"), "-X", "heapsize=512k", str(FIRMWARE / "main.py")]
    for wake in range(WAKES):
        if wake:
            env["BATCHER_WOKE"] = "1"
        run = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=30
        )
        assert "deep sleep: " in run.stdout, run.stdout + run.stderr
        assert len(server.got) == (wake + 1) // 3, run.stdout
