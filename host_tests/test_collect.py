"""The collector: what it stores, what it drops, what it refuses and how."""

import binascii
import gzip
import json
import shutil
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import httpx
import pytest
from paho.mqtt import publish

from batcher_tools.collect.server import CollectorThread
from batcher_tools.collect.store import Store
from batcher_tools.collect.wire import Batch
from batcher_tools.mqtt_reader import MqttReader
from batcher_tools.statelines import StateLines
from peers import Collect, Nats, free_port

BOOT = "00112233445566aa"


@pytest.fixture
def collector(tmp_path):
    with CollectorThread(tmp_path / "readings.db", limit=20_000) as collector:
        yield collector


def items(first, values, **more):
    return {"device": "d", "boot": BOOT, "series": "s", "first": first, "items": values} | more


def rows(first, values, **more):
    block = {"series": "bme", "first": first, "fields": [["t", "Cel", -2], ["h", "%RH", -1]]}
    return {"device": "d", "boot": BOOT, "blocks": [block | {"rows": values} | more]}


def post(collector, body, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | headers
    return httpx.post(collector.url, content=content, headers=headers)


def test_items_are_stored_once_by_their_number(collector):
    answer = post(collector, items(5, [{"a": 1}, "x", None]))
    assert answer.status_code == 200 and answer.json() == {"stored": 3, "repeated": 0}
    # A retry cut differently: two old ones, one new.
    assert post(collector, items(6, ["x", None, 7])).json() == {"stored": 1, "repeated": 2}
    assert [(row["seq"], row["value"]) for row in collector.rows()] == [
        (5, {"a": 1}),
        (6, "x"),
        (7, None),
        (8, 7),
    ]
    assert collector.repeats() == 2


def test_names_differ_by_device_boot_and_series(collector):
    for more in ({}, {"device": "e"}, {"boot": "f" * 16}, {"series": "z"}, {}):
        post(collector, items(0, [1], **more))
    assert len(collector.rows()) == 4


def test_records_keep_fields_and_time(collector):
    post(collector, rows(0, [[1000, 2143, None], [1100, 2144, 501]]))
    post(collector, rows(2, [[1700000000000, 2145, 502]], t="unix"))
    got = collector.rows("bme")
    assert [(row["seq"], row["t"], row["unix"], row["value"]) for row in got] == [
        (0, 1000, 0, [2143, None]),
        (1, 1100, 0, [2144, 501]),
        (2, 1700000000000, 1, [2145, 502]),
    ]
    assert got[0]["fields"] == [["t", "Cel", -2], ["h", "%RH", -1]]


def test_the_answer_echoes_the_identity(collector):
    assert post(collector, items(3, [1, 2])).headers["batcher-ack"] == f"d/{BOOT}/s/3/2"
    answer = post(collector, items(3, [1, 2]), **{"Idempotency-Key": "mine"})
    assert answer.headers["batcher-ack"] == "mine"


@pytest.mark.parametrize(
    "body, words",
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_00, "not JSON"),
        (b'{"device": NaN}', "NaN"),
        ([], "wanted an object, found a list"),
        ({}, "device: missing"),
        (items(0, [], device=7), "device: wanted a string, found a number"),
        (items(0, [], device=""), "device: wanted 1 to 64 characters"),
        (items(0, [], boot="XYZ"), "boot: wanted 16 hex digits, found 'XYZ'"),
        (items(-1, []), "first: wanted 0 or more, found -1"),
        (items(2**63, []), "first: wanted 0 or more"),
        (items(True, []), "first: wanted a whole number, found a truth value"),
        (items(0, {}), "items: wanted a list, found an object"),
        (rows(0, [[0, 1, 2]]) | items(0, [1]), "wanted blocks or items, found both"),
        (rows(0, [[0, 1, 2], [0, 1]]), "blocks[0].rows[1]: wanted a time and 2 values"),
        (rows(0, [[0, 1, "2"]]), "blocks[0].rows[0][2]: wanted a number or null"),
        (rows(0, [[0.5, 1, 2]]), "blocks[0].rows[0][0]: wanted milliseconds, found 0.5"),
        (rows(0, [], fields=[["t"]]), "blocks[0].fields[0]: wanted [name, unit, scale]"),
        (rows(0, [], t="moon"), "blocks[0].t: wanted 'boot'"),
    ],
)
def test_what_it_cannot_read_it_refuses_with_a_reason(collector, body, words):
    answer = post(collector, body)
    assert answer.status_code == 400 and words in answer.text, answer.text
    assert collector.rows() == []


