"""A board's process gets SIGKILL at random moments; its flash is a file that stays; what it
delivers goes by HTTP to `batcher collect`, whose database is asked at the end."""

import json
import os
import random
import socket
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from batcher_tools.paths import MICROPYPATH, ROOT, program

SCRIPT = Path(__file__).parent / "kit" / "killed.py"


@contextmanager
def collector(db):
    """`batcher collect` as a process -> its URL."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program("batcher"), "collect", "--db", str(db), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout.readline().startswith("collect: http://")
            for _ in range(200):
                with closing(socket.socket()) as probe:
                    if not probe.connect_ex(("127.0.0.1", port)):
                        break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/v1/batches"
        finally:
            process.kill()


def board(folder, url, *words):
    command = [program("micropython"), "-X", "heapsize=512k", SCRIPT, folder / "flash", url, *words]
    return subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env=dict(os.environ, MICROPYPATH=MICROPYPATH),
    )


def said(text):
    """-> (boot or None, readings acknowledged as stored or 0) of what a board printed."""
    boot, stored = None, 0
    for line in text[: text.rfind("\n") + 1].splitlines():
        words = line.split()
        assert words[0] in ("B", "S", "D", "END", "OFFERED"), text
        if words[0] == "B":
            boot = words[1]
            assert words[2] == "0", f"the quota took some: {text}"
        elif words[0] == "S":
            stored = int(words[1])
        elif words[0] == "END":
            assert words[1:] == ["0", "0"], text
    return boot, stored


def record(db):
    """-> [(boot, seq, life, i)] of each reading, in the order of arrival; and the repeats."""
    with closing(sqlite3.connect(db)) as connection:
        rows = connection.execute(
            "SELECT boot, seq, json_extract(value, '$[0]'), json_extract(value, '$[1]')"
            " FROM everything ORDER BY id"
        ).fetchall()
        repeats = connection.execute("SELECT SUM(repeats) FROM streams").fetchone()[0]
    return rows, repeats


def check(folder, kills, seed):
    dice = random.Random(seed)
    db = folder / "readings.db"
    boots, stored = {}, {}
    with collector(db) as url:
        for life in range(kills):
            early = dice.random() < 0.2  # in the middle of recovery, too
            wait = dice.uniform(0.02, 0.12) if early else dice.uniform(0, 0.2)
            process = board(folder, url, life)
            text = "" if early else process.stdout.readline()
            time.sleep(wait)  # the moment of the kill is the test
            process.kill()
            text += process.communicate()[0]
            boots[life], stored[life] = said(text)
        process = board(folder, url, kills, "drain")
        text = process.communicate(timeout=60)[0]
        assert process.returncode == 0 and "END 0 0" in text, text
        said(text)
    rows, repeats = record(db)
    times = Counter((life, i) for _, _, life, i in rows)
    assert max(times.values()) == 1, "a reading under two names"
    missing = [(life, i) for life, n in stored.items() for i in range(n) if (life, i) not in times]
    assert not missing, (len(missing), missing[:10])
    last = {}
    for boot, seq, life, i in rows:
        assert seq == i and boot == boots[life], "another name than it was given"
        assert i == last.get(life, -1) + 1, "order"
        last[life] = i
    assert list(last) == sorted(last), "order of the boots"
    known = [boot for boot in boots.values() if boot]
    counts = [int(boot[:6], 16) for boot in known]
    assert len(set(known)) == len(known) and counts == sorted(set(counts))
    total = sum(stored.values())
    print(f"{kills} kills: {total} stored, {len(rows)} recorded, {repeats} repeats dropped")
    assert total > 20 * kills and sum(n > 0 for n in stored.values()) > kills // 8
    return repeats


def test_nothing_stored_is_lost_when_the_process_is_killed(tmp_path):
    check(tmp_path, 10, 1)


@pytest.mark.proof
def test_proof_of_200_kills(tmp_path):
    assert check(tmp_path, 200, 2) > 0, "no answer was ever lost"


def test_a_batch_taken_but_not_noted_on_flash_comes_again_and_is_dropped(tmp_path):
    db = tmp_path / "readings.db"
    with collector(db) as url:
        taken = board(tmp_path, url, 0, "take", 300)
        boot, stored = said(taken.communicate(timeout=30)[0])
        assert stored == 300
        offering = board(tmp_path, url, 1, "offer", 2)
        for line in offering.stdout:
            if line == "OFFERED\n":
                break
        offering.kill()
        offering.communicate()
        first, repeats = record(db)
        assert 0 < len(first) < 300 and not repeats
        drained = board(tmp_path, url, 2, "drain")
        assert "END 0 0" in drained.communicate(timeout=30)[0]
    rows, repeats = record(db)
    assert rows == [(boot, i, 0, i) for i in range(300)]
    assert repeats == len(first)


def station(folder, url, run_ms):
    """The whole firmware, its spool in a folder of the host's file system."""
    config = {
        "device": "greenhouse",
        "board": "virtual",
        "uplink": {"url": url, "retry_first_ms": 20, "retry_most_ms": 100},
        "sensors": [{"driver": "bme280", "every_ms": 20}],
        "batcher": {"memory": 4096, "batch_size": 10, "interval_ms": 50},
        "spool": {"path": "kept/readings", "unsaved_ms": 100},
        "report_ms": 50,
        "run_ms": run_ms,
    }
    (folder / "config.json").write_text(json.dumps(config))
    command = [program("micropython"), "-X", "heapsize=1m", str(ROOT / "firmware" / "main.py")]
    path = f"{ROOT / 'firmware'}:{ROOT / 'host_tests'}:{ROOT}:.frozen"
    env = dict(os.environ, MICROPYPATH=path)
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder, env=env
    )


def test_a_station_that_was_killed_sends_the_readings_of_its_first_life(tmp_path):
    db = tmp_path / "readings.db"
    first = station(tmp_path, "http://127.0.0.1:9/v1/batches", 60_000)
    sampled = 0
    for line in first.stdout:
        if line.startswith("{"):
            sampled = json.loads(line)["sampled"]
            if sampled >= 60:
                break
    assert sampled >= 60
    first.kill()
    first.communicate()
    with collector(db) as url:
        second = station(tmp_path, url, 500)
        text = second.communicate(timeout=30)[0]
        assert second.returncode == 0, text
    with closing(sqlite3.connect(db)) as connection:
        rows = connection.execute("SELECT boot, seq FROM everything ORDER BY id").fetchall()
    boots = list(dict.fromkeys(boot for boot, _ in rows))
    assert [boot[:6] for boot in boots] == ["000001", "000002"]
    assert rows == [(boot, i) for boot in boots for i in range(sum(b == boot for b, _ in rows))]
    assert sum(boot == boots[0] for boot, _ in rows) >= sampled - 25  # unsaved_ms and 200
