"""Record encoders: what parsers of the standard library read is what went in."""

# heap: 512k

import json
from binascii import crc32

from batcher.records import RecordRing
from batcher.schema import MISSING, Schema
from batcher.timebase import Timebase
from batcher.uplink.enc_block import BlockEncoder
from batcher.uplink.enc_cbor import SenmlCborEncoder
from batcher.uplink.enc_json import JsonEncoder
from batcher.uplink.enc_line import LineEncoder
from batcher.uplink.enc_senml import SenmlJsonEncoder
from kit.alloc import allocated

BME = Schema("bme280", [("temperature", "Cel", -2), ("pressure", "Pa", 0), ("humidity", "%RH", 2)])
ODD = Schema('l"x,\n=y', [("light é", "lx", -1)])


# Checked by other parsers in test_blocks.py.
GOLDEN = (
    (LineEncoder, 0x8EB1128D),
    (SenmlJsonEncoder, 0x2BC478C5),
    (SenmlCborEncoder, 0x41F3334F),
    (BlockEncoder, 0x3DFDB713),
)


class Ident:
    device = 'd "1"'
    boot = "0123456789abcdef"


def filled(clock, count=40, step=1000, schemas=(BME, ODD)):
    ring = RecordRing(list(schemas), 8000, 16, timebase=clock)
    rows = [s.row() for s in schemas]
    for i in range(count):
        for row in rows:
            row[0] = step * i + (i * 7) % 5
            for k in range(1, len(row) - 1):
                row[k] = (i * 7919 - 100000) * (3 - k)
            if i % 5 == 0:
                row[1] = MISSING
            assert ring.push(row)
    ring.seal()
    return ring


def encoded(encoder, batch, size=512, ident=Ident):
    buf = bytearray(size)
    out = bytearray()
    encoder.begin(batch, ident)
    while True:
        n = encoder.fill(buf)
        if not n:
            return bytes(out)
        out.extend(buf[:n])


def test_json_holds_every_reading_at_any_buffer_size():
    clock = Timebase()
    for offset in (0, 1700000000005):
        if offset:
            clock.set_epoch(offset // 1000, offset % 1000, ticks=0)
        ring = filled(clock)
        encoder = JsonEncoder(clock)
        batch = ring.peek(500)
        texts = [encoded(encoder, batch, size) for size in (92, 101, 512, 4096)]
        assert texts[0] == texts[1] == texts[2] == texts[3]
        doc = json.loads(texts[0])
        assert doc["device"] == Ident.device and doc["boot"] == Ident.boot
        got = []
        for b in doc["blocks"]:
            assert b["t"] == ("unix_us" if offset else "boot_us")
            assert b["fields"][0] == list(
                (("temperature", "Cel", -2), ("light é", "lx", -1))[b["series"] != "bme280"]
            )
            for i, row in enumerate(b["rows"]):
                assert row[0] % 1000 == (b["first"] + i) % 1000
                got.append((b["series"], b["first"] + i, row[0] // 1000 - offset, row[1:]))
        assert got == list(batch)


def test_json_of_a_list_goes_item_by_item():
    class Named(Ident):
        series = "items"
        first = 7

    items = [{"a": 1}, None, "x" * 200, [1, "é"], 3.5]
    encoder = JsonEncoder()
    for size in (92, 512):
        doc = json.loads(encoded(encoder, items, size, Named))
        assert doc["items"] == items and doc["first"] == 7 and doc["series"] == "items"
    assert json.loads(encoded(encoder, [], 92, Named))["items"] == []


def test_times_of_ties_differ_and_do_not_run_ahead():
    clock = Timebase()
    ring = filled(clock, 300, 0, [BME])
    doc = json.loads(encoded(JsonEncoder(clock), ring.peek(300)))
    times = [row[0] for b in doc["blocks"] for row in b["rows"]]
    assert len(set(times)) == 300
    assert max(times) < 5 * 1000


def test_the_epoch_holds_across_the_wrap_of_ticks():
    start = 0x40000000 - 20500  # 20.5 s before the wrap
    for set_at in (0, 20, 39):  # before the wrap, at it, after it: readings before have it, too
        clock = Timebase()
        clock.high(start)
        ring = RecordRing(BME, 8000, 16, timebase=clock)
        row = BME.row()
        for i in range(40):
            row[0] = start + 1000 * i & 0x3FFFFFFF
            clock.high(row[0])
            if i == set_at:
                assert clock.set_epoch(1700000000 + i, 7, ticks=row[0])
            row[1] = i
            assert ring.push(row)
        ring.seal()
        doc = json.loads(encoded(JsonEncoder(clock), ring.peek(40)))
        assert len(doc["blocks"]) == 3
        got = [(r[0] // 1000, r[1]) for b in doc["blocks"] for r in b["rows"]]
        assert got == [(1700000000007 + 1000 * i, i) for i in range(40)]


def test_a_line_is_never_a_comment():
    clock = Timebase()
    clock.set_epoch(1700000000, 5, ticks=0)
    schema = Schema("#1 pump", [("flow", "m3/s", -2)])
    ring = RecordRing(schema, 2000, 16, timebase=clock)
    row = schema.row()
    row[1] = 5
    assert ring.push(row)
    ring.seal()
    text = bytes(encoded(LineEncoder(clock), ring.peek(9)))
    assert text.startswith(b"\\#1\\ pump,device="), text


def test_both_interpreters_and_both_word_sizes_write_the_same_bytes():
    clock = Timebase()
    clock.set_epoch(1700000000, 5, ticks=0)
    batch = filled(clock).peek(500)
    for encoder, crc in GOLDEN:
        assert crc32(encoded(encoder(clock), batch)) == crc, encoder.__name__


def test_adding_sealing_and_encoding_leave_the_heap_alone():
    clock = Timebase()
    clock.set_epoch(1700000000, 5, ticks=0)
    ring = RecordRing(BME, 16000, 32, timebase=clock)

    def slow(row):
        done = ring.push(row)
        ring.grant(20)
        return done

    add = ring.fuse(slow)
    row = BME.row()

    def add_100():
        for _ in range(100):
            add(row)

    assert allocated(add_100) == 0
    ring.seal()
    batch = ring.peek(500)
    buf = bytearray(512)
    for encoder in (LineEncoder(clock), JsonEncoder(clock)):

        def encode():
            encoder.begin(batch, Ident)  # noqa: B023
            while encoder.fill(buf):  # noqa: B023
                pass

        assert allocated(encode) <= 100, type(encoder).__name__
