"""Blocks as they are: nothing is encoded, the bytes in memory are the bytes on the wire.

The stream of BLOCKS.md: a hello (device, boot, epoch), then blocks, each schema announced before
its first block. Every batch can be read for itself, so a collector need not remember a connection.
"""

from binascii import crc32, unhexlify

from ..port import const
from .encoder import Encoder

_HELLO = const(1)
_SCHEMA = const(2)
_CUT = const(3)


def record(tag: int, payload) -> bytes:
    """-> a record of the stream: tag, length, payload, CRC-32."""
    data = bytes([tag, len(payload) & 255, len(payload) >> 8]) + payload
    return data + crc32(data).to_bytes(4, "little")


class BlockEncoder(Encoder):
    """application/vnd.batcher.blocks."""

    content_type = "application/vnd.batcher.blocks"

    def start(self):
        base = self._base
        kept = self._kept  # schema id: its announcement
        if not kept or base != self._epoch:
            self._epoch = list(base)  # what the hello says: 0 is unknown
            name = self._device.encode()
            ms = (base[0] * 10000 + base[1]) * 1000 + base[2]
            head = bytes([len(name)]) + name + unhexlify(self._boot)
            kept[None] = record(_HELLO, head + ms.to_bytes(6, "little"))
        yield kept[None]
        told = []  # schemas announced in this batch
        batch = self._batch
        while batch.next_block():
            schema = batch.schema
            if schema.id not in told:
                told.append(schema.id)
                if schema.id not in kept:
                    kept[schema.id] = record(_SCHEMA, schema.definition)
                yield kept[schema.id]
            if batch.count < batch.rows:
                yield record(_CUT, batch.count.to_bytes(2, "little"))
            self._text = batch.buf
            self._at = batch.start
            self._stop = batch.start + batch.size
            yield None
