# For editors: what `from batcher import ...` gives. Checked against the code by stubtest.
from array import array
from collections.abc import Callable, Iterable
from typing import Any

class Rejected(Exception): ...

class RetryAfter(Exception):
    ms: int
    def __init__(self, ms: int, reason: str = "") -> None: ...

class Batcher:
    name: str
    overflow: str
    add: Callable[[Any], bool]
    add_many: Callable[[Iterable[Any]], int]
    def __init__(
        self,
        capacity: int | None = None,
        *,
        store: Any = None,
        interval_ms: int = 500,
        batch_size: int | None = None,
        overflow: str | None = None,
        on_error: Callable[[BaseException], Any] | None = None,
        on_drop: Callable[..., Any] | None = None,
        irq: bool = False,
        name: str = "items",
        clock: Any = None,
        backoff: Any = None,
    ) -> None: ...
    def register_handler(self, handler: Callable[[Any], Any]) -> None: ...
    def start(self) -> None: ...
    async def put(self, item: Any) -> bool: ...
    def kick(self) -> None: ...
    async def flush(self, timeout_ms: int | None = None) -> bool: ...
    async def close(self, timeout_ms: int = 5000) -> int: ...
    async def __aenter__(self) -> Batcher: ...
    async def __aexit__(self, *exc: object) -> None: ...
    @property
    def stats(self) -> dict[str, int]: ...

class Ring:
    capacity: int
    def __init__(self, capacity: int) -> None: ...
    def __len__(self) -> int: ...

class Identity:
    device: str
    boot: str
    def __init__(self, device: str | None = None, boot: str | None = None) -> None: ...

class Field:
    name: str
    unit: str
    scale: int
    def __init__(self, name: str, unit: str, scale: int) -> None: ...

class Schema:
    id: int
    name: str
    def __init__(self, name: str, fields: Iterable[Field]) -> None: ...
    def named(self, name: str) -> Schema: ...
    def row(self) -> array[int]: ...

class RecordRing:
    def __init__(
        self,
        schema: Schema | Iterable[Schema],
        nbytes: int,
        rows: int | None = None,
        timebase: Any = ...,
    ) -> None: ...

class Spool:
    def __init__(
        self,
        path: str,
        quota_bytes: int,
        *,
        codec: Any,
        boot: bytes,
        max_items: int | None = None,
        frame_bytes: int = ...,
        segment_blocks: int = ...,
        ack_bytes: int = ...,
        say: Callable[..., Any] = ...,
    ) -> None: ...
