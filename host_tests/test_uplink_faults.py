"""Every fault at every stage, for each transport: a board on MicroPython, the fault proxy between.

After the faults everything is at the collector once and in order, no task, no socket and no
byte of heap is left over, and no wait was longer than its deadline.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from batcher_tools.collect.server import CollectorThread
from batcher_tools.collect.store import Store
from batcher_tools.mqtt_reader import MqttReader
from batcher_tools.paths import MICROPYPATH, program
from batcher_tools.proxy import (
    BLACK_HOLE,
    ENDLESS_HEADER,
    NO_ANSWER,
    PASS,
    REFUSE,
    SILENT,
    ProxyThread,
    cut,
    delay,
    garbage,
    reset,
    trickle,
)
from certificates import Authority
from peers import Nats

DEADLINE_MS = 500
# Holds for a while, whatever is open or comes.
WEATHER = {
    "refuse": REFUSE,
    "black hole": BLACK_HOLE,
    "silent": SILENT,
    "no answer": NO_ANSWER,
    "garbage": garbage(),
    "endless header": ENDLESS_HEADER,
    "delay": delay(40),
    "long delay": delay(2 * DEADLINE_MS),
    "trickle": trickle(1),
}
# Hits one connection at a byte of it: in the greeting, the handshake, CONNECT, head, body, answer.
STROKES = {
    f"{kind.__name__} {way} {after}": kind(after, way)
    for kind in (cut, reset)
    for way, places in (("up", (0, 1, 40, 300, 700, 1500)), ("down", (0, 1, 60, 900, 1800)))
    for after in places
}
FEW_WEATHERS = ("refuse", "black hole", "no answer", "endless header", "delay")
FEW_STROKES = ("cut up 0", "reset up 300", "cut up 700", "reset down 1", "cut down 60")


class Board:
    """push.py on MicroPython (or CPython) in a process of its own."""

    def __init__(self, folder, python=None, heap="512k", **settings):
        self.stop_file = Path(folder) / f"stop-{time.monotonic_ns()}"
        settings = {
            "stop": str(self.stop_file),
            "verbose": 1,
            "boot": "0123456789abcdef",
            **settings,
        }
        here = Path(__file__).parent
        # In a file: the unix port ends without a word on an argument of over 255 bytes.
        told = self.stop_file.with_suffix(".json")
        told.write_text(json.dumps(settings))
        command = [python] if python else [program("micropython"), "-X", f"heapsize={heap}"]
        env = dict(os.environ, MICROPYPATH=MICROPYPATH, PYTHONPATH=f"{here}:{here.parent}/firmware")
        self.process = subprocess.Popen(
            [*command, str(here / "kit" / "push.py"), str(told)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )

    def finish(self, timeout=60):
        """-> its report, after everything was delivered."""
        self.stop_file.write_text("")
        out, err = self.process.communicate(timeout=timeout)
        assert self.process.returncode == 0, out + err
        errors, report = out.splitlines()[-2:]
        return {**json.loads(report), **json.loads(errors)}

    def kill(self):
        self.process.kill()
        if not self.process.stderr.closed:
            print(self.process.communicate()[1][-2000:])  # pytest shows it where a test failed


class Far:
    """The other side: `port` for boards, `rows()` of what has arrived."""

    def __init__(self, folder, kind, authority):
        self.folder, self.kind = folder, kind
        self.tls = authority.issue("localhost", file=kind) if kind in ("https", "mqtts") else None
        self.ends = []

    def _enter(self, thing):
        self.ends.append(thing)
        return thing.__enter__()

    def __enter__(self):
        if self.kind.startswith("http"):
            tls = {}
            if self.tls:
                tls = {"ssl_certfile": str(self.tls[0]), "ssl_keyfile": str(self.tls[1])}
            self.collector = self._enter(CollectorThread(self.folder / "c.db", **tls))
            self.port, self.store = self.collector.port, self.collector.store
            self.url = f"{self.kind}://127.0.0.1:%d/v1/batches"
        else:
            plain = Nats(self.folder / "nats", user=("joe", "secret"), tls=self.tls)
            broker = self._enter(plain)
            self.store = Store(self.folder / "c.db")
            # The reader comes in by the same door as boards do.
            urls = [f"{self.kind}://localhost:{broker.port}"]
            ca = str(self.folder / "ca.pem") if self.tls else None
            reader = MqttReader(self.store, urls, user="joe", password="secret", ca=ca)
            self._enter(reader)
            assert reader.ready.wait(10)
            self.port = broker.port
            self.url = f"{self.kind}://127.0.0.1:%d"
        return self

    def __exit__(self, *_):
        for end in reversed(self.ends):
            end.__exit__()
        if self.kind.startswith("mqtt"):
            self.store.close()

    def count(self):
        return self.store.query("SELECT COUNT(*) FROM readings")[0][0]

    def wait_for(self, n, what, timeout=20):
        end = time.monotonic() + timeout
        while self.count() < n:
            assert time.monotonic() < end, f"{what}: {self.count()} of {n} have arrived"
            time.sleep(0.01)

    def sequence(self):
        rows = self.store.query("SELECT seq, value FROM everything ORDER BY id")
        return [(row[0], json.loads(row[1])) for row in rows]


def settings(far, folder):
    extra = {"ca": str(folder / "ca.der")} if far.tls else {}
    if far.kind.startswith("mqtt"):
        extra.update(user="joe", password="secret", per_message=10, window=4)
    return extra


def check(far, report, deadline_ms=DEADLINE_MS):
    n = report["added"]
    far.wait_for(n, "at the end")
    assert far.sequence() == [(i, i) for i in range(n)]
    assert report["left"] == 0
    stats = report["stats"]
    assert stats["delivered"] == n and not stats["dropped"] and not stats["rejected"]
    assert report["tasks"] == 0 and report["sockets"] == 0, report
    assert report["longest"] <= deadline_ms + 400, report


def run_matrix(folder, kind, weathers, strokes, python=None):
    authority = Authority(folder)
    with Far(folder, kind, authority) as far, ProxyThread(far.port) as proxy:
        board = Board(
            folder,
            python,
            url=far.url % proxy.port,
            deadline_ms=DEADLINE_MS,
            **settings(far, folder),
        )
        try:
            far.wait_for(200, "before any fault")
            for name in strokes:
                proxy.script.append(STROKES[name])
                proxy.drop_all()
                end = time.monotonic() + 5
                while proxy.script and time.monotonic() < end:
                    time.sleep(0.005)
                assert not proxy.script, f"{name}: nobody connected"
                far.wait_for(far.count() + 60, f"after {name}")
            for name in weathers:
                proxy.set(WEATHER[name])
                time.sleep(2.5 * DEADLINE_MS / 1000)
                proxy.set(PASS)
                far.wait_for(far.count() + 60, f"after {name}")
            report = board.finish()
        finally:
            board.kill()
        check(far, report)
        if python is None:
            # Tables of the event loop grow once; that nothing grows for ever is host_uplink's.
            assert report["growth"] is not None and report["growth"] <= 2048, report
        assert report["stats"]["errors"] >= len(strokes) // 2
        return report


@pytest.mark.parametrize("kind", ["http", "mqtts"])
def test_a_few_faults(tmp_path, kind):
    run_matrix(tmp_path, kind, FEW_WEATHERS[:3], FEW_STROKES)


@pytest.mark.proof
@pytest.mark.parametrize("kind", ["http", "https", "mqtt", "mqtts"])
def test_every_fault_at_every_stage(tmp_path, kind):
    run_matrix(tmp_path, kind, WEATHER, STROKES)


@pytest.mark.proof
@pytest.mark.parametrize("kind", ["https", "mqtts"])
def test_the_same_on_cpython(tmp_path, kind):
    run_matrix(tmp_path, kind, FEW_WEATHERS, FEW_STROKES, python=sys.executable)
