"""A transport: batches as MQTT 3.1.1 messages of QoS 1, and nothing else of MQTT.

Rules
- A batch is done when every PUBACK of its messages is in; where only the first k items got
  theirs before a failure, k is what `send` returns.
- A retry of the same items carries the same name, the same packet id and DUP.
- One buffer: [ fixed head, topic, id | piece of the payload ]; head and first piece are one
  write. One deadline for the whole batch.
- MQTT 3.1.1 has no word for "too large": brokers drop the message or the connection. So the
  limit is a setting, and a connection lost under a large message makes the next ones smaller.
"""

from ..errors import Rejected, RetryAfter
from ..port import asyncio, current, log, spawn, ticks_diff, ticks_ms
from . import mqtt_wire as mq
from .naming import Name, begin, first_of
from .wire import Wire, within


def split_url(url):
    """ "mqtt://host:port" or mqtts:// -> (secure, host, port). Raises ValueError."""
    scheme, found, rest = url.partition("://")
    host, colon, port = rest.rstrip("/").partition(":")
    wrong = not found or scheme not in ("mqtt", "mqtts") or not host or "@" in rest
    if wrong or "/" in host + port or (colon and not port.isdigit()):
        raise ValueError("url: wanted mqtt://host:port or mqtts://host:port, found %r" % scheme)
    secure = scheme == "mqtts"
    return secure, host, int(port) if colon else 8883 if secure else 1883


