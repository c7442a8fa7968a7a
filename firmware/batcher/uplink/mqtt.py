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
from ..port import asyncio, log, spawn
from .mqtt_wire import CONNACK, PINGRESP, PUBACK, connect, fixed, packet, text
from .transport import Transport

# 3.2.2.3: return codes of CONNACK
_REFUSALS = (
    "protocol version",
    "client id",
    "unavailable",
    "user name or password",
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
        room = 5 + 202 + 2
        Transport.__init__(
            self, encoder, ident, source, resolver, room, piece, deadline_ms, wait_ms
        )
        self.buffer = self.view = memoryview(bytearray(128))  # for what the broker says
        self._tls = tls
        self._brokers = [url] if isinstance(url, str) else list(url)
        for _ in self._brokers:  # each is looked at
            self._next()
        self._next()
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
        self._unacked = {}  # packet id: name, of what is in flight or was left open
        self._flying = []  # (packet id, items done once it is acknowledged), in order
        self._large = 0  # items in what was sent last, where it is perhaps too large
        self._busy = False  # somebody reads and writes
        self._keeper = None

    def _next(self):
        brokers = self._brokers
        url = brokers.pop(0)
        brokers.append(url)
        self.aim(url, "mqtt", ("1883", "8883"), self._tls)
        if self.path:
            raise ValueError("url: a broker has no path, found %r" % self.path)

    async def send(self, batch):
        """Deliver it; -> True, or how many of its first items were acknowledged."""
        offered = len(batch)
        try:
            await self._hold(self.deadline_ms, batch, offered)
        except OSError:
            if not self._done:
                raise
        return self._done == offered or self._done

    async def _hold(self, ms, batch, total):
        """With nobody else on the connection deliver a batch; total -1: a ping."""
        while self._busy:
            await asyncio.sleep(0.02)
        self._busy = True
        self.keep = False
        self._done = 0
        try:
            await self.within(ms, self._deliver(batch, total))
            self.keep = True
        finally:
            if not self.keep:  # the connection is of no use: note what is open, take the next
                ids = self._unacked
                if len(ids) > self.window:  # older ones are not asked for again
                    self._unacked = still = {}
                    for number, _ in self._flying:
                        if number in ids:
                            still[number] = ids[number]
                self._drop()
                self._next()
            if not isinstance(batch, list):
                batch.skip = 0
            self._busy = False

    def _drop(self):
        self._flying.clear()
        Transport.close(self)
        if self._keeper:
            self._keeper.cancel()
            self._keeper = None

    async def close(self):
        """Say goodbye, so that the will is not sent, and close."""
        while self._busy:
            await asyncio.sleep(0.02)
        try:
            if self.sock:
                self.sock.write(b"\xe0\0", 0, 2)  # DISCONNECT
        except (OSError, ValueError):
            pass
        self._drop()

    async def _connect(self):
        await self.open()
        self.stage = "CONNECT"
        self.allowed = 1 << 29  # of answers; then the connection is made anew
        await self.write(self._hello, 0, len(self._hello))
        code = await packet(self, CONNACK) & 255
        if code:
            said = "code %d" % code if code > 5 else _REFUSALS[code - 1]
            said = "MQTT: %s:%d refuses us: %s" % (self.host, self.port, said)
            if code == 3:
                raise OSError(said)
            raise RetryAfter(self.wait_ms, said)
        if self.keepalive_s:
            self._keeper = spawn(self._keep())

    async def _keep(self):
        """While nothing is sent, say that we are here, and find out that the broker is not."""
        keeper = self._keeper
        try:
            while True:
                await asyncio.sleep(max(1, self.keepalive_s // 2))
                await self._hold(self.ping_ms, [], -1)
                self._keeper = keeper
        except OSError as exc:
            log("MQTT: %s" % exc)

    async def _deliver(self, batch, total):
        if total < 0:
            self._keeper = None  # that is us: whoever drops the connection does not cancel us
            self.stage = "a ping"
            await self.write(b"\xc0\0", 0, 2)
            await packet(self, PINGRESP)
            return
        if not self.sock:
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
                self.stage = "waiting for PUBACK"
                ids.pop(await packet(self, PUBACK), None)
                while flying and flying[0][0] not in ids:
                    self._done = flying.pop(0)[1]
        except OSError:
            # Closed under a large message: perhaps it is too large for this broker.
            if flying and self._large > 1:
                self.most = self._large // 2
            raise
        self.most = (self.most * 9 + 7) // 8 * (self.most < 9999)  # grows, up to "not known"

    async def _publish(self, batch, sent, left):
        """Write one message; -> how many items are in it, 0 where one alone is above the limit."""
        while True:
            part = self.carve(batch, sent, left, self.per_message or left)
            items = len(part)
            name = self.name(part, sent)
            n, length = self.encode_first(part, True)
            topic = self.topic.format(device=self.device, boot=self.boot, series=self.series)
            topic = text(topic.replace("#", "_").replace("+", "_"))  # wildcards: 3.3.2.1
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
        kind = 0x3A  # DUP: a repeat
        for number in ids:
            if ids[number] == name:
                break
        else:
            kind = 0x32
            while True:
                self._number = number = self._number % 65535 + 1
                if number not in ids:
                    break
            ids[number] = name
        head = fixed(kind | self.retain, len(topic) + 2 + length)
        at = self.head(self._start, head + topic + number.to_bytes(2, "big"))
        self._flying.append((number, sent + items))
        self.stage = "PUBLISH"
        while True:
            await self.write(self._out, at, self._start + n)
            length -= n
            if length <= 0:
                return items
            await asyncio.sleep(0)
            n = self.encoder.fill(self._piece)
            at = self._start
