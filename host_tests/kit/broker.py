"""An MQTT 3.1.1 broker as small as a test needs: it acknowledges and keeps what it was sent.

Runs in the test's own loop on both interpreters. `plan(broker, message)` may answer "ack"
(default), "hold" (no PUBACK until `release()`), "close" or "mute".
"""

from batcher.port import asyncio
from kit.server import Server


class Message:
    def __init__(self, flags, topic, number, payload):
        self.dup = bool(flags & 8)
        self.qos = flags >> 1 & 3
        self.retain = bool(flags & 1)
        self.topic = topic
        self.number = number
        self.payload = payload


def string(body, at):
    n = body[at] << 8 | body[at + 1]
    return bytes(body[at + 2 : at + 2 + n]), at + 2 + n


class Broker(Server):
    def __init__(self, plan=None, code=0, pings=True, tls=None):
        super().__init__(self._talk, tls)
        self.plan = plan or (lambda broker, message: "ack")
        self.code = code  # of CONNACK
        self.pings = pings  # are they answered
        self.connects = []
        self.messages = []
        self.held = []
        self.most_held = 0
        self.pinged = 0
        self.goodbyes = 0

    async def _talk(self, reader, writer):
        while True:
            kind = (await reader.readexactly(1))[0]
            n = shift = 0
            while True:
                byte = (await reader.readexactly(1))[0]
                n |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
            body = await reader.readexactly(n) if n else b""
            if kind == 0x10:
                self.connects.append(body)
                writer.write(bytes((0x20, 2, 0, self.code)))
                await writer.drain()
                if self.code:
                    return
            elif kind & 0xF0 == 0x30:
                if await self._publish(kind, body, writer):
                    return
            elif kind == 0xC0:
                self.pinged += 1
                if self.pings:
                    writer.write(b"\xd0\0")
                    await writer.drain()
            elif kind == 0xE0:
                self.goodbyes += 1
                return
            else:
                raise OSError("what is %d?" % kind)

    async def _publish(self, kind, body, writer):
        topic, at = string(body, 0)
        number = body[at] << 8 | body[at + 1]
        message = Message(kind & 15, topic.decode(), number, bytes(body[at + 2 :]))
        self.messages.append(message)
        what = self.plan(self, message)
        if what == "close":
            return True
        if what == "ack":
            await self._ack(writer, number)
        elif what == "hold":
            self.held.append((writer, number))
            self.most_held = max(self.most_held, len(self.held))
        return False

    async def _ack(self, writer, number):
        writer.write(bytes((0x40, 2, number >> 8, number & 255)))
        await writer.drain()

    async def release(self):
        held, self.held = self.held, []
        for writer, number in held:
            await self._ack(writer, number)
            await asyncio.sleep(0)
