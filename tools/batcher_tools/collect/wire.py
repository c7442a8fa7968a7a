"""What a board may post, read strictly: bytes in, `Batch`es out, or `Unreadable` with a reason.

Nothing here touches a socket or a database. The reason goes back to the board in a 400, and
the board then halves the batch until the bad item stands alone: so it names the place.
"""

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from ..blocks import BlockError, Head, decode, heads

JSON = "application/json"
BLOCKS = "application/vnd.batcher.blocks"
FORMATS = "rows, json and blocks"  # as a configuration's uplink.format names them

# A sequence number and a time must fit SQLite's integers; nothing real comes near.
_LARGEST = 2**62
_BOOT = re.compile(r"[0-9a-f]{16}")


class Unreadable(ValueError):
    """The content is wrong, and will be wrong again: 400."""


class Unsupported(ValueError):
    """The content type is unknown. The data may be fine: 415, and the board keeps it."""


@dataclass
class Batch:
    """Items of one series in sequence. `rows` are (t_ms or None, value) pairs."""

    device: str
    boot: str
    series: str
    first: int
    rows: list[tuple[int | None, Any]]
    fields: list[list] | None = None  # [[name, unit, scale], ...]; None: items are free JSON
    unix: bool = False  # t counts from 1970, not from the board's start
    extra: dict = field(default_factory=dict)

    @property
    def ack(self) -> str:
        return f"{self.device}/{self.boot}/{self.series}/{self.first}/{len(self.rows)}"


@dataclass
class Packed:
    """A stream of blocks, checked, that stays as it came until somebody has time for it."""

    body: bytes
    heads: list[Head]

    @property
    def ack(self) -> str:
        head = self.heads[0]
        return f"{head.device}/{head.boot}/{head.schema.name}/{head.first}/{len(head)}"


def parse(body: bytes, content_type: str) -> "list[Batch] | Packed":
    """-> the batches of one request. Raises Unreadable or Unsupported."""
    kind = content_type.partition(";")[0].strip().lower() or JSON
    if kind == JSON:
        return _parse_json(body)
    if kind == BLOCKS:
        try:
            return Packed(body, heads(body))
        except BlockError as exc:
            raise Unreadable(str(exc)) from None
    raise Unsupported(f"content type: wanted {JSON} or {BLOCKS}, found {kind!r}")


def _parse_json(body: bytes) -> list[Batch]:
    try:
        whole = json.loads(body, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError) as exc:
        raise Unreadable(f"not JSON: {exc}") from None
    if not isinstance(whole, dict):
        raise Unreadable(f"wanted an object, found {_kind(whole)}")
    device = _get(whole, "device", str, "")
    boot = _get(whole, "boot", str, "")
    _check_name(device, "device")
    if not _BOOT.fullmatch(boot):
        raise Unreadable(f"boot: wanted 16 hex digits, found {boot[:40]!r}")
    if "blocks" in whole and "items" in whole:
        raise Unreadable("wanted blocks or items, found both")
    if "blocks" in whole:
        blocks = _get(whole, "blocks", list, "")
        return [_block(device, boot, block, f"blocks[{i}].") for i, block in enumerate(blocks)]
    items = _get(whole, "items", list, "")
    first = _whole_number(whole, "first", "")
    return [Batch(device, boot, _series(whole, ""), first, [(None, item) for item in items])]


def _block(device: str, boot: str, block: Any, where: str) -> Batch:
    if not isinstance(block, dict):
        raise Unreadable(f"{where[:-1]}: wanted an object, found {_kind(block)}")
    fields = _get(block, "fields", list, where)
    for i, entry in enumerate(fields):
        if not (
            isinstance(entry, list)
            and [type(part) for part in entry] == [str, str, int]
            and -30 <= entry[2] <= 30
        ):
            raise Unreadable(f"{where}fields[{i}]: wanted [name, unit, scale], found {entry!r:.60}")
    base = block.get("t", "boot")
    if base not in ("boot", "unix", "boot_us", "unix_us"):
        raise Unreadable(f"{where}t: wanted 'boot', 'unix' (ms) or '..._us', found {base!r:.40}")
    per_ms = 1000 if base.endswith("_us") else 1
    rows = []
    for i, row in enumerate(_get(block, "rows", list, where)):
        if not isinstance(row, list) or len(row) != 1 + len(fields):
            raise Unreadable(
                f"{where}rows[{i}]: wanted a time and {len(fields)} values, found {row!r:.60}"
            )
        t, *values = row
        if type(t) is not int or not -_LARGEST < t < _LARGEST:
            raise Unreadable(f"{where}rows[{i}][0]: wanted milliseconds, found {t!r:.40}")
        for j, value in enumerate(values):
            if value is not None and type(value) not in (int, float):
                raise Unreadable(
                    f"{where}rows[{i}][{j + 1}]: wanted a number or null, found {_kind(value)}"
                )
        rows.append((t // per_ms, values))
    first = _whole_number(block, "first", where)
    return Batch(device, boot, _series(block, where), first, rows, fields, base.startswith("unix"))


def unpack(body: bytes) -> list[Batch]:
    """-> the batches of a stream of blocks that `parse` has checked."""
    return [
        Batch(
            block.device,
            block.boot,
            block.schema.name,
            block.first,
            [(t, values) for _, t, values in block.readings()],
            block.schema.fields,
            block.epoch_ms is not None,
        )
        for block in decode(body)
    ]


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


def _finite(text):
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text:.20} is too large a number")
    return number


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "a truth value", int: "a number", float: "a number", str: "a string"}
    return names.get(type(value)) or ("a list" if isinstance(value, list) else "an object")


def _get(mapping: dict, key: str, kind: type, where: str) -> Any:
    if key not in mapping:
        raise Unreadable(f"{where}{key}: missing")
    value = mapping[key]
    if type(value) is not kind:
        wanted = {str: "a string", int: "a whole number", list: "a list"}[kind]
        raise Unreadable(f"{where}{key}: wanted {wanted}, found {_kind(value)}")
    return value


def _series(mapping: dict, where: str) -> str:
    series = _get(mapping, "series", str, where)
    _check_name(series, f"{where}series")
    return series


def _check_name(name: str, what: str) -> None:
    if not 1 <= len(name) <= 64:
        raise Unreadable(f"{what}: wanted 1 to 64 characters, found {len(name)}")
    try:
        name.encode()
    except UnicodeEncodeError:  # half of a pair that JSON can write
        raise Unreadable(f"{what}: wanted Unicode, found {name!a}") from None


def _whole_number(mapping: dict, key: str, where: str) -> int:
    number = _get(mapping, key, int, where)
    if not 0 <= number < _LARGEST:
        raise Unreadable(f"{where}{key}: wanted 0 or more, found {number}")
    return number
