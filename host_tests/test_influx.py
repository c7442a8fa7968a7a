"""A real InfluxDB (Debian's influxdb 1.6.7) reads what the line protocol encoder wrote."""

import json
import os
import shutil
import socket
import subprocess
import time

import httpx
import pytest

from batcher.timebase import Timebase
from batcher.uplink.enc_line import LineEncoder
from portable.test_encoders import Ident, encoded, filled

pytestmark = pytest.mark.system


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def influx(tmp_path):
    program = shutil.which("influxd")
    if not program:
        pytest.skip("needs Debian's influxdb")
    port = free_port()
    settings = {
        "META_DIR": tmp_path / "meta",
        "DATA_DIR": tmp_path / "data",
        "DATA_WAL_DIR": tmp_path / "wal",
        "HTTP_BIND_ADDRESS": f"127.0.0.1:{port}",
        "BIND_ADDRESS": f"127.0.0.1:{free_port()}",
        "REPORTING_DISABLED": "true",
        "MONITOR_STORE_ENABLED": "false",
    }
    env = dict(os.environ, **{f"INFLUXDB_{k}": str(v) for k, v in settings.items()})
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([program, "-config", ""], env=env, stdout=quiet, stderr=quiet)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                httpx.post(f"{url}/query", params={"q": "CREATE DATABASE d"}).raise_for_status()
                break
            except httpx.HTTPError:
                assert process.poll() is None and time.monotonic() < deadline, (
                    "influxd did not start"
                )
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def test_every_reading_is_a_point_and_a_repeat_adds_none(influx):
    clock = Timebase()
    clock.set_epoch(1700000000, 5, ticks=0)
    batch = filled(clock, 300, 0).peek(1000)  # all within five milliseconds
    body = encoded(LineEncoder(clock), batch)
    for _ in range(2):
        answer = httpx.post(f"{influx}/write", params={"db": "d", "precision": "ns"}, content=body)
        assert answer.status_code == 204, answer.text
    answer = httpx.get(f"{influx}/query", params={"db": "d", "q": "SELECT * FROM /.*/"})
    found = {s["name"]: s for s in json.loads(answer.text)["results"][0]["series"]}
    assert set(found) == {"bme280", 'l"x, =y'}
    bme = found["bme280"]
    assert len(bme["values"]) == 300
    at = bme["columns"].index("temperature")
    want = [v[0] for series, _, _, v in batch if series == "bme280"]
    got = [row[at] for row in bme["values"]]
    assert sorted(v for v in got if v is not None) == sorted(v / 100 for v in want if v is not None)
    assert {row[bme["columns"].index("device")] for row in bme["values"]} == {Ident.device}
    # the other series has one field, missing in a fifth of its rows
    assert len(found['l"x, =y']["values"]) == 240
