# heap: 512k
"""The MQTT transport against a small broker on loopback."""

import json

from batcher.errors import Rejected, RetryAfter
from batcher.identity import Identity
from batcher.port import asyncio, ticks_diff, ticks_ms
from batcher.records import RecordRing
from batcher.schema import Schema
from batcher.timebase import Timebase
from batcher.uplink import mqtt_wire as mq
from batcher.uplink.build import encoder
from batcher.uplink.enc_cbor import SenmlCborEncoder
from batcher.uplink.enc_rows import RowsEncoder
from batcher.uplink.enc_senml import SenmlJsonEncoder
from batcher.uplink.mqtt import MqttUplink
from batcher.uplink.wire import Wire
from kit.broker import Broker, string
from kit.check import raises
from kit.encoder import PlainJson, Source
from kit.server import Server

IDENT = Identity("dev-1", "00112233aabbccdd")


def uplink(server, **settings):
    settings.setdefault("deadline_ms", 2000)
    settings.setdefault("source", Source())
    url = settings.pop("url", None) or "mqtt://127.0.0.1:%d" % server.port
    return MqttUplink(url, PlainJson(), IDENT, **settings)


def run(main):
    asyncio.run(main())


async def failure(up, batch, kind):
    try:
        await up.send(batch)
    except kind as exc:
        assert up.sock is None
        return exc
    raise AssertionError("nothing was raised, wanted %s" % kind.__name__)


def items(broker):
    return [item for m in broker.messages for item in json.loads(m.payload)["items"]]


def test_a_batch_is_one_message_and_the_connection_is_kept():
    async def main():
        async with Broker() as broker:
            up = uplink(broker, topic="site/{device}/{series}/{boot}", retain=True)
            assert await up.send([{"v": 1}, {"v": 2}]) is True
            assert await up.send(list(range(1000))) is True  # larger than the buffer
            assert broker.connections == 1
            first, second = broker.messages
            assert first.topic == "site/dev-1/items/00112233aabbccdd"
            assert (first.qos, first.dup, first.retain) == (1, False, True)
            assert (first.number, second.number) == (1, 2)
            doc = json.loads(first.payload)
            assert doc["device"] == "dev-1" and doc["first"] == 0
            assert doc["items"] == [{"v": 1}, {"v": 2}]
            assert json.loads(second.payload)["items"] == list(range(1000))
            await up.close()
            await asyncio.sleep(0.01)
            assert broker.goodbyes == 1

    run(main)


def test_records_longer_than_the_buffer_are_one_message_in_every_format():
    for form in ("rows", "json", "senml", "cbor", "blocks"):
        schema = Schema("room", [("temperature", "Cel", -2)])
        ring = RecordRing(schema, 4000)
        row = schema.row()
        for i in range(600):
            row[0], row[1] = 1000 * i, i * 7919 & 0x3FFF
            assert ring.push(row)

        async def main(form=form, ring=ring):
            async with Broker() as broker:
                url = "mqtt://127.0.0.1:%d" % broker.port
                up = MqttUplink(url, encoder(form), IDENT, piece=512)
                assert await up.send(ring.peek(600)) is True, form
                (message,) = broker.messages
                assert len(message.payload) > 1000, form
                await up.close()

        run(main)


def test_what_was_counted_is_what_is_sent_though_time_goes_by():
    # Before the clock is set SenML's times are relative to now, which is later in a second pass.
    class Hurried:
        ticks = 99663  # the first pass is at 99937, the second at 100074: a digit more

        def __call__(self):
            self.ticks += 137
            return self.ticks

    for kind in (SenmlJsonEncoder, SenmlCborEncoder):
        clock = Timebase(Hurried())
        schema = Schema("room", [("temperature", "Cel", -2)])
        ring = RecordRing(schema, 4000, timebase=clock)
        row = schema.row()
        for i in range(100):
            row[0], row[1] = 1000 * i, i * 7919 & 0x3FFF
            assert ring.push(row)

        async def main(kind=kind, ring=ring, clock=clock):
            async with Broker() as broker:
                url = "mqtt://127.0.0.1:%d" % broker.port
                up = MqttUplink(url, kind(clock), IDENT, piece=512, deadline_ms=3000)
                for _ in range(5):
                    assert await up.send(ring.peek(100)) is True, kind
                heads = [bytes(m.payload[:60]) for m in broker.messages]
                assert len(heads) == 5 and heads[0] != heads[4], heads  # each says how long ago
                await up.close()

        run(main)