def test_too_long_is_413_and_the_connection_lives(collector):
    with httpx.Client() as client:
        assert client.post(collector.url, content=b"x" * 20_001).status_code == 413
        chunked = client.post(collector.url, content=(b"x" * 1000 for _ in range(21)))
        assert chunked.status_code == 413
        assert client.post(collector.url, json=items(0, [1])).status_code == 200


def test_a_wrong_token_keeps_the_board_waiting_not_dropping(tmp_path):
    with CollectorThread(tmp_path / "x.db", token="right") as collector:
        assert post(collector, items(0, [1])).status_code == 401
        assert post(collector, items(0, [1]), Authorization="Bearer wrong").status_code == 401
        assert post(collector, items(0, [1]), Authorization="Bearer right").status_code == 200
        assert httpx.get(collector.url.replace("batches", "streams")).status_code == 401


def test_a_token_may_have_any_letters(tmp_path):
    with CollectorThread(tmp_path / "x.db", token="schlüssel-ключ") as collector:
        for token, status in (("schlüssel-ключ", 200), ("schlüssel", 401), ("schl?ssel-????", 401)):
            body = json.dumps(items(0, [1])).encode()
            headers = {"Authorization": b"Bearer " + token.encode()}
            assert httpx.post(collector.url, content=body, headers=headers).status_code == status


def test_an_unknown_content_type_does_not_condemn_the_data(collector):
    assert post(collector, b"1", **{"Content-Type": "text/csv"}).status_code == 415
    packed = gzip.compress(json.dumps(items(0, [1])).encode())
    answer = post(collector, packed, **{"Content-Encoding": "gzip"})
    assert answer.status_code == 415 and "found 'gzip'" in answer.text
    assert post(collector, items(0, [1]), **{"Content-Encoding": "identity"}).status_code == 200


def test_answers_come_after_the_commit_and_survive_reopening(tmp_path):
    with CollectorThread(tmp_path / "x.db") as collector:
        post(collector, items(0, [1, 2]))
        # Another process sees it at once: it was committed before the answer.
        with sqlite3.connect(tmp_path / "x.db") as db:
            assert db.execute("SELECT COUNT(*) FROM readings").fetchone() == (2,)
            assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    with CollectorThread(tmp_path / "x.db") as collector:
        assert post(collector, items(1, [2, 3])).json() == {"stored": 1, "repeated": 1}


