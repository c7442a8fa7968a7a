"""The process of a board gets SIGKILL at random moments; its flash is a file that stays."""

import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from batcher_tools.paths import MICROPYPATH, ROOT, program

SCRIPT = Path(__file__).parent / "kit" / "killed.py"


def lives(tmp_path, kills, seed):
    """-> (stored: life -> items acknowledged as stored, record: (boot, seq) -> item)"""
    dice = random.Random(seed)
    env = dict(os.environ, MICROPYPATH=MICROPYPATH)
    command = [program("micropython"), "-X", "heapsize=512k", SCRIPT, tmp_path / "flash"]
    stored = {}
    record = {}
    repeats = 0
    for life in range(kills + 1):
        last = life == kills
        log = tmp_path / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*map(str, command), str(life), *(["drain"] if last else [])],
                stdout=out,
                cwd=ROOT,
                env=env,
            )
            if last:
                assert process.wait(60) == 0
            else:
                time.sleep(dice.uniform(0.03, 0.25))  # the moment of the kill is the test
                process.kill()
                process.wait()
        text = log.read_text()
        for line in text[: text.rfind("\n") + 1].splitlines():
            kind, *words = line.split(" ")
            if kind == "S":
                stored[life] = int(words[0])
            elif kind == "D":
                boot, first, *items = words
                for seq, item in enumerate(items, int(first)):
                    repeats += (boot, seq) in record
                    assert record.setdefault((boot, seq), item) == item
            else:
                assert kind == "END" and words == ["0", "0"], line
    return stored, record, repeats


def check(tmp_path, kills, seed):
    stored, record, repeats = lives(tmp_path, kills, seed)
    items = list(record.values())
    assert len(items) == len(set(items)), "an item under two names"
    there = set(items)
    missing = [
        f"{life}:{i}" for life, n in stored.items() for i in range(n) if f"{life}:{i}" not in there
    ]
    assert not missing, missing[:10]
    total = sum(stored.values())
    print(f"{kills} kills: {total} stored, {len(items)} recorded, {repeats} repeats dropped")
    assert len(stored) > kills // 3 and total > kills


def test_nothing_stored_is_lost_when_the_process_is_killed(tmp_path):
    check(tmp_path, 10, 1)


@pytest.mark.proof
def test_proof_of_200_kills(tmp_path):
    check(tmp_path, 200, 2)
