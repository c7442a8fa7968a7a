"""The real firmware on the emulated board: its own main.py, Wi-Fi, chips, and a collector.

What was delivered is held against what the board says it sampled, reading by reading.
"""

import json
import re
import time

import pytest
from typer.testing import CliRunner

from batcher_tools.cli import app, load
from batcher_tools.collect.server import CollectorThread
from batcher_tools.collect.store import Store
from batcher_tools.mqtt_reader import MqttReader
from batcher_tools.pico.installed import JOINED, installed
from peers import Nats

from .conftest import start

pytestmark = pytest.mark.pico


def config(url):
    """Seldom enough that the board idles between, which costs no time here."""
    return {
        "device": "pico",
        "board": "pico_w",
        "wifi": JOINED,
        "uplink": {"url": url, "deadline_ms": 4000, "retry_first_ms": 1000, "retry_most_ms": 2000},
        "sensors": [{"driver": "bme280", "address": 0x76, "every_ms": 400}],
        "batcher": {"memory": 4096, "batch_size": 100, "interval_ms": 1200},
        "led": False,
        "watchdog": False,
        "report_ms": 1600,
    }


def reports(text):
    """The reports in what a board printed, in order."""
    lines = text.replace("\r", "").split("\n")[:-1]  # the last one is still being printed
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def wait(pico, wanted, since=0, timeout=400):
    """Wait for a report for which wanted(report) is true -> it."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        for report in reports(pico.log(since)):
            if wanted(report):
                return report
        time.sleep(0.2)
    raise AssertionError(f"no such report in {timeout} s:\n{pico.log(since)[-3000:]}")


def numbers(rows):
    """{boot: [sequence numbers in the order of arrival]}."""
    found = {}
    for row in rows:
        found.setdefault(row["boot"], []).append(row["seq"])
    return found


def boot(folder, url):
    pico = start(filesystem=installed(folder / "fs", config(url)))
    pico.chip("kit.chips.bme280:BME280(clock)", 0x76)
    return pico


@pytest.fixture(scope="module")
def station(tmp_path_factory):
    """A board that runs, and its collector; the tests below use it one after the other."""
    folder = tmp_path_factory.mktemp("station")
    with (
        CollectorThread(folder / "db") as collector,
        boot(folder, f"http://10.0.0.1:{collector.port}/v1/batches") as pico,
    ):
        wait(pico, lambda r: r["delivered"] >= 3)
        yield pico, collector


def lose_and_regain(pico):
    """The access point goes and comes back; then, joined again, nobody takes a connection.

    -> the first report of all being well, with more delivered than was sampled until then.
    """
    mark = pico.info()["printed"]
    pico.link("down")
    wait(pico, lambda r: r["link"]["state"] != "up", mark)
    mark = pico.info()["printed"]
    pico.link("refused")
    lost = wait(pico, lambda r: r["link"]["state"] == "up" and r["failing"], mark)
    assert lost["link"]["ups"] == 2 and lost["buffered"] > 20, lost  # more than one piece
    mark = pico.info()["printed"]
    pico.link("up")
    return wait(pico, lambda r: not r["failing"] and r["delivered"] > lost["sampled"], mark)


def check(rows, report):
    """Every reading that the board says was taken is there, once and in order."""
    (seen,) = numbers(rows).values()
    assert seen == list(range(len(seen))) and len(seen) >= report["delivered"], report
    assert report["delivered"] + report["buffered"] == report["sampled"]
    assert report["dropped"] == report["rejected"] == 0


def test_readings_reach_a_collector_through_a_lost_link(station):
    pico, collector = station
    report = lose_and_regain(pico)
    check(collector.rows(), report)
    assert set(pico.network()["reached"]) == {f"tcp 127.0.0.1:{collector.port}"}


def batcher(*arguments):
    load()
    return CliRunner().invoke(app, list(arguments))


def test_logs_shows_what_the_board_prints_and_interrupts_nothing(station):
    pico, _ = station
    run = batcher("logs", pico.url, "--seconds", "20")
    assert run.exit_code == 0, run.output
    assert re.search(r'^\d\d:\d\d:\d\d .*"sampled": \d+', run.output, re.M), run.output
    assert "Traceback" not in run.output
    wait(pico, lambda r: True, pico.info()["printed"])  # it goes on


def test_monitor_shows_the_reports_as_a_table(station):
    pico, _ = station
    run = batcher("monitor", pico.url, "--seconds", "20")
    assert run.exit_code == 0, run.output
    assert "sampled" in run.output and "delivered" in run.output, run.output
    wait(pico, lambda r: True, pico.info()["printed"])


def test_readings_reach_a_broker_through_a_lost_link(tmp_path):
    store = Store(tmp_path / "db")
    with Nats(tmp_path / "broker") as server:
        with MqttReader(store, [f"mqtt://127.0.0.1:{server.port}"]) as reader:
            assert reader.ready.wait(20)
            with boot(tmp_path, f"mqtt://10.0.0.1:{server.port}") as pico:
                wait(pico, lambda r: r["delivered"] >= 3)
                report = lose_and_regain(pico)
            deadline = time.monotonic() + 10
            while reader.stored < report["delivered"] and time.monotonic() < deadline:
                time.sleep(0.05)
        rows = [dict(row) for row in store.query("SELECT * FROM everything ORDER BY id")]
    store.close()
    check(rows, report)