class MqttUplink:
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
        self._wires = []
        for one in [url] if isinstance(url, str) else url:
            secure, host, port = split_url(one)
            if secure and tls is None:
                raise ValueError("tls: wanted a Tls(ca=...) for mqtts://")
            self._wires.append(Wire(host, port, tls if secure else None, resolver))
        if not self._wires:
            raise ValueError("url: wanted at least one")
        if piece < 512:
            raise ValueError("piece: wanted 512 or more, found %d" % piece)
        if not 1 <= window < 1000 or per_message < 0 or not 0 <= keepalive_s < 65536:
            raise ValueError("window, per_message, keepalive_s: out of range")
        self.wire = self._wires[0]
        self._start = start = 5 + 2 + 200 + 2
        self._buffer = bytearray(start + piece)
        self._piece = memoryview(self._buffer)[start:]
        self._reader = mq.Reader()
        client_id = client_id or ident.device
        self._hello = mq.connect(client_id, clean, keepalive_s, will, user, password)
        self.encoder = encoder
        self.name = Name(ident, source)
        self.topic = topic
        self.retain = retain
        self.keepalive_s = keepalive_s
        self.per_message = per_message
        self.window = window
        self.limit = limit
        self.most = 0  # items a message at most, learnt from what broke connections
        self.deadline_ms = deadline_ms
        self.ping_ms = ping_ms
        self.wait_ms = wait_ms
        self._number = 0  # the last packet id
        self._unacked = {}  # name: packet id, of what the last attempt left open
        self._flying = []  # [packet id, items done once it is acknowledged, acknowledged, name]
        self._done = 0
        self._lock = asyncio.Lock()
        self._keeper = None
        self._heard = 0
        self._large = False  # is what was sent last perhaps too large

    async def send(self, batch):
        """Deliver it; -> True, or how many of its first items were acknowledged."""
        clean = False
        offered = len(batch)
        self._done = 0
        async with self._lock:
            try:
                await within(self.deadline_ms, self._send(batch), self.wire)
                clean = True
            except OSError:
                if not self._done:
                    raise
            finally:
                if not clean:
                    self._lost()
                if not isinstance(batch, list):
                    batch.skip = 0
        return True if self._done == offered else self._done

    def _lost(self):
        """The connection is of no use: close it, note what is open, take the next broker."""
        self._unacked = {one[3]: one[0] for one in self._flying if not one[2]}
        self._flying = []
        self._drop()
        self._wires.append(self._wires.pop(0))
        self.wire = self._wires[0]

    def _drop(self):
        self.wire.close()
        keeper = self._keeper
        self._keeper = None
        if keeper is not None and keeper is not current():
            keeper.cancel()

    async def close(self):
        """Say goodbye, so that the will is not sent, and close."""
        async with self._lock:
            if self.wire.sock is not None:
                try:
                    await within(500, self.wire.write(mq.DISCONNECT, 0, 2), self.wire)
                except OSError:
                    pass
            self._drop()

    async def _connect(self):
        wire = self.wire
        await wire.open()
        wire.stage = "CONNECT"
        reader = self._reader
        reader.reset()
        await wire.write(self._hello, 0, len(self._hello))
        if await self._packet() != mq.CONNACK:
            raise OSError("MQTT: wanted CONNACK first")
        code = reader.code
        if code:
            said = mq.REFUSALS[code] if code < len(mq.REFUSALS) else "code %d" % code
            said = "MQTT: %s:%d refuses us: %s" % (wire.host, wire.port, said)
            if code == 3:
                raise OSError(said)
            raise RetryAfter(self.wait_ms, said)
        if self.keepalive_s:
            self._keeper = spawn(self._keep(wire))

    async def _packet(self):
        reader = self._reader
        while True:
            kind = reader.parse()
            if kind:
                self._heard = ticks_ms()
                return kind
            n = await self.wire.read(reader.room())
            if not n:
                raise OSError("MQTT: the broker closed the connection (%s)" % self.wire.stage)
            reader.got(n)

    async def _send(self, batch):
        if self.wire.sock is None:
            await self._connect()
        total = len(batch)
        sent = 0
        flying = self._flying
        try:
            while self._done < total:
                while sent < total and len(flying) < self.window:
                    n = await self._publish(self._part(batch, total, sent), sent)
                    sent += n
                    # What is too large, or behind a block that is cut, is the next flight's affair.
                    if n == 0 or self.most and not isinstance(batch, list):
                        total = sent
                self.wire.stage = "waiting for PUBACK"
                if await self._packet() == mq.PUBACK:
                    self._acknowledged(self._reader.number)
        except OSError:
            # Closed under a large message: perhaps it is too large for this broker.
            if flying and flying[0][1] - self._done > 1 and self._large:
                self.most = (flying[0][1] - self._done) // 2
            raise
        if self.most:
            self.most += 1 + self.most // 8

    def _part(self, batch, total, sent):
        n = self.per_message or total
        if 0 < self.most < n:
            n = self.most
        if isinstance(batch, list):
            return batch if n >= total else batch[sent : sent + n]
        batch.skip = sent
        batch.limit(total - sent)
        if n < total - sent:
            k = 0
            while batch.next_block() and (k == 0 or k + batch.count <= n):
                k += batch.count
            batch.limit(n if self.most and k > n else k)
        return batch

    def _acknowledged(self, number):
        flying = self._flying
        for one in flying:
            if one[0] == number:
                one[2] = True
        while flying and flying[0][2]:
            self._done = flying.pop(0)[1]

    async def _publish(self, part, sent):
        """Write one message; -> how many items are in it, 0 where one alone is above the limit."""
        piece = self._piece
        while True:
            name = self.name.of(part, sent)
            n, length, last = begin(self.encoder, part, self.name, piece, True)
            topic = self.topic.format(
                device=self.name.device, boot=self.name.boot, series=self.name.series
            ).encode()
            size = length + len(topic) + 9
            if not self.limit or size <= self.limit:
                break
            items = len(part)
            if items == 1:
                if sent:
                    return 0
                raise Rejected("a message of %d bytes, the limit is %d" % (size, self.limit))
            self.most = items // 2
            part = first_of(part, self.most)
        self._large = size > 1024
        number = self._unacked.get(name)
        again = number is not None
        if not again:
            number = self._new_number()
        at = self._head(topic, number, length, 0x3A if again else 0x32)
        self._flying.append([number, sent + len(part), False, name])
        self.wire.stage = "PUBLISH"
        end = self._start + n
        while True:
            await self.wire.write(self._buffer, at, end)
            if last:
                return len(part)
            await asyncio.sleep(0)
            n = self.encoder.fill(piece)
            length -= n
            if not n:
                return len(part)
            at = self._start
            end = at + n

    def _new_number(self):
        while True:
            self._number = number = self._number % 65535 + 1
            if all(number != one[0] for one in self._flying):
                if number not in self._unacked.values():
                    return number

    def _head(self, topic, number, length, kind):
        """Put the fixed head, the topic and the id right before the piece; -> where it begins."""
        if len(topic) > 200:
            raise ValueError("topic: longer than 200 bytes")
        buffer = self._buffer
        at = self._start - 4 - len(topic)
        n = mq.put_length(buffer, 0, len(topic) + 4 + length)
        buffer[at - n : at] = buffer[:n]
        begins = at - n - 1
        buffer[begins] = kind | self.retain
        buffer[at] = len(topic) >> 8
        buffer[at + 1] = len(topic) & 255
        buffer[at + 2 : at + 2 + len(topic)] = topic
        buffer[self._start - 2] = number >> 8
        buffer[self._start - 1] = number & 255
        return begins

    async def _keep(self, wire):
        """While nothing is sent, say that we are here, and find out that the broker is not."""
        every = max(1, self.keepalive_s // 2)
        while wire.sock is not None:
            await asyncio.sleep(every)
            if ticks_diff(ticks_ms(), self._heard) < every * 1000:
                continue
            async with self._lock:
                if wire is not self.wire or wire.sock is None:
                    return
                try:
                    await within(self.ping_ms, self._ping(), wire)
                except OSError as exc:
                    log("MQTT: %s" % exc)
                    self._lost()

    async def _ping(self):
        self.wire.stage = "ping"
        await self.wire.write(mq.PING, 0, 2)
        while await self._packet() != mq.PINGRESP:
            pass
