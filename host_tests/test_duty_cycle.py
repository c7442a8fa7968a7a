"""The whole firmware wakes, a process each time, and what it kept between arrives once."""

import json
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from batcher_tools.paths import FIRMWARE, HOST_TESTS, ROOT, program

WAKES = 7


class Collector(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(json.loads(body))
        self.send_response(200)
        self.send_header("Batcher-Ack", self.headers["Idempotency-Key"])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_a_board_that_sleeps_between_readings_loses_none(tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
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
    server.shutdown()
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
