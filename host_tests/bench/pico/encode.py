# What a batch of 500 readings costs to encode on a Pico W, beside json.dumps of dicts.
import gc
import json
import random
import time

from batcher import RecordRing, Schema
from batcher.timebase import Timebase

N = 500


class Ident:
    device = "e661640843"
    boot = "0123456789abcdef"


schema = Schema(
    "bme280", (("temperature", "Cel", -2), ("pressure", "Pa", 0), ("humidity", "%RH", -2))
)
clock = Timebase()
clock.set_epoch(1700000000, 0, ticks=0)
row = schema.row()


def walk(count, noise=0):
    """The rows of bench_records.py: a BME280 that wanders, 1 s period, a few ms of jitter."""
    random.seed(280)
    values = [2143, 101325, 4512]
    for i in range(count):
        row[0] = 1000 * i + random.getrandbits(3)
        for k, step in ((0, 3), (1, 8), (2, 10)):
            values[k] += random.getrandbits(10) % (2 * step + 1) - step
            row[k + 1] = values[k]
            if noise:
                row[k + 1] += random.getrandbits(16) % (2 * noise + 1) - noise
        yield i


def stored(nbytes, noise):
    ring = RecordRing(schema, nbytes, timebase=clock)
    for i in walk(20000, noise):  # noqa: B007
        if not ring.push(row):
            return i
    raise RuntimeError("never full")


def us(f):
    """-> microseconds a reading: the median of three, the first call left out."""
    f()
    found = []
    for _ in range(3):
        gc.collect()
        t = time.ticks_us()
        f()
        found.append(time.ticks_diff(time.ticks_us(), t) / N)
    return sorted(found)[1]


for name, noise in (("calm", 0), ("noisy", 200)):
    n = stored(65536, noise)
    print("BENCH pico_stored_bytes_%s=%.3f" % (name, 65536 / n))
    if not noise:
        print("BENCH pico_readings_in_64k=%d" % n)
    gc.collect()

dicts = []
for i in walk(N // 5):  # noqa: B007
    dicts.append(
        {
            "t": 1700000000 + row[0] // 1000,
            "temperature": row[1] / 100,
            "pressure": row[2],
            "humidity": row[3] / 100,
        }
    )
base = us(lambda: json.dumps(dicts)) * 5  # of a fifth: all of them and their text are too much
print("BENCH pico_dumps_us=%.1f" % base)
dicts = None
ring = RecordRing(schema, 6000, rows=125, timebase=clock)
for _ in walk(N):
    ring.push(row)
ring.seal()
batch = ring.peek(N)
buf = bytearray(1024)
encoder = None
total = 0


def run():
    global total
    total = 0
    encoder.begin(batch, Ident)
    n = encoder.fill(buf)
    while n:
        total += n
        n = encoder.fill(buf)


for name, kind in (
    ("line", "LineEncoder"),
    ("json", "JsonEncoder"),
    ("senml", "SenmlJsonEncoder"),
    ("cbor", "SenmlCborEncoder"),
    ("block", "BlockEncoder"),
):
    gc.collect()
    module = getattr(__import__("batcher.uplink.enc_" + name).uplink, "enc_" + name)
    encoder = getattr(module, kind)(clock)
    each = us(run)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    run()
    print("BENCH pico_%s_garbage_bytes=%d" % (name, gc.mem_alloc() - before))
    gc.enable()
    print("BENCH pico_%s_us=%.1f" % (name, each))
    print("BENCH pico_%s_speedup=%.2f" % (name, base / each))
    print("BENCH pico_wire_bytes_%s=%.3f" % (name, total / N))
    encoder = module = None
