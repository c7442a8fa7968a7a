"""What the firmware wrote, read by other parsers: the host's decoder, cbor2, and RFC 8428."""

import json
import random
from decimal import Decimal

import cbor2
import pytest

from batcher.records import RecordRing
from batcher.schema import MISSING, Schema
from batcher.timebase import Timebase
from batcher.uplink.enc_block import BlockEncoder
from batcher.uplink.enc_cbor import SenmlCborEncoder
from batcher.uplink.enc_line import LineEncoder
from batcher.uplink.enc_senml import SenmlJsonEncoder
from batcher_tools.blocks import BlockError, decode, decode_block
from portable.test_encoders import BME, ODD, Ident, encoded, filled

EPOCH = 1700000000005


@pytest.fixture
def clock():
    clock = Timebase()
    clock.set_epoch(EPOCH // 1000, EPOCH % 1000, ticks=0)
    return clock


def expected(batch, schemas=(BME, ODD), offset=EPOCH):
    """-> {(series, field name): [(Decimal seconds, Decimal value), ...]}"""
    found = {}
    for series, seq, t, values in batch:
        schema = next(s for s in schemas if s.name == series)
        for field, value in zip(schema.fields, values, strict=True):
            if value is not None:
                at = Decimal(offset + t).scaleb(-3) + Decimal(seq % 1000).scaleb(-6)
                point = (at, Decimal(value).scaleb(field.scale))
                found.setdefault((series, field.name), []).append(point)
    return found


def test_the_stream_of_blocks_is_read_whole_and_cut(clock):
    ring = filled(clock)
    for limit in (500, 32, 5):
        batch = ring.peek(limit)
        for size in (92, 512):
            blocks = decode(encoded(BlockEncoder(clock), batch, size))
            got = [(b.schema.name, seq, t - EPOCH, v) for b in blocks for seq, t, v in b.readings()]
            assert got == list(batch) and len(got) == len(batch)
            assert {(b.device, b.boot) for b in blocks} == {(Ident.device, Ident.boot)}


def test_extremes_round_trip():
    schema = Schema("x", [("a", "m", 0), ("b", "m", 0)])
    ring = RecordRing(schema, 8000, 16, timebase=Timebase())
    row = schema.row()
    edges = [0, -1, 1, 0x7FFFFFFF, -0x7FFFFFFF, MISSING, 63, 64, -64, -65, 1 << 30, -(1 << 30)]
    for a in edges:
        for b in edges:
            row[1], row[2] = a, b
            assert ring.push(row)
    ring.seal()
    batch = ring.peek(500)
    blocks = decode(encoded(BlockEncoder(), batch))
    got = [tuple(v) for b in blocks for _, _, v in b.readings()]
    edges = [None if e == MISSING else e for e in edges]
    assert got == [(a, b) for a in edges for b in edges]


def test_no_mutation_of_a_block_is_believed():
    random.seed(4)
    ring = filled(Timebase(), 16)
    good = []
    batch = ring.peek(500)
    batch.rewind()
    while batch.next_block():
        good.append(bytes(batch.buf[batch.start : batch.start + batch.size]))
    believed = 0
    for i in range(100_000):
        data = bytearray(good[i % len(good)])
        kind = i % 4
        if kind == 0:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        elif kind == 1:
            del data[random.randrange(len(data)) :]
        elif kind == 2:
            for _ in range(random.randrange(1, 9)):
                data[random.randrange(len(data))] = random.randrange(256)
        else:
            at = random.randrange(len(data))
            data[at:at] = bytes([random.randrange(256)])
        if bytes(data[: len(good[i % len(good)])]) == good[i % len(good)]:
            continue
        with pytest.raises(BlockError):
            decode_block(bytes(data))
            believed += 1
    assert not believed


def test_no_mutation_of_a_stream_is_believed(clock):
    random.seed(5)
    good = encoded(BlockEncoder(clock), filled(clock, 16).peek(20))
    whole = decode(good)
    for i in range(5000):
        data = bytearray(good)
        if i % 2:
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
            with pytest.raises(BlockError):
                decode(bytes(data))
        else:
            try:
                part = decode(bytes(data[: random.randrange(len(data))]))
            except BlockError:
                continue
            assert part == whole[: len(part)]  # ends between two records: what is there is right


def test_bodies_that_lie_under_a_right_crc_raise_too():
    import binascii

    random.seed(6)
    batch = filled(Timebase(), 16).peek(500)
    batch.rewind()
    batch.next_block()
    good = bytes(batch.buf[batch.start : batch.start + batch.size])
    for _ in range(20_000):
        data = bytearray(good)
        for _ in range(random.randrange(1, 4)):
            data[random.randrange(len(data))] = random.randrange(256)
        crc = binascii.crc32(data[24:], binascii.crc32(data[:20]))
        data[20:24] = crc.to_bytes(4, "little")
        try:
            decode_block(bytes(data))
        except BlockError:
            pass


def resolved(pack, label=str):
    """RFC 8428 section 4.6 -> [(name, unit, value, time)]."""
    names = {"bn": -2, "bt": -3, "bu": -4, "bv": -5, "n": 0, "u": 1, "v": 2, "t": 6}
    key = (lambda k: k) if label is str else names.get
    base = {"bn": "", "bt": 0, "bu": None, "bv": 0}
    out = []
    for record in pack:
        for k in base:
            base[k] = record.get(key(k), base[k])
        value = record.get(key("v"))
        if value is not None:
            value += base["bv"]
        time = base["bt"] + record.get(key("t"), 0)
        name = base["bn"] + record.get(key("n"), "")
        out.append((name, record.get(key("u"), base["bu"]), value, time))
    return out


def test_the_resolver_agrees_with_rfc_8428_section_5():
    load = lambda text: json.loads(text, parse_float=Decimal)
    one = load('[{"n":"urn:dev:ow:10e2073a01080063","u":"Cel","v":23.1}]')  # 5.1.1
    assert resolved(one) == [("urn:dev:ow:10e2073a01080063", "Cel", Decimal("23.1"), 0)]
    two = load(  # 5.1.2
        '[{"bn":"urn:dev:ow:10e2073a01080063:","n":"voltage","u":"V","v":120.1},'
        '{"n":"current","u":"A","v":1.2}]'
    )
    assert resolved(two) == [
        ("urn:dev:ow:10e2073a01080063:voltage", "V", Decimal("120.1"), 0),
        ("urn:dev:ow:10e2073a01080063:current", "A", Decimal("1.2"), 0),
    ]
    many = load(
        '[{"bn":"urn:dev:ow:10e2073a0108006:","bt":1.276020076001e+09,"bu":"A","bver":5,'
        '"n":"voltage","u":"V","v":120.1},{"n":"current","t":-5,"v":1.2},'
        '{"n":"current","t":-4,"v":1.3},{"n":"current","v":1.7}]'
    )
    times = [int((time - Decimal("1276020076.001")) * 1000) for *_, time in resolved(many)]
    assert times == [0, -5000, -4000, 0]
    assert [unit for _, unit, _, _ in resolved(many)] == ["V", "A", "A", "A"]


def names_of(schemas=(BME, ODD)):
    from batcher.uplink.senml import clean

    return {
        f"{clean(Ident.device)}/{clean(s.name)}/{clean(f.name)}": (s.name, f.name, f.unit)
        for s in schemas
        for f in s.fields
    }


def check_senml(pack, batch, label, tolerance):
    names = names_of()
    got = {}
    for name, unit, value, time in resolved(pack, label):
        series, field, wanted = names[name]
        assert unit == wanted
        got.setdefault((series, field), []).append((time, value))
    want = expected(batch)
    assert got.keys() == want.keys()
    for key, points in want.items():
        assert [v for _, v in got[key]] == [v for _, v in points]
        times = [t for t, _ in got[key]]
        assert len(set(times)) == len(times)
        assert all(abs(a - b) <= tolerance for a, (b, _) in zip(times, points, strict=True))


@pytest.mark.parametrize("size", [92, 512])
def test_senml_json(clock, size):
    batch = filled(clock).peek(500)
    text = encoded(SenmlJsonEncoder(clock), batch, size)
    check_senml(json.loads(text, parse_float=Decimal), batch, str, 0)


@pytest.mark.parametrize("size", [92, 512])
def test_senml_cbor(clock, size):
    batch = filled(clock).peek(500)
    pack = cbor2.loads(encoded(SenmlCborEncoder(clock), batch, size))
    check_senml(pack, batch, int, 0)


@pytest.mark.parametrize("encoder", [SenmlJsonEncoder, SenmlCborEncoder])
def test_senml_times_are_relative_before_the_clock_is_set(encoder):
    clock = Timebase(ticks=lambda: 100_250)
    batch = filled(clock, 20).peek(500)
    text = encoded(encoder(clock), batch)
    if encoder is SenmlJsonEncoder:
        pack, label = json.loads(text, parse_float=Decimal), str
    else:
        pack, label = cbor2.loads(text), int
    times = [time for name, _, _, time in resolved(pack, label) if "pressure" in name]
    want = [
        t for (_, f), p in expected(batch, offset=-100_250).items() for t, _ in p if f == "pressure"
    ]
    assert times == want


def parse_line(line):
    """A parser of the line protocol, by its specification -> measurement, tags, fields, time."""
    parts, word, escaped = [], "", False
    for char in line:
        if escaped:
            word += char if char in ", =" else "\\" + char
            escaped = False
        elif char == "\\":
            escaped = True
        elif char in ", =":
            parts += [word, char]
            word = ""
        else:
            word += char
    parts.append(word)
    spaces = [i for i, part in enumerate(parts) if part == " " and i % 2]
    head, fields, time = parts[: spaces[0]], parts[spaces[0] + 1 : spaces[1]], parts[-1]

    def pairs(tokens):
        assert all(t == "=" for t in tokens[1::4]) and all(t == "," for t in tokens[3::4])
        return dict(zip(tokens[0::4], tokens[2::4], strict=True))

    comma = head.index(",")  # an equals sign of the measurement's name is none
    return "".join(head[:comma]), pairs(head[comma + 1 :]), pairs(fields), int(time)


@pytest.mark.parametrize("size", [92, 512])
def test_line_protocol(clock, size):
    batch = filled(clock).peek(500)
    text = encoded(LineEncoder(clock), batch, size).decode()
    assert text.endswith("\n")
    got = {}
    for line in text.splitlines():
        series, tags, fields, time = parse_line(line)
        assert tags == {"device": Ident.device}
        for name, value in fields.items():
            got.setdefault((series, name), []).append((time, Decimal(value)))
    want = {}
    for (series, name), points in expected(batch).items():
        want[series.replace("\n", " "), name] = points
    assert got.keys() == want.keys()
    for key, points in want.items():
        assert [v for _, v in got[key]] == [v for _, v in points]
        for (time, _), (at, _) in zip(got[key], points, strict=True):
            assert time // 10**6 == int(at * 1000)
        assert len({t for t, _ in got[key]}) == len(points)


def test_line_protocol_waits_for_the_clock_or_tags_the_boot():
    clock = Timebase()
    batch = filled(clock, 4).peek(500)
    with pytest.raises(OSError, match="clock"):
        encoded(LineEncoder(clock), batch)
    text = encoded(LineEncoder(clock, wait_for_clock=False), batch).decode()
    assert f",boot={Ident.boot} " in text