def test_connect_says_who_we_are():
    packet = mq.connect("id-1", False, 300, ("will/t", b"gone", True), "joe", "secret")
    head = b"\0\x04MQTT\x04\xec\x01\x2c"
    body = b"\0\x04id-1\0\x06will/t\0\x04gone\0\x03joe\0\x06secret"
    assert packet == bytes((0x10, len(head) + len(body))) + head + body
    assert mq.connect("i", True, 0, None, None, None) == b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01i"
    long = mq.connect("x" * 200, True, 0, None, None, None)
    assert long[1:3] == bytes(((len(long) - 3) & 127 | 128, (len(long) - 3) >> 7))

    async def main():
        async with Broker() as broker:
            up = uplink(broker, user="joe", password="secret", will=("w", "x", False))
            await up.send([1])
            body = broker.connects[0]
            assert body[7] == 0xCE
            assert string(body, 10)[0] == b"dev-1"
            await up.close()

    run(main)


def test_each_refusal_is_a_clear_error():
    words = ("version", "client id", "unavailable", "user name or password", "not authorised", "9")

    async def main():
        for code, word in zip((1, 2, 3, 4, 5, 9), words):  # noqa: B905
            async with Broker(code=code) as broker:
                up = uplink(broker, password="secret", user="joe", wait_ms=77)
                exc = await failure(up, [1], OSError if code == 3 else RetryAfter)
                assert word in str(exc), str(exc)
                assert "secret" not in str(exc)
                assert code == 3 or exc.ms == 77

    run(main)


def test_messages_fly_together_up_to_the_window():
    async def main():
        async with Broker(lambda broker, m: "hold") as broker:
            up = uplink(broker, per_message=10, window=4)
            task = asyncio.create_task(up.send(list(range(100))))
            while not task.done():
                await broker.release()
                await asyncio.sleep(0.002)
            assert await task is True
            assert broker.most_held == 4, broker.most_held
            assert items(broker) == list(range(100))
            assert [json.loads(m.payload)["first"] for m in broker.messages] == list(
                range(0, 100, 10)
            )
            await up.close()

    run(main)


def test_acknowledgements_out_of_order_count_when_all_before_are_in():
    async def main():
        async with Broker(lambda broker, m: "ack" if m.number > 1 else "hold") as broker:
            up = uplink(broker, per_message=1, window=8, deadline_ms=200)
            await failure(up, [0, 1, 2, 3], OSError)
            broker.plan = lambda broker, m: "ack" if m.number < 7 else "hold"
            up._unacked = {}
            up._number = 4
            assert await up.send([0, 1, 2, 3]) == 2  # 5 and 6 were acknowledged, 7 was not
            await up.close()

    run(main)


def test_a_retry_has_the_same_name_and_number_and_says_dup():
    async def main():
        async with Broker(lambda broker, m: "ack" if m.dup else "close") as broker:
            up = uplink(broker)
            await failure(up, [1, 2], OSError)
            up.most = 0
            assert await up.send([1, 2]) is True
            one, two = broker.messages
            assert (one.dup, two.dup) == (False, True)
            assert one.number == two.number and one.payload == two.payload
            assert await failure(up, [3], OSError)
            assert broker.messages[-1].number == one.number + 1
            await up.close()

    run(main)


def test_packet_ids_wrap():
    async def main():
        async with Broker() as broker:
            up = uplink(broker, per_message=1)
            up._number = 65533
            assert await up.send([1, 2, 3, 4]) is True
            assert [m.number for m in broker.messages] == [65534, 65535, 1, 2]
            up._unacked = {3: b"other"}
            assert await up.send([1]) is True
            assert broker.messages[-1].number == 4
            await up.close()

    run(main)


def test_a_packet_limit_splits_and_one_item_above_it_is_rejected():
    async def main():
        async with Broker() as broker:
            up = uplink(broker, limit=300)
            assert await up.send(list(range(400))) is True
            assert items(broker) == list(range(400))
            assert all(len(m.payload) + len(m.topic) + 9 <= 300 for m in broker.messages)
            assert len(broker.messages) < 25, len(broker.messages)
            exc = await failure(up, ["x" * 400], Rejected)
            assert "300" in str(exc)
            assert await up.send([1, 2, "x" * 400, 3]) == 2
            assert up.sock is not None
            await up.close()

    run(main)


def test_a_connection_lost_under_a_large_message_makes_the_next_smaller():
    async def main():
        async with Broker(lambda b, m: "ack" if len(m.payload) < 1500 else "close") as broker:
            up = uplink(broker)
            batch = list(range(1000))
            for _ in range(5):
                try:
                    assert await up.send(batch) is True
                    break
                except OSError:
                    pass
            else:
                raise AssertionError("it never became small enough")
            good = [m for m in broker.messages if len(m.payload) < 1500]
            assert [i for m in good for i in json.loads(m.payload)["items"]] == batch
            assert up.most > 0
            for _ in range(100):  # what was learnt is forgotten in time, and does not grow for ever
                assert await up.send([1]) is True
            assert up.most == 0
            await up.close()

    run(main)


