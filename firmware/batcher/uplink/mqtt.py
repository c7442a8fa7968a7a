"""A transport: batches as MQTT 3.1.1 messages of QoS 1, and nothing else of MQTT.

Rules
- A batch is done when every PUBACK of its messages is in; where only the first k items got
  theirs before a failure, k is what `send` returns.
- A retry of the same items carries the same name, the same packet id and DUP.
- One deadline for the whole batch.
- MQTT 3.1.1 has no word for "too large": brokers drop the message or the connection. So the
  limit is a setting, and a connection lost under a large message makes the next ones smaller.
"""

from ..errors import Rejected, RetryAfter, whole
from ..port import asyncio, create_task, log
from .mqtt_wire import CONNACK, PINGRESP, PUBACK, MqttWire, connect, fixed, text
from .transport import Transport

# 3.2.2.3: return codes of CONNACK
_REFUSALS = (
    "protocol version not accepted",
    "client id not accepted",
    "the broker is unavailable",
    "wrong user name or password",
    "not authorised",
)


class MqttUplink(Transport):
    """`batcher.register_handler(MqttUplink(url, encoder, ident, source=batcher).send)`.

    url          mqtt:// or mqtts://, or a list of them: after a failure the next one is tried
    topic        may hold {device}, {boot}, {series}
    source       the Batcher, for batches of a Ring
    user, password, client_id (the device's name), clean (session), keepalive_s
    will         (topic, payload, retain) that the broker sends when we are gone
    per_message  items a message; 0: the whole batch is one. Of records, whole blocks
    window       messages in flight at once
    limit        bytes of a packet the broker takes; 0: not known
    deadline_ms  for one batch, connecting included; ping_ms: for the answer to a ping
    `send` raises Rejected (one item above the limit), RetryAfter (the broker refuses us: a
    person has to mend it, `wait_ms`) or OSError.
    """

    def __init__(
        self,
        url,
        encoder,
        ident,
        source=None,
        topic="batcher/{device}/{series}",
        user=None,
        password=None,
        client_id=None,
        clean=True,
        keepalive_s=60,
        will=None,
        retain=False,
        per_message=0,
        window=8,
        limit=0,
        tls=None,
        deadline_ms=7000,
        ping_ms=3000,
        wait_ms=60000,
        piece=1024,
        resolver=None,
    ):
        # Before the piece: kind and length, the topic (200 bytes and its length), the packet id.
        Transport.__init__(self, encoder, ident, source, 5 + 202 + 2, piece, deadline_ms, wait_ms)
        self._wires = []
        for one in [url] if isinstance(url, str) else url:
            wire = MqttWire(one, "mqtt", (1883, 8883), tls, resolver)
            wire.lend(bytearray(128))
            if wire.path:
                raise ValueError("url: a broker has no path, found %r" % wire.path)
            self._wires.append(wire)
        self.wire = self._wires[0]
        self._hello = connect(
            client_id or ident.device,
            clean,
            whole("keepalive_s", keepalive_s, 0, 65535),
            will,
            user,
            password,
        )
        self.topic = topic
        self.retain = retain
        self.keepalive_s = keepalive_s
        self.per_message = whole("per_message", per_message, 0, 1 << 29)
        self.window = whole("window", window, 1, 999)
        self.limit = limit
        self.ping_ms = ping_ms
        self._number = 0  # the last packet id
        self._unacked = {}  # name: packet id, of what is in flight or was left open
        self._flying = []  # (name, items done once it is acknowledged), in order
        self._done = 0
        self._large = 0  # items in what was sent last, where it is perhaps too large
        self._lock = asyncio.Lock()
        self._keeper = None

    async def send(self, batch):
        """Deliver it; -> True, or how many of its first items were acknowledged."""
        offered = len(batch)
        self._done = 0
        async with self._lock:
            wire = self.wire
            wire.keep = False
            try:
                await wire.within(self.deadline_ms, self._send(batch, offered))
                wire.keep = True
            except OSError:
                if not self._done:
                    raise
            finally:
                if not wire.keep:
                    self._lost()
                if not isinstance(batch, list):
                    batch.skip = 0
        return True if self._done == offered else self._done

    def _lost(self):
        """The connection is of no use: close it, note what is open, take the next broker."""
        ids = self._unacked
        self._unacked = {one[0]: ids[one[0]] for one in self._flying if one[0] in ids}
        self._drop()
        self._wires.append(self._wires.pop(0))
        self.wire = self._wires[0]

    def _drop(self):
        self._flying.clear()
        self.wire.close()
        if self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None

    async def close(self):
        """Say goodbye, so that the will is not sent, and close."""
        async with self._lock:
            if self.wire.sock is not None:
                try:
                    self.wire.put(b"\xe0\0", 0, 2)  # DISCONNECT
                except (OSError, ValueError):
                    pass
            self._drop()

    async def _connect(self):
        wire = self.wire
        await wire.open()
        wire.stage = "CONNECT"
        wire.left = 1 << 29  # of answers; then the connection is made anew
        await wire.write(self._hello, 0, len(self._hello))
        if await wire.packet() != CONNACK:
            raise OSError("MQTT: wanted CONNACK first")
        code = wire.number & 255
        if code:
            said = "code %d" % code if code > 5 else _REFUSALS[code - 1]
            said = "MQTT: %s:%d refuses us: %s" % (wire.host, wire.port, said)
            if code == 3:
                raise OSError(said)
            raise RetryAfter(self.wait_ms, said)
        if self.keepalive_s:
            self._keeper = create_task(self._keep())

    async def _send(self, batch, total):
        wire = self.wire
        if wire.sock is None:
            await self._connect()
        flying = self._flying
        ids = self._unacked
        sent = 0
        try:
            while self._done < total:
                while sent < total and len(flying) < self.window:
                    n = await self._publish(batch, sent, total - sent)
                    sent += n
                    # What is too large, or behind a block that is cut, is the next flight's affair.
                    if n == 0 or self.most and not isinstance(batch, list):
                        total = sent
                wire.stage = "waiting for PUBACK"
                if await wire.packet() == PUBACK:
                    for name in ids:
                        if ids[name] == wire.number:
                            del ids[name]
                            break
                    while flying and flying[0][0] not in ids:
                        self._done = flying.pop(0)[1]
        except OSError:
            # Closed under a large message: perhaps it is too large for this broker.
            if flying and self._large > 1:
                self.most = self._large // 2
            raise
        if self.most:
            self.most += 1 + self.most // 8

    async def _publish(self, batch, sent, left):
        """Write one message; -> how many items are in it, 0 where one alone is above the limit."""
        while True:
            part = self.part(batch, sent, left, self.per_message or left)
            items = len(part)
            name = self.name(part, sent)
            n, length = self.begin(part, True)
            topic = self.topic.format(device=self.device, boot=self.boot, series=self.series)
            topic = text(topic)
            size = length + len(topic) + 7
            if not self.limit or size <= self.limit:
                break
            if items == 1:
                if sent:
                    return 0
                raise Rejected("a message of %d bytes, the limit is %d" % (size, self.limit))
            self.most = items // 2
        self._large = items if size > 1024 else 0
        ids = self._unacked
        number = ids.get(name)
        kind = 0x3A  # DUP: a repeat
        if number is None:
            kind = 0x32
            while True:
                self._number = number = self._number % 65535 + 1
                if number not in ids.values():
                    break
            ids[name] = number
        head = (
            bytes((number >> 8, number & 255)),
            topic,
            fixed(kind | self.retain, len(topic) + 2 + length),
        )
        at = self.head(self._start, head)
        self._flying.append((name, sent + items))
        wire = self.wire
        wire.stage = "PUBLISH"
        while True:
            await wire.write(self._buffer, at, self._start + n)
            length -= n
            if length <= 0:
                return items
            await asyncio.sleep(0)
            n = self.encoder.fill(self._piece)
            at = self._start

    async def _keep(self):
        """While nothing is sent, say that we are here, and find out that the broker is not."""
        wire = self.wire
        while True:
            await asyncio.sleep(max(1, self.keepalive_s // 2))
            async with self._lock:
                try:
                    await wire.within(self.ping_ms, self._ping())
                except OSError as exc:
                    log("MQTT: %s" % exc)
                    self._keeper = None  # that is us
                    self._lost()
                    return

    async def _ping(self):
        wire = self.wire
        wire.stage = "a ping"
        await wire.write(b"\xc0\0", 0, 2)
        while await wire.packet() != PINGRESP:
            pass