def test_a_disk_that_fails_is_503_and_the_next_try_is_stored(tmp_path):
    with CollectorThread(tmp_path / "x.db", patience_s=0.1) as collector:
        lock = sqlite3.connect(collector.store.path, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        refused = post(collector, items(0, [1]))
        assert refused.status_code == 503 and int(refused.headers["retry-after"]) > 0
        lock.execute("ROLLBACK")
        lock.close()
        assert post(collector, items(0, [1])).json() == {"stored": 1, "repeated": 0}
        assert [row["series"] for row in collector.rows()] == ["s"]


def test_reading_while_the_database_is_locked_is_503(tmp_path, monkeypatch):
    monkeypatch.setattr("batcher_tools.collect.store._IDLE_S", 3600)
    with CollectorThread(tmp_path / "x.db", patience_s=0.1) as collector:
        assert send_blocks(collector, 0).status_code == 200  # readers wait until these are rows
        lock = sqlite3.connect(collector.store.path, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        for what in ("streams", "readings"):
            answer = httpx.get(collector.url.replace("batches", what))
            assert answer.status_code == 503 and answer.headers["retry-after"] == "2"
            assert answer.text == "database: database is locked\n"
        lock.execute("ROLLBACK")
        lock.close()
        assert len(httpx.get(collector.url.replace("batches", "readings")).json()) == 3


def test_many_boards_at_once(collector):
    def board(n):
        with httpx.Client() as client:
            for first in range(0, 50, 10):
                client.post(
                    collector.url, json=items(first, list(range(10)), device=f"b{n}")
                ).raise_for_status()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(board, range(8)))
    got = collector.rows()
    assert len(got) == 400
    for n in range(8):
        assert [row["seq"] for row in got if row["device"] == f"b{n}"] == list(range(50))


def test_streams_and_readings_can_be_read_back(collector):
    post(collector, items(0, [1]))
    post(collector, rows(0, [[5, 1, 2]]))
    base = collector.url.rpartition("/")[0]
    streams = httpx.get(base + "/streams").json()
    assert [(s["series"], s["readings"], s["repeats"]) for s in streams] == [
        ("s", 1, 0),
        ("bme", 1, 0),
    ]
    assert abs(streams[0]["last"] - time.time()) < 60
    got = httpx.get(base + "/readings", params={"series": "bme"}).json()
    assert [(r["t"], r["value"]) for r in got] == [(5, [1, 2])]
    assert httpx.get(base + "/readings", params={"after": "x"}).status_code == 400


def blocks(first, count=3, boot=BOOT):
    """A stream of blocks as a board sends it."""
    hello = bytes((1,)) + b"d" + bytes.fromhex(boot) + bytes(6)
    definition = b"\x03bme\x01\x01t\x03Cel\xfe"
    schema_id = binascii.crc32(definition) & 0xFFFF
    packed = (
        b"\0" + bytes(2 * (n == 0) or 2 for n in range(count - 1)) + b"\x14" + b"\2" * (count - 1)
    )
    head = b"\xb1\x01" + schema_id.to_bytes(2, "little") + (24 + len(packed)).to_bytes(2, "little")
    head += count.to_bytes(2, "little") + first.to_bytes(6, "little") + bytes(6)
    crc = binascii.crc32(packed, binascii.crc32(head))
    out = b""
    for tag, payload in ((1, hello), (2, definition)):
        data = bytes((tag,)) + len(payload).to_bytes(2, "little") + payload
        out += data + binascii.crc32(data).to_bytes(4, "little")
    return out + head + crc.to_bytes(4, "little") + packed


def send_blocks(collector, *arguments, **more):
    kind = {"Content-Type": "application/vnd.batcher.blocks"}
    return post(collector, blocks(*arguments, **more), **kind)


def test_blocks_are_answered_when_they_are_on_disk_and_become_rows_later(tmp_path, monkeypatch):
    monkeypatch.setattr("batcher_tools.collect.store._IDLE_S", 3600)
    with CollectorThread(tmp_path / "x.db") as collector:
        assert send_blocks(collector, 0).json() == {"stored": 3, "repeated": 0}
        assert send_blocks(collector, 3).json() == {"stored": 3, "repeated": 0}
        with sqlite3.connect(tmp_path / "x.db") as db:  # what a power cut would leave
            assert db.execute("SELECT COUNT(*) FROM waiting").fetchone() == (2,)
            assert db.execute("SELECT COUNT(*) FROM readings").fetchone() == (0,)
            shutil.copy(tmp_path / "x.db", tmp_path / "y.db")
            shutil.copy(tmp_path / "x.db-wal", tmp_path / "y.db-wal")
        # A repeat, cut differently, over what still waits; items after it keep their place.
        assert send_blocks(collector, 4).json() == {"stored": 1, "repeated": 2}
        post(collector, items(0, [1]))
        rows = [(row["series"], row["seq"]) for row in collector.rows()]
        assert rows == [("bme", n) for n in range(7)] + [("s", 0)]
        assert collector.repeats() == 2
    with CollectorThread(tmp_path / "y.db") as collector:
        assert [row["seq"] for row in collector.rows()] == list(range(6))
        assert send_blocks(collector, 5).json() == {"stored": 2, "repeated": 1}
        assert collector.rows()[0]["fields"] == [["t", "Cel", -2]]
        assert [row["value"] for row in collector.rows()][:3] == [[10], [11], [12]]


def test_blocks_that_wait_become_rows_when_nobody_does(tmp_path):
    with CollectorThread(tmp_path / "x.db") as collector:
        for n in range(40):
            assert send_blocks(collector, 3 * n).status_code == 200
        end = time.monotonic() + 10
        with sqlite3.connect(tmp_path / "x.db") as db:
            while db.execute("SELECT COUNT(*) FROM readings").fetchone() != (120,):
                assert time.monotonic() < end
                time.sleep(0.01)


def test_a_terminated_collector_leaves_rows_behind(tmp_path):
    with Collect(tmp_path) as collector:
        assert send_blocks(collector, 0).status_code == 200
        collector.process.terminate()
        assert collector.process.wait(10) == 0
    with sqlite3.connect(tmp_path / "c.db") as db:
        assert db.execute("SELECT COUNT(*) FROM readings").fetchone() == (3,)


def test_no_request_ends_the_writer(collector):
    body = json.dumps(items(0, [1])).replace('"d"', '"\\ud800"')
    answer = post(collector, body.encode())
    assert answer.status_code == 400 and "device: wanted Unicode" in answer.text
    body = json.dumps(items(0, [1])).replace('"s"', '"\\udfff"')
    assert "series: wanted Unicode" in post(collector, body.encode()).text
    assert post(collector, items(0, [1])).json() == {"stored": 1, "repeated": 0}


def test_a_fault_in_the_writer_fails_its_request_alone(tmp_path):
    store = Store(tmp_path / "db")
    batch = Batch("d", BOOT, "s", 0, [(None, 1)])
    with pytest.raises(TypeError):
        store.put([Batch("d", BOOT, "s", 0, [(None, object())])]).result(5)
    assert store.put([batch]).result(5) == (1, 0)
    store.close()


def test_numbers_and_nesting_that_json_cannot_give_back(collector):
    for text in ("1e400", "-1e999", "NaN"):
        body = json.dumps(items(0, [7])).replace("7", text)
        assert post(collector, body.encode()).status_code == 400
    deep = 900
    body = json.dumps(items(0, [7])).replace("7", "[" * deep + "]" * deep)
    assert post(collector, body.encode()).status_code == 200
    found = httpx.get(collector.url.replace("batches", "readings"))
    assert found.status_code == 200 and found.text.count("[") > deep
    for ask in ("after=99999999999999999999", "limit=-99999999999999999999", "limit=-1"):
        found = httpx.get(collector.url.replace("batches", "readings") + "?" + ask)
        assert found.status_code == 200 and found.json() == []


def test_any_name_is_acknowledged(collector):
    for device in ("датчик", "a\r\nb", "x" * 64):
        answer = post(collector, items(0, [1], device=device))
        assert answer.status_code == 200 and answer.headers["batcher-ack"]


def test_a_message_that_the_disk_could_not_take_is_asked_for_again(tmp_path):
    store = Store(tmp_path / "db", patience_s=0.05)
    reader = MqttReader(store, ["mqtt://127.0.0.1:9"])
    message = SimpleNamespace(payload=json.dumps(items(0, [1])).encode(), mid=7, qos=1, topic="t")
    lock = sqlite3.connect(tmp_path / "db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    reader._on_message(None, None, message)
    deadline = time.monotonic() + 5
    while not reader._stored and time.monotonic() < deadline:
        time.sleep(0.01)
    lock.execute("ROLLBACK")
    lock.close()
    assert reader._turn(None) is False  # on a new connection the broker sends it again
    acked = []
    client = SimpleNamespace(ack=lambda mid, qos: acked.append(mid), socket=lambda: None)
    reader._on_message(client, None, message)
    while not reader._stored and time.monotonic() < deadline:
        time.sleep(0.01)
    reader._turn(client)
    assert acked == [7] and reader.stored == 1
    store.close()


def test_a_ca_that_is_not_there_is_told_at_once(tmp_path):
    store = Store(tmp_path / "db")
    with pytest.raises(OSError):
        MqttReader(store, ["mqtts://127.0.0.1:9"], ca=str(tmp_path / "missing.pem"))
    store.close()


def fed(reader, client, payload, topic="batcher/d/s"):
    """One message to the reader, and what the store says to it."""
    message = SimpleNamespace(payload=payload, mid=7, qos=1, topic=topic)
    reader._on_message(client, None, message)
    deadline = time.monotonic() + 5
    while not reader._stored and time.monotonic() < deadline:
        time.sleep(0.01)
    return reader._turn(client)


def test_a_message_in_another_format_is_kept_before_it_is_acknowledged(tmp_path, capsys):
    store = Store(tmp_path / "db", patience_s=0.05)
    reader = MqttReader(store, ["mqtt://127.0.0.1:9"])
    acked = []
    client = SimpleNamespace(ack=lambda mid, qos: acked.append(mid), socket=lambda: None)
    lock = sqlite3.connect(tmp_path / "db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    assert fed(reader, client, b"bme,device=d t=1i 5\n") is False and not acked
    lock.execute("ROLLBACK")
    lock.close()
    bodies = [b"bme,device=d t=1i 5\n", b'[{"bn":"d"}]', b"\x81\xa1\x00"]
    for body in bodies:
        fed(reader, client, body)
    fed(reader, client, bodies[0], "batcher/e/s")
    assert acked == [7] * 4 and reader.unreadable == 4 and reader.stored == 0
    kept = store.query("SELECT * FROM unread ORDER BY id")
    assert [row["payload"] for row in kept] == [*bodies, bodies[0]]
    assert kept[0]["topic"] == "batcher/d/s" and kept[0]["reason"]
    assert abs(kept[0]["received"] - time.time()) < 60
    lines = [line for line in capsys.readouterr().err.splitlines() if "unread" in line]
    assert len(lines) == 2 and "rows, json and blocks" in lines[0]
    store.close()


def until(done, timeout=15):
    deadline = time.monotonic() + timeout
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def told(capsys, *words, timeout=15):
    """Wait for a line with each of these; -> all that was said."""
    said = ""
    deadline = time.monotonic() + timeout
    while not all(word in said for word in words):
        assert time.monotonic() < deadline, said
        time.sleep(0.05)
        said += capsys.readouterr().err
    return said


def test_the_reader_says_what_becomes_of_its_broker(tmp_path, capsys):
    store = Store(tmp_path / "db")
    port = free_port()
    url = f"mqtt://127.0.0.1:{port}"
    with MqttReader(store, [url], user="joe", password="secret") as reader:
        said = told(capsys, f"cannot reach 127.0.0.1:{port}: ")
        until(lambda: reader._generation > 4)  # attempts
        broker = Nats(tmp_path / "broker")
        broker.port = port
        with broker:
            said += told(capsys, f"connected to 127.0.0.1:{port}")
        said += told(capsys, f"127.0.0.1:{port}: the connection was lost")
    assert len(said.splitlines()) < 6 and "secret" not in said
    store.close()


def test_two_collectors_under_one_name_are_told_of_each_other(tmp_path, capsys):
    store = Store(tmp_path / "db")
    with Nats(tmp_path / "broker") as broker:
        url = [f"mqtt://127.0.0.1:{broker.port}"]
        with MqttReader(store, url) as one, MqttReader(store, url) as two:
            said = told(capsys, "--mqtt-client-id", "'batcher-collect'")
            until(lambda: one._generation > 4 and two._generation > 4)
            assert len((said + capsys.readouterr().err).splitlines()) < 10
        with MqttReader(store, url, client_id="a") as one, MqttReader(store, url) as two:
            assert one.ready.wait(10) and two.ready.wait(10)
            publish.single("batcher/d/s", b"?", 1, hostname="127.0.0.1", port=broker.port)
            until(lambda: one.unreadable == two.unreadable == 1)
            assert "lost" not in capsys.readouterr().err
    store.close()


def test_a_state_that_flaps_is_said_once_and_one_that_lasts_always():
    said, clock = [], [0.0]
    lines = StateLines(said.append, lambda: clock[0])

    def go(seconds, *states):
        for _ in range(int(seconds * 10)):
            for line, good in states:
                lines.now(line, good)
            clock[0] += 0.1

    down, other, up = ("down", False), ("other", False), ("up", True)
    go(30, down, other)
    assert said == ["down", "other"]
    go(1, up)
    assert said[2:] == ["up"]
    go(30, down, up)
    assert said[3:] == []
    go(9, down)
    assert said[3:] == []
    go(2, down)
    assert said[3:] == ["down"]
    go(11, up)
    assert said[4:] == ["up"]
    go(0.1, down)
    go(0.1, up)
    assert said[5:] == ["down", "up"]
