"""What host_uplink.py runs on MicroPython: `uplink_board.py MODE JSON`, one line of JSON out.

one     requests-like: one reading a POST over a new connection each, with a JSON body
records our HttpUplink, blocks of a RecordRing, add to acknowledged
mqtt    our MqttUplink
soak    many batches through faults; the heap is looked at all along
flush   one flush of 500 readings: its garbage; how little free heap it needs
"""

import gc
import json
import sys

from batcher import Batcher
from batcher.backoff import Backoff
from batcher.identity import Identity
from batcher.port import asyncio, ticks_diff, ticks_ms
from kit.encoder import PlainJson


def encoder(records=False):
    try:
        from batcher.uplink.enc_json import JsonEncoder

        return JsonEncoder()
    except ImportError:
        if not records:
            return PlainJson()
        from batcher.uplink.enc_rows import RowsEncoder

        return RowsEncoder()


def make(s, source):
    ident = Identity(s["device"])
    if s["url"].startswith("mqtt"):
        from batcher.uplink.mqtt import MqttUplink

        keys = ("window", "per_message")
        more = {key: s[key] for key in keys if key in s}
        return MqttUplink(s["url"], encoder(), ident, source=source, **more)
    from batcher.uplink.http import HttpUplink

    return HttpUplink(
        s["url"], encoder(s.get("records")), ident, source, deadline_ms=s.get("deadline_ms", 7000)
    )


def post(url, doc):
    """As `requests.post(url, json=doc)` of micropython-lib goes about it: the name is looked up,
    a connection of its own, a write for each part of a header; -> the status."""
    import socket

    _, _, host, path = url.split("/", 3)
    host, _, port = host.partition(":")
    family, _, protocol, _, address = socket.getaddrinfo(host, int(port), 0, socket.SOCK_STREAM)[0]
    sock = socket.socket(family, socket.SOCK_STREAM, protocol)
    sock.connect(address)
    sock.write(b"POST /%s HTTP/1.1\r\n" % path.encode())
    body = json.dumps(doc)
    headers = {"Host": host, "Content-Type": "application/json"}
    headers["Content-Length"] = str(len(body))
    headers["Connection"] = "close"
    for key in headers:
        sock.write(key)
        sock.write(b": ")
        sock.write(headers[key])
        sock.write(b"\r\n")
    sock.write(b"\r\n")
    sock.write(body)
    status = int(sock.readline().split(None, 2)[1])
    found = {}
    while True:
        line = sock.readline()
        if not line or line == b"\r\n":
            break
        key, value = str(line, "utf-8").split(":", 1)
        found[key.lower()] = value.strip()
    sock.read(int(found["content-length"]))
    sock.close()
    return status


def one(s):
    start = ticks_ms()
    for i in range(s["n"]):
        doc = {"device": s["device"], "boot": "00112233aabbccdd", "series": "s", "first": i}
        doc["items"] = [{"t": i, "temperature": 21.5, "pressure": 101325}]
        assert post(s["url"], doc) == 200
    return {"n": s["n"], "ms": ticks_diff(ticks_ms(), start)}


async def records(s):
    """Add n readings of two fields; wait for the last acknowledgement."""
    from batcher.records import RecordRing
    from batcher.schema import Schema
    from batcher.uplink.enc_block import BlockEncoder
    from batcher.uplink.http import HttpUplink

    schema = Schema("bme280", [("temperature", "Cel", -2), ("pressure", "Pa", 0)])
    ring = RecordRing(schema, 32768, 125)  # whole blocks make the 500 of a batch
    b = Batcher(store=ring, batch_size=s["batch"], interval_ms=100000)
    up = HttpUplink(s["url"], BlockEncoder(), Identity(s["device"]), b, piece=4096)
    b.register_handler(up.send)
    b.start()
    row = schema.row()
    add = b.add
    assert add(row) and await b.flush()  # connected
    start = ticks_ms()
    i = 0
    while i < s["n"]:
        if len(ring) >= 2 * s["batch"]:
            await asyncio.sleep(0.001)
            continue
        for _ in range(50):
            row[0] = ticks_ms()
            row[1] = 2100 + i % 7
            row[2] = 101325 + i % 5
            add(row)
            i += 1
    assert await b.flush()
    ms = ticks_diff(ticks_ms(), start)
    assert b.stats["dropped"] == 0 and b.stats["delivered"] == i + 1, b.stats
    await b.close()
    up.close()
    return {"n": i, "ms": ms}


