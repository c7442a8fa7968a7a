"""The network itself fails: packets dropped by iptables, the link down, the namespace of the
collector or broker taken down in mid-stream. Delivered exactly once, in order.
"""

import json
import os
import shutil
import subprocess
import time

import pytest

from batcher_tools.collect.store import Store
from batcher_tools.mqtt_reader import MqttReader
from peers import Collect, Nats
from test_uplink_faults import Board


def run(*command, check=True):
    return subprocess.run(command, check=check, capture_output=True, text=True)


class Barn:
    """A network namespace behind a veth pair: 10.213.x.1 is this side, 10.213.x.2 the other."""

    def __init__(self):
        if os.geteuid() or not shutil.which("ip") or not shutil.which("iptables"):
            pytest.skip("wants root, iproute2 and iptables")
        number = os.getpid() % 250
        self.name, self.near, self.far = f"barn{number}", f"bn{number}", f"bf{number}"
        self.here, self.there = f"10.213.{number}.1", f"10.213.{number}.2"
        self.rules = []
        self.before = ("ip", "netns", "exec", self.name)
        if run("ip", "netns", "add", self.name, check=False).returncode:
            pytest.skip("network namespaces are not allowed here")
        run("ip", "netns", "del", self.name)

    def __enter__(self):
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self.near, "type", "veth", "peer", self.far, "netns", self.name)
        run("ip", "addr", "add", self.here + "/24", "dev", self.near)
        run(*self.before, "ip", "addr", "add", self.there + "/24", "dev", self.far)
        run(*self.before, "ip", "link", "set", "lo", "up")
        run(*self.before, "ip", "link", "set", self.far, "up")
        run("ip", "link", "set", self.near, "up")
        return self

    def __exit__(self, *_):
        self.mend()
        run("ip", "netns", "del", self.name, check=False)
        run("ip", "link", "del", self.near, check=False)

    def rule(self, chain, *what):
        run("iptables", "-w", "-I", chain, *what)
        self.rules.append((chain, what))

    def mend(self):
        while self.rules:
            chain, what = self.rules.pop()
            run("iptables", "-w", "-D", chain, *what, check=False)


@pytest.mark.system
@pytest.mark.parametrize("kind", ["http", "mqtt"])
def test_packets_dropped_and_the_namespace_taken_down(tmp_path, kind):
    barn = Barn()
    server = Collect(tmp_path / "far") if kind == "http" else Nats(tmp_path / "far")
    server.host, server.before = barn.there, barn.before
    board = reader = None
    more = {}
    with barn:
        server.start().ready()
        path = tmp_path / "far" / "c.db"
        if kind == "mqtt":
            path = tmp_path / "c.db"
            more = {"per_message": 10, "window": 4}
        store = Store(path)
        try:
            url = server.url if kind == "http" else f"mqtt://{barn.there}:{server.port}"
            if kind == "mqtt":
                reader = MqttReader(store, [url], keepalive_s=2)
                reader.__enter__()
                assert reader.ready.wait(20)
            board = Board(tmp_path, url=url, deadline_ms=700, **more)

            def count():
                return store.query("SELECT COUNT(*) FROM readings")[0][0]

            def on(what, more=80, timeout=40):
                wanted = count() + more
                end = time.monotonic() + timeout
                while count() < wanted:
                    assert time.monotonic() < end, f"{what}: {count()} of {wanted}"
                    time.sleep(0.05)

            on("before any fault", 200)
            both = ("-p", "tcp", "--dport", str(server.port), "-d", barn.there)
            back = ("-p", "tcp", "--sport", str(server.port), "-s", barn.there)
            for chain, rule in (
                ("OUTPUT", (*both, "-j", "DROP")),
                ("INPUT", (*back, "-j", "DROP")),  # answers only
                ("OUTPUT", (*both, "-j", "REJECT", "--reject-with", "tcp-reset")),
            ):
                barn.rule(chain, *rule)
                time.sleep(2)
                barn.mend()
                on(f"after {chain} {rule[-1]}")
            run("ip", "link", "set", barn.near, "down")
            time.sleep(2)
            run("ip", "link", "set", barn.near, "up")
            on("after the link was down")
            server.kill()
            barn.__exit__()
            time.sleep(2)
            barn.__enter__()
            server.start().ready()
            on("after the namespace was taken down")
            report = board.finish()
            n = report["added"]
            end = time.monotonic() + 30
            while count() < n:
                assert time.monotonic() < end, f"at the end: {count()} of {n}"
                time.sleep(0.05)
            rows = store.query("SELECT seq, value FROM everything ORDER BY id")
            rows = [(row[0], json.loads(row[1])) for row in rows]
            assert rows == [(i, i) for i in range(n)]
            assert report["left"] == 0 and report["stats"]["errors"] >= 4
            assert report["tasks"] == report["sockets"] == 0
            assert report["longest"] <= 700 + 400, report
        finally:
            if board:
                board.kill()
            if reader:
                reader.__exit__()
            server.kill()
            store.close()
