"""Blocks as they are: nothing is encoded, the bytes in memory are the bytes on the wire.

The stream of BLOCKS.md: a hello (device, boot, epoch), then blocks, each schema announced before
its first block. Every batch can be read for itself, so a collector need not remember a connection.
"""

from binascii import crc32, unhexlify

from ..port import const, micropython, ptr8  # noqa: F401
from .encoder import RecordEncoder

_HELLO = const(1)
_SCHEMA = const(2)
_CUT = const(3)


def record(tag: int, payload) -> bytes:
    """-> a record of the stream: tag, length, payload, CRC-32."""
    data = bytes([tag, len(payload) & 255, len(payload) >> 8]) + payload
    return data + crc32(data).to_bytes(4, "little")


@micropython.viper
def copy(source, at: int, stop: int, out, o: int, end: int) -> int:
    """Copy source[at:stop] to out[o:end] as far as there is room -> how many bytes."""
    s = ptr8(source)
    b = ptr8(out)
    n = stop - at
    if n > end - o:
        n = end - o
    end = o + n
    while o < end:
        b[o] = s[at]
        o += 1
        at += 1
    return n


class BlockEncoder(RecordEncoder):
    """application/vnd.batcher.blocks."""

    content_type = "application/vnd.batcher.blocks"

    def __init__(self, *args):
        super().__init__(*args)
        self._records = {}  # schema id: its announcement
        self._told = []  # schema ids announced in this batch
        self._hello = None
        self._epoch = None  # what the hello says: 0 is unknown

    def begin(self, batch, ident):
        new = super().begin(batch, ident)
        base = self._base
        if not self._known:
            base[0] = base[1] = base[2] = 0
        if new or base != self._epoch:
            self._epoch = list(base)
            name = self._device.encode()
            ms = (base[0] * 10000 + base[1]) * 1000 + base[2]
            head = bytes([len(name)]) + name + unhexlify(self._boot)
            self._hello = record(_HELLO, head + ms.to_bytes(6, "little"))
        while self._told:
            self._told.pop()
        self._step = 0
        self._left = True
        self._send(self._hello, 0, len(self._hello))

    @micropython.native
    def fill(self, buf):
        o = 0
        while self._left:
            n = copy(self._text, self._at, self._stop, buf, o, len(buf))
            self._at += n
            o += n
            if self._at < self._stop:
                break
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
                self._left = False
                return
            self._step = 1
            schema = batch.schema
            if schema.id not in self._told:
                self._told.append(schema.id)
                text = self._records.get(schema.id)
                if text is None:
                    text = record(_SCHEMA, schema.definition)
                    self._records[schema.id] = text
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
