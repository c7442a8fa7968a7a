"""A board that adds numbered items and sends them until it is told to stop: `push.py FILE` (JSON).

Settings: url, ca, user, password, deadline_ms, every_ms, batch, stop (a file whose appearance ends
it), device, boot. After `stop` it delivers the rest and prints one line of JSON: stats, the
longest handler call, sockets and tasks left over, growth of the heap.
Runs on MicroPython and on CPython.
"""

import gc
import json
import os
import sys

from batcher import Batcher
from batcher.backoff import Backoff
from batcher.identity import Identity
from batcher.port import asyncio, ticks_diff, ticks_ms
from kit.encoder import PlainJson

MICROPYTHON = sys.implementation.name == "micropython"


def exists(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def heap():
    if not MICROPYTHON:
        return 0
    for _ in range(3):
        gc.collect()
    return gc.mem_alloc()


def sockets():
    found = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            os.stat("/proc/self/fd/" + name + "/.")
        except OSError as exc:
            if exc.errno != 20:  # not a directory: a file, a pipe or a socket
                continue
        found += 1
    return found


def make(s, source):
    ident = Identity(s.get("device", "dev-1"), s.get("boot"))
    tls = None
    if s.get("ca"):
        from batcher.uplink.tls import Tls

        tls = Tls(s["ca"], name="localhost", reserve=s.get("reserve"))
    common = {"source": source, "tls": tls, "deadline_ms": s.get("deadline_ms", 1000)}
    url = s["url"]
    first = url if isinstance(url, str) else url[0]
    if first.startswith("http"):
        from batcher.uplink.http import HttpUplink

        return HttpUplink(url, PlainJson(), ident, token=s.get("token"), **common)
    from batcher.uplink.mqtt import MqttUplink

    for key in ("user", "password", "window", "per_message", "clean", "limit"):
        if key in s:
            common[key] = s[key]
    return MqttUplink(url, PlainJson(), ident, **common)


async def main(s):
    seen = {"longest": 0, "errors": {}, "heap": None}
    before = sockets()

    def on_error(exc):
        text = "%s: %s" % (type(exc).__name__, exc)
        if s.get("verbose"):
            print(text, file=sys.stderr)
        if len(seen["errors"]) < 40:
            seen["errors"][text[:70]] = seen["errors"].get(text[:70], 0) + 1

    b = Batcher(
        4000,
        interval_ms=50,
        batch_size=s.get("batch", 20),
        on_error=on_error,
        backoff=Backoff(20, 150),
    )
    up = make(s, b)

    async def send(batch):
        start = ticks_ms()
        try:
            return await up.send(batch)
        finally:
            seen["longest"] = max(seen["longest"], ticks_diff(ticks_ms(), start))

    b.register_handler(send)
    b.start()
    i = 0
    while not exists(s["stop"]):
        for _ in range(s.get("burst", 1)):
            await b.put(i)
            i += 1
        await asyncio.sleep(s.get("every_ms", 5) / 1000)
        if seen["heap"] is None and b.stats["flushes"] >= 5:
            await b.flush()
            seen["heap"] = heap()
    for _ in range(100):
        if await b.flush(5000):
            break
    print(json.dumps({"errors": seen["errors"]}))
    seen["errors"] = {}
    grown = heap() - seen["heap"] if seen["heap"] is not None else None
    left = await b.close(timeout_ms=5000)
    done = up.close()
    if done is not None:
        await done
    await asyncio.sleep(0.05)
    if MICROPYTHON:
        from asyncio import core

        tasks = 1 if core._task_queue.peek() else 0
        tasks += len(core._io_queue.map)
    else:
        tasks = len(asyncio.all_tasks()) - 1
    report = {
        "added": i,
        "left": left,
        "stats": b.stats,
        "longest": seen["longest"],
        "tasks": tasks,
        "sockets": sockets() - before,
        "growth": grown,
    }
    print(json.dumps(report))


with open(sys.argv[1]) as file:
    SETTINGS = json.load(file)
asyncio.run(main(SETTINGS))
