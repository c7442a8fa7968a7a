"""Boards -> MQTT -> three NATS JetStream nodes -> persistent subscription -> collector's store.

One node is killed with SIGKILL in mid-stream, then all three: nothing that was acknowledged to a
board is missing, every reading is stored once.
"""

import json
import socket
import time

import pytest

from batcher_tools.collect.store import Store
from batcher_tools.mqtt_reader import MqttReader
from peers import Mosquitto, Nats, free_port
from test_uplink_faults import Board


def counted(store):
    rows = store.query("SELECT device, seq, value FROM everything ORDER BY id")
    found = {}
    for device, seq, value in rows:
        found.setdefault(device, []).append((seq, json.loads(value)))
    return found


def wait(store, n, what, timeout=60):
    end = time.monotonic() + timeout
    while True:
        found = store.query("SELECT COUNT(*) FROM readings")[0][0]
        if found >= n:
            return
        assert time.monotonic() < end, f"{what}: {found} of {n}"
        time.sleep(0.1)


@pytest.mark.proof
def test_a_cluster_of_three_loses_nothing(tmp_path):
    ports = [free_port() for _ in range(3)]
    peers = [(f"n{i}", port) for i, port in enumerate(ports)]
    nodes = [
        Nats(tmp_path / f"n{i}", f"n{i}", cluster=ports[i], peers=peers, replicas=3)
        for i in range(3)
    ]
    urls = [f"mqtt://127.0.0.1:{node.port}" for node in nodes]
    boards = []
    store = Store(tmp_path / "c.db")
    try:
        for node in nodes:
            node.start()
        for node in nodes:
            node.ready()
        with MqttReader(store, urls) as reader:
            assert reader.ready.wait(60), "the reader could not subscribe"
            for k in range(2):
                # Each board begins with another node.
                mine = urls[k + 1 :] + urls[: k + 1]
                boards.append(
                    Board(
                        tmp_path,
                        url=mine,
                        device=f"dev-{k}",
                        deadline_ms=7000,
                        per_message=10,
                        window=4,
                    )
                )
            wait(store, 400, "before any kill")
            nodes[1].kill()
            wait(store, store.query("SELECT COUNT(*) FROM readings")[0][0] + 400, "one node dead")
            nodes[1].start().ready()
            time.sleep(1)
            for node in nodes:
                node.kill()
            time.sleep(0.5)
            for node in nodes:
                node.start()
            for node in nodes:
                node.ready()
            wait(store, store.query("SELECT COUNT(*) FROM readings")[0][0] + 200, "all came back")
            reports = [board.finish(timeout=90) for board in boards]
            wait(store, sum(r["added"] for r in reports), "at the end")
        found = counted(store)
        for k, report in enumerate(reports):
            n = report["added"]
            assert report["left"] == 0 and report["stats"]["delivered"] == n
            # A repeat of a part may come late: each once, whatever the order over an election.
            assert sorted(found[f"dev-{k}"]) == [(i, i) for i in range(n)]
        print("cluster:", {k: r["added"] for k, r in enumerate(reports)}, reader.repeated)
    finally:
        for board in boards:
            board.kill()
        for node in nodes:
            node.kill()
        store.close()


@pytest.mark.proof
def test_a_broker_killed_in_mid_stream(tmp_path):
    node = Nats(tmp_path / "n")
    store = Store(tmp_path / "c.db")
    board = None
    try:
        node.start().ready()
        with MqttReader(store, [f"mqtt://127.0.0.1:{node.port}"]) as reader:
            assert reader.ready.wait(20)
            board = Board(tmp_path, url=f"mqtt://127.0.0.1:{node.port}", deadline_ms=3000)
            for n in (200, 500, 800):
                wait(store, n, "before a kill")
                node.kill()
                time.sleep(0.3)
                node.start().ready()
            wait(store, 1100, "after the kills")
            report = board.finish()
            wait(store, report["added"], "at the end")
        assert counted(store)["dev-1"] == [(i, i) for i in range(report["added"])]
    finally:
        if board:
            board.kill()
        node.kill()
        store.close()


