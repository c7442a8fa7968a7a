"""The uplink's figures: MicroPython boards, a real collector and broker, the proxy for 40 ms.

Ratios are medians of interleaved runs; base and candidate meet the same collector with its
disk safety on. The base of HTTP posts JSON, a reading each; the candidate sends blocks, 500
readings each. The collector answers when a stream of blocks is on disk and makes rows of it
afterwards: `e2e_ratio_rows` counts until they are rows. `e2e_ratio_memory` is without a disk.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "firmware")]

from batcher_tools.collect.server import CollectorThread  # noqa: E402
from batcher_tools.compile import compile_firmware  # noqa: E402
from batcher_tools.paths import MICROPYPATH, program  # noqa: E402
from batcher_tools.proxy import ProxyThread, cut, delay, reset  # noqa: E402
from peers import Collect, Nats  # noqa: E402

BATCH = 500


def board(mode, heap="1m", **settings):
    settings.setdefault("device", f"dev-{time.monotonic_ns()}")
    command = [program("micropython"), "-X", f"heapsize={heap}", str(HERE / "uplink_board.py")]
    result = subprocess.run(
        [*command, mode, json.dumps(settings)],
        capture_output=True,
        text=True,
        timeout=600,
        env=dict(os.environ, MICROPYPATH=MICROPYPATH),
    )
    if result.returncode:
        raise SystemExit(f"{mode}: {result.stdout}{result.stderr}")
    return json.loads(result.stdout.splitlines()[-1])


def rate(run):
    return run["n"] / max(run["ms"], 1) * 1000


def compare(name, base, candidate, times=3):
    """-> median of the ratios of interleaved runs."""
    ratios = []
    for _ in range(times):
        slow, fast = rate(base()), rate(candidate())
        ratios.append(fast / slow)
    ratio = statistics.median(ratios)
    print(f"{name:44} {slow:10.1f}/s {fast:12.1f}/s   {ratio:8.1f} times")
    return round(ratio, 1)


def http(name, url, single, batches, times=3):
    return compare(
        name,
        lambda: board("one", url=url, n=single),
        lambda: board("records", url=url, n=batches * BATCH, batch=BATCH),
        times,
    )


def until_rows(collector):
    """-> the ratio where the clock runs on until the collector's rows are there, too."""

    def fast():
        run = board("records", url=collector.url, n=100 * BATCH, batch=BATCH)
        start = time.monotonic()
        collector.store.settle()
        run["ms"] += (time.monotonic() - start) * 1000
        return run

    return compare(
        "HTTP, until they are rows", lambda: board("one", url=collector.url, n=200), fast
    )


def soak(collector, batches):
    """A proxy that cuts or resets a connection every few batches, at ever other places."""
    with ProxyThread(collector.port) as proxy:
        stop = threading.Event()

        def faults():
            n = 0
            while not stop.wait(0.02):
                n += 1
                after = n * 37 % 1500
                proxy.script.append((cut if n % 2 else reset)(after, "up" if n % 3 else "down"))
                proxy.drop_all()
                while len(proxy.script) > 3 and not stop.wait(0.01):
                    pass

        thread = threading.Thread(target=faults)
        thread.start()
        url = f"http://127.0.0.1:{proxy.port}/v1/batches"
        try:
            found = board("soak", heap="256k", url=url, batches=batches, deadline_ms=500)
        finally:
            stop.set()
            thread.join()
    floors = found["floors"]
    stats = found["stats"]
    print(f"soak: {stats['flushes']} batches, {stats['errors']} failures, heap floors {floors}")
    return min(floors[-3:]) - max(floors[2:5])


def sizes():
    """-> bytes of uplink/; of HTTP, names and Wi-Fi with `rows`; of the same with JSON. As on a
    board: compiled for armv6m, joined."""
    out = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in compile_firmware(Path(folder), "armv6m"):
            if path.parent.name == "uplink":
                out[path.stem] = path.stat().st_size
    parts = ["__init__", "http", "transport", "dns", "wifi", "encoder"]
    width = max(map(len, out))
    for name, size in out.items():
        print(f"  {name:{width}} {size:6}")
    least = sum(out[part] for part in parts)
    return sum(out.values()), least + out["enc_rows"], least + out["program"] + out["enc_json"]


def main():
    quick = "--quick" in sys.argv
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        with Collect(folder / "collect") as collector, ProxyThread(collector.port) as proxy:
            figures["e2e_ratio"] = http("HTTP, loopback", collector.url, 200, 100, 5)
            proxy.set(delay(20))
            far = f"http://127.0.0.1:{proxy.port}/v1/batches"
            figures["e2e_ratio_40ms"] = http("HTTP, 40 ms of round trip", far, 20, 30, 5)
        with CollectorThread(folder / "c.db") as collector:
            url = collector.url
            figures["e2e_ratio_rows"] = until_rows(collector)
            found = board("flush", url=url, records=True)
            figures["flush_garbage_bytes"] = found["garbage"]
            figures["flush_min_free_bytes"] = found["min_free"]
            print("one HTTP flush of 500 records:", found)
            figures["uplink_soak_growth_bytes"] = soak(collector, 1000 if quick else 10000)
        with CollectorThread(":memory:") as collector:
            figures["e2e_ratio_memory"] = http("HTTP, nothing on disk", collector.url, 200, 100)
        with Nats(folder / "nats") as broker, ProxyThread(broker.port) as proxy:
            near = f"mqtt://127.0.0.1:{broker.port}"
            board("mqtt", url=near, n=10, batch=1, per_message=1, window=1)  # its streams exist
            proxy.set(delay(20))
            far = f"mqtt://127.0.0.1:{proxy.port}"
            figures["mqtt_ratio_40ms"] = compare(
                "MQTT QoS 1, 40 ms of round trip",
                lambda: board("mqtt", url=far, n=20, batch=1, per_message=1, window=1),
                lambda: board("mqtt", url=far, n=30 * BATCH, batch=BATCH, per_message=100),
            )
    print("compiled for armv6m, bytes:")
    total, minimal, with_json = sizes()
    figures["uplink_mpy_bytes"] = total
    figures["uplink_minimal_mpy_bytes"] = minimal
    figures["uplink_minimal_json_mpy_bytes"] = with_json
    for key, value in figures.items():
        print(f"BENCH {key}={json.dumps(value)}")


main()