def test_silence_ends_at_the_deadline_wherever_it_begins():
    async def mute(reader, writer):
        await reader.read(1000)
        await asyncio.sleep(1)

    async def main():
        for server in (Server(mute), Broker(lambda broker, m: "mute")):
            async with server:
                up = uplink(server, deadline_ms=200)
                start = ticks_ms()
                exc = await failure(up, [1], OSError)
                assert "200 ms" in str(exc)
                assert ticks_diff(ticks_ms(), start) < 500

    run(main)


def test_garbage_is_not_taken_for_a_broker():
    async def garbage(reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        await reader.read(1000)

    async def main():
        async with Server(garbage) as server:
            exc = await failure(uplink(server), [1], OSError)
            assert "MQTT" in str(exc)

    run(main)


class Script:
    """A socket that gives a stream in parts of `step` bytes, then its end."""

    def __init__(self, stream, step):
        self.stream = stream
        self.step = step

    def readinto(self, view):
        n = min(self.step, len(view), len(self.stream))
        view[:n] = self.stream[:n]
        self.stream = self.stream[n:]
        return n


def wire(stream, step):
    wire = Wire()
    wire.buffer = bytearray(128)
    wire.view = memoryview(wire.buffer)
    wire.at = wire.end = 0
    wire.stage = "reading"
    wire.allowed = 10000
    wire.sock = Script(stream, step)
    return wire


def test_the_reader_takes_any_cut_and_passes_over_messages():
    stream = b"\x20\x02\x01\x00" + b"\x30\x82\x01" + bytes(130) + b"\xd0\x00" + b"\x40\x02\x12\x34"

    async def main():
        for step in (1, 2, 3, 7, 100):
            one = wire(stream, step)
            found = []
            for kind in (mq.CONNACK, mq.PINGRESP, mq.PUBACK):
                found.append(await mq.packet(one, kind))
            assert found == [0x100, 0, 0x1234], (step, found)
            with raises(OSError, "ended"):
                await mq.packet(one, mq.PUBACK)
            # What is before the wanted one is passed over, and no more than that is taken.
            one = wire(stream + b"\x40\x02\0\x07", step)
            assert await mq.packet(one, mq.PUBACK) == 0x1234, step
            assert await mq.packet(one, mq.PUBACK) == 7, step
        for bad in (
            b"\x40\x03abc",
            b"\xd0\x02ab",
            b"\x20\x00",
            b"\x20\xff\xff\xff\xff\xff",
            b"\x30\xff\xff\xff\xff\xff",
            b"\x90\x03abc",
            b"\x90\x02ab",
        ):
            with raises(OSError, "no answer of a broker"):
                await mq.packet(wire(bad, 100), mq.PUBACK)

    run(main)


def test_a_connection_refused_in_between_leaves_the_numbers_as_they_were():
    async def main():
        async with Broker(lambda broker, m: "hold") as broker:
            up = uplink(broker, per_message=2, deadline_ms=300)
            await failure(up, [1, 2, 3, 4], OSError)
            broker.code = 3
            await failure(up, [1, 2, 3, 4], OSError)
            broker.code = 0
            broker.plan = lambda broker, m: "ack"
            assert await up.send([1, 2, 3, 4]) is True
            told = [(m.number, m.dup) for m in broker.messages]
            assert told == [(1, False), (2, False), (1, True), (2, True)], told
            assert await up.send([5]) is True
            assert not broker.messages[-1].dup and broker.messages[-1].number == 3
            await up.close()

    run(main)


def test_wildcards_in_a_name_are_none_in_the_topic():
    async def main():
        async with Broker() as broker:
            source = Source()
            source.name = "soil #1 +/2"
            up = uplink(broker, source=source)
            assert await up.send([1]) is True
            assert broker.messages[0].topic == "batcher/dev-1/soil _1 _/2"
            assert json.loads(broker.messages[0].payload)["series"] == "soil #1 +/2"
            await up.close()

    run(main)


def test_an_idle_connection_is_kept_alive_and_its_death_noticed():
    async def main():
        async with Broker() as broker:
            up = uplink(broker, keepalive_s=1, ping_ms=400)
            await up.send([1])
            await asyncio.sleep(2.2)
            assert broker.pinged >= 1 and up.sock is not None
            broker.pings = False
            await asyncio.sleep(1.8)
            assert up.sock is None
            assert await up.send([2]) is True
            assert broker.connections == 2
            broker.pings = True
            pinged = broker.pinged
            await asyncio.sleep(1.8)
            assert broker.pinged > pinged
            await up.close()
            await asyncio.sleep(0.05)
            if hasattr(asyncio, "all_tasks"):
                left = [task for task in asyncio.all_tasks() if "_keep" in repr(task)]
                assert not left, left

    run(main)


def test_the_next_broker_is_tried_after_a_failure():
    async def main():
        async with Broker() as good:
            async with Broker() as dead:
                pass
            urls = ["mqtt://127.0.0.1:%d" % s.port for s in (dead, good)]
            up = uplink(good, url=urls)
            await failure(up, [1], OSError)
            assert await up.send([1]) is True
            await up.close()

    run(main)


def test_arguments_are_checked():
    def wire(url, tls=None):
        return MqttUplink(url, PlainJson(), IDENT, tls=tls)

    one = wire("mqtt://h")
    assert (one.tls, one.host, one.port) == (None, "h", 1883)
    two = wire("mqtts://1.2.3.4:99/", "a Tls")
    assert (two.tls, two.host, two.port) == ("a Tls", "1.2.3.4", 99)
    assert wire("mqtts://h", "a Tls").port == 8883
    for url in ("h", "http://h", "mqtt://u:secret@h", "mqtt://h:x", "mqtt://", "mqtt://h/t"):
        with raises(ValueError, "url") as caught:
            wire(url)
        assert "secret" not in str(caught.exc)
    with raises(ValueError, "tls"):
        MqttUplink("mqtts://h", PlainJson(), IDENT)
    for wrong in ({"window": 0}, {"per_message": -1}, {"keepalive_s": 70000}, {"piece": 5}):
        with raises(ValueError):
            MqttUplink("mqtt://127.0.0.1", PlainJson(), IDENT, **wrong)


def records(rows=10, n=60):
    ring = RecordRing(Schema("s", [("a", "Cel", 0)]), 4096, rows)
    row = ring.schemas[0].row()
    for i in range(n):
        row[0] = row[1] = i
        assert ring.push(row)
    ring.seal()
    return ring


def rows_of(message):
    doc = json.loads(message.payload)
    found = []
    for block in doc["blocks"]:
        found += [(block["first"] + k, row[1]) for k, row in enumerate(block["rows"])]
    return found


def test_several_messages_of_one_batch_of_records_are_in_flight():
    async def main():
        async with Broker(lambda b, m: "hold") as broker:
            ring = records()
            up = MqttUplink(
                "mqtt://127.0.0.1:%d" % broker.port, RowsEncoder(), IDENT, per_message=20, window=2
            )
            task = asyncio.create_task(up.send(ring.peek(60)))
            for done in (2, 3):
                while len(broker.messages) < done:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.05)
                assert len(broker.messages) == done and not task.done()
                await broker.release()
            assert await task is True
            assert broker.most_held == 2
            assert [rows_of(m) for m in broker.messages] == [
                [(i, i) for i in range(k, k + 20)] for k in (0, 20, 40)
            ]
            ring.commit(60)
            assert len(ring) == 0
            await up.close()

    run(main)