async def through(s):
    """Add n readings and wait for the last acknowledgement."""
    size = s["batch"]
    b = Batcher(max(2 * size, 8), batch_size=size, interval_ms=100000)
    up = make(s, b)
    b.register_handler(up.send)
    b.start()
    item = {"t": 1, "temperature": 21.5, "pressure": 101325}
    await b.put(item)
    await b.flush()  # connected
    start = ticks_ms()
    for i in range(s["n"]):
        if len(b.store) >= 2 * size:
            await b.put(item)
        else:
            b.add(item)
        if i & 63 == 0:
            await asyncio.sleep(0)
    assert await b.flush()
    ms = ticks_diff(ticks_ms(), start)
    assert b.stats["dropped"] == 0, b.stats
    await b.close()
    done = up.close()
    if done is not None:
        await done
    return {"n": s["n"], "ms": ms}


def used():
    for _ in range(3):
        gc.collect()
    return gc.mem_alloc()


async def soak(s):
    """Batches of 5 through a proxy that fails all the time; -> the heap's floor over windows."""
    b = Batcher(40, batch_size=5, interval_ms=1, on_error=lambda exc: None, backoff=Backoff(1, 5))
    up = make(s, b)
    b.register_handler(up.send)
    b.start()
    floors = [0] * 10  # made before: a growing list would be the growth that is found
    k = 0
    low = None
    i = mark = 0
    window = s["batches"] // 10
    while b.stats["flushes"] < s["batches"]:
        await b.put(i & 1023)
        i += 1
        if i % 400 == 0:
            gc.collect()
            now = gc.mem_alloc()
            low = now if low is None or now < low else low
        if b.stats["flushes"] - mark >= window:
            mark = b.stats["flushes"]
            if k < 10:
                floors[k] = low
                k += 1
            low = None
    await b.flush()
    stats = b.stats
    await b.close(timeout_ms=2000)
    up.close()
    return {"floors": floors, "stats": stats}


async def flush(s):
    from batcher.records import RecordRing
    from batcher.schema import Schema

    schema = Schema("bme280", [("temperature", "Cel", -2), ("pressure", "Pa", 0), ("h", "%RH", -2)])
    ring = RecordRing(schema, 16384)
    b = Batcher(store=ring, batch_size=500, interval_ms=100000)
    up = make(s, b)
    b.register_handler(up.send)
    b.start()
    row = schema.row()

    def fill():
        for i in range(500):
            row[0] = ticks_ms()
            row[1] = 2100 + i % 7
            row[2] = 101325 + i % 5
            row[3] = 4500 + i % 9
            assert b.add(row)

    for _ in range(2):
        fill()
        assert await b.flush()
    garbage = []
    for _ in range(5):
        fill()
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        assert await b.flush()
        garbage.append(gc.mem_alloc() - before)
        gc.enable()
    # Fill the heap until `left` bytes are free, into its small holes too; does it go through?
    smallest = None
    hold = [None] * 8000
    for left in (8192, 6144, 5120, 4096, 3584, 3072, 2560, 2048, 1536, 1024):
        fill()
        gc.collect()
        for k in range(3000):  # the first hole that fits is taken: the small ones go first
            hold[k] = bytearray(1)
        step = 4096
        k += 1
        while step >= 32 and k < len(hold):
            if gc.mem_free() - left < step + 32:
                step >>= 1
                continue
            try:
                hold[k] = bytearray(step)
                k += 1
            except MemoryError:
                step >>= 1
        gc.collect()
        free = gc.mem_free()
        ok = False
        try:
            ok = await b.flush(3000)
        except MemoryError:
            pass
        for i in range(len(hold)):
            hold[i] = None
        gc.collect()
        if not ok:
            await asyncio.sleep(0)
            assert await b.flush(5000)
            break
        smallest = free
    await b.close()
    up.close()
    return {"garbage": max(garbage), "min_free": smallest}


def main(mode, s):
    if mode == "one":
        return one(s)
    modes = {"records": records, "mqtt": through, "soak": soak, "flush": flush}
    return asyncio.run(modes[mode](s))


print(json.dumps(main(sys.argv[1], json.loads(sys.argv[2]))))
