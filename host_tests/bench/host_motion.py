"""1 kHz of motion from an emulated MPU6050 through batcher and blocks into the collector.

A virtual board of 512 KB runs in real time; the collector's file is asked afterwards: each
sample carries its number, so a lost or a repeated one shows. MOTION_SECONDS (60) sets the time.
"""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from batcher_tools.paths import FIRMWARE, HOST_TESTS, MICROPYPATH, ROOT, program

SECONDS = int(os.environ.get("MOTION_SECONDS", "60"))
FORM = os.environ.get(
    "MOTION_FORM", "blocks" if (FIRMWARE / "batcher/uplink/enc_block.py").exists() else "rows"
)


def free_port():
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def check(path):
    """-> (stored, lost, repeated): by the number that each sample has in ax and ay."""
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT seq, value FROM readings ORDER BY seq").fetchall()
    lost = repeated = 0
    expected = 0
    for seq, value in rows:
        ax, ay = json.loads(value)[:2]
        if isinstance(ax, float):  # decimals, in m/s2
            ax, ay = round(ax * 1000), round(ay * 1000)
        number = (ax * 8192 + 4903) // 9807 + ((ay * 8192 + 4903) // 9807 << 13)
        if number > expected:
            lost += number - expected
        if number < expected:
            repeated += 1
        if not seq and number:
            sys.exit(f"the first reading is sample {number}")
        expected = number + 1
    return len(rows), lost, repeated


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "motion.db"
        port = free_port()
        collector = subprocess.Popen(
            [program("batcher"), "collect", "--db", str(path), "--port", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            time.sleep(2)
            result = subprocess.run(
                [
                    program("micropython"),
                    "-X",
                    "heapsize=512k",
                    str(HOST_TESTS / "scripts" / "motion.py"),
                    f"http://127.0.0.1:{port}/v1/batches",
                    str(SECONDS),
                    FORM,
                ],
                env=dict(os.environ, MICROPYPATH=MICROPYPATH),
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=SECONDS + 90,
            )
        finally:
            collector.terminate()
            collector.wait(10)
        if result.returncode or not result.stdout.strip():
            sys.exit(result.stdout + result.stderr)
        *errors, last = result.stdout.strip().splitlines()
        board = json.loads(last)
        stored, lost, repeated = check(path)
    lost += board["made"] - stored
    print(f"{SECONDS} s as {FORM}: {board}")
    print(f"stored {stored}, lost {lost}, repeated {repeated}, errors {len(errors)}")
    print(f"BENCH motion_rate_hz={board['rate_hz']}")
    print(f"BENCH motion_lost={lost + board['overflows'] + board['dropped']}")
    print(f"BENCH motion_seconds={SECONDS}")


main()