def test_records_whose_first_messages_only_were_acknowledged_come_again_behind_them():
    async def main():
        def plan(broker, message):
            return "close" if len(broker.messages) == 3 else "ack"

        async with Broker(plan) as broker:
            ring = records()
            up = MqttUplink(
                "mqtt://127.0.0.1:%d" % broker.port, RowsEncoder(), IDENT, per_message=25, window=3
            )
            batch = ring.peek(60)
            k = await up.send(batch)
            assert k == 40 and len(broker.messages) == 3  # whole blocks: twenty a message
            ring.commit(k)
            broker.plan = lambda broker, message: "ack"
            assert await up.send(ring.peek(60)) is True
            again = broker.messages[-1]
            assert again.dup and again.number == broker.messages[2].number
            assert again.payload == broker.messages[2].payload
            assert rows_of(again) == [(i, i) for i in range(40, 60)]
            await up.close()

    run(main)


def test_records_beyond_the_broker_s_limit_are_cut_and_none_is_lost():
    async def main():
        async with Broker() as broker:
            ring = records(rows=30)
            up = MqttUplink("mqtt://127.0.0.1:%d" % broker.port, RowsEncoder(), IDENT, limit=250)
            left = 60
            while left:
                batch = ring.peek(60)
                offered = len(batch)
                k = await up.send(batch)
                k = offered if k is True else k
                ring.commit(k)
                left -= k
            assert len(broker.messages) > 3
            got = [r for m in broker.messages for r in rows_of(m)]
            assert got == [(i, i) for i in range(60)]
            await up.close()

    run(main)