@pytest.mark.system
@pytest.mark.parametrize("secure", [False, True])
def test_mosquitto_with_password_and_tls_and_another_client_on_it(tmp_path, secure):
    """Our publisher and the collector's paho on one mosquitto."""
    from certificates import Authority

    authority = Authority(tmp_path)
    tls = authority.issue("localhost", kind="rsa") if secure else None
    scheme = "mqtts" if secure else "mqtt"
    store = Store(tmp_path / "c.db")
    board = None
    try:
        with Mosquitto(tmp_path / "m", user=("joe", "secret"), tls=tls) as broker:
            reader = MqttReader(
                store,
                [f"{scheme}://localhost:{broker.port}"],
                user="joe",
                password="secret",
                ca=str(authority.pem) if secure else None,
            )
            with reader:
                assert reader.ready.wait(10)
                more = {"ca": str(authority.pem)} if secure else {}
                board = Board(
                    tmp_path,
                    url=f"{scheme}://127.0.0.1:{broker.port}",
                    user="joe",
                    password="secret",
                    clean=False,
                    per_message=5,
                    deadline_ms=2000,
                    **more,
                )
                wait(store, 300, "mosquitto")
                report = board.finish()
                wait(store, report["added"], "at the end")
            assert counted(store)["dev-1"] == [(i, i) for i in range(report["added"])]
            assert not report["errors"], report
    finally:
        if board:
            board.kill()
        store.close()


class Chumicro:
    """A client by other hands, of the package chumicro-mqtt, driven by its tick."""

    def __init__(self, port, **settings):
        from chumicro_mqtt import MQTTClient, ProtocolState

        sock = socket.create_connection(("127.0.0.1", port))
        sock.setblocking(False)
        self.heard = []
        self.up = lambda: self.client.state == ProtocolState.CONNECTED
        self.client = MQTTClient(sock, client_id="second", rx_buffer_size=16384, **settings)
        self.client.on_message = lambda topic, payload: self.heard.append((topic, bytes(payload)))
        self.client.connect()

    def until(self, done, what, timeout=20):
        from chumicro_timing import ticks_ms

        end = time.monotonic() + timeout
        while not done():
            assert time.monotonic() < end, what
            if self.client.check(ticks_ms()):
                self.client.handle(ticks_ms())
            time.sleep(0.001)


@pytest.mark.system
def test_another_client_hears_us_and_is_heard_on_the_same_broker(tmp_path):
    store = Store(tmp_path / "c.db")
    board = None
    user = {"user": "joe", "password": "secret"}
    try:
        with (
            Mosquitto(tmp_path / "m", user=("joe", "secret")) as broker,
            MqttReader(store, [f"mqtt://127.0.0.1:{broker.port}"], **user) as reader,
        ):
            assert reader.ready.wait(10)
            other = Chumicro(broker.port, username="joe", password="secret")
            other.until(other.up, "connected")
            granted = []
            other.client.subscribe(
                "batcher/dev-1/#", 1, on_subscribe=lambda *qos: granted.append(qos)
            )
            other.until(lambda: granted, "subscribed")
            url = f"mqtt://127.0.0.1:{broker.port}"
            board = Board(tmp_path, url=url, per_message=5, window=4, deadline_ms=2000, **user)
            other.until(lambda: len(other.heard) >= 40, "what the board sends")
            report = board.finish()
            n = report["added"]

            def items():
                return [x for _, body in other.heard for x in json.loads(body)["items"]]

            other.until(lambda: len(items()) >= n, "all of it")
            assert items() == list(range(n)) and not report["errors"]
            assert {topic for topic, _ in other.heard} == {"batcher/dev-1/items"}
            doc = {"device": "dev-2", "boot": "00112233aabbccdd", "series": "items", "first": 0}
            told = []
            other.client.publish(
                "batcher/dev-2/items",
                json.dumps({**doc, "items": [5, 6]}),
                qos=1,
                on_publish=lambda *what: told.append(what),
            )
            other.until(lambda: told, "its own PUBACK")
            wait(store, n + 2, "what the other client sends")
            other.client.disconnect()
        assert counted(store) == {"dev-1": [(i, i) for i in range(n)], "dev-2": [(0, 5), (1, 6)]}
    finally:
        if board:
            board.kill()
        store.close()


@pytest.mark.system
@pytest.mark.parametrize("secure", [False, True])
def test_nginx_before_the_collector(tmp_path, secure):
    from batcher_tools.collect.server import CollectorThread
    from certificates import Authority
    from peers import Nginx

    authority = Authority(tmp_path)
    tls = authority.issue("localhost") if secure else None
    scheme = "https" if secure else "http"
    with (
        CollectorThread(tmp_path / "c.db") as collector,
        Nginx(tmp_path / "nginx", collector.port, tls) as nginx,
    ):
        more = {"ca": str(authority.der)} if secure else {}
        board = Board(
            tmp_path,
            url=f"{scheme}://127.0.0.1:{nginx.port}/v1/batches",
            batch=1000,
            burst=200,
            deadline_ms=2000,
            **more,
        )
        try:
            wait(collector.store, 3000, "nginx")
            report = board.finish()
        finally:
            board.kill()
        n = report["added"]
        wait(collector.store, n, "at the end")
        assert [row["seq"] for row in collector.rows()] == list(range(n))
        assert not report["errors"], report
