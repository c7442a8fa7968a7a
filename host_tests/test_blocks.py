"""What the firmware wrote, read by other parsers: the host's decoder, cbor2, and RFC 8428."""

import json
import random
import sys
from decimal import Decimal

import cbor2
import pytest

from batcher.records import RecordRing
from batcher.schema import MISSING, Schema
from batcher.timebase import Timebase
from batcher.uplink.enc_block import BlockEncoder
from batcher.uplink.enc_cbor import SenmlCborEncoder
from batcher.uplink.enc_json import JsonEncoder
from batcher.uplink.enc_line import LineEncoder, escape
from batcher.uplink.enc_rows import RowsEncoder
from batcher.uplink.enc_senml import SenmlJsonEncoder, clean
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
    whole = [decode_block(data)[0] for data in good]
    mutants = believed = same = 0
    while mutants < 100_000:
        i = mutants % len(good)
        data = bytearray(good[i])
        kind = mutants % 4
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
        if data[: len(good[i])] == good[i]:
            same += 1  # what was inserted or set was there: this is none
            assert decode_block(bytes(data))[0] == whole[i]
            continue
        mutants += 1
        try:
            decode_block(bytes(data))
            believed += 1
        except BlockError:
            pass
    assert believed == 0 < same < mutants // 100


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


def test_without_numpy_the_decoder_gives_the_same(clock, monkeypatch):
    numpy = pytest.importorskip("numpy")
    blocks = decode(encoded(BlockEncoder(clock), filled(clock).peek(500)))
    fast = [block.arrays() for block in blocks]
    monkeypatch.setitem(sys.modules, "numpy", None)  # importing it raises ImportError
    plain = [block.arrays() for block in blocks]
    missing = 0
    for with_it, without in zip(fast, plain, strict=True):
        assert list(with_it) == list(without)
        for name, column in without.items():
            assert type(column) is list and isinstance(with_it[name], numpy.ndarray)
            missing += column.count(None)
            got = [None if v != v else v for v in with_it[name].tolist()]  # NaN is missing
            assert got == column
    assert missing


class Longest(Ident):
    device = 'd,="\\\né' + "é " * 82  # 254 bytes, most of which every format escapes


LONG = Schema(
    'l ,="\\\né' + "é " * 18 + "x",
    [(f'{i:02} ,="\\\né' + "é " * 17 + "xxx", "%EL", i % 25 - 12) for i in range(32)],
)
EXTREMES = (0x7FFFFFFF, -0x7FFFFFFF, MISSING, 0, -1)


def longest(clock):
    assert len(Longest.device.encode()) == 254
    assert {len(name.encode()) for name in (LONG.name, *[f.name for f in LONG.fields])} == {64}
    ring = RecordRing(LONG, 30000, 8, timebase=clock)
    row = LONG.row()
    for i in range(20):
        row[0] = 999_999 * i
        for k in range(1, 33):
            row[k] = EXTREMES[(i + k) % 5]
        assert ring.push(row)
    ring.seal()
    return LONG, ring.peek(100)


