"""Blocks as they are: nothing is encoded, the bytes in memory are the bytes on the wire.

The stream of BLOCKS.md: a hello (device, boot, epoch), then blocks, each schema announced before
its first block. Every batch can be read for itself, so a collector need not remember a connection.
"""

from binascii import crc32

from ..port import micropython
from . import emit
from .encoder import RecordEncoder

_HELLO = 1
_SCHEMA = 2
_CUT = 3


def record(tag: int, payload) -> bytes:
    """-> a record of the stream: tag, length, payload, CRC-32."""
    data = bytes([tag, len(payload) & 255, len(payload) >> 8]) + payload
    return data + crc32(data).to_bytes(4, "little")


class BlockEncoder(RecordEncoder):
    """application/vnd.batcher.blocks."""

    content_type = "application/vnd.batcher.blocks"

    def __init__(self, *args):
        super().__init__(*args)
        self._announcements = {}
        self._told = []  # schema ids announced in this batch
        self._hello = None
        self._epoch = [0, 0, 0, 0]  # what the hello says
        self._step = 0
        self._stop = 0

    def opening(self, device, boot):
        self._hello = None
        return b""

    def begin(self, batch, ident):
        super().begin(batch, ident)
        epoch = self._epoch
        base = self._base
        known = 1 if self._known else 0
        same = epoch[0] == known and epoch[1] == base[0] and epoch[2] == base[1]
        if self._hello is None or not (same and epoch[3] == base[2]):
            epoch[0], epoch[1], epoch[2], epoch[3] = known, base[0], base[1], base[2]
            self._hello = self._new_hello()
        while self._told:
            self._told.pop()
        self._step = 0
        self._send(self._hello, 0, len(self._hello))

    def _new_hello(self):
        known, top, seconds, ms = self._epoch
        name = self._named[0].encode()
        boot = self._boot
        nonce = bytes([int(boot[i : i + 2], 16) for i in range(0, 16, 2)])
        epoch = ((top * 10000 + seconds) * 1000 + ms) if known else 0
        return record(_HELLO, bytes([len(name)]) + name + nonce + epoch.to_bytes(6, "little"))

    @micropython.native
    def fill(self, buf):
        o = 0
        end = len(buf)
        while self._part:
            n = emit.copy(self._text, self._at, self._stop, buf, o, end)
            self._at += n
            o += n
            if self._at < self._stop:
                return o
            self._advance()
        return o

    def _send(self, source, at, stop):
        self._text = source
        self._at = at
        self._stop = stop

    def _advance(self):
        # step 0: the next block, after its schema; 1: the block, after the cut; 2: the block
        batch = self._batch
        if self._step == 0:
            if not batch.next_block():
                self._part = 0
                return
            self._step = 1
            schema = batch.schema
            if schema.id not in self._told:
                self._told.append(schema.id)
                text = self._announcements.get(schema.id)
                if text is None:
                    text = record(_SCHEMA, schema.definition)
                    self._announcements[schema.id] = text
                self._send(text, 0, len(text))
                return
        if self._step == 1:
            self._step = 2
            if batch.count < batch.rows:
                text = record(_CUT, batch.count.to_bytes(2, "little"))
                self._send(text, 0, len(text))
                return
        self._step = 0
        self._send(batch.buf, batch.start, batch.start + batch.size)
