"""What a reading costs in bytes, in time and in garbage, as blocks and as text."""

import gc
import json
import random
import sys
from time import ticks_diff, ticks_us

import micropython

from batcher.records import RecordRing
from batcher.schema import Schema
from batcher.timebase import Timebase
from batcher.uplink.enc_block import BlockEncoder
from batcher.uplink.enc_cbor import SenmlCborEncoder
from batcher.uplink.enc_json import JsonEncoder
from batcher.uplink.enc_line import LineEncoder
from batcher.uplink.enc_senml import SenmlJsonEncoder

BME = Schema("bme280", [("temperature", "Cel", -2), ("pressure", "Pa", 0), ("humidity", "%RH", -2)])
CLOCK = Timebase()
CLOCK.set_epoch(1700000000, 0, ticks=0)


class Ident:
    device = "e661640843"
    boot = "0123456789abcdef"


class Walk:
    """Rows of a BME280 that wanders: 1 s period, up to 7 ms of jitter; noise in counts."""

    def __init__(self, noise=0):
        random.seed(280)
        self.row = BME.row()
        self.noise = noise
        self.i = 0
        self.values = [2143, 101325, 4512]

    def next(self):
        row = self.row
        row[0] = 1000 * self.i + random.getrandbits(3)
        self.i += 1
        for k, step in ((0, 3), (1, 8), (2, 10)):
            self.values[k] += random.getrandbits(10) % (2 * step + 1) - step
            row[k + 1] = self.values[k]
            if self.noise:
                row[k + 1] += random.getrandbits(16) % (2 * self.noise + 1) - self.noise
        return row


def filled(nbytes, noise=0):
    """-> rows that fit in nbytes, everything counted."""
    ring = RecordRing(BME, nbytes, timebase=CLOCK)
    walk = Walk(noise)
    while ring.push(walk.next()):
        pass
    return len(ring)


def how_many(item, each):
    """-> how many of these fit in 64 KiB, by what 200 take from the heap."""
    keep = [None] * 200
    gc.collect()
    before = gc.mem_alloc()
    for i in range(200):
        keep[i] = item(i)
    gc.collect()
    return 65536 // ((gc.mem_alloc() - before) // 200 + each)


def sizes():
    calm, noisy = filled(65536), filled(65536, 200)
    word = 8 if sys.maxsize > 1 << 32 else 4
    as_dict = lambda i: {"t": 1000 * i, "temperature": 2143 + i, "pressure": i, "humidity": i}
    as_tuple = lambda i: (1000 * i, 2143 + i, i, i)
    print("readings of time + 3 values in 64 KiB")
    print("  blocks, calm          %6d   %.2f bytes each" % (calm, 65536 / calm))
    print("  blocks, noise of 200  %6d   %.2f" % (noisy, 65536 / noisy))
    print("  list of tuples        %6d" % how_many(as_tuple, word))
    print("  list of dicts         %6d" % how_many(as_dict, word))
    print("BENCH stored_bytes_calm=%.3f" % (65536 / calm))
    print("BENCH stored_bytes_noisy=%.3f" % (65536 / noisy))
    print("BENCH readings_in_64k=%d" % calm)


def adds():
    ring = RecordRing(BME, 65536, timebase=CLOCK)
    add = ring.fuse(None)

    def slow(row):
        done = ring.push(row)
        ring.grant(1 << 20)
        return done

    add = ring.fuse(slow)
    row = Walk().next()
    buf = [None] * 4096

    def run_add():
        for _ in range(4096):
            add(row)

    def run_list():
        i = 0
        for _ in range(4096):
            buf[i] = row
            i += 1  # noqa: SIM113

    def run_nothing():
        for _ in range(4096):
            pass  # noqa: SIM113

    times = {run_add: [], run_list: []}
    for _ in range(15):
        ring.seal()
        while ring.evict(None, ""):
            pass
        for f in times:
            start = ticks_us()
            f()
            times[f].append(ticks_diff(ticks_us(), start))
    median = {f: sorted(times[f])[7] for f in times}
    ratio = median[run_add] / median[run_list]  # each with its loop, as bench_core has it
    while ring.evict(None, ""):
        pass
    before = micropython.mem_total()
    run_list()
    loop = micropython.mem_total() - before
    before = micropython.mem_total()
    run_add()
    taken = micropython.mem_total() - before - loop
    print(
        "\nadd of a row, sealing included: %.0f ns, %.1f times a list store, %d bytes in 4096"
        % (1000 * median[run_add] / 4096, ratio, taken)
    )
    print("BENCH record_add_ratio=%.2f" % ratio)
    print("BENCH record_add_alloc_bytes=%d" % taken)


def encoders():
    ring = RecordRing(BME, 65536, rows=125, timebase=CLOCK)
    walk = Walk()
    dicts = []
    for _ in range(500):
        row = walk.next()
        ring.push(row)
        dicts.append(
            {
                "t": 1700000000 + row[0] // 1000,
                "temperature": row[1] / 100,
                "pressure": row[2],
                "humidity": row[3] / 100,
            }
        )
    ring.seal()
    batch = ring.peek(500)
    buf = bytearray(1024)
    ways = [
        ("json.dumps of dicts", None),
        ("line", LineEncoder(CLOCK)),
        ("json", JsonEncoder(CLOCK)),
        ("senml json", SenmlJsonEncoder(CLOCK)),
        ("senml cbor", SenmlCborEncoder(CLOCK)),
        ("block", BlockEncoder(CLOCK)),
    ]

    def run(encoder):
        if encoder is None:
            return len(json.dumps(dicts))
        encoder.begin(batch, Ident)
        total = 0
        n = encoder.fill(buf)
        while n:
            total += n
            n = encoder.fill(buf)
        return total

    times = {name: [] for name, _ in ways}
    for _ in range(15):
        for name, encoder in ways:
            gc.collect()
            start = ticks_us()
            run(encoder)
            times[name].append(ticks_diff(ticks_us(), start))
    base = sorted(times[ways[0][0]])[7]
    print("\nencoding 500 readings    bytes each   us each   times faster   garbage")
    for name, encoder in ways:
        total = run(encoder)
        before = micropython.mem_total()
        run(encoder)
        garbage = micropython.mem_total() - before
        us = sorted(times[name])[7]
        print(
            "  %-22s %8.2f %11.3f %11.1f %14d" % (name, total / 500, us / 500, base / us, garbage)
        )
        if name in ("line", "json"):
            print("BENCH %s_speedup=%.2f" % (name, base / us))
        if name == "json":
            print("BENCH encode_garbage_bytes=%d" % garbage)
        if name == "block":
            print("BENCH wire_bytes_block=%.3f" % (total / 500))


sizes()
adds()
encoders()