def read_line(text, schema):
    points = {}
    for line in text.decode().split("\n")[:-1]:
        series, tags, fields, time = parse_line(line)
        assert series == unescaped(schema.name) and tags == {"device": unescaped(Longest.device)}
        for name, value in fields.items():
            points[time // 10**6, name] = Decimal(value)
    return points, unescaped


def unescaped(name):
    return name.replace("\\", "/").replace("\n", " ")


def read_json(text, schema):
    doc = json.loads(text)
    assert doc["device"] == Longest.device
    points = {}
    for block in doc["blocks"]:
        assert block["series"] == schema.name
        for time, *values in block["rows"]:
            time = time // 1000 if block["t"] == "unix_us" else time + EPOCH
            for (name, _, scale), value in zip(block["fields"], values, strict=True):
                if value is not None:
                    points[time, name] = Decimal(value).scaleb(scale)
    return points, str


def read_senml(pack, schema, label):
    prefix = f"{clean(Longest.device)}/{clean(schema.name)}/"
    points = {}
    for name, unit, value, time in resolved(pack, label):
        assert name.startswith(prefix) and unit == "%EL"
        points[int(time * 1000), name[len(prefix) :]] = value
    return points, clean


def read_blocks(data, schema):
    points = {}
    for block in decode(data):
        assert (block.device, block.schema.name) == (Longest.device, schema.name)
        for _, time, values in block.readings():
            for (name, _, scale), value in zip(block.schema.fields, values, strict=True):
                if value is not None:
                    points[time, name] = Decimal(value).scaleb(scale)
    return points, str


READERS = {
    LineEncoder: read_line,
    JsonEncoder: read_json,
    RowsEncoder: read_json,
    SenmlJsonEncoder: lambda text, schema: read_senml(
        json.loads(text, parse_float=Decimal), schema, str
    ),
    SenmlCborEncoder: lambda data, schema: read_senml(cbor2.loads(data), schema, int),
    BlockEncoder: read_blocks,
}


@pytest.mark.parametrize("kind", READERS, ids=lambda kind: kind.__name__)
def test_512_bytes_are_enough_for_the_longest_names_and_values(clock, kind):
    schema, batch = longest(clock)
    encoder = kind() if kind is RowsEncoder else kind(clock)
    points, label = READERS[kind](encoded(encoder, batch, 512, Longest), schema)
    want = {
        (EPOCH + t, label(field.name)): Decimal(value).scaleb(field.scale)
        for _, _, t, values in batch
        for field, value in zip(schema.fields, values, strict=True)
        if value is not None
    }
    assert len(want) == 20 * 32 * 4 // 5
    assert points == want


@pytest.mark.parametrize("encoder", [LineEncoder, JsonEncoder, SenmlJsonEncoder, SenmlCborEncoder])
def test_a_buffer_that_is_too_small_is_an_error(clock, encoder):
    _, batch = longest(clock)
    with pytest.raises(ValueError, match="40 bytes"):
        encoded(encoder(clock), batch, 40, Longest)


def test_cbor_takes_names_of_more_than_255_bytes(clock):
    class Device(Ident):
        device = "d" * 254

    fields = [(f"{i:02}" + "f" * 62, "Cel", -2) for i in range(32)]
    schema = Schema("s" * 64, fields)
    ring = RecordRing(schema, 20000, 8, timebase=clock)
    row = schema.row()
    for k in range(1, 33):
        row[k] = k
    for _ in range(8):
        assert ring.push(row)
    ring.seal()
    pack = cbor2.loads(encoded(SenmlCborEncoder(clock), ring.peek(8), 512, Device))
    got = [(name, value) for name, _, value, _ in resolved(pack, int)]
    prefix = f"{Device.device}/{schema.name}/"
    assert got[:32] == [(prefix + f[0], Decimal(k + 1).scaleb(-2)) for k, f in enumerate(fields)]
    assert len(got) == 8 * 32


def test_cbor_integers_of_every_length(clock):
    # Microseconds since the base time take 1, 2, 3, 5 or 9 bytes, before it (time steps back), too.
    edges = [0, 1, 23, 24, 255, 256, 65535, 65536, 0x7FFFFFFF]
    values = edges + [-1 - v for v in edges[:-1]] + [-0x7FFFFFFF]
    steps = [0, 0, 60, 5, 1000, 4_293_000, 1_000, 1_000, 500_000_000, -504_000_000, -200, -5_000]
    steps += [-290_870, -15, -5_000, -6_000_000]
    schema = Schema("x", [("a", "m", 0), ("b", "m", -3)])
    ring = RecordRing(schema, 9000, 64, timebase=clock)
    row = schema.row()
    at = 600_000_000
    clock.high(at)
    want = []
    for seq, step in enumerate(steps + [7] * len(values)):
        at += step
        row[0] = at & 0x3FFFFFFF
        row[1] = row[2] = values[seq % len(values)]
        want.append((Decimal((EPOCH + at) * 1000 + seq % 1000).scaleb(-6), row[1]))
        assert ring.push(row)
    ring.seal()
    data = encoded(SenmlCborEncoder(clock), ring.peek(500))
    head = b"\x06\xc4\x82\x25"  # t, a decimal fraction, micro
    sizes = {data[i + 4] for i in range(len(data) - 4) if data[i : i + 4] == head}
    assert {0x19, 0x1A, 0x1B, 0x39, 0x3A, 0x3B} <= sizes and min(sizes) < 0x19
    points = resolved(cbor2.loads(data), int)
    assert [(time, value) for name, _, value, time in points if name[-1] == "a"] == want
    assert [v for name, _, v, _ in points if name[-1] == "b"] == [
        Decimal(v).scaleb(-3) for _, v in want
    ]


def test_backslashes_in_names(clock):
    class Device(Ident):
        device = "d\\, \\"

    schema = Schema("s\\n\\", [("f\\=\\", "m", 0)])
    ring = RecordRing(schema, 2000, 8, timebase=clock)
    row = schema.row()
    row[1] = 7
    ring.push(row)
    ring.seal()
    batch = ring.peek(8)
    for kind in (JsonEncoder, RowsEncoder):
        encoder = kind() if kind is RowsEncoder else kind(clock)
        doc = json.loads(encoded(encoder, batch, 512, Device))
        block = doc["blocks"][0]
        assert (doc["device"], block["series"]) == (Device.device, schema.name)
        assert block["fields"][0][0] == schema.fields[0].name
    line = encoded(LineEncoder(clock), batch, 512, Device).decode()
    series, tags, fields, _ = parse_line(line[:-1])
    assert (series, tags, fields) == ("s/n/", {"device": "d/, /"}, {"f/=/": "7"})
    assert escape("\\") == "/"
    name = "d_5c_2c_20_5c/s_5cn_5c/f_5c_3d_5c"
    text = encoded(SenmlJsonEncoder(clock), batch, 512, Device)
    assert resolved(json.loads(text, parse_float=Decimal))[0][0] == name
    data = encoded(SenmlCborEncoder(clock), batch, 512, Device)
    assert resolved(cbor2.loads(data), int)[0][0] == name


def test_1020_readings_a_second_have_their_own_times_within_their_milliseconds(clock):
    schemas = [Schema("fast", [("n", "count", 0)]), Schema("other", [("n", "count", 0)])]
    ring = RecordRing(schemas, 200_000, 64, timebase=clock)
    rows = [s.row() for s in schemas]
    count = 10 * 1020
    for i in range(count):
        for row in rows:
            row[0] = i * 1000 // 1020
            row[1] = i
            assert ring.push(row)
    ring.seal()
    batch = ring.peek(3 * count)
    assert len(batch) == 2 * count

    def check(points, unit):  # {(series, n): time in so many parts of a millisecond}
        assert len(points) == 2 * count
        for (_, n), time in points.items():
            assert time // unit == EPOCH + n * 1000 // 1020
        for schema in schemas:
            assert len({t for (series, _), t in points.items() if series == schema.name}) == count

    lines = encoded(LineEncoder(clock), batch).decode().splitlines()
    parsed = [parse_line(line) for line in lines]
    check({(series, int(fields["n"])): time for series, _, fields, time in parsed}, 10**6)
    doc = json.loads(encoded(JsonEncoder(clock), batch))
    check({(b["series"], n): time for b in doc["blocks"] for time, n in b["rows"]}, 1000)
    pack = json.loads(encoded(SenmlJsonEncoder(clock), batch), parse_float=Decimal)
    points = resolved(pack)
    check({(name.split("/")[1], n): int(t.scaleb(6)) for name, _, n, t in points}, 1000)
    pack = cbor2.loads(encoded(SenmlCborEncoder(clock), batch))
    points = resolved(pack, int)
    check({(name.split("/")[1], n): int(t.scaleb(6)) for name, _, n, t in points}, 1000)
