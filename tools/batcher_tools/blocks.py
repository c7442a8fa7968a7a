"""Reads what firmware/BLOCKS.md describes: blocks, and the stream that carries them.

    for block in decode(body):
        for seq, t_ms, values in block.readings(): ...

`heads(body)` checks the same and leaves the numbers packed: ten times as fast.

Nothing wrong is ever returned: what is truncated, flipped or unknown raises `BlockError`.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

VERSION = 0xB1
_HEAD = 24
_HELLO, _SCHEMA, _CUT = 1, 2, 3
_GO_ON = bytes(range(128, 256))  # bytes of a varint that is not at its end
_LONG = re.compile(rb"[\x80-\xff]{5}|[\x80-\xff]{4}[\x10-\x7f]")  # above 32 bits


class BlockError(ValueError):
    """These bytes are not what they claim to be; the message says where and what."""


@dataclass
class Schema:
    """A series and its fields, [name, unit, scale] each."""

    name: str
    fields: list[list]
    id: int


@dataclass
class Block:
    """The readings of one block: `columns[k][i]` is field k of row i, None where missing.

    `times` are ms since boot. `device`, `boot` (16 hex digits) and `epoch_ms` (Unix time of the
    boot's 0, None: unknown) are filled in by `decode`, which knows them.
    """

    schema_id: int
    first: int
    times: list[int]
    columns: list[list]
    schema: Schema | None = None
    device: str = ""
    boot: str = ""
    epoch_ms: int | None = None

    def __len__(self) -> int:
        return len(self.times)

    @property
    def width(self) -> int:
        return len(self.columns)

    def cut(self, count: int) -> None:
        self.times = self.times[:count]
        self.columns = [column[:count] for column in self.columns]

    def readings(self) -> Iterator[tuple[int, int, list]]:
        """(sequence number, ms, values); ms of Unix time where the epoch is known."""
        base = self.epoch_ms or 0
        rows = zip(*self.columns, strict=True)
        for i, (time, values) in enumerate(zip(self.times, rows, strict=True)):
            yield self.first + i, base + time, list(values)

    def arrays(self) -> dict:
        """-> {"t": ..., field name: ...}; numpy arrays in the fields' units where numpy is there,
        else lists. Missing is NaN, or None."""
        names = [field[0] for field in self.schema.fields] if self.schema else []
        scales = [field[2] for field in self.schema.fields] if self.schema else []
        base = self.epoch_ms or 0
        times = [base + t for t in self.times]
        columns = [
            [None if v is None else v / 10**-s if s < 0 else v * 10**s for v in column]
            for s, column in zip(scales, self.columns, strict=True)
        ]
        try:
            import numpy
        except ImportError:
            return {"t": times, **dict(zip(names, columns, strict=True))}
        arrays = [numpy.array(column, dtype=float) for column in columns]  # None becomes NaN
        return {"t": numpy.array(times), **dict(zip(names, arrays, strict=True))}


@dataclass
class Head:
    """What is known of a block whose numbers stay packed: the same names as Block's."""

    schema_id: int
    first: int
    count: int
    width: int
    schema: Schema | None = None
    device: str = ""
    boot: str = ""
    epoch_ms: int | None = None

    def __len__(self) -> int:
        return self.count

    def cut(self, count: int) -> None:
        self.count = count


def _varints(data: bytes, at: int, end: int, count: int, where: str) -> tuple[list[int], int]:
    """-> `count` zigzag varints of 32 bits from data[at:end], and the offset after them."""
    values = []
    for _ in range(count):
        number = shift = 0
        while True:
            if at >= end:
                raise BlockError(f"{where}: the block ends inside a number")
            byte = data[at]
            at += 1
            number |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
            if shift > 28:
                raise BlockError(f"{where}: a number of more than 5 bytes at {at}")
        if number >> 32:
            raise BlockError(f"{where}: a number of more than 32 bits at {at}")
        values.append((number >> 1) ^ -(number & 1))
    return values, at


def _signed(number: int) -> int:
    return ((number + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def _frame(data: bytes, at: int) -> tuple[str, int, int, int]:
    # -> where it is in words, its end, fields, rows; all but the numbers is checked
    where = f"block at {at}"
    if len(data) - at < _HEAD:
        raise BlockError(f"{where}: {len(data) - at} bytes, a head has {_HEAD}")
    if data[at] != VERSION:
        raise BlockError(f"{where}: version byte {data[at]:#x}, wanted {VERSION:#x}")
    width = data[at + 1]
    size, count = (int.from_bytes(data[at + k : at + k + 2], "little") for k in (4, 6))
    end = at + size
    if size < _HEAD or end > len(data):
        raise BlockError(f"{where}: {size} bytes long, {len(data) - at} are there")
    crc = binascii.crc32(data[at + _HEAD : end], binascii.crc32(data[at : at + 20]))
    if crc != int.from_bytes(data[at + 20 : at + 24], "little"):
        raise BlockError(f"{where}: the CRC is wrong")
    if not count or not 0 < width <= 32:
        raise BlockError(f"{where}: {count} rows of {width} fields")
    return where, end, width, count


def check_block(data: bytes, at: int = 0) -> tuple[Head, int]:
    """-> what the block at data[at:] is, and the offset after it. Raises BlockError."""
    where, end, width, count = _frame(data, at)
    body = at + _HEAD
    numbers = body + (width + 7) // 8
    packed = data[numbers:end]
    whole = not any(data[body:numbers]) and (not packed or packed[-1] < 128)
    wanted = count - 1 + width * count
    if not whole or len(packed.translate(None, _GO_ON)) != wanted or _LONG.search(packed):
        decode_block(data, at)  # with gaps, or wrong: number by number, which says where
    schema_id = int.from_bytes(data[at + 2 : at + 4], "little")
    first = int.from_bytes(data[at + 8 : at + 14], "little")
    return Head(schema_id, first, count, width), end


def decode_block(data: bytes, at: int = 0) -> tuple[Block, int]:
    """-> the block at data[at:], and the offset after it. Raises BlockError."""
    where, end, width, count = _frame(data, at)
    body = at + _HEAD
    flags = int.from_bytes(data[body : body + (width + 7) // 8], "little")
    here = body + (width + 7) // 8
    numbers, here = _varints(data, here, end, count - 1, where)
    start = int.from_bytes(data[at + 14 : at + 20], "little")
    steps = accumulate(numbers, lambda a, b: _signed(a + b))
    times = list(accumulate(steps, initial=start))
    columns = []
    for k in range(width):
        present = [True] * count
        if flags >> k & 1:
            bits = int.from_bytes(data[here : here + (count + 7) // 8], "little")
            present = [bool(bits >> i & 1) for i in range(count)]
            here += (count + 7) // 8
        numbers, here = _varints(data, here, end, sum(present), where)
        values = accumulate(numbers, lambda a, b: _signed(a + b))
        columns.append([next(values) if there else None for there in present])
    if here != end:
        raise BlockError(f"{where}: {end - here} bytes are left over")
    schema_id = int.from_bytes(data[at + 2 : at + 4], "little")
    first = int.from_bytes(data[at + 8 : at + 14], "little")
    return Block(schema_id, first, times, columns), end


def decode_schema(data: bytes) -> Schema:
    """-> the schema of a definition. Raises BlockError."""

    def text():
        nonlocal at
        end = at + 1 + data[at]
        if end > len(data):
            raise IndexError
        found = data[at + 1 : end].decode()
        at = end
        return found

    at = 0
    fields = []
    try:
        name = text()
        count = data[at]
        at += 1
        for _ in range(count):
            field = [text(), text(), (data[at] ^ 128) - 128]
            at += 1
            fields.append(field)
    except (IndexError, UnicodeDecodeError):
        raise BlockError(f"a schema of {len(data)} bytes cannot be read") from None
    if at != len(data) or not fields:
        raise BlockError(f"a schema of {len(data)} bytes cannot be read")
    return Schema(name, fields, binascii.crc32(data) & 0xFFFF)


def _record(data, at):
    # tag, length, payload, CRC-32 -> payload, the offset after it
    end = at + 3 + int.from_bytes(data[at + 1 : at + 3], "little")
    if end + 4 > len(data):
        raise BlockError(f"record at {at}: the stream ends inside it")
    if binascii.crc32(data[at:end]) != int.from_bytes(data[end : end + 4], "little"):
        raise BlockError(f"record at {at}: the CRC is wrong")
    return data[at + 3 : end], end + 4


def decode(data: bytes) -> list[Block]:
    """-> the blocks of a whole stream, each with device, boot, epoch and schema.

    Raises BlockError: then nothing of the stream may be believed.
    """
    return _walk(data, decode_block)


def heads(data: bytes) -> list[Head]:
    """-> what `decode` would, checked as strictly, with the numbers left packed."""
    return _walk(data, check_block)


def _walk(data, read):
    schemas: dict[int, Schema] = {}
    blocks: list = []
    device = boot = epoch = None
    take = None  # rows of the next block that count
    at = 0
    while at < len(data):
        tag = data[at]
        if tag == VERSION:
            if device is None:
                raise BlockError("a block comes before the hello")
            start = at
            block, at = read(data, at)
            block.schema = schemas.get(block.schema_id)
            if block.schema is None or len(block.schema.fields) != block.width:
                raise BlockError(f"block at {start}: its schema was not announced")
            block.device, block.boot, block.epoch_ms = device, boot, epoch
            if take is not None:
                if not 0 < take <= len(block):
                    raise BlockError(f"block at {start}: cut to {take} of {len(block)} rows")
                block.cut(take)
                take = None
            blocks.append(block)
            continue
        payload, after = _record(data, at)
        if tag == _HELLO:
            n = payload[0] if payload else -1
            if len(payload) != 1 + n + 14:
                raise BlockError(f"record at {at}: a hello of {len(payload)} bytes")
            try:
                device = payload[1 : 1 + n].decode()
            except UnicodeDecodeError:
                raise BlockError(f"record at {at}: the device is not UTF-8") from None
            boot = payload[1 + n : 9 + n].hex()
            epoch = int.from_bytes(payload[9 + n :], "little") or None
        elif tag == _SCHEMA:
            schema = decode_schema(payload)
            schemas[schema.id] = schema
        elif tag == _CUT and len(payload) == 2:
            take = int.from_bytes(payload, "little")
        else:
            raise BlockError(f"record at {at}: unknown tag {tag}")
        at = after
    if device is None:
        raise BlockError("an empty stream")
    return blocks
